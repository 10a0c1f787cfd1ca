package run

import (
	"fmt"
	"reflect"

	"github.com/opsctl/opsctl/pkg/plan"
)

// recounted derives from the ops alone what State keeps in counters and queues, and compares.
func recounted(s *State) error {
	type count struct{ trying, busy, roomy, leavers, forwardEnd, endingEnd int }
	var c count
	places := make([]hostState, len(s.hosts))
	open := make([]int, len(s.rollouts))
	for _, step := range s.plan.Steps {
		ended := 0
		for k := range step.Targets.Hosts {
			i := step.First + k
			o, place := &s.ops[i], step.Place(int32(k))
			if o.trying {
				c.trying++
				places[place].trying++
			}
			if s.ready.has(i) || s.undoReady.has(i) {
				places[place].ready++
			}
			if s.ready.has(i) && o.status != StatusPending && o.status != StatusRunning && (o.status != StatusWaiting || !step.Ask && !o.past) {
				return fmt.Errorf("%s is ready although it is %s", s.Name(i), o.status)
			}
			if o.status.Over() {
				ended++
			} else if step.Rollout >= 0 && !step.Finally {
				open[step.Rollout]++
			}
		}
		if step.Finally {
			c.endingEnd += ended
		} else {
			c.forwardEnd += ended
		}
	}
	for i := range places {
		p := &places[i]
		if p.trying != s.hosts[i].trying || p.ready != s.hosts[i].ready {
			return fmt.Errorf("%s: %d attempts open and %d ops ready, counted %d and %d", s.plan.Hosts[i].Name, s.hosts[i].trying, s.hosts[i].ready, p.trying, p.ready)
		}
		if p.trying > 0 {
			c.busy++
		}
		if p.trying > 0 && p.trying < s.limits.PerPlace && p.ready > 0 {
			c.roomy++
		}
		c.leavers += s.hosts[i].leavers()
	}
	has := count{s.trying, s.busy, s.roomy, s.leavers, s.forwardEnd, s.endingEnd}
	if s.phase != Forward || s.trigger != nil { // ops that were abandoned are over without having ended
		has.forwardEnd = c.forwardEnd
	}
	if has != c {
		return fmt.Errorf("counters are %+v, counted %+v", has, c)
	}
	if s.busy > s.limits.Forks {
		return fmt.Errorf("%d hosts at once; the limit is %d", s.busy, s.limits.Forks)
	}
	if err := insideAgain(s); err != nil {
		return err
	}
	return readyAgain(s)
}

// insideAgain derives which hosts are inside the steps of each limit, and that there are not too many.
func insideAgain(s *State) error {
	for index, l := range s.plan.Limits {
		inside, undoing := map[int32]bool{}, map[int32]bool{}
		open := map[int32]int{}
		for _, i := range l.Steps {
			step := s.plan.Steps[i]
			for k, h := range step.Targets.Hosts {
				o := &s.ops[step.First+k]
				inside[h] = inside[h] || o.made[0]+o.made[1]+o.made[2] > 0 && !o.past
				undoing[h] = undoing[h] || o.trying && o.act == Undo
				if !o.status.Over() {
					open[h]++
				}
			}
		}
		count, backing := 0, 0
		for h, is := range inside {
			if is && open[h] > 0 {
				count++
			}
			if undoing[h] {
				backing++
			}
		}
		if state := &s.bounds[index]; s.phase == Forward && s.trigger == nil && state.count != count || state.backing != backing {
			return fmt.Errorf("limit %d: %d hosts inside and %d undoing, counted %d and %d", index, state.count, state.backing, count, backing)
		}
		if count > l.Max && s.phase == Forward || backing > l.Max {
			return fmt.Errorf("limit %d: %d hosts inside and %d undoing; at most %d", index, count, backing, l.Max)
		}
	}
	return nil
}

// readyAgain is a naive Next: which ops may begin is derived from the statuses of all ops, and
// compared with the queue that State keeps.
func readyAgain(s *State) error {
	if s.phase != Forward || s.trigger != nil || !s.begun {
		return nil
	}
	for _, step := range s.plan.Steps {
		for k, host := range step.Targets.Hosts {
			i := step.First + k
			if s.ops[i].status != StatusPending || s.ops[i].trying {
				continue
			}
			err := mayBegin(s, step, host)
			if err == nil && step.Rollout >= 0 && s.ops[i].past {
				continue // of a wave that started before an earlier one was opened again: it waits for that one's empty steps, too
			}
			if (err == nil) != s.ready.has(i) {
				return fmt.Errorf("%s is ready: %v; derived: %v", s.Name(i), s.ready.has(i), err)
			}
		}
	}
	return nil
}

// mayBegin tells from statuses alone why an op may not begin.
func mayBegin(s *State, step *plan.Step, host int32) error {
	if step.Rollout >= 0 && !step.Finally && s.rollouts[step.Rollout].started < step.Wave {
		return fmt.Errorf("its wave has not started")
	}
	if err := blockOver(s, step); err != nil {
		return err
	}
	for _, e := range step.Before {
		before := s.plan.Steps[e.Step]
		if !e.Barrier {
			o := &s.ops[before.Op(before.Targets.Position(host))]
			if !o.status.Good() && !o.ignored && !(before.Finally && !step.Finally && o.status.Over()) {
				return fmt.Errorf("%s is %s", before.ID, o.status)
			}
			continue
		}
		if err := barrierOpen(s, step, before); err != nil {
			return err
		}
		if before.Rollout >= 0 && before.Rollout != step.Rollout {
			if err := rolloutOver(s, before.Rollout); err != nil {
				return err
			}
		}
	}
	return nil
}

// blockOver tells why the finally of a block may not begin; once opened by the end of the run, it may.
func blockOver(s *State, step *plan.Step) error {
	if s.steps[step.Index].endWaits == 0 {
		return nil
	}
	for _, index := range step.EndOf {
		of := s.plan.Steps[index]
		for k := range of.Targets.Hosts {
			if !s.ops[of.First+k].status.Over() {
				return fmt.Errorf("%s is not over", of.ID)
			}
		}
		if len(of.Targets.Hosts) == 0 && !s.steps[index].over {
			return fmt.Errorf("%s is not over", of.ID)
		}
	}
	return nil
}

// barrierOpen tells why nobody passes from one step to another.
func barrierOpen(s *State, step, before *plan.Step) error {
	leaves := before.Rollout >= 0 && (step.Rollout != before.Rollout || step.Wave != before.Wave)
	if len(before.Targets.Hosts) == 0 {
		if before.Finally && !step.Finally { // it waits for the end, and not for success
			if !s.steps[before.Index].over {
				return fmt.Errorf("%s is not over", before.ID)
			}
			return nil
		}
		if before.Rollout >= 0 && !before.Finally && s.rollouts[before.Rollout].started < before.Wave {
			return fmt.Errorf("the wave of %s has not started", before.ID)
		}
		for _, e := range before.Before {
			if err := barrierOpen(s, before, s.plan.Steps[e.Step]); err != nil && !leaves {
				return err
			}
			if r := s.plan.Steps[e.Step].Rollout; r >= 0 && r != before.Rollout {
				if err := rolloutOver(s, r); err != nil {
					return err
				}
			}
		}
		return nil
	}
	good := 0
	for k := range before.Targets.Hosts {
		o := &s.ops[before.First+k]
		if !o.status.Over() {
			return fmt.Errorf("%s is not over", before.ID)
		}
		if o.status.Good() || o.ignored {
			good++
		}
	}
	if good == 0 && !leaves && (!before.Finally || step.Finally) {
		return fmt.Errorf("no host ended %s well", before.ID)
	}
	return nil
}

func rolloutOver(s *State, index int) error {
	state, r := &s.rollouts[index], s.plan.Rollouts[index]
	for _, steps := range r.Steps {
		for _, i := range steps {
			if s.plan.Steps[i].Finally { // who waits for it says so
				continue
			}
			for k := range s.plan.Steps[i].Targets.Hosts {
				if !s.ops[s.plan.Steps[i].First+k].status.Over() {
					return fmt.Errorf("rollout %s is not over", r.Block)
				}
			}
		}
	}
	for h := range state.failed {
		if s.hasFact(HostLeft, s.plan.Hosts[h].Name) {
			return fmt.Errorf("%s is leaving", s.plan.Hosts[h].Name)
		}
		if s.hosts[h].leavers() > 0 {
			return fmt.Errorf("%s is being taken back", s.plan.Hosts[h].Name)
		}
	}
	if state.started > state.finished || state.started < len(r.Waves) && !state.stopped {
		return fmt.Errorf("a wave of %s is not over", r.Block)
	}
	return nil
}

func attemptID(e Event) string { return fmt.Sprintf("%s %s %d", e.Op, e.Act, e.Number) }

// allowed holds an event that is about to be applied against the sentences of SEMANTICS.
func (w *world) allowed(e Event) error {
	s := w.state
	switch e.Kind {
	case RollbackStarted:
		if e.Op.Host == "" && s.trying > 0 {
			return fmt.Errorf("a rollback starts while attempts run")
		}
	case AttemptStarted:
		if w.made[attemptID(e)] {
			return fmt.Errorf("%s is made twice", attemptID(e))
		}
		w.made[attemptID(e)] = true
		i, err := s.Find(e.Op)
		if err != nil {
			return err
		}
		step, host := s.plan.StepOf(i), s.plan.HostOf(i)
		if s.hosts[step.Place(int32(i-step.First))].trying >= s.limits.PerPlace {
			return fmt.Errorf("%s: too many at once", e.Op)
		}
		if e.Act == Undo {
			return w.undoAllowed(step, i, host)
		}
		return w.forwardAllowed(step, i, host, e)
	}
	return nil
}

func (w *world) forwardAllowed(step *plan.Step, i int, host int32, e Event) error {
	s := w.state
	switch {
	case e.Act == Do && w.unknown[e.Op.String()]:
		return fmt.Errorf("%s is tried again after an unknown outcome", e.Op)
	case step.Confirm && step.Skip == "" && !s.steps[step.Index].agreed:
		return fmt.Errorf("%s starts although nobody agreed", e.Op)
	case step.Finally && s.phase != Ending && step.EndOf == nil, !step.Finally && s.phase != Forward:
		return fmt.Errorf("%s starts in phase %d", e.Op, s.phase)
	case step.Finally && s.phase == Ending:
		return w.endingAllowed(step, e)
	case s.stop != "" || s.trigger != nil || s.wentBack:
		return fmt.Errorf("%s starts although nothing new starts", e.Op)
	case s.hosts[host].out && !step.Finally:
		return fmt.Errorf("%s starts although its host was left out", e.Op)
	}
	if step.Once {
		for k := range step.Targets.Hosts {
			if o := &s.ops[step.First+k]; step.First+k != i && (o.did || o.trying || o.status.Good() && o.status != StatusSkipped) {
				return fmt.Errorf("%s starts although it runs once, and %s is %s", e.Op, s.Name(step.First+k), o.status)
			}
		}
	}
	if w.reopened && s.ops[i].status != StatusPending { // it began before what stands before it was opened again
		return nil
	}
	return mayBegin(s, step, host)
}

// endingAllowed: what runs last waits for the finally of blocks.
func (w *world) endingAllowed(step *plan.Step, e Event) error {
	for _, other := range w.state.plan.Steps {
		for k := range other.Targets.Hosts {
			if step.EndOf == nil && other.EndOf != nil && !w.state.ops[other.First+k].status.Over() {
				return fmt.Errorf("%s starts before %s, the finally of a block", e.Op, w.state.Name(other.First+k))
			}
		}
	}
	return nil
}

// undoAllowed: nothing is undone before what came after it, and only what changed something.
func (w *world) undoAllowed(step *plan.Step, i int, host int32) error {
	s := w.state
	if s.stop != "" && s.stop != StopDeadline {
		return fmt.Errorf("%s is undone although nothing new starts", s.Name(i))
	}
	if !s.needsUndo(step, i) {
		return fmt.Errorf("%s is undone although it is %s and %s", s.Name(i), s.ops[i].status, s.ops[i].back)
	}
	alone := len(s.hosts[host].chain) > 0
	behind := map[int]bool{step.Index: true}
	for index, later := range s.plan.Steps {
		for _, e := range later.Before {
			behind[index] = behind[index] || behind[e.Step]
		}
		if !behind[index] || index == step.Index || alone && later.Once {
			continue
		}
		for k, h := range later.Targets.Hosts {
			j := later.First + k
			if (alone || !crosses(s.plan, step.Index, index)) && h != host {
				continue
			}
			if o := &s.ops[j]; o.trying || o.inBack && s.needsUndo(later, j) {
				return fmt.Errorf("%s is undone before %s, which came after it", s.Name(i), s.Name(j))
			}
		}
	}
	if !alone && s.pinned()(step.Index, host) { // who is taken back alone was when it left
		return fmt.Errorf("%s is undone although it came before a point of no return", s.Name(i))
	}
	return nil
}

// crosses tells whether some way from a step to a later one goes through a barrier.
func crosses(p *plan.Plan, first, later int) bool {
	if first == later {
		return false
	}
	for _, e := range p.Steps[later].Before {
		if e.Step >= first && reaches(p, first, e.Step) && (e.Barrier || crosses(p, first, e.Step)) {
			return true
		}
	}
	return false
}

func reaches(p *plan.Plan, first, later int) bool {
	if first == later {
		return true
	}
	for _, e := range p.Steps[later].Before {
		if e.Step >= first && reaches(p, first, e.Step) {
			return true
		}
	}
	return false
}

// ended holds a run that is over against what its exit code says.
func (w *world) ended() error {
	s := w.state
	if err := verdict(s); err != nil {
		return err
	}
	if s.trying > 0 {
		return fmt.Errorf("the run ended while attempts run")
	}
	for _, step := range s.plan.Steps {
		for k := range step.Targets.Hosts {
			if err := w.opEnded(step, step.First+k); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *world) opEnded(step *plan.Step, i int) error {
	s := w.state
	o := &s.ops[i]
	whole := s.stop == ""
	switch {
	case step.Finally && !o.status.Over():
		return fmt.Errorf("%s did not run, it is %s", s.Name(i), o.status)
	case step.Finally:
		return nil
	case whole && o.inBack:
		return fmt.Errorf("%s was to be taken back, and is %s", s.Name(i), o.back)
	case whole && (o.status == StatusRunning || o.status == StatusWaiting || o.decide):
		return fmt.Errorf("%s is %s though nothing goes on", s.Name(i), o.status)
	case whole && o.status == StatusPending && !s.wentBack && s.trigger == nil:
		return fmt.Errorf("%s is pending though nothing held it", s.Name(i))
	case whole && s.asked && s.finished.Code == CodeOK && s.needsUndo(step, i) && !o.kept && len(w.askedFor()) == 0:
		return fmt.Errorf("%s is %s, and was not undone: %s", s.Name(i), o.status, o.back)
	case o.back == StatusUndone && step.Undo == plan.NoUndo:
		return fmt.Errorf("%s is undone though it declares no undo", s.Name(i))
	}
	return nil
}

// askedFor gives the hosts a person asked to take back, none for all.
func (w *world) askedFor() []string {
	for i := len(w.events) - 1; i >= 0; i-- {
		if e := w.events[i]; e.Kind == RollbackStarted && e.Op.Host == "" {
			return e.Hosts
		}
	}
	return nil
}

// sameState compares all that two States know.
func sameState(a, b *State) error {
	for _, pair := range []struct {
		what string
		a, b any
	}{
		{"ops", a.ops, b.ops},
		{"steps", a.steps, b.steps},
		{"hosts", a.hosts, b.hosts},
		{"rollouts", a.rollouts, b.rollouts},
		{"ready", a.ready, b.ready},
		{"undoReady", a.undoReady, b.undoReady},
		{"waiting", a.waiting, b.waiting},
		{"deciding", a.deciding, b.deciding},
		{"asking", a.asking, b.asking},
		{"choices", a.choices, b.choices},
		{"bounds", a.bounds, b.bounds},
		{"facts", a.facts, b.facts},
		{"trigger", a.trigger, b.trigger},
		{"finished", a.finished, b.finished},
		{"counters", []int{int(a.phase), a.trying, a.busy, a.roomy, a.leavers, a.forwardEnd, a.endingEnd, a.backOpen, a.endsOpen}, []int{int(b.phase), b.trying, b.busy, b.roomy, b.leavers, b.forwardEnd, b.endingEnd, b.backOpen, b.endsOpen}},
	} {
		if !reflect.DeepEqual(pair.a, pair.b) {
			return fmt.Errorf("replay gives other %s: %+v, was %+v", pair.what, pair.b, pair.a)
		}
	}
	return nil
}
