package run

import (
	"fmt"

	"github.com/opsctl/opsctl/pkg/plan"
)

// Apply folds one event into the State; it is the only function that changes it. An event that
// cannot follow what happened so far is an error, and the State is then of no more use.
func (s *State) Apply(e Event) error {
	if e.Seq != s.seq+1 {
		return fmt.Errorf("event %d cannot follow event %d", e.Seq, s.seq)
	}
	s.seq = e.Seq
	if !s.begun && e.Kind != RunStarted {
		return fmt.Errorf("%s cannot be the first event of a run", e.Kind)
	}
	s.takeFact(e)
	if err := s.dispatch(e); err != nil {
		return err
	}
	s.advance()
	return nil
}

func (s *State) dispatch(e Event) error {
	switch e.Kind {
	case RunStarted:
		if s.begun {
			return fmt.Errorf("the run has started already")
		}
		s.begun = true
	case RunResumed:
		s.resume(e)
	case RunStopping:
		s.stop = e.Stop
	case RunFinished:
		finished := e // e itself stays off the heap
		s.finished = &finished
		s.phase = Over
	case HostReached, HostUnreachable, HostLeft:
		return s.applyHost(e)
	case OpSkipped, OpDecided, AttemptStarted, AttemptFinished, OpResolved:
		return s.applyOp(e)
	case PersonAsked, PersonAnswered:
		return s.applyPerson(e)
	case WaveStarted, WaveFinished:
		return s.applyWave(e)
	case RollbackStarted:
		return s.startBack(e)
	default:
		return fmt.Errorf("unknown event %q: this run was written by a newer opsctl", e.Kind)
	}
	return nil
}

// takeFact takes the fact that Next proposed off the list when it has become an event.
func (s *State) takeFact(e Event) {
	for i, f := range s.facts {
		if f.Kind == e.Kind && f.Op == e.Op {
			s.facts = append(s.facts[:i:i], s.facts[i+1:]...)
			return
		}
	}
}

// resume lets a run that ended or broke off go on; a rollback asked for by a person goes back.
func (s *State) resume(e Event) {
	s.stop, s.finished = "", nil
	if s.reopens(e) {
		s.reopen(e.Again)
		return
	}
	s.askAgain()
	var kept []Event
	for _, f := range s.facts { // those of tolerated hosts stay; the others are found anew
		if f.Op.Host != "" {
			kept = append(kept, f)
		}
	}
	s.facts = kept
	switch {
	case e.Scope != "":
		s.phase = Forward
		s.trigger = &trigger{policy: plan.Rollback, scope: plan.RollbackScope(e.Scope), hosts: e.Hosts, reason: e.Reason, asked: true}
	case s.wentBack && (s.trigger == nil || !s.trigger.asked):
		s.phase = Backward
	default:
		s.phase = Forward
	}
}

func (s *State) applyHost(e Event) error {
	host, ok := s.byHost[e.Host]
	if !ok {
		return fmt.Errorf("%s: the plan has no host %q", e.Kind, e.Host)
	}
	h := &s.hosts[host]
	switch e.Kind {
	case HostReached:
		h.boot, h.missing = e.Boot, false
	case HostUnreachable:
		h.missing = true
		s.hostMissing(host)
	case HostLeft:
		s.hostLeft(host)
	}
	return nil
}

func (s *State) applyOp(e Event) error {
	i, err := s.Find(e.Op)
	if err != nil {
		return err
	}
	o, step := &s.ops[i], s.plan.StepOf(i)
	switch e.Kind {
	case OpSkipped:
		if o.status != StatusPending || o.trying {
			return fmt.Errorf("op %s: cannot be skipped, it is %s", e.Op, o.status)
		}
		s.endGood(step, i, StatusSkipped)
	case OpDecided:
		if !o.decide {
			return fmt.Errorf("op %s: nothing is to be decided, it is %s", e.Op, o.status)
		}
		s.decided(step, i, e)
	case AttemptStarted:
		return s.attemptStarted(step, i, e)
	case AttemptFinished:
		return s.attemptFinished(step, i, e)
	case OpResolved:
		return s.resolved(step, i, e)
	}
	return nil
}

func (s *State) attemptStarted(step *plan.Step, i int, e Event) error {
	o := &s.ops[i]
	want := o.act
	if s.goesBack(i) {
		want = Undo
	}
	number := int(o.made[actIndex(want)]) + 1
	if o.trying || e.Act != want || e.Number != number {
		return fmt.Errorf("op %s: cannot start %s %d, it is %s and %s %d comes next", e.Op, e.Act, e.Number, o.status, want, number)
	}
	if !s.mayStart(i) {
		return fmt.Errorf("op %s: cannot start %s %d, it is %s and its turn has not come", e.Op, e.Act, e.Number, o.status)
	}
	o.trying, o.act, o.past = true, want, false
	o.made[actIndex(want)]++
	s.unwait(i)
	s.unready(i)
	s.take(&s.undoReady, i)
	if want == Undo {
		o.back = StatusUndoing
	} else {
		o.status = StatusRunning
		s.steps[step.Index].busy = true
	}
	s.countTrying(&s.hosts[s.place(step, i)], 1)
	s.enterLimits(step, step.Targets.Hosts[i-step.First], want)
	return nil
}

// mayStart tells whether all that an op waits for has come, but perhaps its time.
func (s *State) mayStart(i int) bool {
	_, waits := s.waiting[i]
	if s.goesBack(i) {
		return waits || s.undoReady.has(i)
	}
	return waits || s.ready.has(i)
}

// goesBack tells whether the next attempt of the op is an undo.
func (s *State) goesBack(i int) bool {
	return s.ops[i].inBack
}

func (s *State) place(step *plan.Step, i int) int32 {
	return step.Place(int32(i - step.First))
}

func (s *State) attemptFinished(step *plan.Step, i int, e Event) error {
	o := &s.ops[i]
	if !o.trying || e.Act != o.act || e.Number != int(o.made[actIndex(o.act)]) {
		return fmt.Errorf("op %s: cannot finish %s %d, it is %s", e.Op, e.Act, e.Number, o.status)
	}
	o.trying = false
	s.countTrying(&s.hosts[s.place(step, i)], -1)
	if o.act == Undo {
		s.undoLeaves(step, step.Targets.Hosts[i-step.First])
	}
	if e.Effects {
		o.effects = true
	}
	if e.Act == Do && e.Outcome != Unreachable {
		o.did = true
	}
	if e.Outcome == Unreachable && e.Class == NeverRan && o.nevers < neverRanMax {
		o.nevers++
		s.again(step, i)
		return nil
	}
	if o.act == Undo {
		s.undoEnded(step, i, e.Outcome)
		return nil
	}
	if !e.Outcome.Good() {
		s.actFailed(step, i, statusOf(e.Outcome))
		return nil
	}
	s.actDone(step, i, e)
	return nil
}

// again lets an attempt that never ran be made once more.
func (s *State) again(step *plan.Step, i int) {
	if s.ops[i].act == Undo {
		s.ops[i].back = StatusPending
		s.put(&s.undoReady, i)
		return
	}
	s.proceed(step, i)
}

// actFailed goes on after an act that ended badly. A do that ended well and whose check cannot be
// asked once more did run: the op failed, whatever became of the check.
func (s *State) actFailed(step *plan.Step, i int, status Status) {
	if o := &s.ops[i]; o.rechecked {
		s.recheckFailed(step, i)
		return
	}
	s.tryFailed(step, i, status)
}

func (s *State) recheckFailed(step *plan.Step, i int) {
	o := &s.ops[i]
	o.rechecked = false
	o.tries-- // counted by tryFailed
	s.tryFailed(step, i, StatusFailed)
}

// actDone goes on after an act that ended well: check, save, do, and the check once more.
func (s *State) actDone(step *plan.Step, i int, e Event) {
	o := &s.ops[i]
	switch o.act {
	case Check:
		s.checked(step, i, e.Answer)
	case Save:
		o.saved, o.act = true, Do
		s.proceed(step, i)
	case Do:
		o.tries++
		if e.Outcome == Changed {
			o.effects = true
		}
		if step.HasCheck && !step.Entry {
			o.rechecked, o.act = true, Check
			s.proceed(step, i)
			return
		}
		s.endGood(step, i, statusOf(e.Outcome))
	}
}

func (s *State) checked(step *plan.Step, i int, answer Answer) {
	o := &s.ops[i]
	switch {
	case step.Entry: // a block whose check holds has nothing to do
		if answer == Yes {
			s.endGood(step, i, StatusSkipped)
			return
		}
		o.act = Do
		s.proceed(step, i)
	case answer == Yes && (o.did || o.effects):
		s.endGood(step, i, StatusChanged)
	case answer == Yes:
		s.endGood(step, i, StatusOK)
	case o.rechecked:
		s.recheckFailed(step, i)
	default:
		o.act = Do
		if step.HasSave && !o.saved {
			o.act = Save
		}
		s.proceed(step, i)
	}
}

// proceed lets the next act of an op begin, unless its host has left meanwhile.
func (s *State) proceed(step *plan.Step, i int) {
	if !s.hosts[s.plan.HostOf(i)].out || step.Finally {
		s.makeReady(i)
		return
	}
	s.halt(step, i)
}

// halt ends an op that is between two acts, or two tries, on a host that has left.
func (s *State) halt(step *plan.Step, i int) {
	o := &s.ops[i]
	o.status = halted(o)
	good := o.status.Good()
	switch {
	case !step.Once:
	case good:
		s.onceDone(step, i)
	case o.did:
		s.onceFailed(step, i)
	default: // it has not begun: the next host takes it
		s.steps[step.Index].busy = false
	}
	s.ended(step, i, good)
}

// halted gives where an op stands that does not go on from between two acts or tries. A do that
// ended well has changed its host, also when its check was not asked any more.
func halted(o *op) Status {
	switch {
	case o.rechecked:
		return StatusChanged
	case o.last != StatusPending:
		return o.last
	case o.effects:
		return StatusFailed
	}
	return StatusBlocked
}

// resolved settles an unknown outcome by the word of a person.
func (s *State) resolved(step *plan.Step, i int, e Event) error {
	o := &s.ops[i]
	if o.status != StatusUnknown {
		return fmt.Errorf("op %s: only an unknown outcome can be resolved, it is %s", e.Op, o.status)
	}
	o.status = statusOf(e.Outcome)
	if o.status == StatusOK {
		o.status = StatusChanged
	}
	if o.status.Good() {
		o.ignored, s.settled = false, true
		s.steps[step.Index].good++
	}
	return nil
}
