package run

import (
	"fmt"
	"slices"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// applyWave counts the waves of a rollout.
func (s *State) applyWave(e Event) error {
	index, r, err := s.findRollout(e.Step)
	if err != nil {
		return err
	}
	state := &s.rollouts[index]
	next := state.started + 1
	if e.Kind == WaveFinished {
		next = state.finished + 1
	}
	if e.Wave != next || e.Wave > len(r.Waves) || e.Kind == WaveFinished && e.Wave > state.started {
		return fmt.Errorf("%s of %s: wave %d cannot follow, %d were started and %d are finished", e.Kind, e.Step, e.Wave, state.started, state.finished)
	}
	if e.Kind == WaveFinished {
		state.finished, state.soak = e.Wave, e.NotBefore
		s.judgeWave(r, state, e.Wave)
		return nil
	}
	state.started, state.came = e.Wave, false
	for _, h := range r.Waves[e.Wave-1] {
		state.came = state.came || s.wentWell(r, state, e.Wave, h)
	}
	for _, step := range r.Steps[e.Wave-1] {
		if s.plan.Steps[step].Finally { // it waits for the steps of its block, which wait for the wave
			continue
		}
		s.steps[step].waits--
		s.openStep(step)
	}
	return nil
}

// judgeWave ends a rollout after a wave in which no host succeeded, whatever is tolerated. A wave
// whose hosts were all lost before it is passed over: nobody came into it.
func (s *State) judgeWave(r *plan.Rollout, state *rolloutState, wave int) {
	if state.stopped || !state.came {
		return
	}
	var culprit int32 = -1
	for _, h := range r.Waves[wave-1] {
		if s.wentWell(r, state, wave, h) {
			return
		}
		if state.failed[h] {
			culprit = h
		}
	}
	if culprit >= 0 {
		s.stopRollout(s.failedStep(r, wave, culprit), culprit, state)
		return
	}
	s.blockRollout(r, state)
}

// wentWell tells whether a host of a wave got through it, or, before it began, can come into it.
func (s *State) wentWell(r *plan.Rollout, state *rolloutState, wave int, host int32) bool {
	if state.failed[host] || s.hosts[host].out {
		return false
	}
	for _, index := range r.Steps[wave-1] {
		step := s.plan.Steps[index]
		if pos := step.Targets.Position(host); pos >= 0 && !step.Once && !step.Finally && !step.Gate && s.ops[step.Op(pos)].status == StatusBlocked {
			return false
		}
	}
	return true
}

// failedStep finds the step of a wave at which a host failed.
func (s *State) failedStep(r *plan.Rollout, wave int, host int32) *plan.Step {
	for _, index := range r.Steps[wave-1] {
		step := s.plan.Steps[index]
		if pos := step.Targets.Position(host); pos >= 0 && !step.Finally {
			if o := &s.ops[step.Op(pos)]; o.status.Bad() && !o.ignored {
				return step
			}
		}
	}
	return s.plan.Steps[r.Steps[wave-1][0]]
}

// blockRollout blocks what has not begun of a rollout, and its hosts in all that comes after it.
func (s *State) blockRollout(r *plan.Rollout, state *rolloutState) {
	state.stopped = true
	for wave, steps := range r.Steps {
		for _, index := range steps {
			if step := s.plan.Steps[index]; !step.Finally || wave >= state.started { // hosts of an earlier wave were in the block
				s.blockStep(step)
			}
		}
	}
}

// closeRollouts lets go what waits for the end of a rollout: all its ops are over, and no host
// that left it is being taken back.
func (s *State) closeRollouts() {
	for index := range s.rollouts {
		state := &s.rollouts[index]
		r := s.plan.Rollouts[index]
		waves := state.started > state.finished || state.started < len(r.Waves) && !state.stopped
		if state.closed || state.open > 0 || waves || s.leavingFrom(r, state.failed) {
			continue
		}
		state.closed = true
		s.releaseBehind(r, state)
	}
}

func (s *State) releaseBehind(r *plan.Rollout, state *rolloutState) {
	well := len(r.Hosts) == 0
	for wave := range r.Waves {
		for _, h := range r.Waves[wave] {
			well = well || wave < state.finished && s.wentWell(r, state, wave+1, h)
		}
	}
	for _, index := range state.behind {
		if !well {
			s.blockStep(s.plan.Steps[index])
			continue
		}
		s.steps[index].waits--
		s.openStep(index)
	}
}

// leavingFrom tells whether a host of a rollout is about to be taken back, or being so.
func (s *State) leavingFrom(r *plan.Rollout, failed map[int32]bool) bool {
	for _, f := range s.facts {
		if f.Kind == HostLeft && f.Step == r.Block {
			return true
		}
	}
	if s.leavers == 0 {
		return false
	}
	for h := range failed {
		if state := &s.hosts[h]; state.leaving != leavingNot || len(state.chain) > 0 {
			return true
		}
	}
	return false
}

// wave proposes the end of a wave whose steps are all over, or the start of the next after its soak.
func (s *State) wave(now time.Time) (Proposal, bool) {
	for index, r := range s.plan.Rollouts {
		state := &s.rollouts[index]
		if state.started > state.finished {
			if s.waveOver(r, state.started) {
				return Proposal{Kind: Fact, Event: Event{Kind: WaveFinished, Op: Op{Step: r.Block}, Wave: state.started}}, true
			}
			continue
		}
		if state.stopped || state.started == len(r.Waves) || state.soak.After(now) || !s.waveMayStart(r, state.started) {
			continue
		}
		var hosts []string
		for _, h := range r.Waves[state.started] {
			hosts = append(hosts, s.plan.Hosts[h].Name)
		}
		return Proposal{Kind: Fact, Event: Event{Kind: WaveStarted, Op: Op{Step: r.Block}, Wave: state.started + 1, Hosts: hosts}}, true
	}
	return Proposal{}, false
}

func (s *State) waveOver(r *plan.Rollout, wave int) bool {
	for _, index := range r.Steps[wave-1] {
		if !s.steps[index].over {
			return false
		}
	}
	return true
}

// waveMayStart tells whether all that the first steps of a wave wait for, outside of it, is over.
func (s *State) waveMayStart(r *plan.Rollout, done int) bool {
	if len(r.Steps[done]) == 0 {
		return true
	}
	first := r.Steps[done][0] // the steps of a wave stand in the plan without a gap
	for _, index := range r.Steps[done] {
		for _, e := range s.plan.Steps[index].Before {
			before := s.plan.Steps[e.Step]
			if e.Step < first && (!s.steps[e.Step].over || before.Rollout >= 0 && s.plan.Rollouts[before.Rollout] != r && !s.rollouts[before.Rollout].closed) {
				return false
			}
		}
	}
	return true
}

// wavesOpen tells whether a wave that has started is still to be judged.
func (s *State) wavesOpen() bool {
	return slices.ContainsFunc(s.rollouts, func(r rolloutState) bool { return r.started > r.finished })
}

func (s *State) findRollout(block string) (int, *plan.Rollout, error) {
	for i, r := range s.plan.Rollouts {
		if r.Block == block {
			return i, r, nil
		}
	}
	return 0, nil, fmt.Errorf("the plan has no rollout %q", block)
}
