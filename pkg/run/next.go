package run

import (
	"fmt"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// ProposalKind tells what a Proposal asks for.
type ProposalKind int

// What Next may propose.
const (
	Start  ProposalKind = iota // an attempt: Act and Number
	Decide                     // whether and when an op is tried again
	Fact                       // Event, as it is; a WaveFinished may get a NotBefore
)

// Proposal is what may come next: an intent, not yet an event.
type Proposal struct {
	Kind   ProposalKind
	Index  int // of the op
	Op     Op
	Act    Act
	Number int
	Event  Event
}

// Next proposes what may come next, in plan order. It changes nothing: asked twice it answers the same.
func (s *State) Next(now time.Time) []Proposal {
	if !s.begun || s.phase == Over {
		return nil
	}
	var list []Proposal
	for _, f := range s.facts {
		list = append(list, Proposal{Kind: Fact, Event: f})
	}
	if len(list) > 0 {
		return list
	}
	for i := s.deciding.next(0); i >= 0; i = s.deciding.next(i + 1) {
		list = append(list, Proposal{Kind: Decide, Index: i, Op: s.Name(i)})
	}
	q := &quota{state: s, places: map[int32]int{}}
	if s.stop == "" || s.stop == StopDeadline && s.phase == Backward {
		list = s.undos(list, q, now)
	}
	if s.phase == Ending || s.phase == Forward && s.stop == "" && s.trigger == nil {
		if s.phase == Forward {
			list = s.waves(list, now)
		}
		list = s.starts(list, q, now)
	}
	return list
}

// quota counts what the proposals of one answer would add to what is running.
type quota struct {
	state  *State
	places map[int32]int
	once   map[int]bool
	fresh  int // places that would become busy
}

// takes notes that one more attempt would run in a place, if the limits allow it.
func (q *quota) takes(place int32) bool {
	running := q.state.hosts[place].trying + q.places[place]
	if running >= q.state.limits.PerPlace {
		return false
	}
	if running == 0 {
		if q.state.busyPlaces()+q.fresh >= q.state.limits.Forks {
			return false
		}
		q.fresh++
	}
	q.places[place]++
	return true
}

func (s *State) busyPlaces() int {
	if s.trying == 0 {
		return 0
	}
	return s.busy
}

func (s *State) starts(list []Proposal, q *quota, now time.Time) []Proposal {
	q.once = map[int]bool{}
	for i := s.ready.next(0); i >= 0; i = s.ready.next(i + 1) {
		step := s.plan.StepOf(i)
		if step.Finally != (s.phase == Ending) {
			continue
		}
		if step.Once && (s.steps[step.Index].busy && s.ops[i].status == StatusPending || q.once[step.Index]) {
			continue
		}
		if p, ok := s.start(step, i, q); ok {
			list = append(list, p)
			q.once[step.Index] = step.Once
		}
		if q.state.busyPlaces()+q.fresh >= s.limits.Forks && len(list) >= s.limits.Forks*s.limits.PerPlace {
			break
		}
	}
	for _, i := range s.due(now) {
		if step := s.plan.StepOf(i); !s.ops[i].inBack && step.Finally == (s.phase == Ending) {
			if p, ok := s.start(step, i, q); ok {
				list = append(list, p)
			}
		}
	}
	return list
}

func (s *State) start(step *plan.Step, i int, q *quota) (Proposal, bool) {
	if !q.takes(s.place(step, i)) {
		return Proposal{}, false
	}
	o := &s.ops[i]
	act := o.act
	if o.inBack {
		act = Undo
	}
	return Proposal{Kind: Start, Index: i, Op: s.Name(i), Act: act, Number: int(o.made[actIndex(act)]) + 1}, true
}

// due gives the ops between tries whose time has come, in plan order.
func (s *State) due(now time.Time) []int {
	var list []int
	for i, t := range s.waiting {
		if !t.After(now) {
			list = append(list, i)
		}
	}
	sortInts(list)
	return list
}

func (s *State) undos(list []Proposal, q *quota, now time.Time) []Proposal {
	for i := s.undoReady.next(0); i >= 0; i = s.undoReady.next(i + 1) {
		if p, ok := s.start(s.plan.StepOf(i), i, q); ok {
			list = append(list, p)
		}
	}
	for _, i := range s.due(now) {
		if s.ops[i].inBack {
			if p, ok := s.start(s.plan.StepOf(i), i, q); ok {
				list = append(list, p)
			}
		}
	}
	return list
}

// waves proposes the end of a wave whose steps are all over, and the start of the next after its soak.
func (s *State) waves(list []Proposal, now time.Time) []Proposal {
	for index, r := range s.plan.Rollouts {
		state := &s.rollouts[index]
		if state.started > state.finished {
			if s.waveOver(r, state.started) {
				list = append(list, Proposal{Kind: Fact, Event: Event{Kind: WaveFinished, Op: Op{Step: r.Block}, Wave: state.started}})
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
		list = append(list, Proposal{Kind: Fact, Event: Event{Kind: WaveStarted, Op: Op{Step: r.Block}, Wave: state.started + 1, Hosts: hosts}})
	}
	return list
}

func (s *State) waveOver(r *plan.Rollout, wave int) bool {
	for _, index := range r.Steps[wave-1] {
		if int(s.steps[index].ended) < len(s.plan.Steps[index].Targets.Hosts) {
			return false
		}
	}
	return true
}

// waveMayStart tells whether all that the first steps of a wave wait for, outside of it, is over.
func (s *State) waveMayStart(r *plan.Rollout, done int) bool {
	inside := map[int]bool{}
	for _, index := range r.Steps[done] {
		inside[index] = true
	}
	for _, index := range r.Steps[done] {
		outer := int32(0)
		for _, e := range s.plan.Steps[index].Before {
			if !inside[e.Step] {
				outer++
			}
		}
		open := int32(0)
		for _, e := range s.plan.Steps[index].Before {
			if before := s.plan.Steps[e.Step]; !inside[e.Step] && int(s.steps[e.Step].ended) < len(before.Targets.Hosts) {
				open++
			}
		}
		if outer > 0 && open > 0 {
			return false
		}
	}
	return len(r.Steps[done]) == 0 || !s.waveBlocked(r, done)
}

// waveBlocked tells whether every op of a wave is over before it began.
func (s *State) waveBlocked(r *plan.Rollout, done int) bool {
	for _, index := range r.Steps[done] {
		if int(s.steps[index].ended) < len(s.plan.Steps[index].Targets.Hosts) {
			return false
		}
	}
	return true
}

func (s *State) findRollout(block string) (int, *plan.Rollout, error) {
	for i, r := range s.plan.Rollouts {
		if r.Block == block {
			return i, r, nil
		}
	}
	return 0, nil, fmt.Errorf("the plan has no rollout %q", block)
}
