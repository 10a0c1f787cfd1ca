package plan

import (
	"slices"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// instance is where in the plan the steps of a block are being laid out: in which wave, after what.
type instance struct {
	rollout int
	wave    int
	hosts   map[*inventory.Host]bool // of the wave; nil outside a rollout
	list    []*inventory.Host        // the same, in order
	blocks  []string
	limits  []int
	before  []Edge // what the first steps of the block wait for
	once    map[*node]bool
}

// block lays out the steps of a block, and gives the plan's steps that end it.
func (b *builder) block(block *node, in instance) []int {
	if block.src.MaxParallel > 0 {
		in.limits = append(slices.Clone(in.limits), b.newLimit(block.src.MaxParallel))
	}
	if block.src.Rollout != nil {
		return b.rollout(block, in)
	}
	return b.lay(block, in)
}

func (b *builder) newLimit(hosts int) int {
	b.plan.Limits = append(b.plan.Limits, &Limit{Max: hosts})
	return len(b.plan.Limits) - 1
}

// lay lays out a block's entry, where it has one, its steps, and what runs at its end.
func (b *builder) lay(block *node, in instance) []int {
	if block.path != "" {
		in.blocks = append(slices.Clone(in.blocks), block.path)
	}
	from := len(b.plan.Steps)
	src := block.src
	if src.If != nil || src.Check != nil || src.Confirm != nil || src.Rollback != nil && !src.Rollback.None {
		entry := b.entry(block, in)
		in.before = []Edge{{Step: entry.Index}}
	}
	var exits []int
	if len(block.kids) > 0 {
		exits = b.steps(block.kids, in)
	}
	if len(block.always) > 0 && len(b.plan.Steps) > from { // what is empty, as a later wave of once steps, has no end
		exits = append(exits, b.ends(block, in, upTo(from, len(b.plan.Steps)))...)
	}
	return exits
}

// ends lays out the finally of a block: it waits for the end of the block, whatever that is.
func (b *builder) ends(block *node, in instance, of []int) []int {
	in.before, in.limits = nil, nil
	in.blocks = append(slices.Clone(in.blocks), block.prefix+"finally")
	from := len(b.plan.Steps)
	exits := b.steps(block.always, in)
	for _, s := range b.plan.Steps[from:] {
		s.EndOf = of
	}
	return exits
}

// steps lays out siblings; it gives those no other sibling waits for.
func (b *builder) steps(list []*node, in instance) []int {
	awaited := map[*node]bool{}
	placed := map[*node]bool{}
	var lay func(*node)
	lay = func(n *node) { // needs may name a step written later
		if placed[n] {
			return
		}
		placed[n] = true
		for _, before := range n.before {
			awaited[before] = true
			lay(before)
		}
		b.layOne(n, in)
	}
	for _, n := range list {
		lay(n)
	}
	var exits []int
	for _, n := range list {
		if !awaited[n] {
			exits = append(exits, n.exits...)
		}
	}
	return exits
}

// layOne lays out one step, or one block, after what it waits for.
func (b *builder) layOne(n *node, in instance) {
	var before []Edge
	for _, sibling := range n.before {
		for _, exit := range sibling.exits {
			before = append(before, Edge{Step: exit})
		}
	}
	if len(before) == 0 { // the first in its block, or all before it are empty
		before = in.before
	}
	inner := in
	inner.before = before
	if n.src.IsBlock() {
		if n.src.Barrier {
			inner.before = barriers(before)
		}
		if n.exits = b.block(n, inner); len(n.exits) == 0 {
			n.exits = stepsOf(before)
		}
		return
	}
	if n.src.Once && in.once != nil {
		if in.once[n] { // satisfied by the first wave
			n.exits = stepsOf(before)
			return
		}
		in.once[n] = true
	}
	step := b.leaf(n, inner)
	n.exits = []int{step.Index}
}

func stepsOf(edges []Edge) []int {
	var list []int
	for _, e := range edges {
		list = append(list, e.Step)
	}
	return list
}

// add puts a step into the plan; its edges are host by host where both ends have the same hosts
// in the same wave and neither is once nor asks for a barrier.
func (b *builder) add(s *Step, n *node, in instance) *Step {
	s.Index, s.Source, s.Scope, s.Items = len(b.plan.Steps), n.src, n.scope, n.items
	s.Blocks, s.Rollout, s.Wave, s.Limits = in.blocks, in.rollout, in.wave, in.limits
	for _, limit := range s.Limits {
		b.plan.Limits[limit].Steps = append(b.plan.Limits[limit].Steps, s.Index)
	}
	seen := map[int]bool{}
	for _, e := range in.before {
		if seen[e.Step] {
			continue
		}
		seen[e.Step] = true
		other := b.plan.Steps[e.Step]
		same := other.Targets == s.Targets && other.Rollout == s.Rollout && other.Wave == s.Wave
		e.Barrier = e.Barrier || !same || s.Once || other.Once || s.Source.Barrier && !s.Entry
		s.Before = append(s.Before, e)
	}
	b.plan.Steps = append(b.plan.Steps, s)
	return s
}

// inWave gives the hosts of a step that go through now.
func (b *builder) inWave(n *node, in instance) *Targets {
	whole := b.whole(n)
	if in.hosts == nil {
		return whole
	}
	var kept []int32
	for _, h := range in.list {
		if i := b.hostIndex[h]; whole.Position(i) >= 0 {
			kept = append(kept, i)
		}
	}
	if len(kept) == 0 && n.src.Once {
		return whole // once looks at its own target, not at the wave
	}
	slices.Sort(kept)
	return b.set(kept)
}

// whole gives all hosts of a step, those of other waves too.
func (b *builder) whole(n *node) *Targets {
	if n.whole == nil {
		n.whole = b.set(b.indices(n.chosen))
	}
	return n.whole
}

func (b *builder) leaf(n *node, in instance) *Step {
	s := n.src
	step := &Step{ID: n.path, Targets: b.inWave(n, in), Once: s.Once, Finally: s.Finally, Confirm: s.Confirm != nil}
	step.HasIf, step.HasCheck, step.HasSave, step.Read = s.If != nil, s.Check != nil, len(s.Save) > 0, s.Read()
	step.NoReturn, step.Tries = s.PointOfNoReturn, 1
	if r := runbook.Inherit(s, func(s *runbook.Step) *runbook.Retry { return s.Retry }); r != nil {
		step.Tries = r.Attempts
	}
	if s.HasUndo() && !s.Read() {
		step.Undo = UndoCompleted
		if s.Rollback != nil && s.Rollback.When == "started" {
			step.Undo = UndoStarted
		}
		step.UndoTries = undoTries(s)
	}
	if n.place != nil {
		step.Places = make([]int32, len(step.Targets.Hosts))
		for i := range step.Places {
			step.Places[i] = b.hostIndex[n.place]
		}
	}
	if s.MaxParallel > 0 {
		in.limits = append(slices.Clone(in.limits), b.newLimit(s.MaxParallel))
	}
	b.policy(step, n)
	return b.add(step, n, in)
}

// inRollout tells whether the step goes through in waves.
func inRollout(s *runbook.Step) bool {
	for ; s != nil; s = s.Parent {
		if s.Rollout != nil {
			return true
		}
	}
	return false
}

func undoTries(s *runbook.Step) int {
	if s.Rollback != nil && s.Rollback.Retry != nil {
		return s.Rollback.Retry.Attempts
	}
	return 1
}

var policies = map[string]Policy{"rollback": Rollback, "stop": Stop, "continue": Continue, "ignore": Ignore}

// policy finds what a failure of the step leads to: the innermost word wins.
func (b *builder) policy(step *Step, n *node) {
	said, block := b.rb.Default, (*node)(nil)
	for at := n; at != nil; at = at.parent {
		if at.src.OnFailure != nil {
			said, block = *at.src.OnFailure, at
			break
		}
	}
	if step.Ask = said.Do == "ask"; step.Ask { // where nobody is there to be asked
		if said.Do = "stop"; b.undoes() {
			said.Do = "rollback"
		}
	}
	step.Back, step.OnFailure = RollbackScope(said.Scope), policies[said.Do]
	for block != nil && !block.src.IsBlock() {
		block = block.parent
	}
	if block != nil {
		step.Block = block.path
	}
	if step.Block == "" && step.Back != ScopeHosts && (step.Back != ScopeWave || !inRollout(n.src)) {
		step.Back = ScopeRun // the runbook is the block, and there are no waves
	}
	if n.src.Finally && step.OnFailure > Continue {
		step.OnFailure = Continue
	}
}

// undoes tells whether some step of the runbook declares a rollback.
func (b *builder) undoes() bool {
	found := false
	b.visit(func(n *node) { found = found || n.src.Rollback != nil && !n.src.Rollback.None })
	return found
}

// entry is where each host comes into a block that has an if, a check, a question or a rollback of
// its own.
func (b *builder) entry(block *node, in instance) *Step {
	hosts := map[*inventory.Host]bool{}
	block.walk(func(n *node) {
		if n.src.IsBlock() {
			return
		}
		for _, h := range n.chosen {
			hosts[h] = in.hosts == nil || in.hosts[h]
		}
	})
	var list []*inventory.Host
	for h, in := range hosts {
		if in {
			list = append(list, h)
		}
	}
	id := block.path
	if id == "" {
		id = rootID
	}
	src := block.src
	step := &Step{
		ID: id, Entry: true, Targets: b.set(b.indices(list)), Finally: src.Finally, Read: true, Tries: 1,
		HasIf: src.If != nil, HasCheck: src.Check != nil, Confirm: src.Confirm != nil,
	}
	if src.Rollback != nil && !src.Rollback.None {
		step.Undo, step.UndoTries = UndoCompleted, undoTries(src)
	}
	b.policy(step, block)
	return b.add(step, block, in)
}
