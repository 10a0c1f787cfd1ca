package run

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
)

// world is one simulated life of a run: attempts end as chance has it, opsctl is interrupted, runs
// out of time, crashes and is resumed, and at the end a person may take everything back.
type world struct {
	*rand.Rand
	driver
	limits   Limits
	made     map[string]bool // attempts that were started, at most once each
	unknown  map[string]bool // ops with an unknown do
	asked    []Proposal      // questions without an answer
	reopened bool            // what failed was tried again
	retries  int             // how often what failed is tried again, at most
	skips    map[string]bool // answers of if, by op
	faults   int             // of a hundred dos, how many fail
	crashes  int
	stops    int
	rollback bool // asked for by a person
}

func newWorld(p *plan.Plan, r *rand.Rand) *world {
	w := &world{Rand: r, made: map[string]bool{}, unknown: map[string]bool{}, skips: map[string]bool{}}
	w.faults = []int{0, 3, 10, 30}[r.IntN(4)]
	w.crashes, w.stops, w.retries = r.IntN(3), r.IntN(3), r.IntN(3)
	if r.IntN(3) == 0 {
		w.limits = Limits{Forks: 1 + r.IntN(3), PerPlace: 1 + r.IntN(2)}
	}
	w.plan, w.state, w.now = p, New(p, w.limits), time.Unix(1000, 0)
	return w
}

// emit applies an event and holds the State against every invariant.
func (w *world) emit(e Event) {
	if w.err != nil {
		return
	}
	e.Seq, e.Time = w.state.Seq()+1, w.now
	if err := w.allowed(e); err != nil {
		w.err = fmt.Errorf("%s: %w", e, err)
		return
	}
	before := len(w.events)
	w.events = append(w.events, e)
	if w.err = w.state.Apply(e); w.err != nil {
		w.events = w.events[:before+1]
		return
	}
	w.err = recounted(w.state)
}

func (w *world) live() error {
	w.emit(Event{Kind: RunStarted})
	if w.IntN(10) == 0 {
		w.emit(Event{Kind: HostUnreachable, Op: Op{Host: w.plan.Hosts[w.IntN(len(w.plan.Hosts))].Name}})
	}
	for range 5000 {
		w.propose()
		if w.err != nil {
			return w.err
		}
		if w.state.Finished() == nil {
			w.happen()
		} else if !w.again() {
			return w.err
		}
	}
	return fmt.Errorf("the run does not end: phase %d", w.state.Phase())
}

// propose does what the executor does with proposals.
func (w *world) propose() {
	for range 2000 {
		list := w.state.Next(w.now)
		if !sameProposals(list, w.state.Next(w.now)) {
			w.err = fmt.Errorf("Next answers differently when asked twice")
		}
		if len(list) == 0 || w.err != nil {
			return
		}
		for _, p := range list {
			if !w.state.Stands(p) {
				break
			}
			w.carryOut(p)
		}
	}
	w.err = fmt.Errorf("Next never becomes quiet")
}

func (w *world) carryOut(p Proposal) {
	switch p.Kind {
	case Fact:
		if p.Event.Kind == WaveFinished {
			p.Event.NotBefore = w.now.Add(time.Duration(w.IntN(5)) * time.Second)
		}
		w.emit(p.Event)
	case Decide:
		e := Event{Kind: OpDecided, Op: p.Op}
		if w.IntN(4) > 0 {
			e.NotBefore = w.now.Add(time.Duration(w.IntN(5)) * time.Second)
		}
		w.emit(e)
	case Ask:
		w.ask(p)
	case Start:
		step := w.plan.StepOf(p.Index)
		if p.Act != Undo && w.state.LeftOut(p.Index) && w.state.See(p.Index).Status == StatusPending {
			w.emit(Event{Kind: OpSkipped, Op: p.Op})
			return
		}
		if p.Act != Undo && step.HasIf && w.state.See(p.Index).Status == StatusPending && w.skip(p.Op) {
			w.emit(Event{Kind: OpSkipped, Op: p.Op})
			return
		}
		w.emit(Event{Kind: AttemptStarted, Op: p.Op, Act: p.Act, Number: p.Number})
		if step.Entry && p.Act == Do || w.IntN(50) == 0 { // at once: nothing goes to a host
			w.end(Open{Index: p.Index, Op: p.Op, Act: p.Act, Number: p.Number})
		}
	}
}

// ask lets a person answer: at once, later, or never before the next resume.
func (w *world) ask(p Proposal) {
	w.emit(Event{Kind: PersonAsked, Op: p.Op, Wave: p.Event.Wave})
	w.asked = append(w.asked, p)
	if w.IntN(3) > 0 {
		w.answer()
	}
}

// answer gives the answer that has been waited for longest.
func (w *world) answer() {
	p := w.asked[0]
	w.asked = w.asked[1:]
	if !w.state.Awaits(p.Op, p.Event.Wave) || w.state.Stopping() != "" {
		return
	}
	e := Event{Kind: PersonAnswered, Op: p.Op, Wave: p.Event.Wave}
	if p.Op.Host != "" {
		e.Answer = []Answer{Retry, AnsIgnore, AnsGoOn, AnsStop, AnsBack}[w.IntN(5)]
	} else {
		e.Answer = []Answer{Yes, Yes, Yes, Yes, Skip, No}[w.IntN(6)]
	}
	w.emit(e)
	if e.Answer == No {
		w.emit(Event{Kind: RunStopping, Stop: StopRefused})
	}
}

func (w *world) skip(o Op) bool {
	answer, asked := w.skips[o.String()]
	if !asked {
		answer = w.IntN(3) == 0
		w.skips[o.String()] = answer
	}
	return answer
}

// happen lets one thing happen: an end, a stop, a crash, or time.
func (w *world) happen() {
	open := w.state.OpenAttempts()
	switch {
	case w.crashes > 0 && w.IntN(40) == 0:
		w.crashes--
		w.crash()
	case w.stops > 0 && w.IntN(40) == 0 && w.state.Stopping() == "":
		w.stops--
		w.emit(Event{Kind: RunStopping, Stop: []StopKind{StopInterrupt, StopTerm, StopHangup, StopDeadline}[w.IntN(4)]})
	case len(w.asked) > 0 && (len(open) == 0 || w.IntN(3) == 0):
		w.answer()
	case len(open) > 0:
		w.end(open[w.IntN(len(open))])
	default:
		wake := w.state.Wake()
		if wake.IsZero() || !wake.After(w.now) {
			w.err = fmt.Errorf("nothing is proposed, nothing runs, and no time is waited for (%v): phase %d; %s", wake, w.state.Phase(), w.stuck())
			return
		}
		w.now = wake
	}
}

// stuck tells of the first ops that are not over, and why they do not begin.
func (w *world) stuck() string {
	s := w.state
	text := fmt.Sprintf("stop %q, trigger %v, %d trying in %d places, %d facts; ", s.stop, s.trigger, s.trying, s.busy, len(s.facts))
	for _, step := range w.plan.Steps {
		for k, host := range step.Targets.Hosts {
			if o := &w.state.ops[step.First+k]; !o.status.Over() && len(text) < 500 {
				text += fmt.Sprintf("%s is %s (ready %v, waits %d + %d): %v; ", w.state.Name(step.First+k), o.status, w.state.ready.has(step.First+k), o.waits, w.state.steps[step.Index].waits, mayBegin(w.state, step, host))
			}
		}
	}
	return text
}

// crash cuts the journal behind some event and goes on from there; what ran still runs.
func (w *world) crash() {
	cut := len(w.events) - w.IntN(min(3, len(w.events)))
	for _, e := range w.events[cut:] {
		if e.Kind == AttemptStarted { // its intent was not durable: it never began
			delete(w.made, attemptID(e))
		}
		if e.Kind == AttemptFinished && e.Outcome == Unknown {
			delete(w.unknown, e.Op.String())
		}
	}
	w.events, w.asked = w.events[:cut], nil
	if w.err = w.replay(); w.err != nil || w.state.Finished() != nil && w.state.Stopping() == "" {
		return
	}
	w.emit(Event{Kind: RunResumed})
}

func (w *world) replay() error {
	w.state = New(w.plan, w.limits)
	for _, e := range w.events {
		if err := w.state.Apply(e); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
	}
	return nil
}

// again lets a run that ended go on, or a person take it back.
func (w *world) again() bool {
	w.err = w.ended()
	switch {
	case w.err != nil:
		return false
	case w.state.Stopping() != "":
		w.reopened = true
		w.emit(Event{Kind: RunResumed, Again: w.IntN(4) == 0})
		return true
	case !w.state.wentBack && w.retries > 0 && w.IntN(3) > 0:
		w.retries--
		w.reopened = true
		w.resolve()
		w.emit(Event{Kind: RunResumed, Again: w.IntN(4) > 0})
		return true
	case !w.rollback && w.IntN(3) == 0:
		w.rollback = true
		e := Event{Kind: RunResumed, Scope: "run"}
		if w.IntN(2) == 0 {
			e.Scope = "hosts"
			for i := range 1 + w.IntN(len(w.plan.Hosts)) {
				e.Hosts = append(e.Hosts, w.plan.Hosts[i].Name)
			}
		}
		w.emit(e)
		return true
	}
	return false
}

// resolve lets a person settle unknown outcomes.
func (w *world) resolve() {
	for i := range w.state.ops {
		if op := w.state.Name(i); w.state.ops[i].status == StatusUnknown && w.IntN(3) > 0 {
			w.emit(Event{Kind: OpResolved, Op: op, Outcome: []Outcome{OK, Failed}[w.IntN(2)], User: "bea"})
			delete(w.unknown, op.String())
		}
	}
}

func (w *world) end(o Open) {
	e := Event{Kind: AttemptFinished, Op: o.Op, Act: o.Act, Number: o.Number, Outcome: OK}
	bad := w.IntN(100) < w.faults
	if bad {
		e.Outcome = []Outcome{Failed, Failed, TimedOut, Unreachable, Unknown, Cancelled}[w.IntN(6)]
	}
	switch {
	case w.IntN(60) == 0:
		e.Outcome, e.Class = Unreachable, NeverRan
	case bad:
		e.Effects = o.Act == Do && e.Outcome != Unreachable && w.IntN(3) > 0
	case o.Act == Check:
		e.Answer = []Answer{No, No, Yes}[w.IntN(3)]
		if s := w.plan.StepOf(o.Index); !s.Entry && w.state.ops[o.Index].rechecked && w.IntN(5) > 0 {
			e.Answer = Yes
		}
	case o.Act == Do && !w.plan.StepOf(o.Index).Read:
		e.Outcome = []Outcome{Changed, Changed, OK}[w.IntN(3)]
		e.Effects = e.Outcome == Changed
	}
	if o.Act == Do && e.Outcome == Unknown {
		w.unknown[o.Op.String()] = true
	}
	w.emit(e)
}

const simulationsDefault = 2000

// TestSimulation lives through many runs of random runbooks. A failure names its seed:
// OPSCTL_SIM_SEED=n go test -run TestSimulation ./pkg/run plays it alone; OPSCTL_SIM_SEEDS says how many are played.
func TestSimulation(t *testing.T) {
	if text := os.Getenv("OPSCTL_SIM_SEED"); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		simulate(t, seed)
		return
	}
	seeds := uint64(simulationsDefault)
	if text := os.Getenv("OPSCTL_SIM_SEEDS"); text != "" {
		var err error
		if seeds, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	const shards = 8
	for shard := range uint64(shards) {
		t.Run(fmt.Sprintf("shard%d", shard), func(t *testing.T) {
			t.Parallel()
			for seed := shard; seed < seeds; seed += shards {
				if !simulate(t, seed) {
					return
				}
			}
		})
	}
}

func simulate(t *testing.T, seed uint64) bool {
	r := rand.New(rand.NewPCG(seed, 1))
	webs := 1 + r.IntN(6)
	text := randomRunbook(r, webs)
	p := buildPlan(t, text, webs)
	if seed%4 == 0 {
		p = buildDrill(t, text, webs, randomDrill(r, p))
	}
	for range 3 {
		w := newWorld(p, r)
		if err := w.live(); err != nil {
			t.Errorf("seed %d: %v\n%s\n%s", seed, err, text, trace(w.events))
			return false
		}
		if e := w.state.Finished(); p.Drill != nil && e != nil && e.Result == Succeeded {
			t.Errorf("seed %d: a drill calls itself a success\n%s\n%s", seed, text, trace(w.events))
			return false
		}
		if err := w.replayed(); err != nil {
			t.Errorf("seed %d: %v\n%s\n%s", seed, err, text, trace(w.events))
			return false
		}
	}
	return true
}

// randomDrill lets a run fail at one of its ops.
func randomDrill(r *rand.Rand, p *plan.Plan) *plan.Drill {
	for range 20 {
		s := p.Steps[r.IntN(len(p.Steps))]
		if n := len(s.Targets.Hosts); !s.Entry && !s.Finally && !s.Gate && n > 0 {
			return &plan.Drill{Step: s.ID, Host: p.Hosts[s.Targets.Hosts[r.IntN(n)]].Name, After: r.IntN(2) == 0}
		}
	}
	return nil
}

// replayed checks that folding the events again gives the same State.
func (w *world) replayed() error {
	lived := w.state
	if err := w.replay(); err != nil {
		return err
	}
	return sameState(lived, w.state)
}
