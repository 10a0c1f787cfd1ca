package run

import (
	"fmt"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// tryFailed handles a bad outcome of a check, a save or a do: another try, or the end of the op.
func (s *State) tryFailed(step *plan.Step, i int, status Status) {
	o := &s.ops[i]
	o.tries++
	o.last = status
	again := status == StatusFailed || status == StatusTimedOut || status == StatusUnreachable
	if again && int(o.tries) < step.Tries && s.stop == "" && s.trigger == nil && !s.hosts[s.plan.HostOf(i)].out {
		o.status, o.decide = StatusWaiting, true
		s.deciding.add(i)
		return
	}
	s.endBad(step, i, status)
}

// decided applies the answer to "is it tried again, and when?"; no time means no.
func (s *State) decided(step *plan.Step, i int, e Event) {
	o := &s.ops[i]
	o.decide = false
	s.deciding.remove(i)
	if o.inBack {
		s.undoDecided(step, i, e.NotBefore)
		return
	}
	if e.NotBefore.IsZero() {
		s.endBad(step, i, o.last)
		return
	}
	o.act = firstAct(step, o.saved)
	s.waiting[i] = e.NotBefore
}

// endBad ends an op that did not end well, and finds out what that leads to.
func (s *State) endBad(step *plan.Step, i int, status Status) {
	o := &s.ops[i]
	o.status = status
	host := step.Targets.Hosts[i-step.First]
	if step.Once && status == StatusUnreachable && s.nextOnce(step, i) {
		return
	}
	if step.OnFailure == plan.Ignore {
		o.ignored = true
		if step.Once {
			s.onceDone(step, i)
		}
		s.ended(step, i, true)
		return
	}
	if step.Once {
		s.onceFailed(step, i)
	}
	s.ended(step, i, false)
	s.blockBehind(step, host)
	if step.Finally {
		return
	}
	if step.Rollout >= 0 {
		s.rolloutFailed(step, host, status)
		return
	}
	s.trip(step, &trigger{policy: step.OnFailure, scope: step.Scope, block: step.Block, rollout: -1, hosts: []string{s.plan.Hosts[host].Name}, reason: s.why(i)})
}

func (s *State) why(i int) string {
	return fmt.Sprintf("%s %s", s.Name(i), s.ops[i].status)
}

// nextOnce moves a once step on to the next host, when the one before it was proved unreachable.
func (s *State) nextOnce(step *plan.Step, i int) bool {
	for k := range step.Targets.Hosts {
		next := step.First + k
		if next != i && s.ops[next].status == StatusPending {
			s.steps[step.Index].busy = false
			s.ended(step, i, false)
			return true
		}
	}
	return false
}

// onceFailed ends a once step on all hosts: after a failure it does not move on.
func (s *State) onceFailed(step *plan.Step, failed int) {
	for k := range step.Targets.Hosts {
		if i := step.First + k; i != failed && s.ops[i].status == StatusPending {
			s.ops[i].status = StatusBlocked
			s.ended(step, i, false)
		}
	}
}

// trip notes what a failure leads to; of several the strongest holds.
func (s *State) trip(step *plan.Step, t *trigger) {
	if t.policy <= plan.Continue {
		return
	}
	if s.trigger == nil || t.policy > s.trigger.policy {
		if s.trigger != nil {
			t.hosts = append(s.trigger.hosts, t.hosts...)
		}
		s.trigger = t
		t.wave = step.Wave
	} else if s.trigger.scope == plan.ScopeHosts || t.scope == plan.ScopeHosts {
		s.trigger.hosts = append(s.trigger.hosts, t.hosts...)
	}
	s.abandonWaiting()
}

// abandonWaiting ends what was to be tried again: nothing new starts any more.
func (s *State) abandonWaiting() {
	for i := 0; i >= 0 && i < len(s.ops) && len(s.waiting)+s.deciding.count > 0; i++ {
		if o := &s.ops[i]; o.status == StatusWaiting {
			s.endBad(s.plan.StepOf(i), i, o.last)
		}
	}
}

// rolloutFailed counts a host of a rollout once; within what is tolerated it leaves alone.
func (s *State) rolloutFailed(step *plan.Step, host int32, status Status) {
	r, state := s.plan.Rollouts[step.Rollout], &s.rollouts[step.Rollout]
	if !state.failed[host] {
		state.failed[host] = true
		if status == StatusUnreachable && r.MaxUnreachable >= 0 {
			state.missing++
		} else {
			state.failures++
		}
	}
	over := state.failures > r.MaxFailures || r.MaxUnreachable >= 0 && state.missing > r.MaxUnreachable
	if over || s.waveLost(r, state, step.Wave) {
		s.stopRollout(step, host, state)
		return
	}
	name := s.plan.Hosts[host].Name
	if !s.hosts[host].out {
		s.facts = append(s.facts, Event{Kind: HostLeft, Op: Op{Step: r.Block, Host: name}, Reason: fmt.Sprintf("%s %s", step.ID, status)})
	}
}

// waveLost tells whether no host of the wave is left.
func (s *State) waveLost(r *plan.Rollout, state *rolloutState, wave int) bool {
	for _, h := range r.Waves[wave-1] {
		if !state.failed[h] {
			return false
		}
	}
	return true
}

// stopRollout ends a rollout in which more failed than is tolerated.
func (s *State) stopRollout(step *plan.Step, host int32, state *rolloutState) {
	state.stopped = true
	name := s.plan.Hosts[host].Name
	if step.OnFailure <= plan.Continue { // the rest of the run goes on, for hosts that are not in the rollout
		for _, h := range s.plan.Rollouts[step.Rollout].Hosts {
			s.leave(h)
		}
		return
	}
	block := step.Block
	if block == "" && step.Scope != plan.ScopeRun {
		block = s.plan.Rollouts[step.Rollout].Block
	}
	s.trip(step, &trigger{
		policy: step.OnFailure, scope: step.Scope, block: block, rollout: step.Rollout, wave: step.Wave,
		hosts: []string{name}, reason: fmt.Sprintf("%s/%s failed in wave %d", name, step.ID, step.Wave),
	})
}

// hostLeft takes a host out of all later steps; what it did is taken back alone.
func (s *State) hostLeft(host int32) {
	s.leave(host)
	s.hosts[host].leaving = leavingWaits
}

func (s *State) leave(host int32) {
	s.hosts[host].out = true
	for _, step := range s.plan.Steps {
		if step.Finally {
			continue
		}
		pos := step.Targets.Position(host)
		if pos < 0 {
			continue
		}
		i := step.Op(pos)
		switch o := &s.ops[i]; {
		case o.status == StatusPending:
			o.status = StatusBlocked
			s.ended(step, i, false)
		case o.status == StatusWaiting, o.status == StatusRunning && !o.trying && !o.rechecked:
			if o.status = StatusBlocked; o.last != StatusPending {
				o.status = o.last
			}
			s.ended(step, i, false)
		}
	}
}

// hostMissing ends every op of a host that the preflight did not reach.
func (s *State) hostMissing(host int32) {
	s.hosts[host].out = true
	for _, step := range s.plan.Steps {
		pos := step.Targets.Position(host)
		if pos < 0 || step.Finally || s.ops[step.Op(pos)].status != StatusPending {
			continue
		}
		s.ops[step.Op(pos)].status = StatusUnreachable
		s.ended(step, step.Op(pos), false)
		if step.Rollout >= 0 {
			s.rolloutMissing(step, host)
		}
	}
}

// rolloutMissing counts a host of a rollout that was never reached.
func (s *State) rolloutMissing(step *plan.Step, host int32) {
	r, state := s.plan.Rollouts[step.Rollout], &s.rollouts[step.Rollout]
	if state.failed[host] {
		return
	}
	state.failed[host] = true
	state.missing++
	if s.waveLost(r, state, step.Wave) {
		s.stopRollout(step, host, state)
	}
}

// Wake gives the earliest time at which Next may propose something new by the clock alone; zero is never.
func (s *State) Wake() time.Time {
	var wake time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	for _, t := range s.waiting {
		sooner(t)
	}
	for i := range s.rollouts {
		if r := &s.rollouts[i]; r.finished == r.started {
			sooner(r.soak)
		}
	}
	return wake
}
