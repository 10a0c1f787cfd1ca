package tidy

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	module = "github.com/opsctl/opsctl/"
	own    = "internal/tidy" // its tables hold the very words it refuses

	// A text of this size was not written by hand, and is not read by this test.
	textBytesMax = 1 << 20
)

// tree is the repository: its Go files as syntax, and all its texts.
type tree struct {
	set    *token.FileSet
	files  []*source
	texts  map[string]string
	broken []refusal
}

type source struct {
	path string
	dir  string // the package's directory, "pkg/run"
	test bool
	file *ast.File
}

// skipped holds what is built, fetched, or given to tests as it is.
func skipped(name string) bool {
	switch name {
	case "bin", "dist", "completions", "manpages", "testdata", "vendor", "node_modules":
		return true
	}
	return strings.HasPrefix(name, ".") && name != "." && name != ".ci"
}

func load(root fs.FS) (*tree, error) {
	t := &tree{set: token.NewFileSet(), texts: map[string]string{}}
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if skipped(entry.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > textBytesMax {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		t.add(name, text)
		return nil
	})
	return t, err
}

func (t *tree) add(name string, text []byte) {
	if bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text) {
		return
	}
	t.texts[name] = string(text)
	if path.Ext(name) != ".go" {
		return
	}
	file, err := parser.ParseFile(t.set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.broken = append(t.broken, refusal{path: name, what: err.Error()})
		return
	}
	t.files = append(t.files, &source{
		path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), file: file,
	})
}

func (t *tree) holds(name string) bool {
	_, ok := t.texts[name]
	return ok
}

func (t *tree) line(at token.Pos) int { return t.set.Position(at).Line }

func (t *tree) refuse(s *source, at token.Pos, what string) refusal {
	return refusal{path: s.path, line: t.line(at), what: what}
}

// packages gives the files of each directory.
func (t *tree) packages() map[string][]*source {
	all := map[string][]*source{}
	for _, s := range t.files {
		all[s.dir] = append(all[s.dir], s)
	}
	return all
}

// imported is one import of a file: ours, as a directory, or the path it has.
type imported struct {
	path string
	ours bool
	at   token.Pos
}

func (s *source) imports() (all []imported) {
	for _, spec := range s.file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser has refused it already
		}
		ours := strings.HasPrefix(name, module)
		all = append(all, imported{strings.TrimPrefix(name, module), ours, spec.Pos()})
	}
	return all
}

// below tells whether dir is one of these directories, or within one.
func below(dir string, tops []string) bool {
	return slices.ContainsFunc(tops, func(top string) bool {
		return dir == top || strings.HasPrefix(dir, top+"/")
	})
}

// selected gives "os.ReadFile" for that expression, and nothing for one of another shape.
func selected(e ast.Expr) string {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}
