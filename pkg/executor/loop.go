package executor

import (
	"fmt"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// run is the loop: ask State until it is quiet, make the intents durable in one commit, launch,
// wait for one thing, take what else has arrived. Intention before act: what launch starts has
// its attempt_started in the journal.
func (l *loop) run() error {
	for {
		l.strained()
		l.propose()
		if err := l.commit(); err != nil {
			return err
		}
		if l.state.Finished() != nil {
			return nil
		}
		l.launch()
		if err := l.wait(); err != nil {
			return err
		}
	}
}

// strained stops a run whose journal lives on its last reserve: what runs may end, and nothing new
// starts that could not be written down.
func (l *loop) strained() {
	journal, ok := l.Journal.(interface{ Strained() bool })
	if !ok || !journal.Strained() || l.state.Phase() == run.Ending {
		return
	}
	for _, p := range l.state.Next(l.Now()) {
		if p.Kind == run.Start || l.open > 0 {
			l.stop(run.StopJournal, "the disk of the journal is full")
			return
		}
	}
}

// propose turns what Next proposes into events and launches, until it proposes nothing more.
func (l *loop) propose() {
	for {
		l.asked = l.Now()
		list := l.state.Next(l.asked)
		if len(list) == 0 {
			return
		}
		for _, p := range list {
			if !l.state.Stands(p) { // one before it ended at once, and changed what may come next
				break
			}
			switch p.Kind {
			case run.Fact:
				l.fact(p.Event)
			case run.Decide:
				l.emit(l.decide(p))
			case run.Ask:
				l.ask(p)
			case run.Start:
				l.intend(p)
			}
		}
	}
}

// fact makes an event of what State found out by itself.
func (l *loop) fact(e run.Event) {
	if e.Kind == run.WaveFinished {
		for _, r := range l.Plan.Rollouts {
			if r.Block == e.Step && e.Wave < len(r.Waves) && r.Soak > 0 {
				e.NotBefore = l.Now().Add(r.Soak)
			}
		}
	}
	if e.Kind == run.RunFinished && e.Result == run.Succeeded {
		l.results(&e)
	}
	l.emit(e)
}

// results evaluates the outputs of the runbook. One that cannot be computed is said so and left
// out: the run is over, and what it did is done.
func (l *loop) results(e *run.Event) {
	end := &attempt{step: &plan.Step{Source: l.Plan.Runbook.End(), Scope: l.Plan.Scopes[0], Finally: true}, host: l.Plan.Hosts[0]}
	for _, o := range l.Plan.Runbook.Outputs {
		value, err := l.scopes.value(o.Expr, end, nil)
		if err != nil {
			e.Message = fmt.Sprintf("output %q: %s", o.Name, err)
			continue
		}
		if text, ok := value.(string); ok {
			value = l.Masker.String(text)
		}
		if e.Outputs == nil {
			e.Outputs = map[string]any{}
		}
		e.Outputs[o.Name] = value
	}
}

func (l *loop) launch() {
	for _, start := range l.launches {
		l.open++
		start()
	}
	l.launches = nil
}

// wait blocks until one thing happened, and takes what else has arrived by then.
func (l *loop) wait() error {
	if l.state.Phase() == run.Ending && l.timers.finally == nil {
		l.timers.finally = time.After(FinallyMax)
	}
	var wake <-chan time.Time
	if at := l.state.Wake(); at.After(l.asked) { // what was due when Next was asked waits for a limit, not for the clock
		wake = time.After(max(0, at.Sub(l.Now())))
	}
	select {
	case a := <-l.arrived:
		l.take(a)
	case r := <-l.replies:
		l.heard(r)
	case <-wake:
	case kind := <-l.Interrupts:
		return l.interrupted(kind)
	case <-l.timers.deadline:
		l.timers.deadline = nil
		l.stop(run.StopDeadline, "the run's deadline of "+l.Plan.Deadline.String()+" is over")
		l.cancelAll()
	case <-l.timers.finally:
		l.cancelAll()
	case <-l.timers.ladder:
		return ErrLeft
	}
	for {
		select {
		case a := <-l.arrived:
			l.take(a)
			continue
		default:
		}
		return nil
	}
}

func (l *loop) take(a arrival) {
	l.open--
	if a.broken != nil {
		panic(a.broken)
	}
	l.up(a.work)
	e := l.finished(a.work, a.ending)
	if a.work.step.Ask {
		l.lastWords[a.work.index] = e.Message
	}
	l.emit(e)
	if err := a.work.capture.err; err != nil {
		l.stop(run.StopJournal, "what a step printed cannot be stored: "+err.Error())
	}
}

// interrupted answers a signal: first nothing new starts, then what runs is ended, then opsctl leaves.
func (l *loop) interrupted(kind run.StopKind) error {
	l.stops++
	switch {
	case kind == run.StopTerm:
		l.stop(kind, "SIGTERM")
		l.cancelAll()
	case kind == run.StopHangup:
		l.stop(kind, "the terminal was closed")
	case l.stops == 1:
		l.stop(kind, "interrupted")
	case l.stops == 2:
		l.cancelAll()
	default:
		return ErrLeft
	}
	return nil
}

func (l *loop) stop(kind run.StopKind, reason string) {
	if l.state.Stopping() == "" {
		l.emit(run.Event{Kind: run.RunStopping, Stop: kind, Reason: reason})
		l.hangUp()
	}
}

// cancelAll ends every open attempt by the kill ladder. Attempts that start later, those of a
// rollback or of finally, have a context of their own.
func (l *loop) cancelAll() {
	l.cancel()
	l.renew()
	if l.timers.ladder == nil {
		l.timers.ladder = time.After(LadderMax)
	}
}
