package lint

import (
	"fmt"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// pass is one look at one runbook.
type pass struct {
	rb      *runbook.Runbook
	steps   []*runbook.Step // all, in the order written; those of finally last
	scripts []*script
	secrets map[string]bool // names whose values are not to be seen
	before  map[*runbook.Step]map[*runbook.Step]bool

	rule  *Rule
	found []Finding
}

func newPass(rb *runbook.Runbook) *pass {
	p := &pass{rb: rb, secrets: map[string]bool{"secrets": true}, before: map[*runbook.Step]map[*runbook.Step]bool{}}
	add := func(s *runbook.Step) {
		if s != rb.Root {
			p.steps = append(p.steps, s)
		}
	}
	rb.Root.Walk(add)
	for _, s := range rb.Finally {
		s.Walk(add)
	}
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
	return p.add(s, n.ProblemAt(offset, width, message, hint))
}

func (p *pass) add(s *runbook.Step, at *source.Problem) *Finding {
	f := Finding{
		Rule: p.rule.Name, Severity: p.rule.Severity, File: at.File, Pos: at.Pos, EndColumn: at.Pos.Column + max(1, at.Width),
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

// earlier gives the steps of its block that a step waits for, however far back.
func (p *pass) earlier(s *runbook.Step) map[*runbook.Step]bool {
	if all := p.before[s]; all != nil {
		return all
	}
	all := map[*runbook.Step]bool{}
	p.before[s] = all
	for _, b := range s.Before {
		all[b] = true
		for x := range p.earlier(b) {
			all[x] = true
		}
	}
	return all
}

// after tells whether a step is certain to come after the other one, from wherever in the runbook.
func (p *pass) after(s, other *runbook.Step) bool {
	for at := s; at != nil; at = at.Parent {
		for o := other; o != nil; o = o.Parent {
			if at != o && at.Parent == o.Parent && p.earlier(at)[o] {
				return true
			}
		}
	}
	return false
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
	return s.Action != "steps" && s.Effect != runbook.Read
}
