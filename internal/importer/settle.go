package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// roundsMax bounds how often a draft is tried: what is left out can take with it what refers to it.
const roundsMax = 40

// settle gives the text of a runbook that loads. What does not is left as a comment, with the reason.
func (d *draft) settle() string {
	d.christen()
	d.root.drop(d)
	d.identify()
	for range roundsMax {
		d.cascade()
		w := d.write()
		text := w.text()
		problems := refusals(text)
		if len(problems) == 0 {
			if w.prune() {
				continue
			}
			return text
		}
		if !w.blame(problems) {
			break
		}
	}
	for _, s := range append(d.root.steps, d.root.finally...) { // a bug of ours shall not cost the person the rest
		s.fail("cannot be made into a step that loads")
	}
	d.keys, d.params, d.vars = nil, nil, nil
	return d.write().text()
}

// cascade leaves out what uses the result of a step that was left out.
func (d *draft) cascade() {
	var all []*step
	uses := map[*step][]int{}
	d.each(func(s *step) {
		if s.broken == "" {
			all, uses[s] = append(all, s), marks(s.keys, nil)
		}
	})
	for again := true; again; {
		again = false
		for _, s := range all {
			for _, number := range uses[s] {
				if s.broken == "" && number < len(d.steps) && d.steps[number].gone() {
					s.fail("it uses the result of line %d, which was not imported", d.steps[number].line)
					again = true
				}
			}
		}
	}
}

// gone tells whether a step is left as a comment, alone or with the block around it.
func (s *step) gone() bool {
	for at := s; at != nil; at = at.parent {
		if at.broken != "" {
			return true
		}
	}
	return false
}

var mark = regexp.MustCompile("\x02([0-9]+)\x03")

// marks gives the numbers of the steps that a value refers to.
func marks(v value, list []int) []int {
	switch v := v.(type) {
	case string:
		for _, m := range mark.FindAllStringSubmatch(v, -1) {
			if n, err := strconv.Atoi(m[1]); err == nil {
				list = append(list, n)
			}
		}
	case script:
		return marks(string(v), list)
	case []value:
		for _, item := range v {
			list = marks(item, list)
		}
	case mapping:
		for _, p := range v {
			list = marks(p.value, list)
		}
	}
	return list
}

// prune drops what was made for others, where those were left out.
func (w *writer) prune() bool {
	used := func(name string, owner any) bool {
		whole := regexp.MustCompile(`\b` + regexp.QuoteMeta(name) + `\b`)
		for i, line := range w.lines {
			if w.owners[i] != owner && !strings.HasPrefix(strings.TrimLeft(line, " "), "#") && whole.MatchString(line) {
				return true
			}
		}
		return false
	}
	d, found := w.draft, false
	unused := func(s *setting) bool {
		drop := s.derived && !used(s.name, s)
		found = found || drop
		return drop
	}
	d.params = slices.DeleteFunc(d.params, unused)
	d.vars = slices.DeleteFunc(d.vars, unused)
	all := []*step{d.root}
	d.each(func(s *step) { all = append(all, s) })
	for _, block := range all {
		block.steps = slices.DeleteFunc(block.steps, func(s *step) bool {
			drop := s.derived && s.broken == "" && !used("steps."+s.id, s)
			found = found || drop
			return drop
		})
	}
	return found
}

// refusals are the reasons why a text is no runbook.
func refusals(text string) source.Problems {
	_, _, err := runbook.LoadText(text, "runbook", ".")
	problems, ok := source.AsProblems(err)
	if err != nil && !ok {
		return source.Problems{{Message: err.Error()}}
	}
	var real source.Problems
	for _, p := range problems {
		if !p.Warning {
			real = append(real, p)
		}
	}
	return real
}

// blame finds what the problems are about, and leaves it out. False: nobody could be blamed.
func (w *writer) blame(problems source.Problems) bool {
	found := false
	for _, p := range problems {
		if p.Pos.Line < 1 || p.Pos.Line > len(w.owners) {
			continue
		}
		switch owner := w.owners[p.Pos.Line-1].(type) {
		case *step:
			if owner.broken == "" {
				owner.fail("%s", reason(p))
				found = true
			}
		case *setting:
			if owner.broken == "" {
				owner.broken, found = reason(p), true
			}
		default:
			found = w.blameKey(p) || found
		}
	}
	return found
}

var topKey = regexp.MustCompile(`^([a-z_]+):`)

// blameKey leaves out the key of the runbook itself that a problem is about.
func (w *writer) blameKey(p *source.Problem) bool {
	for at := p.Pos.Line - 1; at >= 0; at-- {
		m := topKey.FindStringSubmatch(w.lines[at])
		if m == nil {
			continue
		}
		if v := w.draft.keys.get(m[1]); v != nil {
			w.draft.keys.remove(m[1])
			w.draft.remark(0, "%s cannot be said: %s", m[1], reason(p))
			return true
		}
		return false
	}
	return false
}

func reason(p *source.Problem) string {
	text := strings.ReplaceAll(p.Message, "\n", " ")
	if p.Hint != "" {
		text += "; " + strings.ReplaceAll(p.Hint, "\n", " ")
	}
	return text
}

// drop takes out the steps whose meaning stands where it is used.
func (s *step) drop(d *draft) {
	for _, inner := range s.steps {
		inner.drop(d)
		if inner.said && inner.broken == "" {
			d.done = append(d.done, inner.line)
		}
	}
	s.steps = slices.DeleteFunc(s.steps, func(x *step) bool { return x.said && x.broken == "" })
	if s.block && len(s.steps) == 0 && s.parent != nil {
		s.fail("there is nothing that it does")
	}
}

// identify gives every step an id of its own: those that others refer to first, one for all blocks, so that no step in
// between can stand in front of them.
func (d *draft) identify() {
	taken := map[string]bool{}
	for _, chosen := range []bool{true, false} { // who was given an id keeps it
		d.each(func(s *step) {
			if s.referenced && (runbook.Slug(s.id) != "") == chosen && !taken[s.id] {
				s.id = unique(firstOf(runbook.Slug(s.id), runbook.Slug(s.name), runbook.Slug(s.module), "step"), taken)
			}
		})
	}
	d.root.identify(taken)
	d.each(func(s *step) { // the path to a step is made of its blocks
		if s.referenced {
			for at := s.parent; at != nil && at.parent != nil; at = at.parent {
				at.referenced = true
			}
		}
	})
}

func (s *step) identify(taken map[string]bool) {
	here := map[string]bool{}
	for id := range taken {
		here[id] = true
	}
	all := append(append([]*step{}, s.steps...), s.finally...)
	for _, inner := range all {
		if !inner.referenced {
			if inner.id = firstOf(runbook.Slug(inner.id), runbook.Slug(inner.name)); inner.id == "" && inner.block {
				inner.id = "block"
			}
			if inner.id != "" {
				inner.id = unique(inner.id, here)
			}
		}
	}
	for _, inner := range all {
		inner.identify(taken)
	}
}

func unique(id string, taken map[string]bool) string {
	name := id
	for n := 2; taken[name]; n++ {
		name = fmt.Sprintf("%s_%d", id, n)
	}
	taken[name] = true
	return name
}

func firstOf(list ...string) string {
	for _, text := range list {
		if text != "" {
			return text
		}
	}
	return ""
}

var nameless = regexp.MustCompile(`[^\pL\pN._ -]+`)

// christen makes the name of the runbook one that can be written everywhere.
func (d *draft) christen() {
	d.name = strings.TrimSpace(nameless.ReplaceAllString(d.name, " "))
	if d.name == "" {
		d.name = "imported"
	}
}
