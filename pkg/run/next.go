package run

import (
	"slices"
	"sort"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// ProposalKind tells what a Proposal asks for.
type ProposalKind int

// What Next may propose.
const (
	Start  ProposalKind = iota // an attempt: Act and Number
	Decide                     // whether and when an op is tried again
	Ask                        // a person: before a step (Op has no host then), or what a failure leads to
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

// Next proposes what may come next, in plan order. It changes nothing: asked twice it answers the
// same. Facts and decisions come before attempts, and alone, since they may change who may start.
func (s *State) Next(now time.Time) []Proposal {
	if !s.begun || s.phase == Over {
		return nil
	}
	if len(s.facts) > 0 {
		return []Proposal{{Kind: Fact, Event: s.facts[0]}}
	}
	if i := s.deciding.next(0); i >= 0 {
		return []Proposal{{Kind: Decide, Index: i, Op: s.Name(i)}}
	}
	forward := s.phase == Forward && s.stop == "" && s.trigger == nil
	if forward {
		if p, ok := s.wave(now); ok {
			return []Proposal{p}
		}
		if p, ok := s.askAfter(); ok {
			return []Proposal{p}
		}
	}
	var list []Proposal
	q := &quota{state: s, roomy: s.roomy}
	if s.mayUndo() {
		list = s.undos(list, q, now)
	}
	if forward || s.phase == Ending {
		list = s.starts(list, q, now)
	}
	return list
}

// Stands tells whether a proposal still holds after what was applied since Next made it.
func (s *State) Stands(p Proposal) bool {
	switch {
	case p.Kind == Ask && p.Op.Host == "":
		return !s.steps[s.plan.StepOf(p.Index).Index].asked && s.stop == "" && s.trigger == nil
	case p.Kind != Start:
		return true
	}
	back := s.ops[p.Index].inBack
	if back != (p.Act == Undo) || !s.mayStart(p.Index) || len(s.facts) > 0 {
		return false
	}
	switch {
	case back:
		return s.mayUndo()
	case s.phase == Forward && (s.stop != "" || s.trigger != nil):
		return false
	}
	return s.turn(s.plan.StepOf(p.Index))
}

// quota counts what the proposals of one answer would add to what is running.
type quota struct {
	state  *State
	places map[int32]int
	fresh  int // places that would become busy
	roomy  int // busy places that could take another op that is ready

	entering map[limitHost]bool // hosts that would come into the steps of a limit
	entries  map[int]int        // the same, counted by limit
}

// takes notes that one more attempt would run in a place, if the limits allow it.
func (q *quota) takes(place int32) bool {
	at := &q.state.hosts[place]
	running := at.trying + q.places[place]
	if running >= q.state.limits.PerPlace {
		return false
	}
	if running == 0 {
		if q.full() {
			return false
		}
		q.fresh++
		if at.ready > 1 && q.state.limits.PerPlace > 1 {
			q.roomy++
		}
	}
	if q.places == nil {
		q.places = map[int32]int{}
	}
	q.places[place]++
	if running > 0 && at.ready > 0 && running+1 == q.state.limits.PerPlace {
		q.roomy--
	}
	return true
}

// full tells whether no other place may become busy.
func (q *quota) full() bool { return q.state.busy+q.fresh >= q.state.limits.Forks }

func byIndex(a, b Proposal) int { return a.Index - b.Index }

func (s *State) starts(list []Proposal, q *quota, now time.Time) []Proposal {
	var once map[int]bool
	for _, i := range s.due(now) {
		if step := s.plan.StepOf(i); !s.ops[i].inBack && s.turn(step) {
			if p, ok := s.start(step, i, q); ok {
				list = append(list, p)
			}
		}
	}
	for i := s.ready.next(0); i >= 0 && (!q.full() || q.roomy > 0); i = s.ready.next(i + 1) {
		step := s.plan.StepOf(i)
		if !s.turn(step) {
			continue
		}
		if s.mustAsk(step) {
			if !s.steps[step.Index].asked && !slices.ContainsFunc(list, func(p Proposal) bool { return p.Kind == Ask && p.Op.Step == step.ID }) {
				list = append(list, s.askBefore(step, i))
			}
			continue
		}
		if step.Once && (s.steps[step.Index].busy && s.ops[i].status == StatusPending || once[step.Index]) {
			continue
		}
		if p, ok := s.start(step, i, q); ok {
			list = append(list, p)
			if step.Once && once == nil {
				once = map[int]bool{}
			}
			if step.Once {
				once[step.Index] = true
			}
		}
	}
	if !slices.IsSortedFunc(list, byIndex) {
		slices.SortFunc(list, byIndex)
	}
	return list
}

// makeReady and unready keep, beside the sets of ops that are ready, their count in each place.
func (s *State) makeReady(i int) { s.put(&s.ready, i) }

func (s *State) unready(i int) { s.take(&s.ready, i) }

func (s *State) put(set *bitSet, i int) {
	if !set.has(i) {
		set.add(i)
		s.countReady(i, 1)
	}
}

func (s *State) take(set *bitSet, i int) {
	if set.has(i) {
		set.remove(i)
		s.countReady(i, -1)
	}
}

func (s *State) countReady(i, more int) {
	place := &s.hosts[s.place(s.plan.StepOf(i), i)]
	s.countRoom(place, -1)
	place.ready += more
	s.countRoom(place, 1)
}

// countTrying notes that an attempt began, or ended, in a place.
func (s *State) countTrying(place *hostState, more int) {
	s.countRoom(place, -1)
	if place.trying == 0 {
		s.busy++
	}
	place.trying += more
	if place.trying == 0 {
		s.busy--
	}
	s.countRoom(place, 1)
	s.trying += more
}

func (s *State) countRoom(place *hostState, more int) {
	if place.trying > 0 && place.trying < s.limits.PerPlace && place.ready > 0 {
		s.roomy += more
	}
}

func (s *State) start(step *plan.Step, i int, q *quota) (Proposal, bool) {
	o, host := &s.ops[i], step.Targets.Hosts[i-step.First]
	if !q.admits(step, host, o.inBack) || !q.takes(s.place(step, i)) {
		return Proposal{}, false
	}
	q.enters(step, host, o.inBack)
	act := o.act
	if o.inBack {
		act = Undo
	}
	return Proposal{Kind: Start, Index: i, Op: s.Name(i), Act: act, Number: int(o.made[actIndex(act)]) + 1}, true
}

func (s *State) wait(i int, until time.Time) {
	if len(s.waiting) == 0 || until.Before(s.soonest) {
		s.soonest = until
	}
	s.waiting[i] = until
}

func (s *State) unwait(i int) {
	until, waits := s.waiting[i]
	if !waits {
		return
	}
	delete(s.waiting, i)
	if until.After(s.soonest) {
		return
	}
	s.soonest = time.Time{}
	for _, t := range s.waiting {
		if s.soonest.IsZero() || t.Before(s.soonest) {
			s.soonest = t
		}
	}
}

// due gives the ops between tries whose time has come, in plan order.
func (s *State) due(now time.Time) []int {
	if len(s.waiting) == 0 || s.soonest.After(now) {
		return nil
	}
	var list []int
	for i, t := range s.waiting {
		if !t.After(now) {
			list = append(list, i)
		}
	}
	sort.Ints(list)
	return list
}

func (s *State) undos(list []Proposal, q *quota, now time.Time) []Proposal {
	for i := s.undoReady.next(0); i >= 0 && (!q.full() || q.roomy > 0); i = s.undoReady.next(i + 1) {
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
