package run

import (
	"slices"

	"github.com/opsctl/opsctl/pkg/plan"
)

// openStep looks which ops of a step may start now. One without hosts only hands on the order.
func (s *State) openStep(index int) {
	step := s.plan.Steps[index]
	if s.steps[index].waits > 0 {
		return
	}
	if len(step.Targets.Hosts) == 0 {
		s.stepEnded(index)
		return
	}
	if step.EndOf != nil {
		s.skipStrangers(step)
	}
	for k := range step.Targets.Hosts {
		s.openOp(step, step.First+k)
	}
}

func (s *State) openOp(step *plan.Step, i int) {
	o := &s.ops[i]
	if o.status == StatusPending && o.waits == 0 && s.steps[step.Index].waits == 0 && !o.trying {
		s.makeReady(i)
	}
}

// endGood ends an op after which what follows may start.
func (s *State) endGood(step *plan.Step, i int, status Status) {
	o := &s.ops[i]
	o.recovered = o.last != StatusPending && status != StatusSkipped
	o.status, o.rechecked = status, false
	if step.Entry && status == StatusSkipped {
		s.skipInside(step, i)
	}
	if step.Once {
		s.onceDone(step, i)
	}
	s.ended(step, i, true)
}

// skipInside skips what stands in a block on a host for which the block's if or check said no.
// What runs once is left to the hosts that come into the block.
func (s *State) skipInside(entry *plan.Step, i int) {
	host := s.plan.HostOf(i)
	for _, step := range s.inside(entry) {
		pos := step.Targets.Position(host)
		if pos < 0 || s.ops[step.Op(pos)].status != StatusPending {
			continue
		}
		if step.Once {
			s.ops[step.Op(pos)].status = StatusSkipped
			s.ended(step, step.Op(pos), true)
			continue
		}
		s.endGood(step, step.Op(pos), StatusSkipped)
	}
}

// inside gives the steps of the block behind an entry, of its wave where it stands in one: they
// follow the entry in the plan without a gap.
func (s *State) inside(entry *plan.Step) []*plan.Step {
	rest := s.plan.Steps[entry.Index+1:]
	for k, step := range rest {
		if !within(step, entry.ID) || entry.Rollout >= 0 && step.Wave != entry.Wave {
			return rest[:k]
		}
	}
	return rest
}

func within(step *plan.Step, block string) bool {
	return !step.Finally && block == "runbook" || slices.Contains(step.Blocks, block)
}

// onceDone skips the other hosts of a step that runs once.
func (s *State) onceDone(step *plan.Step, done int) {
	for k := range step.Targets.Hosts {
		i := step.First + k
		if i != done && s.ops[i].status == StatusPending {
			s.ops[i].status = StatusSkipped
			s.ended(step, i, true)
		}
	}
}

// ended counts an op that is over and lets go what waited for it.
func (s *State) ended(step *plan.Step, i int, good bool) {
	s.unready(i)
	s.deciding.remove(i)
	s.unwait(i)
	s.asking.remove(i)
	s.ops[i].decide, s.ops[i].asks, s.ops[i].asked = false, false, false
	s.opLeaves(step, step.Targets.Hosts[i-step.First])
	if step.EndOf != nil {
		s.endsOpen--
	}
	if step.Rollout >= 0 && !step.Finally {
		s.rollouts[step.Rollout].open--
	}
	state := &s.steps[step.Index]
	state.ended++
	if good {
		state.good++
	}
	if step.Finally {
		s.endingEnd++
	} else {
		s.forwardEnd++
	}
	host := step.Targets.Hosts[i-step.First]
	for _, e := range step.After {
		after := s.plan.Steps[e.Step]
		if !e.Barrier && len(after.Targets.Hosts) > 0 && passes(step, after, good) {
			next := after.Op(after.Targets.Position(host))
			s.ops[next].waits--
			s.openOp(after, next)
		}
	}
	if int(state.ended) == len(step.Targets.Hosts) {
		s.stepEnded(step.Index)
	}
	if s.plan.Drill != nil && s.plan.Drill.Op == i {
		s.drilled(step, host)
	}
}

// passes tells whether the end of an op lets go what follows it on its host: what follows the finally
// of a block does not wait for its success.
func passes(step, after *plan.Step, good bool) bool { return good || step.Finally && !after.Finally }

// stepEnded opens the barriers behind a step that is over on all its hosts. One on which no host
// ended well stays shut; but the end of a wave is judged by the wave, and that of a rollout by the
// rollout, not by its last step.
func (s *State) stepEnded(index int) {
	step, state := s.plan.Steps[index], &s.steps[index]
	if state.over {
		return
	}
	state.over = true
	state.shut = state.shut || state.good == 0 && len(step.Targets.Hosts) > 0
	for _, e := range step.After {
		after := s.plan.Steps[e.Step]
		if !e.Barrier && len(after.Targets.Hosts) > 0 {
			continue
		}
		leavesWave := step.Rollout >= 0 && (after.Rollout != step.Rollout || after.Wave != step.Wave)
		if state.shut && !leavesWave && (!step.Finally || after.Finally) {
			if after.Rollout >= 0 && after.Rollout != step.Rollout {
				s.blockRollout(s.plan.Rollouts[after.Rollout], &s.rollouts[after.Rollout])
			}
			s.blockStep(after)
			continue
		}
		s.steps[e.Step].waits--
		s.openStep(e.Step)
	}
	s.blockStepEnded(index)
}

// blockStep blocks a step on all its hosts: no host of a step before it ended well.
func (s *State) blockStep(step *plan.Step) {
	if len(step.Targets.Hosts) == 0 && !s.steps[step.Index].over {
		s.steps[step.Index].shut = true
		s.stepEnded(step.Index)
		return
	}
	for k := range step.Targets.Hosts {
		s.block(step, step.First+k)
	}
}

// block ends an op that cannot start any more, and what follows it on its host.
func (s *State) block(step *plan.Step, i int) {
	if s.ops[i].status != StatusPending {
		return
	}
	s.ops[i].status = StatusBlocked
	s.ended(step, i, false)
	s.blockBehind(step, step.Targets.Hosts[i-step.First])
}

// blockBehind blocks a host in every step that comes after one, through barriers and over steps
// of other hosts too: who did not end well stays behind.
func (s *State) blockBehind(step *plan.Step, host int32) {
	behind := map[int]bool{step.Index: true}
	for _, later := range s.plan.Steps[step.Index+1:] {
		if step.Finally && !later.Finally {
			continue
		}
		for _, e := range later.Before {
			if behind[e.Step] {
				behind[later.Index] = true
				break
			}
		}
		if !behind[later.Index] {
			continue
		}
		pos := later.Targets.Position(host)
		if pos < 0 || s.ops[later.Op(pos)].status != StatusPending {
			continue
		}
		s.ops[later.Op(pos)].status = StatusBlocked
		s.ended(later, later.Op(pos), false)
	}
}

// advance turns the run round its corners: from forward to backward to finally to its end. What
// comes next there becomes a fact that Next proposes.
func (s *State) advance() {
	if !s.begun || s.phase == Over {
		return
	}
	s.takeBackLeft()
	s.closeRollouts()
	if s.trying > 0 || len(s.facts) > 0 || s.chainsOpen() {
		return
	}
	switch s.phase {
	case Forward:
		s.endForward()
	case Backward:
		if s.backOpen == 0 || !s.mayUndo() {
			s.beginEnding()
		}
	}
	if s.phase == Ending && s.endingEnd == len(s.ops)-s.forwardAll {
		s.facts = append(s.facts, s.result())
	}
}

// mayUndo tells whether undos may start: the deadline of a run does not hold them.
func (s *State) mayUndo() bool { return s.stop == "" || s.stop == StopDeadline }

func (s *State) endForward() {
	switch {
	case s.trigger != nil && s.trigger.policy == plan.Rollback && s.mayUndo():
		s.facts = append(s.facts, Event{
			Kind: RollbackStarted, Scope: string(s.trigger.scope), Op: Op{Step: s.trigger.block}, Wave: s.trigger.wave,
			Hosts: s.trigger.hosts, Reason: s.trigger.reason,
		})
	case s.stop != "": // what is between two acts goes on when the run is resumed
		s.beginEnding()
	case s.trigger != nil && s.trigger.policy == plan.Stop:
		s.abandonForward()
		s.beginEnding()
	case s.forwardEnd == s.forwardAll && !s.wavesOpen():
		s.beginEnding()
	}
}

// beginEnding lets finally run, but not on hosts that were never reached.
func (s *State) beginEnding() {
	s.phase = Ending
	defer s.openEndings()
	for _, step := range s.plan.Steps {
		if !step.Finally {
			continue
		}
		for k, host := range step.Targets.Hosts {
			if i := step.First + k; s.hosts[host].missing && s.ops[i].status == StatusPending {
				s.ops[i].status = StatusSkipped
				s.ended(step, i, true)
			}
		}
	}
}
