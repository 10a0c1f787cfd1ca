package run

import (
	"fmt"
	"slices"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// Limits bound what runs at once.
type Limits struct {
	Forks    int // hosts at once
	PerPlace int // attempts at once in one place
}

// The limits that hold where nothing else is said, and how often an attempt that never ran is
// made anew before its op counts as unreachable.
const (
	ForksDefault = 50
	PerPlaceMax  = 7
	neverRanMax  = 5
)

// Phase tells in which direction a run goes.
type Phase int

// The phases of a run.
const (
	Forward Phase = iota
	Backward
	Ending // finally
	Over
)

// op is what became of one step on one host.
type op struct {
	status    Status
	back      Status // StatusPending while the run goes forward
	act       Act    // what comes next, or is being attempted
	trying    bool   // an attempt is open
	decide    bool   // a retry is to be decided
	asks      bool   // a person decides what its failure leads to
	asked     bool   // …and was asked
	ignored   bool   // its failure counts as done
	recovered bool   // it ended well after a bad outcome
	effects   bool   // some attempt of it may have changed the host
	did       bool   // some do of it was started on the host
	saved     bool   // its save is done
	rechecked bool   // its do ended well, and its check is asked again
	kept      bool   // an undo after it failed or is pending: it stays
	inBack    bool   // it is part of the rollback that goes on
	past      bool   // what is known of it is of before the run was opened again
	waits     int32  // edges host by host that are not met
	backWaits int32
	tries     uint16 // attempts at do that count
	undos     uint16 // attempts at undo that count, of this rollback
	made      [4]uint16
	nevers    uint8
	last      Status // of a try that was not the last
}

// made counts attempts by act.
func actIndex(a Act) int {
	switch a {
	case Check:
		return 0
	case Save:
		return 1
	case Do:
		return 2
	}
	return 3
}

type stepState struct {
	ended     int32
	good      int32
	waits     int32 // barriers not met, and the wave not started
	backOpen  int32
	backWaits int32
	busy      bool  // once: one of its hosts is at it, or was
	over      bool  // it has ended on all its hosts, and, if it has none, all before it
	shut      bool  // no host ended well: nobody passes
	asked     bool  // a person was asked before its first op
	agreed    bool  // …and answered so that it may go on
	leftOut   bool  // …by leaving it out
	endWaits  int32 // of waits: steps of the block that this is the finally of
	bridges   []int // steps before it that are one without hosts away
}

type hostState struct {
	trying  int    // attempts open in this place
	ready   int    // ops ready to start in this place
	out     bool   // left out of a rollout, or never reached
	missing bool   // never reached
	boot    string // boot id when it was reached
	chain   []int  // ops of a host that is taken back alone, in the order of their undoing
	leaving leaving
}

// leaving tells how far the taking back of a host that left a rollout has come.
type leaving uint8

const (
	leavingNot      leaving = iota
	leavingWaits            // for its attempts to end
	leavingProposed         // as a fact
)

type rolloutState struct {
	started  int // waves
	finished int
	soak     time.Time
	failed   map[int32]bool // hosts, counted once
	failures int
	missing  int
	stopped  bool
	came     bool  // some host came into the wave that started last
	open     int   // ops of it that are not over
	behind   []int // steps that wait for its end
	closed   bool  // it has ended, and so have the takings back of hosts that left it
}

// trigger is what ends the way forward.
type trigger struct {
	policy  plan.Policy
	scope   plan.RollbackScope
	block   string
	rollout int
	wave    int
	hosts   []string
	reason  string
	asked   bool // by a person, for a run that is over
}

// State is what a run's events add up to.
type State struct {
	plan     *plan.Plan
	limits   Limits
	ops      []op
	steps    []stepState
	hosts    []hostState
	rollouts []rolloutState
	bounds   []limitState
	endings  map[int][]int       // step → steps of the finally of a block around it
	choices  map[int]plan.Policy // what a person decided about a failed op
	byStep   map[string][]int    // step id → its instances
	byWave   map[string][]int32  // step id → host → its instance, or -1; where there are many
	byHost   map[string]int32

	phase      Phase
	begun      bool
	stop       StopKind
	trigger    *trigger
	settled    bool // a person said that an unknown outcome was a good one
	wentBack   bool // a rollback of more than a tolerated host was started
	asked      bool // …by a person, for a run that was over
	ready      bitSet
	undoReady  bitSet
	waiting    map[int]time.Time // ops between tries, and when the next may start
	soonest    time.Time         // of them
	deciding   bitSet
	asking     bitSet
	facts      []Event
	trying     int // attempts open
	busy       int // places in which attempts are open
	forwardEnd int // ops of the way forward that are over
	forwardAll int
	endingEnd  int
	endsOpen   int // ops of the finally of blocks that are not over
	backOpen   int
	leavers    int // hosts that left a rollout and are not taken back yet
	roomy      int // places in which attempts are open, with room for an op that is ready
	finished   *Event
	seq        int64
}

// New gives the State of a run of which nothing has happened yet.
func New(p *plan.Plan, limits Limits) *State {
	if limits.Forks <= 0 {
		limits.Forks = ForksDefault
	}
	if limits.PerPlace <= 0 {
		limits.PerPlace = PerPlaceMax
	}
	s := &State{
		plan: p, limits: limits, ops: make([]op, p.OpCount), steps: make([]stepState, len(p.Steps)),
		hosts: make([]hostState, len(p.Hosts)), rollouts: make([]rolloutState, len(p.Rollouts)),
		byStep: map[string][]int{}, byHost: map[string]int32{}, waiting: map[int]time.Time{},
		ready: newBitSet(p.OpCount), undoReady: newBitSet(p.OpCount), deciding: newBitSet(p.OpCount), asking: newBitSet(p.OpCount),
		endings: map[int][]int{}, choices: map[int]plan.Policy{}, bounds: newLimits(p),
	}
	for i, h := range p.Hosts {
		s.byHost[h.Name] = int32(i)
	}
	for i := range s.rollouts {
		s.rollouts[i].failed = map[int32]bool{}
	}
	for i, step := range p.Steps {
		s.byStep[step.ID] = append(s.byStep[step.ID], i)
		s.prepare(step, &s.steps[i])
		if !step.Finally {
			s.forwardAll += len(step.Targets.Hosts)
		}
	}
	s.indexWaves()
	for i := range p.Steps {
		s.openStep(i)
	}
	return s
}

func (s *State) prepare(step *plan.Step, state *stepState) {
	hostEdges := int32(0)
	for _, e := range step.Before {
		if e.Barrier || len(step.Targets.Hosts) == 0 {
			state.waits++
		} else {
			hostEdges++
		}
		if r := s.plan.Steps[e.Step].Rollout; r >= 0 && r != step.Rollout && !slices.Contains(s.rollouts[r].behind, step.Index) {
			s.rollouts[r].behind = append(s.rollouts[r].behind, step.Index)
			state.waits++ // for the rollout to end
		}
	}
	for _, index := range step.EndOf {
		s.endings[index] = append(s.endings[index], step.Index)
		state.waits++
		state.endWaits++
	}
	if step.EndOf != nil {
		s.endsOpen += len(step.Targets.Hosts)
	}
	if step.Rollout >= 0 && !step.Finally {
		state.waits++ // for its wave to start
		s.rollouts[step.Rollout].open += len(step.Targets.Hosts)
	}
	for i := range step.Targets.Hosts {
		o := &s.ops[step.First+i]
		o.waits, o.act = hostEdges, firstAct(step, false)
	}
}

// firstAct is what an op begins with, also when it is tried again.
func firstAct(step *plan.Step, saved bool) Act {
	switch {
	case step.HasCheck:
		return Check
	case step.HasSave && !saved:
		return Save
	}
	return Do
}

// instancesFew is how many instances of a step are searched one by one.
const instancesFew = 4

// indexWaves spares Find the search through the waves of a long rollout.
func (s *State) indexWaves() {
	s.byWave = map[string][]int32{}
	for id, instances := range s.byStep {
		if len(instances) <= instancesFew {
			continue
		}
		index := slices.Repeat([]int32{-1}, len(s.hosts))
		for _, i := range instances {
			for _, h := range s.plan.Steps[i].Targets.Hosts {
				if index[h] < 0 {
					index[h] = int32(i)
				}
			}
		}
		s.byWave[id] = index
	}
}

// Find gives the index of an op.
func (s *State) Find(o Op) (int, error) {
	host, ok := s.byHost[o.Host]
	if !ok {
		return 0, fmt.Errorf("op %s: the plan has no host %q", o, o.Host)
	}
	instances, ok := s.byStep[o.Step]
	if !ok {
		return 0, fmt.Errorf("op %s: the plan has no step %q", o, o.Step)
	}
	if index := s.byWave[o.Step]; index != nil {
		if instances = nil; index[host] >= 0 {
			instances = []int{int(index[host])}
		}
	}
	for _, i := range instances {
		step := s.plan.Steps[i]
		if pos := step.Targets.Position(host); pos >= 0 {
			return step.Op(pos), nil
		}
	}
	return 0, fmt.Errorf("op %s: the step does not go to this host", o)
}

// Name gives the name of an op.
func (s *State) Name(i int) Op {
	step := s.plan.StepOf(i)
	return Op{Step: step.ID, Host: s.plan.Hosts[step.Targets.Hosts[i-step.First]].Name}
}

// View is what can be seen of one op.
type View struct {
	Status    Status // forward
	Back      Status // backward; StatusPending when it was never asked to go back
	Trying    bool
	Ignored   bool
	Recovered bool
	Effects   bool
	Tries     int
}

// See gives what became of an op.
func (s *State) See(i int) View {
	o := &s.ops[i]
	return View{Status: o.status, Back: o.back, Trying: o.trying, Ignored: o.ignored, Recovered: o.recovered, Effects: o.effects, Tries: int(o.tries)}
}

// Phase gives the direction of the run.
func (s *State) Phase() Phase { return s.phase }

// Seq is the number of the last event applied.
func (s *State) Seq() int64 { return s.seq }

// Boot gives the boot id a host had when it was reached, or "".
func (s *State) Boot(host string) string { return s.hosts[s.byHost[host]].boot }

// Missing tells whether the host was never reached.
func (s *State) Missing(host string) bool { return s.hosts[s.byHost[host]].missing }

// Stopping tells why nothing new starts, or "".
func (s *State) Stopping() StopKind { return s.stop }

// Finished gives the event that ended the run, or nil.
func (s *State) Finished() *Event { return s.finished }

// Open is an attempt that was started and has not ended.
type Open struct {
	Index  int
	Op     Op
	Act    Act
	Number int
}

// OpenAttempts lists the attempts whose end is not known, in plan order.
func (s *State) OpenAttempts() []Open {
	var list []Open
	if s.trying == 0 {
		return nil
	}
	for i := range s.ops {
		if o := &s.ops[i]; o.trying {
			list = append(list, Open{Index: i, Op: s.Name(i), Act: o.act, Number: int(o.made[actIndex(o.act)])})
		}
	}
	return list
}
