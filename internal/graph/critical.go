package graph

import (
	"slices"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// span is the time from an op's first act to the end of its last one, tries and pauses between them
// included. Doing and taking back are spans of their own.
type span struct {
	step       *plan.Step
	op         int
	undo       bool
	silent     bool // skipped, or only decided: no act
	start, end time.Time
}

func (x *span) took() time.Duration { return x.end.Sub(x.start) }

// spans are all spans of a run.
type spans struct {
	plan    *plan.Plan
	forward map[int]*span // by op
	back    map[int]*span
	byEnd   []*span
}

func newSpans(p *plan.Plan, events []run.Event) *spans {
	s := &spans{plan: p, forward: map[int]*span{}, back: map[int]*span{}}
	index := newOpIndex(p)
	open := map[*span]bool{}
	for _, e := range events {
		switch e.Kind {
		case run.AttemptStarted, run.AttemptFinished, run.OpSkipped:
		default:
			continue
		}
		step, op, known := index.find(e.Op)
		if !known {
			continue
		}
		x := s.of(step, op, e)
		x.end = e.Time
		open[x] = e.Kind == run.AttemptStarted
		x.silent = x.silent && e.Kind == run.OpSkipped
	}
	for x, still := range open {
		if still { // it runs while it is drawn
			x.end = events[len(events)-1].Time
		}
		s.byEnd = append(s.byEnd, x)
	}
	slices.SortFunc(s.byEnd, func(x, y *span) int {
		if c := x.end.Compare(y.end); c != 0 {
			return c
		}
		if c := x.start.Compare(y.start); c != 0 {
			return c
		}
		return x.op - y.op
	})
	return s
}

func (s *spans) of(step *plan.Step, op int, e run.Event) *span {
	list := s.forward
	if inUndo(e) {
		list = s.back
	}
	if list[op] == nil {
		list[op] = &span{step: step, op: op, undo: inUndo(e), start: e.Time, silent: true}
	}
	return list[op]
}

// critical gives the chain of ops that decided how long the run took, the first one first. It is
// found from the end, and also leads through what was skipped: what ended last waited, of all that it waits for, for what ended last of
// that; where it waits for nothing, for whatever ended last before it began, a place to run for one.
func (s *spans) critical() []*span {
	if len(s.byEnd) == 0 {
		return nil
	}
	seen := map[*span]bool{}
	var chain []*span
	for x := s.byEnd[len(s.byEnd)-1]; x != nil && !seen[x]; {
		seen[x] = true
		chain = append(chain, x)
		cause := s.awaited(x)
		if cause == nil {
			cause = s.endedBefore(x.start, seen)
		}
		x = cause
	}
	slices.Reverse(chain)
	return chain
}

// awaited gives the last of what a span waits for in the plan.
func (s *spans) awaited(x *span) *span {
	edges, list := x.step.Before, s.forward
	for _, step := range x.step.EndOf { // the finally of a block waits for all of it
		edges = append(slices.Clip(edges), plan.Edge{Step: step, Barrier: true})
	}
	if x.undo {
		edges, list = x.step.After, s.back
	}
	var last *span
	visited := map[int]bool{}
	var look func(step *plan.Step, edges []plan.Edge, host int32)
	look = func(step *plan.Step, edges []plan.Edge, host int32) {
		for _, e := range edges {
			other := s.plan.Steps[e.Step]
			for at, h := range other.Targets.Hosts {
				op := other.Op(int32(at))
				if !e.Barrier && h != host || visited[op] {
					continue
				}
				visited[op] = true
				y := list[op]
				switch {
				case y == nil: // it left no trace: what stands behind it counts
					behind := other.Before
					if x.undo {
						behind = other.After
					}
					look(other, behind, h)
				case y.end.After(x.start): // known later only, after a crash for one
				case last == nil || y.end.After(last.end):
					last = y
				}
			}
		}
	}
	look(x.step, edges, s.plan.HostOf(x.op))
	return last
}

// endedBefore gives what ended last before a time.
func (s *spans) endedBefore(at time.Time, seen map[*span]bool) *span {
	n, _ := slices.BinarySearchFunc(s.byEnd, at, func(x *span, at time.Time) int {
		if x.end.After(at) {
			return 1
		}
		return -1
	})
	for n--; n >= 0; n-- {
		if !seen[s.byEnd[n]] {
			return s.byEnd[n]
		}
	}
	return nil
}

// shortestTold is how long a leg has to be to be told: a hundredth of all, and long enough that at most legsMax are.
func (s *Story) shortestTold() time.Duration {
	var all []time.Duration
	for _, leg := range s.Legs {
		all = append(all, leg.Took)
	}
	slices.Sort(all)
	return min(all[len(all)-1], max(s.Busy/100, all[max(0, len(all)-legsMax)]))
}
