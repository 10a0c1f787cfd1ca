package view

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// play makes a run of a plan by what its State proposes, with outcomes drawn from a seed.
type play struct {
	t     *testing.T
	state *run.State
	board *Board
	now   time.Time
	dice  *rand.Rand
	last  run.Event
}

func (p *play) apply(e run.Event) {
	p.t.Helper()
	p.now = p.now.Add(time.Second)
	e.Seq, e.Time = p.state.Seq()+1, p.now
	if err := p.state.Apply(e); err != nil {
		p.t.Fatal(err)
	}
	p.board.Apply(e)
	p.last = e
}

func (p *play) propose() {
	for range 10_000 {
		list := p.state.Next(p.now)
		if len(list) == 0 {
			return
		}
		for _, proposal := range list {
			switch proposal.Kind {
			case run.Fact:
				p.apply(proposal.Event)
			case run.Decide:
				p.apply(run.Event{Kind: run.OpDecided, Op: proposal.Op, NotBefore: p.now})
			case run.Ask:
				p.apply(run.Event{Kind: run.PersonAsked, Op: proposal.Op, Wave: proposal.Event.Wave})
				choices := []run.Answer{run.Yes, run.Yes, run.Skip}
				if proposal.Op.Host != "" {
					choices = []run.Answer{run.Retry, run.AnsIgnore, run.AnsGoOn, run.AnsStop, run.AnsBack}
				}
				p.apply(run.Event{Kind: run.PersonAnswered, Op: proposal.Op, Wave: proposal.Event.Wave, Answer: choices[p.dice.IntN(len(choices))], User: "bea"})
			case run.Start:
				if proposal.Act != run.Undo && p.state.LeftOut(proposal.Index) && p.state.See(proposal.Index).Status == run.StatusPending {
					p.apply(run.Event{Kind: run.OpSkipped, Op: proposal.Op})
					break
				}
				p.apply(run.Event{Kind: run.AttemptStarted, Op: proposal.Op, Act: proposal.Act, Number: proposal.Number})
			}
		}
	}
	p.t.Fatal("the run never becomes quiet")
}

func (p *play) end() {
	open := p.state.OpenAttempts()
	o := open[p.dice.IntN(len(open))]
	e := run.Event{Kind: run.AttemptFinished, Op: o.Op, Act: o.Act, Number: o.Number, Outcome: run.OK}
	bad := []run.Outcome{run.Failed, run.TimedOut, run.Unknown, run.Unreachable}
	switch {
	case o.Act == run.Check:
		e.Answer = []run.Answer{run.No, run.Yes}[p.dice.IntN(2)]
	case p.dice.IntN(12) == 0:
		e.Outcome = bad[p.dice.IntN(len(bad))]
		e.Effects = e.Outcome != run.Unreachable
	case p.dice.IntN(3) > 0:
		e.Outcome, e.Effects = run.Changed, true
	}
	p.apply(e)
}

func (p *play) toTheEnd() {
	p.apply(run.Event{Kind: run.RunStarted})
	for range 10_000 {
		p.propose()
		if p.state.Finished() != nil {
			return
		}
		p.end()
	}
	p.t.Fatal("the run never ends")
}

// asking is a runbook that wants people.
const asking = `
name: asking
hosts: web
on_failure: ask
steps:
  - {id: sure, confirm: sure, run: a, rollback: z}
  - {id: each, foreach: [a, b], run: b}
  - id: block
    confirm: really
    steps: [{id: in, run: c}]
    finally: [{id: out, run: d}]
`

// What a board shows at the end of a run is what its State holds.
func TestBoardAgreesWithState(t *testing.T) {
	agree(t, testPlan(t, deploy, "web[1:4]"), run.Succeeded, run.RolledBack, run.PersonNeeded)
}

func TestBoardAgreesWithStateOfPeople(t *testing.T) {
	agree(t, testPlan(t, asking, "web[1:3]"), run.Succeeded, run.RolledBack, run.RunFailed)
}

func agree(t *testing.T, p *plan.Plan, ends ...run.Result) {
	t.Helper()
	results := map[run.Result]int{}
	for seed := range uint64(300) {
		b := NewBoard(p, testInfo)
		play := &play{t: t, state: run.New(p, run.Limits{}), board: b, now: began, dice: rand.New(rand.NewPCG(seed, 1))}
		play.toTheEnd()
		results[b.Result]++
		for i := range p.OpCount {
			compareOp(t, seed, p, play, i)
		}
		if got, want := len(ledgerOf(b).Undone), len(ReadLedger(play.state, p).Undone); got != want {
			t.Errorf("seed %d: %d undone, the state says %d", seed, got, want)
		}
		if text := Summary(b, play.last, ReadLedger(play.state, p), Theme{}, 80); text == "" {
			t.Errorf("seed %d: no summary", seed)
		}
		if t.Failed() {
			return
		}
	}
	for _, want := range ends {
		if results[want] == 0 {
			t.Errorf("no run ended as %s: %v", want, results)
		}
	}
}

func compareOp(t *testing.T, seed uint64, p *plan.Plan, play *play, i int) {
	t.Helper()
	seen, cell, op := play.state.See(i), play.board.cells[i], play.state.Name(i)
	want := seen.Status.String()
	got := map[Status]string{
		Pending: "pending", Running: "running", Waiting: "waiting", OK: "ok", Changed: "changed", Skipped: "skipped", Failed: "failed",
		TimedOut: "timed_out", Unreachable: "unreachable", Cancelled: "cancelled", Unknown: "unknown", Undone: "undone", UndoFailed: "undo_failed",
	}[cell.Status]
	switch {
	case seen.Back == run.StatusUndone, seen.Back == run.StatusUndoFailed:
		want = seen.Back.String()
	case seen.Back != run.StatusPending, cell.Status == Left, cell.Status == UndoPending:
		return // what stays, and why, the State knows better
	case seen.Status == run.StatusBlocked, seen.Status == run.StatusSkipped && cell.Status == Pending && len(p.StepOf(i).Blocks) > 0, p.StepOf(i).Once && cell.Status == Pending:
		return // no event tells of them
	}
	if got != want {
		t.Errorf("seed %d: %s is shown as %q, the state says %q (back %s)", seed, op, cell.Status, want, seen.Back)
	}
	if recovered := cell.Flags&Recovered != 0; recovered != seen.Recovered && want != "undone" {
		t.Errorf("seed %d: %s recovered: shown %v, the state says %v", seed, op, recovered, seen.Recovered)
	}
}
