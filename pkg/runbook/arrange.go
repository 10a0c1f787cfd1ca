package runbook

import (
	"sort"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// arrange gives every step its id and its place in the order, and what it inherits.
func (d *decoder) arrange(rb *Runbook) {
	d.block(rb.Root.Steps, rb.Root.Parallel)
	d.block(rb.Finally, false)
	rb.Default = OnFailure{Do: "stop", Scope: "run"}
	rb.each(func(s *Step) {
		if s.Rollback != nil && !s.Rollback.None {
			rb.Default.Do = "rollback"
		}
	})
	if rb.Root.OnFailure != nil {
		rb.Default = *rb.Root.OnFailure
	}
	d.nestedRollouts(rb.Root, nil)
	for _, s := range rb.Finally {
		s.Walk(func(s *Step) {
			if s.Rollout != nil {
				d.problem(s.Rollout.Node, "finally goes to all hosts at once; it has no rollout")
			}
		})
	}
}

// finallyID is the block under which the steps of finally are known.
const finallyID = "finally"

// each visits every step of the runbook, those of finally last; not the runbook itself.
func (rb *Runbook) each(visit func(*Step)) {
	rb.Root.Walk(func(s *Step) {
		if s != rb.Root {
			visit(s)
		}
	})
	for _, s := range rb.Finally {
		s.Walk(visit)
	}
}

func (d *decoder) nestedRollouts(s *Step, outer *Step) {
	if s.Rollout != nil {
		if outer != nil {
			d.problem(s.Rollout.Node, "a rollout inside a rollout").Hint = "keep the outer one, or put the blocks side by side"
		}
		outer = s
	}
	for _, inner := range s.Steps {
		d.nestedRollouts(inner, outer)
	}
}

// block names the steps of one block and puts them in order.
func (d *decoder) block(steps []*Step, parallel bool) {
	byID := map[string]*Step{}
	for _, s := range steps {
		if s.ID == "" {
			s.ID = defaultID(s)
		}
		if first := byID[s.ID]; first != nil {
			node := s.Node.Get("id")
			if node == nil {
				node = s.Node
			}
			p := d.problem(node, "two steps of this block are called %q", s.ID)
			p.Width = max(1, len(s.ID))
			if p.Hint = "the first one stands in line " + strconv.Itoa(first.Node.Pos.Line); !s.idGiven {
				p.Hint += "; give one of them an id"
			}
			continue
		}
		byID[s.ID] = s
		s.Path = s.ID
		switch {
		case s.Parent.Path != "":
			s.Path = s.Parent.Path + "/" + s.ID
		case s.Finally:
			s.Path = finallyID + "/" + s.ID
		case s.ID == finallyID:
			d.problem(s.Node, "no step can be called %q", finallyID).Hint = "it names what runs last"
		}
		if s.Title = s.Name; s.Title == "" {
			s.Title = s.ID
		}
	}
	d.order(steps, byID, parallel)
	if loop := cycle(steps); loop != nil {
		d.problem(loop[0].needsNode, "these steps wait for each other: %s", strings.Join(titles(loop), " → ")).Hint = "take one of the needs away"
	}
	for _, s := range steps {
		if s.Action == "steps" {
			d.block(s.Steps, s.Parallel)
		}
	}
}

func titles(steps []*Step) []string {
	var ids []string
	for _, s := range steps {
		ids = append(ids, s.ID)
	}
	return ids
}

// order says what each step waits for. The frontier holds the steps written so far that no
// other one waits for: to wait for them is to wait for all.
func (d *decoder) order(steps []*Step, byID map[string]*Step, parallel bool) {
	var frontier []*Step
	for _, s := range steps {
		if !s.NeedsGiven && !parallel {
			s.Before = frontier
			frontier = []*Step{s}
			continue
		}
		for _, n := range s.Needs {
			need := byID[n.Text]
			switch {
			case n.Kind != source.Scalar:
				d.problem(n, "an id of a step is needed here, this is %s", n.Describe())
			case need == nil:
				d.problem(n, "step %q needs %q, and this block has no such step", s.ID, n.Text).Hint = source.DidYouMean(n.Text, sortedKeys(byID))
			case need == s:
				d.problem(n, "step %q needs itself", s.ID)
			default:
				s.Before = append(s.Before, need)
			}
		}
		frontier = append(without(frontier, s.Before), s)
	}
}

func without(list, drop []*Step) []*Step {
	var kept []*Step
	for _, s := range list {
		found := false
		for _, x := range drop {
			found = found || x == s
		}
		if !found {
			kept = append(kept, s)
		}
	}
	return kept
}

// cycle finds a loop in what the steps wait for, first step repeated at the end.
func cycle(steps []*Step) []*Step {
	const open, done = 1, 2
	mark := map[*Step]int{}
	var path []*Step
	var visit func(*Step) []*Step
	visit = func(s *Step) []*Step {
		switch mark[s] {
		case done:
			return nil
		case open:
			for i, p := range path {
				if p == s {
					return append(append([]*Step{}, path[i:]...), s)
				}
			}
		}
		mark[s] = open
		path = append(path, s)
		for _, b := range s.Before {
			if loop := visit(b); loop != nil {
				return loop
			}
		}
		path = path[:len(path)-1]
		mark[s] = done
		return nil
	}
	for _, s := range steps {
		if loop := visit(s); loop != nil {
			return loop
		}
	}
	return nil
}

// ancestors gives the siblings that are certain to be before the step.
func (s *Step) ancestors() map[*Step]bool {
	if s.ancestorsOfBlock != nil {
		return s.ancestorsOfBlock
	}
	all := map[*Step]bool{}
	var visit func(*Step)
	visit = func(x *Step) {
		for _, b := range x.Before {
			if !all[b] {
				all[b] = true
				visit(b)
			}
		}
	}
	visit(s)
	s.ancestorsOfBlock = all
	return all
}

func sortedKeys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func containsString(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
