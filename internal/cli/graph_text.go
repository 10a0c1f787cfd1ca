package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// strokes are what a drawing in text is made of.
type strokes struct {
	down, tee, corner, fork, across, gate, gateLast string
}

var (
	graphUnicode = strokes{down: "│", tee: "├", corner: "└", fork: "┬", across: "─", gate: "╞══", gateLast: "╘══"}
	graphASCII   = strokes{down: "|", tee: "|", corner: "`", fork: "+", across: "-", gate: "|==", gateLast: "`=="}
)

// The lines that stand across the way.
const (
	gateAllHosts = "all hosts"
	gateNoReturn = "point of no return"
)

// text draws the runbook as a tree that is read downwards: what stands below waits for what stands
// above it, and what hangs on one fork runs side by side.
func (g *graph) text(s strokes, width int) string {
	d := &drawing{graph: g, strokes: s}
	d.row(g.runbook.Name, g.rootFacts()...)
	d.waves(g.runbook.Root, "")
	d.block(g.runbook.Root.Steps, "", len(g.runbook.Finally) == 0)
	if len(g.runbook.Finally) > 0 {
		d.row(s.corner+s.across+" finally", "always, also after a failure or a rollback")
		d.block(g.runbook.Finally, "   ", true)
	}
	return view.Table(nil, d.rows, width)
}

type drawing struct {
	graph   *graph
	strokes strokes
	rows    [][]string
}

func (d *drawing) row(name string, facts ...string) {
	d.rows = append(d.rows, []string{name, strings.Join(facts, d.graph.between)})
}

// knot is one place of a block on the way down: steps that run side by side, or a gate.
type knot struct {
	steps []*runbook.Step
	gate  string
}

// knots puts siblings into the order in which they may run.
func (d *drawing) knots(steps []*runbook.Step) []knot {
	level := map[*runbook.Step]int{}
	var depth func(*runbook.Step) int
	depth = func(s *runbook.Step) int { // needs may name a step written later; loops were refused
		if n, known := level[s]; known {
			return n
		}
		n := 0
		for _, b := range s.Before {
			n = max(n, depth(b)+1)
		}
		level[s] = n
		return n
	}
	var levels [][]*runbook.Step
	for _, s := range steps {
		n := depth(s)
		for len(levels) <= n {
			levels = append(levels, nil)
		}
		levels[n] = append(levels[n], s)
	}
	var list []knot
	for _, siblings := range levels {
		if slices.ContainsFunc(siblings, d.graph.waitsForAll) {
			list = append(list, knot{gate: gateAllHosts})
		}
		list = append(list, knot{steps: siblings})
		if slices.ContainsFunc(siblings, func(s *runbook.Step) bool { return s.PointOfNoReturn }) {
			list = append(list, knot{gate: gateNoReturn})
		}
	}
	return list
}

func (d *drawing) block(steps []*runbook.Step, indent string, ends bool) {
	s := d.strokes
	var above []*runbook.Step
	knots := d.knots(steps)
	for i, k := range knots {
		tee, down, gate := s.tee, s.down, s.gate
		if ends && i == len(knots)-1 {
			tee, down, gate = s.corner, " ", s.gateLast
		}
		switch {
		case k.gate != "":
			d.row(indent + gate + " " + k.gate)
			continue
		case len(k.steps) == 1:
			d.step(k.steps[0], indent+tee+s.across+" ", indent+down+"  ", above)
		default:
			for n, step := range k.steps {
				first, inner, below := indent+tee+s.across+s.fork+s.across+" ", s.tee, s.down
				if n == len(k.steps)-1 {
					inner, below = s.corner, " "
				}
				if n > 0 {
					first = indent + down + " " + inner + s.across + " "
				}
				d.step(step, first, indent+down+" "+below+"  ", above)
			}
		}
		above = k.steps
	}
}

// step draws a step and what is inside it. above are the steps drawn before it: where it waits for
// others, or not for all of them, that is said.
func (d *drawing) step(s *runbook.Step, first, indent string, above []*runbook.Step) {
	facts := d.graph.facts(s)
	if !sameSteps(s.Before, above) {
		var ids []string
		for _, b := range s.Before {
			ids = append(ids, b.ID)
		}
		facts = append(facts, "after "+strings.Join(ids, ", "))
	}
	d.row(first+s.ID, facts...)
	d.waves(s, indent)
	d.block(s.Steps, indent, true)
}

func (d *drawing) waves(block *runbook.Step, indent string) {
	for _, w := range d.graph.waves(block) {
		d.row(fmt.Sprintf("%s%s wave %d", indent, d.strokes.down, w.number), hostWords(w.hosts))
	}
}

func sameSteps(a, b []*runbook.Step) bool {
	if len(a) != len(b) {
		return false
	}
	for _, s := range a {
		if !slices.Contains(b, s) {
			return false
		}
	}
	return true
}
