package runbook

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// IncludesMax bounds the runbooks that one runbook is made of.
const IncludesMax = 200

// Include makes a block of another runbook, with params and vars of its own.
type Include struct {
	File    *source.Node // its path, as written
	Runbook *Runbook     // nil when it could not be loaded
	With    []*Var       // its params, made of what is known before the run
}

// Loader reads runbooks, and those they include.
type Loader struct {
	Root string                                     // what is included stands in it or below; "": the directory of the runbook
	Read func(path string) (text string, err error) // nil: from the file system
}

// Load reads, decodes and checks the runbook at path. What the file system says is returned as
// it is; what is wrong inside is source.Problems, all of it. Warnings come beside a runbook.
func (l Loader) Load(path string) (*Runbook, source.Problems, error) {
	node, err := source.ReadFile(path, path)
	if err != nil {
		return nil, nil, err
	}
	return l.Decode(node, filepath.Dir(path))
}

// LoadText is Load for a text that is at hand: the copy a run keeps of its runbook.
func (l Loader) LoadText(text, name, dir string) (*Runbook, source.Problems, error) {
	node, err := source.Parse(&source.File{Name: name, Text: text})
	if err != nil {
		return nil, nil, err
	}
	return l.Decode(node, dir)
}

// Decode reads a runbook from a parsed document; dir is where its relative paths start.
func (l Loader) Decode(node *source.Node, dir string) (*Runbook, source.Problems, error) {
	if l.Root == "" {
		l.Root = dir
	}
	d := &decoder{loader: &l, count: new(int)}
	rb := d.document(node, dir, nil)
	d.problems.Sort()
	if err := d.problems.Err(); err != nil {
		return nil, nil, err
	}
	return rb, d.problems, nil
}

// document decodes one runbook, and what it includes; by is the step that includes it.
func (d *decoder) document(node *source.Node, dir string, by *Step) *Runbook {
	rb := d.runbook(node)
	rb.Dir, rb.By, rb.Root.Parent = dir, by, by
	if len(rb.Root.Steps) == 0 || d.shaky(node) { // a mistake in one step does not hide those of another
		return rb
	}
	d.arrange(rb)
	d.includes(rb)
	if by == nil {
		rb.decideDefault()
	}
	d.compile(rb)
	return rb
}

// includes loads the runbooks that steps of rb are made of.
func (d *decoder) includes(rb *Runbook) {
	rb.own(func(s *Step) {
		if s.Include == nil || s.Include.File == nil || s.Include.File.Kind != source.Scalar || strings.Contains(s.Include.File.Text, "${{") {
			return // what is wrong with the path was said
		}
		if *d.count++; *d.count > IncludesMax {
			d.problem(s.Include.File, "a runbook includes at most %d others", IncludesMax)
			return
		}
		s.Include.Runbook = d.include(rb, s)
		if inner := s.Include.Runbook; inner != nil {
			inner.Root.Always, inner.Finally = inner.Finally, nil
			s.Steps = []*Step{inner.Root}
		}
	})
}

func (d *decoder) include(rb *Runbook, s *Step) *Runbook {
	n := s.Include.File
	path := filepath.Join(rb.Dir, filepath.FromSlash(n.Text))
	if filepath.IsAbs(n.Text) {
		path = filepath.Clean(n.Text)
	}
	if rel, err := filepath.Rel(d.loader.Root, path); err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		d.problem(n, "a runbook outside of the project cannot be included").Hint = "the project is " + d.loader.Root + ": the directory with opsctl.yaml, or that of the runbook"
		return nil
	}
	chain := []string{filepath.Base(path)}
	for at := rb; at != nil; at = at.includer() {
		chain = append([]string{filepath.Base(at.File.Name)}, chain...)
		if same(at, path) {
			d.problem(n, "these runbooks include each other: %s", strings.Join(chain, " → "))
			return nil
		}
	}
	node, err := d.read(path)
	var problems source.Problems
	switch {
	case errors.As(err, &problems):
		d.problems = append(d.problems, problems...)
		return nil
	case errors.Is(err, fs.ErrNotExist):
		d.problem(n, "there is no runbook %s", path).Hint = "the path is relative to this runbook's file"
		return nil
	case err != nil:
		d.problem(n, "cannot read the runbook %s: %s", path, err)
		return nil
	}
	before := len(d.problems)
	inner := d.document(node, filepath.Dir(path), s)
	if d.problems[before:].Err() != nil {
		return nil
	}
	return inner
}

// read gets a document from where the loader has it.
func (d *decoder) read(path string) (*source.Node, error) {
	if d.loader.Read == nil {
		return source.ReadFile(path, path)
	}
	text, err := d.loader.Read(path)
	if err != nil {
		return nil, err
	}
	return source.Parse(&source.File{Name: path, Text: text})
}

func (rb *Runbook) includer() *Runbook {
	if rb.By == nil {
		return nil
	}
	return rb.By.In
}

// same tells whether the runbook is the file at path.
func same(rb *Runbook, path string) bool {
	return filepath.Join(rb.Dir, filepath.Base(rb.File.Name)) == path
}

// Files gives the texts of all documents that the runbook is made of, but its own, by path.
func (rb *Runbook) Files() map[string]string {
	files := map[string]string{}
	rb.All(func(s *Step) {
		if s.Include != nil && s.Include.Runbook != nil {
			inner := s.Include.Runbook
			files[filepath.Join(inner.Dir, filepath.Base(inner.File.Name))] = inner.File.Text
		}
	})
	return files
}

// with reads the params of an include.
func (d *decoder) with(s *Step, n *source.Node) {
	if n.Kind != source.Map {
		d.problem(n, "with is a map of params and values, this is %s", n.Describe())
		return
	}
	if s.Include == nil {
		s.Include = &Include{}
	}
	for _, p := range n.Pairs {
		s.Include.With = append(s.Include.With, &Var{Name: p.Key.Text, Node: p.Value, Key: p.Key})
	}
}

// checkWith holds what an include gives against the params that its runbook takes.
func (c *compiler) checkWith(s *Step) {
	inner := s.Include.Runbook
	if inner == nil {
		return
	}
	given := map[string]bool{}
	var names []string
	for _, p := range inner.Params {
		names = append(names, p.Name)
	}
	for _, v := range s.Include.With {
		given[v.Name] = true
		if !containsString(names, v.Name) {
			hint := source.DidYouMean(v.Name, names)
			if hint == "" {
				hint = "it takes " + strings.Join(names, ", ")
			}
			if len(names) == 0 {
				hint = "it takes none"
			}
			c.problem(v.Key, "runbook %q has no param %q", inner.Name, v.Name).Hint = hint
		}
	}
	for _, p := range inner.Params {
		if !p.Given && !given[p.Name] {
			c.problem(s.Include.File, "runbook %q needs the param %q", inner.Name, p.Name).Hint = fmt.Sprintf("with: {%s: …}", p.Name)
		}
	}
}
