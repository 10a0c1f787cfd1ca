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
	for _, step := range s.plan.Steps[entry.Index+1:] {
		if !within(step, entry.ID) || step.Wave != entry.Wave {
			continue
		}
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
	scope := plan.Scope(e.Scope)
	if e.Op.Host != "" { // a tolerated host, alone
		return s.startChain(e.Op.Host, scope, e)
	}
	if s.phase == Over || s.trying > 0 {
		return fmt.Errorf("rollback cannot start: the run is over, or attempts are open")
	}
	s.asked = s.trigger != nil && s.trigger.asked
	s.wentBack, s.phase, s.trigger = true, Backward, nil
	s.abandonForward()
	if scope == plan.ScopeHosts {
		for _, name := range e.Hosts {
			if err := s.startChain(name, scope, e); err != nil {
				return err
			}
		}
		return nil
	}
	in := make([]bool, len(s.plan.Steps))
	for i, step := range s.plan.Steps {
		in[i] = !step.Finally && (scope == plan.ScopeRun || scope == plan.ScopeBlock && inBlock(step, e.Step) || scope == plan.ScopeWave && step.Rollout >= 0 && step.Wave == e.Wave && inBlock(step, s.plan.Rollouts[step.Rollout].Block))
	}
	s.layBack(in)
	return nil
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

// abandonForward leaves what was between two acts, or was never started, as not run.
func (s *State) abandonForward() {
	for i := s.ready.next(0); i >= 0; i = s.ready.next(i + 1) {
		if o := &s.ops[i]; o.status == StatusRunning && !s.plan.StepOf(i).Finally {
			o.status = StatusPending
			if o.last != StatusPending || o.effects {
				o.status = max(o.last, StatusFailed)
			}
			s.ready.remove(i)
		}
	}
}

// layBack counts, for every op of the steps, what must be taken back before it. Each op takes
// part, also one with nothing to undo: the order goes through it.
func (s *State) layBack(in []bool) {
	s.clearBack()
	pinned := s.pinned()
	for index, step := range s.plan.Steps {
		if !in[index] {
			continue
		}
		state := &s.steps[index]
		state.backOpen, state.backWaits = int32(len(step.Targets.Hosts)), 0
		hostEdges := int32(0)
		for _, e := range step.After {
			switch {
			case !in[e.Step] || len(s.plan.Steps[e.Step].Targets.Hosts) == 0 && e.Barrier:
			case e.Barrier:
				state.backWaits++
			default:
				hostEdges++
			}
		}
		for k, host := range step.Targets.Hosts {
			o := &s.ops[step.First+k]
			if o.back != StatusUndone {
				o.back, o.kept = StatusPending, false
			}
			o.kept = o.kept || pinned(index, host)
			o.inBack, o.backWaits = true, hostEdges
			s.backOpen++
		}
	}
	s.bridgeEmpty(in)
	for index := range s.plan.Steps {
		if in[index] {
			s.openBack(index)
		}
	}
}

// clearBack forgets a rollback that was broken off: what it had undone stays undone.
func (s *State) clearBack() {
	s.backOpen = 0
	for i := range s.ops {
		s.ops[i].inBack, s.ops[i].decide = false, false
		s.undoReady.remove(i)
		s.deciding.remove(i)
	}
	for i := range s.steps {
		s.steps[i].backOpen, s.steps[i].backWaits, s.steps[i].bridges = 0, 0, nil
	}
	for i := range s.hosts {
		s.hosts[i].chain = nil
	}
	s.waiting = map[int]time.Time{}
}

// bridgeEmpty carries the order over steps that have no hosts, and so no op to wait for.
func (s *State) bridgeEmpty(in []bool) {
	for index := len(s.plan.Steps) - 1; index >= 0; index-- {
		step := s.plan.Steps[index]
		if !in[index] || len(step.Targets.Hosts) > 0 {
			continue
		}
		for _, after := range s.behind(index) {
			for _, e := range step.Before {
				s.steps[after].bridges = append(s.steps[after].bridges, e.Step)
				s.steps[e.Step].backWaits++
			}
		}
	}
}

// behind gives the nearest steps with hosts after a step without.
func (s *State) behind(index int) []int {
	var list []int
	for _, e := range s.plan.Steps[index].After {
		if len(s.plan.Steps[e.Step].Targets.Hosts) > 0 && s.steps[e.Step].backOpen > 0 {
			list = append(list, e.Step)
		}
	}
	return list
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
		s.undoReady.add(i)
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
		if s.ops[j].inBack {
			s.ops[j].backWaits--
			s.openUndo(before, j)
		}
	}
	if state.backOpen > 0 {
		return
	}
	for _, e := range step.Before {
		if e.Barrier && s.steps[e.Step].backOpen > 0 {
			s.steps[e.Step].backWaits--
			s.openBack(e.Step)
		}
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
	switch {
	case outcome.Good():
		s.passed(step, i, StatusUndone)
	case (outcome == Failed || outcome == TimedOut) && int(o.made[actIndex(Undo)])%max(1, step.UndoTries) != 0 && s.stop == "":
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
	s.waiting[i] = notBefore
}

// keepBefore marks the ancestors of an op, on its host, as kept in place.
func (s *State) keepBefore(step *plan.Step, i int, as Status) {
	host := step.Targets.Hosts[i-step.First]
	s.ancestors(step.Index, func(before *plan.Step) {
		for k, h := range before.Targets.Hosts {
			if h != host && !before.Once {
				continue
			}
			j := before.First + k
			if o := &s.ops[j]; s.needsUndo(before, j) && !o.trying {
				o.kept = true
				if as == StatusUndoPending {
					o.back = StatusUndoPending
				}
				s.undoReady.remove(j)
			}
		}
	})
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
		wide := step.Once || len(step.Targets.Hosts) == 1
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
