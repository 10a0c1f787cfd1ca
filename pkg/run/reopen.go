package run

import "github.com/opsctl/opsctl/pkg/plan"

// A run that ended, and was not taken back, can go on where it failed: what failed is tried again, and
// what was blocked behind it gets its turn. The State is laid out anew, and what stays as it is, is
// folded into it.

// reopens tells whether a resume opens ops again: because a person asks for what failed to be retried, or
// has settled an unknown outcome as a good one.
func (s *State) reopens(e Event) bool {
	goesBack := s.trigger != nil && s.trigger.asked // a person asked to take it back, and that broke off
	return e.Scope == "" && !s.wentBack && !goesBack && s.trying == 0 && s.leavers == 0 && (e.Again || s.settled) && !s.held(e.Again)
}

// held tells whether a failure that stays as it is stops the run: an unknown outcome, or one that is not
// to be tried again. One that its rollout bears does not.
func (s *State) held(retry bool) bool {
	for _, step := range s.plan.Steps {
		for k := range step.Targets.Hosts {
			i := step.First + k
			o := &s.ops[i]
			stays := o.status.Bad() && !o.ignored && (!retry || o.status == StatusUnknown)
			borne := step.Rollout >= 0 && !step.Gate && !s.rollouts[step.Rollout].stopped
			if stays && !step.Finally && !borne && s.policyOf(step, i) >= plan.Stop && !(step.Once && s.onceSatisfied(step)) {
				return true
			}
		}
	}
	return false
}

// reopen lays the State out anew. What failed is opened with what was blocked behind it if it is to be
// tried again; else only what is blocked behind nothing any more.
func (s *State) reopen(retry bool) {
	old := *s
	fresh := New(s.plan, s.limits)
	fresh.begun, fresh.seq, fresh.asked = true, s.seq, s.asked
	gone := old.goneHosts()
	for i := range fresh.hosts {
		h := &fresh.hosts[i]
		h.boot, h.missing = old.hosts[i].boot, old.hosts[i].missing && !retry
		h.out = h.missing || gone[int32(i)]
	}
	for _, step := range s.plan.Steps {
		lost := step.Once && old.onceLost(step, retry, gone)
		for k, host := range step.Targets.Hosts {
			fresh.carryOver(step, step.First+k, &old, carrying{retry: retry && !gone[host], lost: lost})
		}
	}
	fresh.reopenWaves(&old)
	stays := make([]bool, len(fresh.ops)) // by itself; folding the others may end more
	for i := range fresh.ops {
		stays[i] = fresh.ops[i].status.Over()
	}
	for _, step := range s.plan.Steps {
		fresh.foldEnds(step, &old, stays)
	}
	for h := range fresh.hosts {
		if fresh.hosts[h].out {
			fresh.leave(int32(h))
		}
	}
	for index, r := range s.plan.Rollouts {
		fresh.stayStopped(r, &fresh.rollouts[index])
	}
	for i := range fresh.steps {
		st, was := &fresh.steps[i], &old.steps[i]
		st.agreed, st.leftOut, st.asked = was.agreed, was.leftOut, was.agreed
	}
	*s = *fresh
}

// goneHosts gives the hosts that were taken back alone: nothing there is tried again.
func (s *State) goneHosts() map[int32]bool {
	gone := map[int32]bool{}
	for _, step := range s.plan.Steps {
		for k, host := range step.Targets.Hosts {
			if back := s.ops[step.First+k].back; back == StatusUndone || back == StatusUndoFailed || back == StatusUndoPending {
				gone[host] = true
			}
		}
	}
	return gone
}

// carrying tells what is known of an op's host and step.
type carrying struct {
	retry bool // what failed is tried again
	lost  bool // the step runs once, and failed for good
}

// carryOver takes over what is known of an op, and decides whether it is open again.
func (s *State) carryOver(step *plan.Step, i int, old *State, c carrying) {
	was, o := &old.ops[i], &s.ops[i]
	waits, act := o.waits, o.act
	*o = *was
	o.waits, o.past = waits, true
	between := was.status == StatusRunning || was.status == StatusWaiting
	failed := was.status.Bad() && was.status != StatusUnknown && !was.ignored && !(step.Once && old.onceSatisfied(step))
	switch {
	case was.status == StatusBlocked && c.lost:
		return
	case was.status == StatusBlocked && step.Once && old.onceSatisfied(step):
		o.status, o.back = StatusSkipped, StatusPending
		return
	case between: // two acts, or two tries: it goes on from there
		o.past = was.past
		return
	case step.Finally && was.status != StatusUnknown && s.endsAgain(step), !step.Finally && was.status == StatusBlocked, !step.Finally && failed && c.retry:
		o.status, o.last, o.act, o.tries, o.nevers = StatusPending, StatusPending, act, 0, 0
		if o.act == Save && o.saved {
			o.act = Do
		}
		o.rechecked, o.recovered, o.ignored, o.back = false, false, false, StatusPending
		if failed && step.Once && was.did { // it is this host's, and no other's
			o.status = StatusWaiting
		}
		return
	}
	if choice, ok := old.choices[i]; ok {
		s.choices[i] = choice
	}
}

// endsAgain tells whether a finally has work again: that of a block where something in it is open, that of
// the runbook always.
func (s *State) endsAgain(step *plan.Step) bool {
	if step.EndOf == nil {
		return true
	}
	for _, index := range step.EndOf {
		of := s.plan.Steps[index]
		for k := range of.Targets.Hosts {
			if !s.ops[of.First+k].status.Over() {
				return true
			}
		}
	}
	return false
}

// onceSatisfied tells whether a step that runs once ended well on some host.
func (s *State) onceSatisfied(step *plan.Step) bool {
	for k := range step.Targets.Hosts {
		if o := &s.ops[step.First+k]; o.ignored || o.status == StatusOK || o.status == StatusChanged {
			return true
		}
	}
	return false
}

// onceLost tells whether a step that runs once was started on a host where it failed, and stays so.
func (s *State) onceLost(step *plan.Step, retry bool, gone map[int32]bool) bool {
	for k, host := range step.Targets.Hosts {
		o := &s.ops[step.First+k]
		if o.status.Bad() && !o.ignored && o.did && (!retry || gone[host] || o.status == StatusUnknown) {
			return true
		}
	}
	return false
}

// reopenWaves lets the waves that had started go on; how many hosts have failed is counted anew.
func (s *State) reopenWaves(old *State) {
	for index, r := range s.plan.Rollouts {
		state, was := &s.rollouts[index], &old.rollouts[index]
		state.started, state.finished, state.soak, state.came = was.started, was.finished, was.soak, was.came
		for wave := range was.started {
			for _, i := range r.Steps[wave] {
				if !s.plan.Steps[i].Finally {
					s.steps[i].waits--
				}
			}
		}
		for wave := range r.Waves {
			for _, i := range r.Steps[wave] {
				s.recountFailed(r, state, s.plan.Steps[i])
			}
		}
	}
}

func (s *State) recountFailed(r *plan.Rollout, state *rolloutState, step *plan.Step) {
	if step.Finally || step.Gate {
		return
	}
	for k, host := range step.Targets.Hosts {
		if o := &s.ops[step.First+k]; o.status.Bad() && !o.ignored {
			s.countFailed(r, state, host, o.status)
			s.hosts[host].out = true
		}
	}
}

// stayStopped leaves a rollout stopped where more hosts failed than it bears, or its gate did.
func (s *State) stayStopped(r *plan.Rollout, state *rolloutState) {
	stopped := state.failures > r.MaxFailures || r.MaxUnreachable >= 0 && state.missing > r.MaxUnreachable
	for wave := range state.started {
		stopped = stopped || s.waveLost(r, state, wave+1)
		for _, i := range r.Steps[wave] {
			for k := range s.plan.Steps[i].Targets.Hosts {
				o := &s.ops[s.plan.Steps[i].First+k]
				stopped = stopped || s.plan.Steps[i].Gate && o.status.Bad() && !o.ignored
			}
		}
	}
	if !stopped {
		return
	}
	for _, h := range r.Hosts {
		s.leave(h)
	}
	s.blockRollout(r, state)
}

// foldEnds counts the ops of a step that are over, blocks what stands behind those that failed, and puts
// the others where they go on from.
func (s *State) foldEnds(step *plan.Step, old *State, stays []bool) {
	for k, host := range step.Targets.Hosts {
		i := step.First + k
		switch o := &s.ops[i]; {
		case stays[i]:
			good := o.status.Good() || o.ignored
			s.steps[step.Index].busy = s.steps[step.Index].busy || step.Once && s.onceSatisfied(step)
			status := o.status
			s.ended(step, i, good)
			if o.status = status; !good {
				s.blockBehind(step, host)
			}
			if step.Entry && status == StatusSkipped {
				s.skipInside(step, i)
			}
		case o.status == StatusRunning || o.status == StatusWaiting:
			s.goOnBetween(step, i, old)
		}
	}
	if !s.steps[step.Index].over {
		s.openStep(step.Index)
	}
}

// goOnBetween puts an op that is between two acts or two tries where it was.
func (s *State) goOnBetween(step *plan.Step, i int, old *State) {
	s.unready(i) // what waits for nothing was made ready when the State was laid out
	s.steps[step.Index].busy = true
	if !s.ops[i].past {
		s.enterLimits(step, s.plan.HostOf(i), Do)
	}
	switch until, waits := old.waiting[i]; {
	case waits:
		s.wait(i, until)
	case s.ops[i].decide:
		s.deciding.add(i)
	case s.ops[i].asks:
		s.ops[i].asked = false
		s.asking.add(i)
	default:
		s.makeReady(i)
	}
}
