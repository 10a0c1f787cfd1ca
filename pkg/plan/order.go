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
	before  []Edge // what the first steps of the block wait for
	once    map[*runbook.Step]bool
}

// block lays out the steps of a block, and gives the plan's steps that end it.
func (b *builder) block(block *runbook.Step, in instance) []int {
	if block.Rollout != nil {
		return b.rollout(block, in)
	}
	return b.inside(block, in)
}

// inside lays out a block's entry, where it has one, and its steps.
func (b *builder) inside(block *runbook.Step, in instance) []int {
	if block.Path != "" {
		in.blocks = append(append([]string{}, in.blocks...), block.Path)
	}
	if block.If != nil || block.Check != nil || block.Rollback != nil && !block.Rollback.None {
		entry := b.entry(block, in)
		in.before = []Edge{{Step: entry.Index}}
	}
	if len(block.Steps) == 0 {
		return nil
	}
	return b.steps(block.Steps, in)
}

// steps lays out siblings; it gives those no other sibling waits for.
func (b *builder) steps(list []*runbook.Step, in instance) []int {
	awaited := map[*runbook.Step]bool{}
	placed := map[*runbook.Step]bool{}
	var lay func(*runbook.Step)
	lay = func(s *runbook.Step) { // needs may name a step written later
		if placed[s] {
			return
		}
		placed[s] = true
		for _, before := range s.Before {
			awaited[before] = true
			lay(before)
		}
		b.one(s, in)
	}
	for _, s := range list {
		lay(s)
	}
	var exits []int
	for _, s := range list {
		if !awaited[s] {
			exits = append(exits, b.exits[s]...)
		}
	}
	return exits
}

// one lays out one step, or one block, after what it waits for.
func (b *builder) one(s *runbook.Step, in instance) {
	var before []Edge
	for _, sibling := range s.Before {
		for _, exit := range b.exits[sibling] {
			before = append(before, Edge{Step: exit})
		}
	}
	if len(before) == 0 { // the first in its block, or all before it are empty
		before = in.before
	}
	inner := in
	inner.before = before
	if s.Action == "steps" {
		if exits := b.block(s, inner); len(exits) > 0 {
			b.exits[s] = exits
		} else {
			b.exits[s] = stepsOf(before)
		}
		return
	}
	if s.Once && in.once != nil {
		if in.once[s] { // satisfied by the first wave
			b.exits[s] = stepsOf(before)
			return
		}
		in.once[s] = true
	}
	step := b.leaf(s, inner)
	b.exits[s] = []int{step.Index}
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
func (b *builder) add(s *Step, in instance) *Step {
	s.Index = len(b.plan.Steps)
	s.Blocks, s.Rollout, s.Wave = in.blocks, in.rollout, in.wave
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
func (b *builder) inWave(s *runbook.Step, in instance) *Targets {
	whole := b.whole(s)
	if in.hosts == nil {
		return whole
	}
	var kept []int32
	for _, h := range in.list {
		if i := b.hostIndex[h]; whole.Position(i) >= 0 {
			kept = append(kept, i)
		}
	}
	if len(kept) == 0 && s.Once {
		return whole // once looks at its own target, not at the wave
	}
	slices.Sort(kept)
	return b.set(kept)
}

// whole gives all hosts of a step, those of other waves too.
func (b *builder) whole(s *runbook.Step) *Targets {
	if b.wholes[s] == nil {
		b.wholes[s] = b.set(b.indices(b.chosen[s]))
	}
	return b.wholes[s]
}

func (b *builder) leaf(s *runbook.Step, in instance) *Step {
	step := &Step{Source: s, ID: s.Path, Targets: b.inWave(s, in), Once: s.Once, Finally: s.Finally}
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
	if place := b.places[s]; place != nil {
		step.Places = make([]int32, len(step.Targets.Hosts))
		for i := range step.Places {
			step.Places[i] = b.hostIndex[place]
		}
	}
	b.policy(step, s)
	return b.add(step, in)
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

// policy finds what a failure of the step leads to: the innermost word wins.
func (b *builder) policy(step *Step, s *runbook.Step) {
	said := b.rb.Default
	var block *runbook.Step
	for at := s; at != nil; at = at.Parent {
		if at.OnFailure != nil {
			said, block = *at.OnFailure, at
			break
		}
	}
	step.Scope = Scope(said.Scope)
	step.OnFailure = map[string]Policy{"rollback": Rollback, "stop": Stop, "continue": Continue, "ignore": Ignore}[said.Do]
	for block != nil && block.Action != "steps" {
		block = block.Parent
	}
	if block != nil {
		step.Block = block.Path
	}
	if step.Block == "" && step.Scope != ScopeHosts && (step.Scope != ScopeWave || !inRollout(s)) {
		step.Scope = ScopeRun // the runbook is the block, and there are no waves
	}
	if s.Finally && step.OnFailure > Continue {
		step.OnFailure = Continue
	}
}

// entry is where each host comes into a block that has an if, a check or a rollback of its own.
func (b *builder) entry(block *runbook.Step, in instance) *Step {
	hosts := map[*inventory.Host]bool{}
	block.Walk(func(s *runbook.Step) {
		if s.Action != "steps" {
			for _, h := range b.chosen[s] {
				hosts[h] = in.hosts == nil || in.hosts[h]
			}
		}
	})
	var list []*inventory.Host
	for h, in := range hosts {
		if in {
			list = append(list, h)
		}
	}
	id := block.Path
	if id == "" {
		id = rootID
	}
	step := &Step{
		Source: block, ID: id, Entry: true, Targets: b.set(b.indices(list)), Finally: block.Finally, Read: true, Tries: 1,
		HasIf: block.If != nil, HasCheck: block.Check != nil,
	}
	if block.Rollback != nil && !block.Rollback.None {
		step.Undo, step.UndoTries = UndoCompleted, undoTries(block)
	}
	b.policy(step, block)
	return b.add(step, in)
}

// finally lays out what runs last; it waits for nothing but the end of all else.
func (b *builder) finally() {
	if len(b.rb.Finally) > 0 {
		b.steps(b.rb.Finally, instance{rollout: -1, blocks: []string{"finally"}})
	}
}
