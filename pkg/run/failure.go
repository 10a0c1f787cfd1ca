package run

import (
	"fmt"
	"slices"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// tryFailed handles a bad outcome of a check, a save or a do: another try, or the end of the op.
func (s *State) tryFailed(step *plan.Step, i int, status Status) {
	o := &s.ops[i]
	o.tries++
	o.last = status
	again := status == StatusFailed || status == StatusTimedOut || status == StatusUnreachable
	if again && int(o.tries) < step.Tries && s.mayTryAgain(step, i) {
		o.status, o.decide = StatusWaiting, true
		s.deciding.add(i)
		return
	}
	if s.asksPerson(step, i, status) {
		o.status, o.asks = StatusWaiting, true
		s.asking.add(i)
		return
	}
	s.endBad(step, i, status)
}

// mayTryAgain tells whether a retry makes sense still. After an interrupt it does: when the run is
// resumed.
func (s *State) mayTryAgain(step *plan.Step, i int) bool {
	return step.Finally || s.stop != StopDeadline && s.trigger == nil && !s.hosts[s.plan.HostOf(i)].out
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
	s.wait(i, e.NotBefore)
}

// endBad ends an op that did not end well, and finds out what that leads to.
func (s *State) endBad(step *plan.Step, i int, status Status) {
	o := &s.ops[i]
	if status == StatusUnreachable && o.did { // of the last try; one before it did start
		status = StatusFailed
	}
	o.status = status
	host := step.Targets.Hosts[i-step.First]
	if step.Once && status == StatusUnreachable && s.nextOnce(step, i) {
		return
	}
	policy := s.policyOf(step, i)
	if policy == plan.Ignore {
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
	if step.Gate {
		s.stopRollout(step, host, &s.rollouts[step.Rollout])
		return
	}
	if step.Rollout >= 0 {
		s.rolloutFailed(step, host, status)
		return
	}
	s.trip(step, &trigger{policy: policy, scope: step.Back, block: step.Block, rollout: -1, hosts: []string{s.plan.Hosts[host].Name}, reason: s.why(i)})
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

// trip notes what a failure leads to; of several the strongest holds, and of two rollbacks the wider.
func (s *State) trip(step *plan.Step, t *trigger) {
	if t.policy <= plan.Continue {
		return
	}
	t.wave = step.Wave
	if t.scope == plan.ScopeWave && step.Rollout < 0 { // there is no wave
		t.scope = plan.ScopeBlock
	}
	if old := s.trigger; old != nil {
		hosts := slices.Concat(old.hosts, without(t.hosts, old.hosts))
		if t.policy < old.policy || t.policy == old.policy && !wider(t.scope, old.scope) {
			t = old
		}
		t.hosts = hosts
	}
	s.trigger = t
	s.abandonWaiting()
}

// drilled takes the run back once the op is over at which a drill lets it fail, however that ended.
func (s *State) drilled(step *plan.Step, host int32) {
	s.trip(step, &trigger{
		policy: plan.Rollback, scope: plan.ScopeRun, rollout: -1, hosts: []string{s.plan.Hosts[host].Name}, reason: "drill: " + s.plan.Drill.String(),
	})
}

func without(list, drop []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(x string) bool { return slices.Contains(drop, x) })
}

func wider(a, b plan.RollbackScope) bool {
	order := []plan.RollbackScope{plan.ScopeHosts, plan.ScopeWave, plan.ScopeBlock, plan.ScopeRun}
	return slices.Index(order, a) > slices.Index(order, b)
}

// abandonWaiting ends what was to be tried again: nothing new starts any more.
func (s *State) abandonWaiting() {
	for i := 0; i >= 0 && i < len(s.ops) && len(s.waiting)+s.deciding.count+s.asking.count > 0; i++ {
		if o := &s.ops[i]; o.status == StatusWaiting && !s.plan.StepOf(i).Finally {
			s.endBad(s.plan.StepOf(i), i, o.last)
		}
	}
}

// rolloutFailed counts a host of a rollout once; within what is tolerated it leaves alone.
func (s *State) rolloutFailed(step *plan.Step, host int32, status Status) {
	r, state := s.plan.Rollouts[step.Rollout], &s.rollouts[step.Rollout]
	s.countFailed(r, state, host, status)
	over := state.failures > r.MaxFailures || r.MaxUnreachable >= 0 && state.missing > r.MaxUnreachable
	if over || s.waveLost(r, state, step.Wave) {
		s.stopRollout(step, host, state)
		return
	}
	name := s.plan.Hosts[host].Name
	if !s.hosts[host].out && !s.hasFact(HostLeft, name) {
		s.facts = append(s.facts, Event{Kind: HostLeft, Op: Op{Step: r.Block, Host: name}, Reason: fmt.Sprintf("%s %s", step.ID, status)})
	}
}

func (s *State) hasFact(kind Kind, host string) bool {
	return slices.ContainsFunc(s.facts, func(e Event) bool { return e.Kind == kind && e.Host == host })
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
	name, policy := s.plan.Hosts[host].Name, step.OnFailure
	if pos := step.Targets.Position(host); pos >= 0 {
		policy = s.policyOf(step, step.Op(pos))
	}
	if policy <= plan.Continue { // the rest of the run goes on, for hosts that are not in the rollout
		for _, h := range s.plan.Rollouts[step.Rollout].Hosts {
			s.leave(h)
		}
		s.blockRollout(s.plan.Rollouts[step.Rollout], state)
		return
	}
	block := step.Block
	if block == "" && step.Back != plan.ScopeRun || step.Back == plan.ScopeWave {
		block = s.plan.Rollouts[step.Rollout].Block
	}
	s.trip(step, &trigger{
		policy: policy, scope: step.Back, block: block, rollout: step.Rollout, wave: step.Wave,
		hosts: []string{name}, reason: fmt.Sprintf("%s/%s failed in wave %d", name, step.ID, step.Wave),
	})
}

// hostLeft takes a host out of all later steps; what it did is taken back alone.
func (s *State) hostLeft(host int32) {
	s.leave(host)
	s.setLeaving(host, leavingWaits)
}

func (s *State) leave(host int32) {
	s.hosts[host].out = true
	for _, step := range s.plan.Steps {
		pos := step.Targets.Position(host)
		if pos < 0 || step.Finally {
			continue
		}
		i := step.Op(pos)
		switch o := &s.ops[i]; {
		case o.status == StatusPending:
			o.status = StatusBlocked
			s.ended(step, i, false)
		case o.status == StatusWaiting, o.status == StatusRunning && !o.trying:
			s.halt(step, i)
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

// rolloutMissing counts a host of a rollout that was never reached. It does not stop the rollout
// by itself: who is missing was borne, or nothing would start.
func (s *State) rolloutMissing(step *plan.Step, host int32) {
	s.countFailed(s.plan.Rollouts[step.Rollout], &s.rollouts[step.Rollout], host, StatusUnreachable)
}

// countFailed counts a host once: as unreachable where that has a limit of its own, else as failed.
func (s *State) countFailed(r *plan.Rollout, state *rolloutState, host int32, status Status) {
	switch {
	case state.failed[host]:
		return
	case status == StatusUnreachable && r.MaxUnreachable >= 0:
		state.missing++
	default:
		state.failures++
	}
	state.failed[host] = true
}

// Wake gives the earliest time at which Next may propose something new by the clock alone; zero is
// never. It may have passed already, where a limit holds an op whose time has come: then there is
// nothing to wait for but the end of an attempt.
func (s *State) Wake() time.Time {
	var wake time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (wake.IsZero() || t.Before(wake)) {
			wake = t
		}
	}
	forward := s.phase == Forward && s.stop == "" && s.trigger == nil
	for i, t := range s.waiting {
		step := s.plan.StepOf(i)
		if s.ops[i].inBack && s.mayUndo() || !s.ops[i].inBack && s.turn(step) && (forward || s.phase == Ending) {
			sooner(t)
		}
	}
	for i := range s.rollouts {
		r, of := &s.rollouts[i], s.plan.Rollouts[i]
		if forward && r.finished == r.started && r.started < len(of.Waves) && !r.stopped && s.waveMayStart(of, r.started) {
			sooner(r.soak)
		}
	}
	return wake
}
