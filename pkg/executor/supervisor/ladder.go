package supervisor

import (
	"context"
	"fmt"
	"time"
)

// What an attempt was ended for; the host keeps it in the name of a file.
const (
	markTimeout = "t"
	markCancel  = "c"
)

// ladder ends an attempt: TERM at its deadline or when it is cancelled, KILL later, and then a
// last wait. The host climbs it by itself where nobody is connected; this one is more exact.
type ladder struct {
	timer  *time.Timer // the next rung
	after  time.Duration
	mark   string
	signal string // of the next rung; "" for giving up
	ctxEnd bool   // the cancelling was seen
	tries  int    // of the rung, while the step has not yet begun or cannot be reached
}

func newLadder(timeout, after time.Duration) ladder {
	l := ladder{after: after, mark: markTimeout, signal: "TERM", timer: time.NewTimer(timeout)}
	if timeout <= 0 {
		l.timer.Stop()
	}
	return l
}

func (l *ladder) stop() { l.timer.Stop() }

// cancelled is ready once, when ctx ends.
func (l *ladder) cancelled(ctx context.Context) <-chan struct{} {
	if l.ctxEnd {
		return nil
	}
	return ctx.Done()
}

// cancel begins the ladder now, unless it has begun.
func (l *ladder) cancel() {
	l.ctxEnd = true
	if l.mark == markTimeout && l.signal == "TERM" {
		l.mark = markCancel
		l.timer.Reset(0)
	}
}

// climb takes the next rung; it returns false when there is none left.
func (l *ladder) climb(ctx context.Context, p *pursuit) bool {
	if l.signal == "" {
		return false
	}
	bg, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTime/2)
	defer cancel()
	got, err := p.h.inquire(bg, p.a.Sudo, fmt.Sprintf("K %s %s %s .\n", p.a.ID, l.signal, l.mark), noiseMax)
	sent := err == nil && len(got.words) == 2 && got.words[0] == "K" && got.words[1] == "sent"
	l.tries++
	if bg.Err() != nil { // it was long already
		l.tries += rungTries / 2
	}
	switch {
	case !sent && l.tries < rungTries:
		l.timer.Reset(rungWait) // it may be about to begin, or to answer
	case l.signal == "TERM":
		l.signal, l.tries = "KILL", 0
		l.timer.Reset(l.after)
	default:
		l.signal = ""
		l.timer.Reset(confirmTime)
	}
	return true
}
