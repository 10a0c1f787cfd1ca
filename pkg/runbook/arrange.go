package runbook

import (
	"sort"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// arrange gives every step its id and its place in the order, and what it inherits.
func (d *decoder) arrange(rb *Runbook) {
	prefix := ""
	if rb.By != nil {
		prefix = rb.By.Path + "/"
	}
	d.block(rb.Root.Steps, prefix, rb.Root.Parallel)
	d.block(rb.Finally, prefix+finallyID+"/", false)
	d.placeGate(rb.Root, prefix)
	d.reserved(rb.Root, rb.Finally)
	d.nestedRollouts(rb.Root, rollingAround(rb.By))
	for _, s := range rb.Finally {
		d.noRollout(s)
	}
}

// decideDefault finds what a failure leads to where nothing else is said: once for the whole
// runbook, with all that it includes.
func (rb *Runbook) decideDefault() {
	rb.Default = OnFailure{Do: "stop", Scope: "run"}
	rb.All(func(s *Step) {
		if s.Rollback != nil && !s.Rollback.None {
			rb.Default.Do = "rollback"
		}
	})
	if rb.Root.OnFailure != nil {
		rb.Default = *rb.Root.OnFailure
	}
}

// finallyID is the block under which the steps of finally are known.
const finallyID = "finally"

// All visits every step of the runbook and of what it includes, those of finally last; not the
// runbook itself.
func (rb *Runbook) All(visit func(*Step)) {
	rb.Root.Walk(func(s *Step) {
		if s != rb.Root {
			visit(s)
		}
	})
	for _, s := range rb.Finally {
		s.Walk(visit)
	}
}

// own visits the steps that are written in this document, gates and those of finally too.
func (rb *Runbook) own(visit func(*Step)) {
	rb.All(func(s *Step) {
		if s.In == rb {
			visit(s)
		}
	})
}

// rollingAround gives the block with a rollout that a step stands in, or nil.
func rollingAround(s *Step) *Step {
	for ; s != nil; s = s.Parent {
		if s.Rollout != nil {
			return s
		}
	}
	return nil
}

func (d *decoder) nestedRollouts(s *Step, outer *Step) {
	if s.Rollout != nil {
		if outer != nil {
			d.problem(s.Rollout.Node, "a rollout inside a rollout").Hint = "keep the outer one, or put the blocks side by side"
		}
		outer = s
	}
	if s.ForEach != nil && outer != nil && outer == s {
		d.problem(s.ForEach.Node, "a block goes through a list or through waves, not both").Hint = "put one block into the other: the outer one with foreach"
	}
	for _, inner := range s.Steps {
		d.nestedRollouts(inner, outer)
	}
	for _, inner := range s.Always {
		d.noRollout(inner)
	}
}

func (d *decoder) noRollout(s *Step) {
	s.Walk(func(s *Step) {
		if s.Rollout != nil {
			d.problem(s.Rollout.Node, "finally goes to all hosts at once; it has no rollout")
		}
	})
}

// block names the steps of one block and puts them in order.
func (d *decoder) block(steps []*Step, prefix string, parallel bool) {
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
		s.Path = prefix + s.ID
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
			d.block(s.Steps, s.Path+"/", s.Parallel)
			d.block(s.Always, s.Path+"/"+finallyID+"/", false)
			d.placeGate(s, s.Path+"/")
			d.reserved(s, s.Always)
		}
	}
}

// placeGate gives the gate of a block its name, after all steps of the block.
func (d *decoder) placeGate(block *Step, prefix string) {
	if block.Rollout == nil || block.Rollout.Gate == nil {
		return
	}
	g := block.Rollout.Gate
	g.Path, g.Before = prefix+gateID, block.Steps
	if g.Title = g.Name; g.Title == "" {
		g.Title = gateID
	}
}

// reserved refuses ids that name something else of the block.
func (d *decoder) reserved(block *Step, last []*Step) {
	for _, s := range block.Steps {
		top := block.IsRoot() && block.In.By == nil
		switch {
		case s.ID == finallyID && (top || len(last) > 0):
			d.problem(s.Node, "no step can be called %q", finallyID).Hint = "it names what runs last"
		case s.ID == gateID && block.Rollout != nil && block.Rollout.Gate != nil:
			d.problem(s.Node, "no step of this block can be called %q", gateID).Hint = "it names what must succeed after each wave"
		case s.ID == rootID && block.IsRoot():
			d.problem(s.Node, "no step can be called %q", rootID).Hint = "it names the runbook as a block"
		}
	}
}

// rootID names a runbook as a block: its entry, and its rollout.
const rootID = "runbook"

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
