package graph

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Options are what is known of the runbook that is drawn.
type Options struct {
	Runbook *runbook.Runbook
	Plan    *plan.Plan  // nil: hosts and waves are not known
	Events  []run.Event // of a run of that plan; none: there was no run
	RunID   string      // as people are shown it
	ASCII   bool        // what is beyond ASCII is shown as \u00e9
}

// Picture is what all drawings show.
type Picture struct {
	Root   *Node // the runbook itself
	Gates  []*Gate
	Joints []string // names of places where many lines meet that part again
	Links  []Link   // waits of steps for steps, through gates and joints where there are some
	Undo   []Link   // from a step to the one that is taken back after it
	Story  *Story   // nil: no run is shown

	ascii bool
}

// Kind tells what a node does to its hosts.
type Kind uint8

// The kinds of nodes.
const (
	Changes Kind = iota
	Reads
	Destroys
	Person // waits for somebody
	Block
)

// Node is a step, or a block of them.
type Node struct {
	Name     string // needs no quoting in any language of graphs; "" for the runbook itself
	ID       string
	Kind     Kind
	Facts    []string
	Undo     Undo
	NoReturn bool
	Waves    []string // of a planned rollout
	Last     bool     // stands in a finally
	Result   *Result  // nil: no run is shown
	Critical bool     // an op of it is part of the chain that decided how long the run took

	body    *part // of a block
	finally *part // of a block; nil: none
	gate    *part // of a rollout: what must succeed after each wave; nil: none
	onPath  bool  // the critical path leads through it, were it only because it was skipped
	before  []*Node
	index   int  // among its siblings
	gated   bool // its wait for all hosts is drawn as a gate
	waits   bool // it waits for all hosts
	source  *runbook.Step
}

// Undo is how a node is taken back.
type Undo struct {
	Can  bool
	Text string // shortly: its command, or "built in"
	None bool   // it changes something, and that stays
}

// words say it where there is no sign for it.
func (u Undo) words() string {
	switch {
	case u.Can:
		return "undo: " + u.Text
	case u.None:
		return "no undo"
	}
	return ""
}

// Gate stands across the way.
type Gate struct {
	Name     string // like that of a node
	NoReturn bool   // else all hosts wait there for all hosts
}

// What is written on gates, and on what is set apart.
const (
	allHosts  = "all hosts"
	noReturn  = "no way back past here"
	always    = "finally, always"
	afterWave = "gate, after each wave"
)

func (g *Gate) label() string {
	if g.NoReturn {
		return noReturn
	}
	return allHosts
}

// Link leads from one node, gate or joint to another.
type Link struct {
	From, To string // names; From "" is the start
	Last     bool   // to a step of finally
	Critical bool
}

// Title is what the picture is called.
func (p *Picture) Title() string { return p.Root.ID }

// New makes the picture of a runbook.
func New(o Options) *Picture {
	b := &builder{Options: o, nodes: map[*runbook.Step]*Node{}, picture: &Picture{ascii: o.ASCII}}
	b.waits = b.waitsWritten
	if o.Plan != nil {
		b.waits = b.waitsPlanned()
	}
	root := b.node(o.Runbook.Root)
	root.Name, root.ID, root.Facts = "", b.safe(o.Runbook.Name), b.rootFacts()
	b.fill(root, o.Runbook.Root)
	root.finally = b.body(o.Runbook.Finally)
	b.picture.Root = root
	if o.Plan != nil && len(o.Events) > 0 {
		b.tell()
	}
	b.link()
	return b.picture
}

// builder makes a Picture.
type builder struct {
	Options
	picture *Picture
	nodes   map[*runbook.Step]*Node
	named   int
	waits   func(before, after *runbook.Step) bool // siblings: all hosts for all hosts
	hosts   map[*runbook.Step][]bool               // by their index in the plan
	keys    map[*runbook.Step][]string             // items of each foreach of the plan
	path    [][2]string                            // steps of the critical path that follow one another
}

func (b *builder) safe(text string) string { return view.OneLine(text, !b.ASCII) }

func (b *builder) node(s *runbook.Step) *Node {
	n := &Node{
		Name: fmt.Sprintf("n%d", b.named), ID: b.safe(s.ID), Kind: kindOf(s), NoReturn: s.PointOfNoReturn, Last: s.Finally,
		index: s.Index, source: s,
	}
	b.named++
	b.describe(n, s)
	return n
}

// describe notes what is said of a step.
func (b *builder) describe(n *Node, s *runbook.Step) {
	b.nodes[s] = n
	for _, fact := range b.facts(s) {
		n.Facts = append(n.Facts, b.safe(fact))
	}
	if u := undoOf(s); u.Can || u.None {
		u.Text = b.safe(b.ellipsis(u.Text))
		n.Undo = u
	}
	n.Waves = append(n.Waves, b.waveLines(s)...)
}

// fill makes what is inside a block. An included runbook is a block in the step that includes it: one node is both.
func (b *builder) fill(n *Node, s *runbook.Step) {
	inside := []*runbook.Step{s}
	if s.Include != nil && s.Include.Runbook != nil {
		inside = []*runbook.Step{s.Include.Runbook.Root, s}
		b.describe(n, inside[0])
	}
	n.body = b.body(inside[0].Steps)
	for _, x := range inside {
		if x.Rollout != nil && x.Rollout.Gate != nil {
			gate := b.node(x.Rollout.Gate)
			n.gate = n.gate.then(&part{node: gate})
		}
		n.finally = n.finally.then(b.body(x.Always))
	}
}

// ellipsis is three dots where there is no sign for it.
func (b *builder) ellipsis(text string) string {
	if b.ASCII {
		return strings.ReplaceAll(text, "…", "...")
	}
	return text
}

// body makes the nodes of siblings, and puts them in order.
func (b *builder) body(steps []*runbook.Step) *part {
	if len(steps) == 0 {
		return nil
	}
	var nodes []*Node
	for _, s := range steps {
		n := b.node(s)
		nodes = append(nodes, n)
		if n.Kind == Block {
			b.fill(n, s)
		}
	}
	for i, s := range steps {
		for _, before := range s.Before {
			nodes[i].before = append(nodes[i].before, b.nodes[before])
			nodes[i].waits = nodes[i].waits || b.waits(before, s)
		}
	}
	p := b.arrange(nodes)
	for _, n := range nodes {
		if n.waits && !n.gated {
			n.Facts = append(n.Facts, "waits for all hosts")
		}
	}
	return p
}

func kindOf(s *runbook.Step) Kind {
	switch {
	case s.IsBlock():
		return Block
	case s.Action == "manual", s.Action == "confirm":
		return Person
	case s.Read(), s.Action == "notify":
		return Reads
	case s.Effect == runbook.Destroy:
		return Destroys
	}
	return Changes
}

func undoOf(s *runbook.Step) Undo {
	switch {
	case s.Finally: // nothing is taken back after it
		return Undo{}
	case s.Rollback != nil && !s.Rollback.None:
		return Undo{Can: true, Text: view.ScriptText(s.Rollback.Run)}
	case s.IsBlock(), s.Read(), s.Action == "confirm", s.Action == "notify":
		return Undo{}
	case s.BuiltinUndo() && s.Rollback == nil:
		return Undo{Can: true, Text: "built in"}
	case s.HasUndo():
		return Undo{Can: true, Text: "files as they were"}
	}
	return Undo{None: true}
}
