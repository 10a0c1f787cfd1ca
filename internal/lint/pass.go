package lint

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// pass is one look at one runbook.
type pass struct {
	rb      *runbook.Runbook
	steps   []*runbook.Step // those written in this document; those of its finally last
	scripts []*script
	secrets map[string]bool       // names whose values are not to be seen
	index   map[*runbook.Step]int // in steps
	before  []places              // by index: the steps that are certain to come first

	lines []string // of the file, which counts its lines anew each time it is asked
	rule  *Rule
	found []Finding
}

func newPass(rb *runbook.Runbook) *pass {
	p := &pass{rb: rb, secrets: map[string]bool{"secrets": true}, index: map[*runbook.Step]int{}}
	rb.All(func(s *runbook.Step) {
		if s.In == rb { // what is included is looked at as a runbook of its own
			p.index[s] = len(p.steps)
			p.steps = append(p.steps, s)
		}
	})
	p.lines = strings.Split(rb.File.Text, "\n")
	p.before = make([]places, len(p.steps))
	for _, s := range append([]*runbook.Step{rb.Root}, p.steps...) {
		p.scripts = append(p.scripts, scriptsOf(s)...)
	}
	for _, param := range rb.Params {
		if param.Secret {
			p.secrets[param.Name] = true
		}
	}
	for _, v := range rb.Vars {
		if v.Secret {
			p.secrets[v.Name] = true
		}
	}
	return p
}

// report notes a finding at a node, its text underlined. The step may be nil.
func (p *pass) report(s *runbook.Step, n *source.Node, message, hint string) *Finding {
	return p.add(s, n.Problem(message, hint))
}

// reportAt notes a finding inside the text of a node.
func (p *pass) reportAt(s *runbook.Step, n *source.Node, offset, width int, message, hint string) *Finding {
	at := n.ProblemAt(offset, width, message, hint)
	if line := []rune(p.line(at.Pos.Line)); at.Pos.Column > len(line) { // of a text folded over lines, the place is not known
		at = n.Problem(message, hint)
	}
	return p.add(s, at)
}

func (p *pass) line(n int) string {
	if n < 1 || n > len(p.lines) {
		return ""
	}
	return strings.TrimSuffix(p.lines[n-1], "\r")
}

func (p *pass) add(s *runbook.Step, at *source.Problem) *Finding {
	end := min(at.Pos.Column+at.Width, len([]rune(p.line(at.Pos.Line)))+1) // a text may go on in the next line
	f := Finding{
		Rule: p.rule.Name, Severity: p.rule.Severity, File: at.File, Pos: at.Pos, EndColumn: max(end, at.Pos.Column+1),
		Message: at.Message, Hint: at.Hint,
	}
	if s != nil && s != p.rb.Root {
		f.Step = s.Path
		f.lines = append(f.lines, s.Node.Pos.Line)
		if key := keyAbove(s.Node, at.Pos.Line); key != nil {
			f.lines = append(f.lines, key.Pos.Line)
		}
	}
	p.found = append(p.found, f)
	return &p.found[len(p.found)-1]
}

// keyAbove gives the last key of a map that stands on the line or above it.
func keyAbove(n *source.Node, line int) *source.Node {
	var above *source.Node
	for _, pair := range n.Pairs {
		if pair.Key.Pos.Line <= line && (above == nil || pair.Key.Pos.Line >= above.Pos.Line) {
			above = pair.Key
		}
	}
	return above
}

// head is where a step as a whole is reported: at its id, else its name, else what it does.
func head(s *runbook.Step) *source.Node {
	for _, key := range []string{"id", "name"} {
		if n := s.Node.Get(key); n != nil {
			return n
		}
	}
	if s.Key != nil {
		return s.Key
	}
	return s.Node
}

// key gives the key of a step's map, or the step itself.
func key(n *source.Node, name string) *source.Node {
	for _, pair := range n.Pairs {
		if pair.Key.Text == name {
			return pair.Key
		}
	}
	return n
}

func quote(s *runbook.Step) string { return fmt.Sprintf("step %q", s.Path) }

// places is a set of steps, by their index: a runbook may hold ten thousand, and each may wait for all before it.
type places []uint64

func (b places) has(i int) bool { return b[i/64]&(1<<(i%64)) != 0 }

func (b places) add(i int) { b[i/64] |= 1 << (i % 64) }

// earlier gives the steps of its block that a step waits for, however far back.
func (p *pass) earlier(s *runbook.Step) places {
	i := p.index[s]
	if p.before[i] != nil {
		return p.before[i]
	}
	all := make(places, len(p.steps)/64+1)
	for _, b := range s.Before {
		all.add(p.index[b])
		for k, word := range p.earlier(b) {
			all[k] |= word
		}
	}
	p.before[i] = all
	return all
}

// after tells whether a step is certain to come after the other one, from wherever in the runbook.
func (p *pass) after(s, other *runbook.Step) bool {
	for at := s; at != nil; at = at.Parent {
		for o := other; o != nil; o = o.Parent {
			if at != o && at.Parent == o.Parent && p.own(at) && p.own(o) && p.earlier(at).has(p.index[o]) {
				return true
			}
		}
	}
	return false
}

// own tells whether a step is written in this document, and not the document itself.
func (p *pass) own(s *runbook.Step) bool {
	_, ok := p.index[s]
	return ok
}

// around lists the step and the blocks around it, innermost first, without the runbook itself.
func (p *pass) around(s *runbook.Step) []*runbook.Step {
	var list []*runbook.Step
	for ; s != nil && s != p.rb.Root; s = s.Parent {
		list = append(list, s)
	}
	return list
}

// changes tells whether a step does something that stays.
func changes(s *runbook.Step) bool {
	return !s.IsBlock() && s.Effect != runbook.Read && s.Notify == nil
}
