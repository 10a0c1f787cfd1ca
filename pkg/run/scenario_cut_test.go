package run

import (
	"fmt"
	"slices"
	"strings"
)

// allUsed finds lines of the script that had no part in what happened: they were written for nothing.
func (p *player) allUsed() {
	told := p.trace()
	for key, words := range p.outcomes {
		if line := fmt.Sprintf("< %s %d ", key, len(words)); !strings.Contains(told, line) {
			p.t.Errorf("the script says how %q ends, and it was not attempted %d times", key, len(words))
		}
	}
	for o := range p.skipped {
		if !strings.Contains(told, o+" skipped") {
			p.t.Errorf("the script says that %s is skipped, and it is not", o)
		}
	}
	for o := range p.givesUp {
		if !strings.Contains(told, o+" is not tried again") {
			p.t.Errorf("the script says that %s gives up, and it does not", o)
		}
	}
	for _, o := range p.at {
		if o.stop != "" {
			p.t.Errorf("the script waits for %q, which does not happen", o.line)
		}
	}
	if strings.Count(told, "resumed")+strings.Count(told, "resolved") < len(p.then) {
		p.t.Error("not every then of the script has come")
	}
}

// cutAnywhere cuts the journal behind every event, and goes on from there: the end is the same.
// A crash takes the place of a stop, so a run that was stopped must have been resumed for that.
func (p *player) cutAnywhere() {
	stopped := slices.ContainsFunc(p.events, func(e Event) bool { return e.Kind == RunStopping })
	if stopped && (p.state.Stopping() != "" || !slices.Contains(p.then, "resume")) {
		return
	}
	want := p.ledger()
	for cut := 1; cut < len(p.events); cut++ {
		q := newPlayer(p.t, p.sc)
		q.events = slices.Clone(p.events[:cut])
		if q.err = q.replay(); q.err == nil {
			q.pickUp()
		}
		if q.err == nil && q.ledger() != want {
			q.err = fmt.Errorf("the end is another one:\n%s", want)
		}
		if q.err != nil {
			p.t.Fatalf("cut behind event %d, %s: %v\n%s", cut, p.events[cut-1], q.err, q.trace())
		}
	}
}

// pickUp resumes a run of which only the journal is left: what is open there still runs, or ran.
func (p *player) pickUp() {
	for _, e := range p.events {
		if e.Kind == AttemptStarted {
			p.made[attemptID(e)] = true
		}
	}
	p.open = p.state.OpenAttempts()
	for i := range p.events { // an occasion that has come does not come again
		for k, o := range p.at {
			if o.line == p.told(i) && i < len(p.events)-1 {
				p.at[k].stop = ""
			}
		}
	}
	for _, host := range p.missing {
		if !p.state.Missing(host) {
			p.emit(Event{Kind: HostUnreachable, Op: Op{Host: host}})
		}
	}
	if p.state.Finished() == nil {
		p.happens(Event{Kind: RunResumed})
		p.occasions(p.told(len(p.events) - 2))
	}
	p.goOn()
}
