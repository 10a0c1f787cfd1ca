package run

import (
	"fmt"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// needsUndo tells whether an op is to be taken back: it changed something, or, where its author
// says that the undo is safe on a half-done step, may have.
func (s *State) needsUndo(step *plan.Step, i int) bool {
	o := &s.ops[i]
	if step.Undo == plan.NoUndo || o.back == StatusUndone || o.kept {
		return false
	}
	if step.Entry {
		return o.status == StatusOK && s.changedInside(step, i)
	}
	return o.status == StatusChanged || step.Undo == plan.UndoStarted && o.effects && o.status.Bad()
}

// changedInside tells whether anything in a block may have changed the host.
func (s *State) changedInside(entry *plan.Step, i int) bool {
	host := s.plan.HostOf(i)
	for _, step := range s.inside(entry) {
		if pos := step.Targets.Position(host); pos >= 0 {
			if o := &s.ops[step.Op(pos)]; o.effects || o.status == StatusChanged {
				return true
			}
		}
	}
	return false
}

// rest gives the last word on an op that is not undone.
func (s *State) rest(step *plan.Step, i int) Status {
	o := &s.ops[i]
	switch {
	case o.back == StatusUndone || o.back == StatusUndoFailed || o.back == StatusUndoPending:
		return o.back
	case step.Entry || step.Read:
		return StatusPending
	case o.status == StatusChanged:
		return StatusLeft
	case o.effects && o.status.Bad():
		return StatusTraces
	}
	return StatusPending
}

// startBack begins to take back what the event names.
func (s *State) startBack(e Event) error {
	scope := plan.RollbackScope(e.Scope)
	if e.Op.Host != "" { // a tolerated host, alone
		return s.startChain(e.Op.Host, scope, e)
	}
	if s.phase == Over || s.trying > 0 {
		return fmt.Errorf("rollback cannot start: the run is over, or attempts are open")
	}
	var only map[int32]bool
	if scope == plan.ScopeHosts {
		only = map[int32]bool{}
		for _, name := range e.Hosts {
			host, ok := s.byHost[name]
			if !ok {
				return fmt.Errorf("rollback: the plan has no host %q", name)
			}
			only[host] = true
		}
	}
	again := s.trigger != nil && s.trigger.asked
	s.asked = again
	s.wentBack, s.phase, s.trigger = true, Backward, nil
	s.abandonForward()
	in := make([]bool, len(s.plan.Steps))
	for i, step := range s.plan.Steps {
		in[i] = !step.Finally && s.inScope(step, scope, e)
	}
	s.layBack(in, only, again)
	return nil
}

// inScope tells whether a step is part of what a rollback takes back.
func (s *State) inScope(step *plan.Step, scope plan.RollbackScope, e Event) bool {
	switch scope {
	case plan.ScopeRun:
		return true
	case plan.ScopeWave:
		return step.Rollout >= 0 && step.Wave == e.Wave && s.plan.Rollouts[step.Rollout].Block == e.Step
	case plan.ScopeHosts:
		return !step.Once && inBlock(step, e.Step)
	}
	return inBlock(step, e.Step)
}

func inBlock(step *plan.Step, block string) bool {
	if block == "" || block == "runbook" || step.ID == block {
		return true
	}
	for _, b := range step.Blocks {
		if b == block {
			return true
		}
	}
	return false
}

// abandonForward leaves what was between two acts or tries, or was never started, as it stands.
func (s *State) abandonForward() {
	for i := s.ready.next(0); i >= 0; i = s.ready.next(i + 1) {
		s.abandon(i)
	}
	for i := range s.waiting {
		s.abandon(i)
	}
	for _, set := range []*bitSet{&s.deciding, &s.asking} {
		for i := set.next(0); i >= 0; i = set.next(i + 1) {
			s.abandon(i)
		}
	}
}

func (s *State) abandon(i int) {
	o := &s.ops[i]
	if s.plan.StepOf(i).Finally || o.inBack || o.status != StatusRunning && o.status != StatusWaiting {
		return
	}
	s.unready(i)
	s.deciding.remove(i)
	s.asking.remove(i)
	s.unwait(i)
	o.decide, o.asks, o.asked = false, false, false
	if o.status = halted(o); o.status == StatusBlocked {
		o.status = StatusPending
	}
}

// layBack counts, for every op of the steps, what must be taken back before it. Each op takes
// part, also one with nothing to undo: the order goes through it. What an earlier rollback kept
// in place, failed to undo, or left pending stays so, unless a person asked to try it again.
func (s *State) layBack(in []bool, only map[int32]bool, again bool) {
	s.clearBack()
	pinned := s.pinned()
	for index, step := range s.plan.Steps {
		if !in[index] {
			continue
		}
		state := &s.steps[index]
		hostEdges := int32(0)
		for _, e := range step.After {
			if !e.Barrier && in[e.Step] {
				hostEdges++
			}
		}
		for k, host := range step.Targets.Hosts {
			if only != nil && !only[host] {
				continue
			}
			o := &s.ops[step.First+k]
			switch {
			case o.back == StatusUndone:
			case again || o.back == StatusPending || o.back == StatusLeft || o.back == StatusTraces:
				o.back, o.kept = StatusPending, o.kept && !again
			default:
				o.kept = true
			}
			o.kept = o.kept || pinned(index, host)
			o.inBack, o.backWaits, o.undos = true, hostEdges, 0
			state.backOpen++
			s.backOpen++
		}
	}
	for index := range s.plan.Steps {
		s.awaitBehind(index, in)
	}
	for index := range s.plan.Steps {
		if in[index] {
			s.openBack(index)
		}
	}
}

// awaitBehind counts the barriers behind a step, also those it reaches over steps that have no
// part in this rollback.
func (s *State) awaitBehind(index int, in []bool) {
	if s.steps[index].backOpen == 0 {
		return
	}
	for _, e := range s.plan.Steps[index].After {
		if e.Barrier || !in[e.Step] {
			s.await(index, e.Step, map[int]bool{})
		}
	}
}

func (s *State) await(index, behind int, seen map[int]bool) {
	if seen[behind] {
		return
	}
	seen[behind] = true
	if after := &s.steps[behind]; after.backOpen > 0 {
		after.bridges = append(after.bridges, index)
		s.steps[index].backWaits++
		return
	}
	for _, e := range s.plan.Steps[behind].After {
		s.await(index, e.Step, seen)
	}
}

// clearBack forgets a rollback that was broken off: what it had undone stays undone.
func (s *State) clearBack() {
	s.backOpen = 0
	for i := range s.ops {
		o := &s.ops[i]
		if !o.inBack {
			continue
		}
		o.inBack, o.decide = false, false
		if o.back == StatusUndoing {
			o.back = StatusPending
		}
		s.take(&s.undoReady, i)
		s.deciding.remove(i)
		s.unwait(i)
	}
	for i := range s.steps {
		s.steps[i].backOpen, s.steps[i].backWaits, s.steps[i].bridges = 0, 0, nil
	}
	for i := range s.hosts {
		s.setChain(int32(i), nil)
		s.setLeaving(int32(i), leavingNot)
	}
}

func (s *State) openBack(index int) {
	if s.steps[index].backWaits > 0 {
		return
	}
	step := s.plan.Steps[index]
	for k := range step.Targets.Hosts {
		s.openUndo(step, step.First+k)
	}
}

// openUndo lets an op be undone, or passes over it, when all that came after it is.
func (s *State) openUndo(step *plan.Step, i int) {
	o := &s.ops[i]
	if !o.inBack || o.backWaits > 0 || s.steps[step.Index].backWaits > 0 || o.trying || o.decide || s.undoReady.has(i) {
		return
	}
	if _, waits := s.waiting[i]; waits {
		return
	}
	if s.needsUndo(step, i) {
		s.put(&s.undoReady, i)
		return
	}
	s.passed(step, i, s.rest(step, i))
}

// passed ends an op's part in the rollback and lets go what came before it.
func (s *State) passed(step *plan.Step, i int, status Status) {
	o := &s.ops[i]
	o.back, o.inBack = status, false
	if s.inChain(step, i) {
		return
	}
	s.backOpen--
	state := &s.steps[step.Index]
	state.backOpen--
	host := step.Targets.Hosts[i-step.First]
	for _, e := range step.Before {
		if e.Barrier {
			continue
		}
		before := s.plan.Steps[e.Step]
		j := before.Op(before.Targets.Position(host))
		if s.ops[j].inBack && s.ops[j].backWaits > 0 {
			s.ops[j].backWaits--
			s.openUndo(before, j)
		}
	}
	if state.backOpen > 0 {
		return
	}
	for _, before := range state.bridges {
		s.steps[before].backWaits--
		s.openBack(before)
	}
	state.bridges = nil
}

// undoEnded handles the outcome of an undo. One that did not succeed keeps all that came before it
// on its host, and the once ops that needed it, in place.
func (s *State) undoEnded(step *plan.Step, i int, outcome Outcome) {
	o := &s.ops[i]
	o.undos++
	switch {
	case outcome.Good():
		s.passed(step, i, StatusUndone)
	case (outcome == Failed || outcome == TimedOut) && int(o.undos) < step.UndoTries:
		o.decide = true
		s.deciding.add(i)
	case outcome == Unreachable:
		s.keepBefore(step, i, StatusUndoPending)
		s.passed(step, i, StatusUndoPending)
	default:
		s.keepBefore(step, i, StatusLeft)
		s.passed(step, i, StatusUndoFailed)
	}
}

func (s *State) undoDecided(step *plan.Step, i int, notBefore time.Time) {
	if notBefore.IsZero() {
		s.keepBefore(step, i, StatusLeft)
		s.passed(step, i, StatusUndoFailed)
		return
	}
	s.wait(i, notBefore)
}

// keepBefore marks the ancestors of an op, on its host, as kept in place.
func (s *State) keepBefore(step *plan.Step, i int, as Status) {
	host := step.Targets.Hosts[i-step.First]
	s.ancestors(step.Index, func(before *plan.Step) {
		if before.Once {
			for k := range before.Targets.Hosts {
				s.keep(before, before.First+k, as)
			}
		} else if pos := before.Targets.Position(host); pos >= 0 {
			s.keep(before, before.Op(pos), as)
		}
	})
}

func (s *State) keep(step *plan.Step, i int, as Status) {
	o := &s.ops[i]
	if o.trying || !s.needsUndo(step, i) {
		return
	}
	o.kept = true
	if as == StatusUndoPending {
		o.back = StatusUndoPending
	}
	s.take(&s.undoReady, i)
}

// ancestors visits every step that comes before one.
func (s *State) ancestors(index int, visit func(*plan.Step)) {
	before := map[int]bool{index: true}
	for at := index; at >= 0; at-- {
		if !before[at] {
			continue
		}
		for _, e := range s.plan.Steps[at].Before {
			before[e.Step] = true
		}
		if at != index {
			visit(s.plan.Steps[at])
		}
	}
}

// pinned gives what points of no return keep in place: what came before one that completed, or
// may have, on that host, and everywhere where it stands for the whole run.
func (s *State) pinned() func(step int, host int32) bool {
	everywhere := map[int]bool{}
	onHost := map[int]map[int32]bool{}
	for _, step := range s.plan.Steps {
		if !step.NoReturn {
			continue
		}
		wide := step.Once || len(step.Targets.Hosts) == 1 && (step.Rollout < 0 || len(s.plan.Rollouts[step.Rollout].Hosts) == 1)
		for _, e := range step.Before {
			wide = wide || e.Barrier
		}
		for k, host := range step.Targets.Hosts {
			o := &s.ops[step.First+k]
			if o.status != StatusChanged && o.status != StatusOK && !o.effects {
				continue
			}
			s.ancestors(step.Index, func(before *plan.Step) {
				if wide {
					everywhere[before.Index] = true
					return
				}
				if onHost[before.Index] == nil {
					onHost[before.Index] = map[int32]bool{}
				}
				onHost[before.Index][host] = true
			})
		}
	}
	return func(step int, host int32) bool { return everywhere[step] || onHost[step][host] }
}
