package graph

import (
	"fmt"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Story is what became of a run.
type Story struct {
	RunID  string
	Result string // succeeded, rolled back, …; "not finished" while there is no end
	Took   time.Duration
	Legs   []Leg         // the chain of ops that decided how long the run took, in order
	Busy   time.Duration // of Took, what these ops took; the rest went by between them
}

// Leg is one op of the critical path.
type Leg struct {
	Step string // its full id
	Host string
	Undo bool // the op was taken back, not done
	Took time.Duration
}

// legsMax is how many legs of a critical path are named; of more, the longest are.
const legsMax = 12

// Result is what became of a node.
type Result struct {
	Status view.Status // the worst of its hosts
	Counts string      // "3 ok, 1 failed"; one word where there is one host
	Took   string      // "12s", or the slowest host: "up to 12s on web3"
	Spent  time.Duration
}

// words tell a result.
func (r *Result) words() []string {
	var list []string
	for _, text := range []string{r.Counts, r.Took} {
		if text != "" {
			list = append(list, text)
		}
	}
	return list
}

// worst is the order in which one status of a step on its hosts hides the others.
var worst = []view.Status{
	view.UndoFailed, view.Failed, view.TimedOut, view.Unreachable, view.Unknown, view.UndoPending, view.Cancelled, view.Running,
	view.Waiting, view.Undoing, view.Left, view.Undone, view.Changed, view.OK, view.Skipped, view.Blocked, view.Pending,
}

// tell gives every node its result, and finds the critical path.
func (b *builder) tell() {
	board := view.NewBoard(b.Plan, view.RunInfo{ID: b.RunID})
	for _, e := range b.Events {
		board.Apply(e)
	}
	first, last := b.Events[0].Time, b.Events[len(b.Events)-1].Time
	story := &Story{RunID: b.safe(b.RunID), Result: "not finished", Took: last.Sub(first)}
	if board.Phase == view.Finished {
		story.Result = strings.ReplaceAll(string(board.Result), "_", " ")
	}
	b.picture.Story = story
	spans := newSpans(b.Plan, b.Events)
	rows := map[string]*view.Row{}
	for _, row := range board.Rows {
		rows[row.ID] = row
	}
	ids := map[*runbook.Step]map[string]bool{}
	for _, s := range b.Plan.Steps {
		if ids[s.Source] == nil {
			ids[s.Source] = map[string]bool{}
		}
		ids[s.Source][s.ID] = true
	}
	for s, n := range b.nodes {
		if n.Kind == Block {
			n.Result = b.blockResult(s, spans)
			continue
		}
		tally := map[view.Status]int{}
		for id := range ids[s] {
			for host := range board.Hosts {
				if cell, shown := board.Cell(rows[id], host); shown {
					tally[cell.Status]++
				}
			}
		}
		n.Result = resultOf(tally)
		n.Result.Took, n.Result.Spent = b.slowest(s, spans)
	}
	b.tellPath(spans)
}

func resultOf(tally map[view.Status]int) *Result {
	r := &Result{Status: view.Blocked}
	var parts []string
	total := 0
	for _, status := range worst {
		if n := tally[status]; n > 0 {
			if total == 0 {
				r.Status = status
			}
			total += n
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	switch total {
	case 0, 1:
		r.Counts = r.Status.String()
	default:
		r.Counts = strings.Join(parts, ", ")
	}
	return r
}

// slowest says how long a step took, of several hosts on the slowest. The time an undo took is
// told with the path only.
func (b *builder) slowest(s *runbook.Step, spans *spans) (said string, took time.Duration) {
	host, count := "", 0
	for _, x := range spans.forward {
		if x.step.Source != s || x.undo || x.silent {
			continue
		}
		count++
		if d := x.took(); d > took || host == "" {
			took, host = d, b.hostName(x)
		}
	}
	switch {
	case count == 0:
		return "", 0
	case count == 1:
		return view.Elapsed(took), took
	}
	return b.safe(fmt.Sprintf("up to %s on %s", view.Elapsed(took), host)), took
}

// blockResult says how long it was from the first act inside a block to the last. How its steps
// ended is told by them.
func (b *builder) blockResult(block *runbook.Step, spans *spans) *Result {
	var start, end time.Time
	for _, x := range spans.forward {
		if x.silent || !x.step.Source.Within(block) {
			continue
		}
		if start.IsZero() || x.start.Before(start) {
			start = x.start
		}
		if x.end.After(end) {
			end = x.end
		}
	}
	if start.IsZero() {
		return nil
	}
	return &Result{Status: view.Pending, Took: "took " + view.Elapsed(end.Sub(start)), Spent: end.Sub(start)}
}

func (b *builder) hostName(x *span) string { return b.Plan.Hosts[b.Plan.HostOf(x.op)].Name }

// tellPath marks what lies on the critical path.
func (b *builder) tellPath(spans *spans) {
	story := b.picture.Story
	var before *Node
	for _, x := range spans.critical() {
		n := b.nodes[x.step.Source]
		if !x.silent {
			story.Legs = append(story.Legs, Leg{Step: b.safe(x.step.ID), Host: b.safe(b.hostName(x)), Undo: x.undo, Took: x.took()})
			story.Busy += x.took()
		}
		if n == nil { // the entry of the runbook itself
			continue
		}
		n.Critical, n.onPath = n.Critical || !x.silent, true
		for p := x.step.Source.Parent; p != nil && b.nodes[p] != nil; p = p.Parent {
			b.nodes[p].Critical = b.nodes[p].Critical || !x.silent
			b.nodes[p].onPath = true
		}
		if before != nil && before != n && !x.undo {
			b.path = append(b.path, [2]string{before.Name, n.Name})
		}
		before = n
	}
}

// headline tells of the run on one line.
func (s *Story) headline() string {
	return fmt.Sprintf("run %s: %s after %s", s.RunID, s.Result, view.Elapsed(s.Took))
}

// path tells the critical path, leg by leg, with an arrow behind each that another one follows.
func (s *Story) path(arrow string) []string {
	if len(s.Legs) == 0 {
		return nil
	}
	shortest := s.shortestTold()
	var told []string
	left, rest := 0, time.Duration(0)
	for _, leg := range s.Legs {
		if leg.Took < shortest || len(told) == legsMax {
			left++
			rest += leg.Took
			continue
		}
		act := ""
		if leg.Undo {
			act = "undo of "
		}
		told = append(told, fmt.Sprintf("%s%s on %s %s", act, leg.Step, leg.Host, view.Elapsed(leg.Took)))
	}
	told[0] = fmt.Sprintf("critical path %s of %s: %s", view.Elapsed(s.Busy), view.Elapsed(s.Took), told[0])
	if left > 0 {
		told[len(told)-1] += fmt.Sprintf("; and %d shorter, %s", left, view.Elapsed(rest))
	}
	for i := range told[:len(told)-1] {
		told[i] += " " + arrow
	}
	return told
}

// inUndo tells of an act that takes back.
func inUndo(e run.Event) bool { return e.Act == run.Undo }

// opIndex finds the step of an event's op, and its number.
type opIndex struct {
	steps map[string][]*plan.Step
	hosts map[string]int32
}

func newOpIndex(p *plan.Plan) opIndex {
	x := opIndex{steps: map[string][]*plan.Step{}, hosts: map[string]int32{}}
	for _, s := range p.Steps {
		x.steps[s.ID] = append(x.steps[s.ID], s)
	}
	for i, h := range p.Hosts {
		x.hosts[h.Name] = int32(i)
	}
	return x
}

func (x opIndex) find(op run.Op) (*plan.Step, int, bool) {
	host, known := x.hosts[op.Host]
	if !known {
		return nil, 0, false
	}
	for _, s := range x.steps[op.Step] {
		if at := s.Targets.Position(host); at >= 0 {
			return s, s.Op(at), true
		}
	}
	return nil, 0, false
}
