package supervisor

import (
	"context"
	"fmt"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Run starts an attempt and follows it to its end.
func (h *Host) Run(ctx context.Context, a executor.Attempt, sink executor.Sink) executor.Ending {
	if a.Shell == runbook.NoShell {
		return h.runBare(ctx, a, sink)
	}
	req, err := attemptRequest(a)
	if err != nil {
		return executor.Ending{Verdict: executor.NeverRan, Class: "supervisor", Message: err.Error()}
	}
	l, fresh, err := h.lane(ctx, a.Sudo, req)
	if err != nil {
		return neverRan(hostError(err))
	}
	boot := l.boot
	if fresh {
		boot, _ = h.known(a.Sudo)
	}
	p := newPursuit(h, a, boot, sink)
	return p.follow(ctx, l, fresh, req)
}

// lane returns a lane of that identity: an idle one, or a fresh one that was sent the request
// behind the script. A request is only sent once the boot id of the host is known.
func (h *Host) lane(ctx context.Context, sudo, req string) (l *channel, fresh bool, err error) {
	if l, err = h.pool.take(ctx, laneKind, sudo); err != nil {
		return nil, false, gaveUp(err)
	}
	if l != nil {
		return l, false, nil
	}
	if _, ready := h.known(sudo); ready {
		l, err = h.open(ctx, laneKind, sudo, "old", req)
		fresh = true
	} else {
		l, err = h.openIdentity(ctx, sudo)
	}
	if err != nil {
		h.pool.drop(nil)
	}
	return l, fresh, err
}

// pursuit follows one attempt, through whatever happens to its link.
type pursuit struct {
	h      *Host
	a      executor.Attempt
	boot   string // of the host when the request was sent
	late   bool   // a run directory made by a resumed run proves that the attempt never ran
	out    heard
	ladder ladder
	until  time.Time // no longer is a broken link retried; zero while it is whole
}

func newPursuit(h *Host, a executor.Attempt, boot string, sink executor.Sink) *pursuit {
	return &pursuit{
		h: h, a: a, boot: boot, late: true, out: heard{sink: sink},
		ladder: newLadder(a.Timeout, killAfter(a.Command)),
	}
}

// follow waits for the answer of the lane, looks at the output meanwhile, and ends the attempt
// where that is wanted.
func (p *pursuit) follow(ctx context.Context, l *channel, fresh bool, req string) executor.Ending {
	defer p.ladder.stop()
	type told struct {
		answer
		err error
	}
	heard := make(chan told, 1)
	go func() {
		a, err := l.attempt(fresh, req)
		heard <- told{a, err}
	}()
	giveUp := func() {
		_ = l.Close()
		<-heard
		p.h.pool.drop(l)
	}
	every := pollMin
	poll := time.NewTimer(pollFirst)
	defer poll.Stop()
	for {
		select {
		case t := <-heard:
			return p.told(ctx, l, fresh, t.answer, t.err)
		case <-poll.C:
			p.look(ctx)
			poll.Reset(every)
			every = min(every*3/2, pollMax)
		case <-p.ladder.cancelled(ctx):
			p.ladder.cancel()
		case <-p.ladder.timer.C:
			if !p.ladder.climb(ctx, p) {
				giveUp()
				return p.unconfirmed()
			}
		}
	}
}

// attempt sends the request, unless it was sent with the script, and reads what came of it.
func (c *channel) attempt(fresh bool, req string) (answer, error) {
	if fresh {
		timer := time.AfterFunc(requestTime, func() { _ = c.Close() })
		err := c.hello()
		timer.Stop()
		if err != nil {
			return answer{}, err
		}
	} else if err := c.send(req); err != nil {
		return answer{}, err
	}
	return c.answer(shownMax)
}

// told makes an ending of the answer of a lane, or settles what it failed to tell.
func (p *pursuit) told(ctx context.Context, l *channel, fresh bool, a answer, err error) executor.Ending {
	if err != nil {
		p.h.pool.drop(l)
		if l.refused { // before it read the request
			return neverRan(hostError(err))
		}
		return p.settle(ctx)
	}
	if fresh {
		p.h.learn(l)
	}
	if noFork := a.words[0] == "C" && len(a.words) == 3 && a.words[2] == "nofork"; noFork {
		p.h.pool.drop(l) // most shells end of it
		return neverRan(refused("no-process", ""))
	}
	p.h.pool.put(l)
	switch {
	case a.words[0] == "X" && len(a.words) == 4 && a.words[1] == p.a.ID:
		return p.ended(ctx, a)
	case a.words[0] == "C" && len(a.words) == 3 && a.words[2] == "full":
		return neverRan(refused("disk-full", "no attempt can be recorded there"))
	}
	return p.settle(ctx) // claimed before: its end is on record
}

// look gives on what the attempt printed meanwhile. It may fail: the answer will have it all.
func (p *pursuit) look(ctx context.Context) bool {
	o, e := p.out.at[executor.Stdout], p.out.at[executor.Stderr]
	if o >= streamMax/2 && e >= streamMax/2 {
		return true
	}
	got, err := p.h.inquire(ctx, p.a.Sudo, fmt.Sprintf("T %s %d %d %d .\n", p.a.ID, o, e, chunkMax), chunkMax)
	if err != nil || got.words[0] != "T" {
		return false
	}
	p.out.give(executor.Stdout, o, got.out)
	p.out.give(executor.Stderr, e, got.err)
	return true
}

// unconfirmed is the ending of an attempt that was to be ended, and does not answer.
func (p *pursuit) unconfirmed() executor.Ending {
	if p.ladder.mark == markCancel {
		return notLearned("supervisor", "cannot confirm that the attempt ended after it was cancelled")
	}
	return notLearned("timeout", "cannot confirm that the attempt ended after its deadline")
}
