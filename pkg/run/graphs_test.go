package run

import (
	"fmt"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// sketch describes a small plan: what each step waits for, and how it behaves.
type sketch struct {
	hosts  int
	before [][]plan.Edge
	step   []plan.Step // flags only
}

func (k sketch) plan() *plan.Plan {
	p := &plan.Plan{Runbook: &runbook.Runbook{Name: "sketch"}}
	all := &plan.Targets{}
	for h := range k.hosts {
		p.Hosts = append(p.Hosts, &inventory.Host{Name: fmt.Sprintf("h%d", h+1)})
		all.Hosts = append(all.Hosts, int32(h))
		all.At = append(all.At, int32(h))
	}
	for i := range k.step {
		s := k.step[i]
		s.Index, s.ID, s.Targets, s.Rollout, s.First = i, string(rune('a'+i)), all, -1, i*k.hosts
		s.Source = &runbook.Step{}
		s.Tries = max(1, s.Tries)
		s.Before = k.before[i]
		p.Steps = append(p.Steps, &s)
		p.OpCount += k.hosts
	}
	for _, s := range p.Steps {
		for _, e := range s.Before {
			p.Steps[e.Step].After = append(p.Steps[e.Step].After, plan.Edge{Step: s.Index, Barrier: e.Barrier})
		}
	}
	return p
}

// tape holds the choices of one run; next gives the run after it, in order, until all were made.
type tape struct {
	choice []int
	of     []int
	at     int
}

func (t *tape) choose(n int) int {
	if n == 1 {
		return 0
	}
	if t.at == len(t.choice) {
		t.choice, t.of = append(t.choice, 0), append(t.of, n)
	}
	t.at++
	return t.choice[t.at-1]
}

func (t *tape) next() bool {
	t.at = 0
	for i := len(t.choice) - 1; i >= 0; i-- {
		if t.choice[i]+1 < t.of[i] {
			t.choice[i]++
			t.choice, t.of = t.choice[:i+1], t.of[:i+1]
			return true
		}
	}
	return false
}

// driver plays the executor: it starts all that Next proposes and lets one open attempt end at a time.
type driver struct {
	plan   *plan.Plan
	state  *State
	events []Event
	prints []uint64
	now    time.Time
	err    error
}

// begin starts a run of a plan, in the memory of the run before it.
func (d *driver) begin(p *plan.Plan, limits Limits) {
	d.plan, d.state, d.now, d.err = p, New(p, limits), time.Unix(1000, 0), nil
	d.events, d.prints = d.events[:0], d.prints[:0]
	d.apply(Event{Kind: RunStarted})
}

func (d *driver) apply(e Event) {
	if d.err != nil {
		return
	}
	e.Seq, e.Time = d.state.Seq()+1, d.now
	if e.Kind == AttemptStarted {
		if d.err = invariantsAtStart(d.state, e); d.err != nil {
			return
		}
	}
	if d.err = d.state.Apply(e); d.err != nil {
		return
	}
	d.events = append(d.events, e)
	d.prints = append(d.prints, fingerprint(d.state))
}

// quiet applies what Next proposes until it proposes nothing more.
func (d *driver) quiet() {
	for range 1000 {
		list := d.state.Next(d.now)
		if len(list) == 0 || d.err != nil {
			return
		}
		if !sameProposals(list, d.state.Next(d.now)) {
			d.err = fmt.Errorf("Next answers differently when asked twice")
		}
		for _, p := range list {
			switch p.Kind {
			case Fact:
				d.apply(p.Event)
			case Decide:
				d.apply(Event{Kind: OpDecided, Op: p.Op, NotBefore: d.now})
			case Start:
				d.apply(Event{Kind: AttemptStarted, Op: p.Op, Act: p.Act, Number: p.Number})
			}
		}
	}
	d.err = fmt.Errorf("Next never becomes quiet")
}

func sameProposals(a, b []Proposal) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Kind != b[i].Kind || a[i].Op != b[i].Op || a[i].Act != b[i].Act || a[i].Number != b[i].Number || a[i].Event.Kind != b[i].Event.Kind {
			return false
		}
	}
	return true
}

// finish plays a run to its end with the choices of the tape.
func (d *driver) finish(t *tape, outcomes, undos []Outcome) error {
	for range 1000 {
		d.quiet()
		open := d.state.OpenAttempts()
		if d.err != nil || len(open) == 0 {
			break
		}
		o := open[t.choose(len(open))]
		e := Event{Kind: AttemptFinished, Op: o.Op, Act: o.Act, Number: o.Number}
		switch o.Act {
		case Check:
			e.Outcome, e.Answer = OK, []Answer{No, Yes}[t.choose(2)]
		case Save:
			e.Outcome = OK
		case Undo:
			e.Outcome = undos[t.choose(len(undos))]
		default:
			e.Outcome = outcomes[t.choose(len(outcomes))]
			e.Effects = e.Outcome == Changed || e.Outcome == Failed || e.Outcome == Unknown
		}
		d.apply(e)
	}
	if d.err == nil && d.state.Finished() == nil {
		d.err = fmt.Errorf("the run does not end: phase %d", d.state.Phase())
	}
	return d.err
}

// fingerprint is a number that is another one for nearly every other State.
func fingerprint(s *State) uint64 {
	hash := uint64(14695981039346656037)
	add := func(n int) { hash = (hash ^ uint64(n)) * 1099511628211 }
	for _, n := range [...]int{int(s.phase), len(s.stop), s.trying, s.busy, s.roomy, s.forwardEnd, s.endingEnd, s.backOpen, len(s.facts), s.ready.count, s.undoReady.count} {
		add(n)
	}
	for i := range s.ops {
		o := &s.ops[i]
		flags := 0
		for bit, set := range [...]bool{o.trying, o.kept, o.inBack, o.decide, o.effects, o.rechecked, o.did, o.ignored, o.recovered, s.ready.has(i), s.undoReady.has(i)} {
			if set {
				flags |= 1 << bit
			}
		}
		add(int(o.status))
		add(int(o.back))
		add(int(o.tries))
		add(flags)
	}
	return hash
}

// invariantsAtStart are sentences about what may start.
func invariantsAtStart(s *State, e Event) error {
	i, err := s.Find(e.Op)
	if err != nil {
		return err
	}
	step, host := s.plan.StepOf(i), s.plan.HostOf(i)
	if e.Act != Undo {
		return forwardInvariants(s, e, step, host)
	}
	// nothing is undone before what came after it
	for _, later := range s.plan.Steps[step.Index+1:] {
		if !comesAfter(s.plan, step.Index, later.Index) {
			continue
		}
		o := &s.ops[later.Op(later.Targets.Position(host))]
		if o.trying || s.needsUndo(later, later.Op(later.Targets.Position(host))) {
			return fmt.Errorf("%s is undone before %s, which came after it", e.Op, later.ID)
		}
	}
	if o := s.ops[i]; o.status != StatusChanged && !(step.Undo == plan.UndoStarted && o.effects) {
		return fmt.Errorf("%s is undone although it is %s", e.Op, o.status)
	}
	return nil
}

func forwardInvariants(s *State, e Event, step *plan.Step, host int32) error {
	if s.wentBack && !step.Finally {
		return fmt.Errorf("%s starts after the rollback began", e.Op)
	}
	for _, edge := range step.Before { // nothing starts before what it needs
		before := s.plan.Steps[edge.Step]
		for k, h := range before.Targets.Hosts {
			o := &s.ops[before.First+k]
			if !edge.Barrier && h == host && !o.status.Good() && !o.ignored {
				return fmt.Errorf("%s starts although %s is %s", e.Op, before.ID, o.status)
			}
			if edge.Barrier && !o.status.Over() {
				return fmt.Errorf("%s starts although %s is not over", e.Op, before.ID)
			}
		}
	}
	return nil
}

func comesAfter(p *plan.Plan, first, later int) bool {
	for _, e := range p.Steps[later].Before {
		if e.Step == first || e.Step > first && comesAfter(p, first, e.Step) {
			return true
		}
	}
	return false
}

// replayed checks that folding the events again gives the same State after each of them.
func (d *driver) replayed(limits Limits) error {
	s := New(d.plan, limits)
	for i := range d.events {
		e := &d.events[i]
		if err := s.Apply(*e); err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if got := fingerprint(s); got != d.prints[i] {
			return fmt.Errorf("replay of event %d (%s): got %x, want %x", i+1, e, got, d.prints[i])
		}
	}
	return nil
}

func verdict(s *State) error {
	c, code := s.Count(), s.Finished().Code
	switch {
	case code == 0 && (c.Unknown+c.UndoFailed+c.UndoPending > 0 || !s.asked && c.Failed+c.Unreachable > 0):
		return fmt.Errorf("exit 0, but %+v", c)
	case code == CodeRolledBack && (c.UndoFailed+c.UndoPending+c.LeftWithUndo+c.Unknown > 0):
		return fmt.Errorf("exit 3, but %+v", c)
	case code != CodePerson && c.Unknown+c.UndoFailed+c.UndoPending > 0:
		return fmt.Errorf("exit %d, but %+v", code, c)
	}
	return nil
}

// TestSmallGraphs plays every graph of up to four ops, with every order in which attempts can end
// and every outcome, and checks all invariants after every event.
func TestSmallGraphs(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // little lives long here, and much is made
	all := sketches(testing.Short())
	const shards = 4
	var runs [shards]int
	t.Run("all", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprintf("shard%d", shard), func(t *testing.T) {
				t.Parallel()
				d := new(driver)
				for i := shard; i < len(all) && !t.Failed(); i += shards {
					runs[shard] += playAll(t, d, all[i].plan())
				}
			})
		}
	})
	total := 0
	for _, n := range runs {
		total += n
	}
	t.Logf("%d runs", total)
	if total < 100_000 && !testing.Short() && !t.Failed() {
		t.Errorf("%d runs; at least 100000 are promised", total)
	}
}

// playAll plays a plan with every order and every outcome; it gives the number of runs.
func playAll(t *testing.T, d *driver, p *plan.Plan) int {
	runs := 0
	for choices := new(tape); ; {
		d.begin(p, Limits{})
		err := d.finish(choices, []Outcome{Changed, Failed, Unknown}, []Outcome{OK, Failed})
		if err == nil {
			err = verdict(d.state)
		}
		if err == nil {
			err = d.replayed(Limits{})
		}
		if err != nil {
			t.Errorf("%v\nchoices %v\n%s", err, choices.choice, trace(d.events))
			return runs
		}
		runs++
		if !choices.next() {
			return runs
		}
	}
}

func trace(events []Event) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString(e.String() + "\n")
	}
	return b.String()
}

// sketches lists the small graphs: all ways in which up to four steps on one host, or two steps on
// two hosts, can wait for each other, under each policy and kind of undo.
func sketches(short bool) []sketch {
	var list []sketch
	policies := []plan.Policy{plan.Rollback, plan.Stop, plan.Continue, plan.Ignore}
	most := 4
	if short {
		most = 3
	}
	for n := 1; n <= most; n++ {
		pairs := n * (n - 1) / 2
		for graph := range 1 << pairs {
			before := make([][]plan.Edge, n)
			bit := 0
			for later := 1; later < n; later++ {
				for earlier := range later {
					if graph>>bit&1 == 1 {
						before[later] = append(before[later], plan.Edge{Step: earlier})
					}
					bit++
				}
			}
			for _, policy := range policies {
				for _, undo := range []plan.Undo{plan.UndoCompleted, plan.UndoStarted} {
					k := sketch{hosts: 1, before: before, step: make([]plan.Step, n)}
					for i := range k.step {
						k.step[i] = plan.Step{OnFailure: policy, Back: plan.ScopeRun, Undo: undo}
					}
					if n > 2 {
						k.step[1].Undo = plan.NoUndo
					}
					if n == 4 && (policy != plan.Rollback && undo == plan.UndoStarted || graph%3 != 0 && len(before[3]) == 0) {
						continue
					}
					list = append(list, k)
				}
			}
		}
	}
	return append(list, twoHosts(policies)...)
}

func twoHosts(policies []plan.Policy) []sketch {
	var list []sketch
	for _, barrier := range []bool{false, true} {
		for _, policy := range policies {
			for _, flags := range []plan.Step{{}, {HasCheck: true}, {Once: true}, {NoReturn: true}, {Finally: true}} {
				flags.OnFailure, flags.Back, flags.Undo = policy, plan.ScopeRun, plan.UndoCompleted
				first := plan.Step{OnFailure: policy, Back: plan.ScopeRun, Undo: plan.UndoStarted}
				before := [][]plan.Edge{nil, {{Step: 0, Barrier: barrier || flags.Once}}}
				if flags.Finally {
					flags.OnFailure, flags.Undo, before[1] = plan.Continue, plan.NoUndo, nil
				}
				list = append(list, sketch{hosts: 2, before: before, step: []plan.Step{first, flags}})
			}
		}
	}
	return list
}
