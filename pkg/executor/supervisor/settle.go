package supervisor

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// Settle asks the host about an attempt of an earlier process.
func (h *Host) Settle(ctx context.Context, a executor.Attempt, boot string, sink executor.Sink) executor.Ending {
	if !validID(a.ID) {
		return notLearned("supervisor", fmt.Sprintf("cannot ask about attempt %q: it is not an attempt id", a.ID))
	}
	if err := check(a.Command); err != nil {
		return notLearned("supervisor", err.Error())
	}
	p := newPursuit(h, a, boot, sink)
	p.late = false
	p.ladder.timer.Stop() // when it began is not known here; the host holds the deadline
	defer p.ladder.stop()
	return p.settle(ctx)
}

// settle asks what became of the attempt until that is known, or cannot be.
func (p *pursuit) settle(ctx context.Context) executor.Ending {
	broken := 0
	every := settleMin
	p.lost()
	for {
		got, err := p.h.inquire(context.WithoutCancel(ctx), p.a.Sudo, "Q "+p.a.ID+" .\n", shownMax)
		wait := every
		switch {
		case err != nil && (final(err) || p.h.barred(p.a.Sudo)):
			e := hostError(err)
			return notLearned(e.Class, "cannot learn how the attempt ended: "+e.Message)
		case err != nil && !time.Now().Before(p.until):
			return notLearned(hostError(err).Class, "cannot reach the host to learn how the attempt ended: "+err.Error())
		case err != nil:
			broken++
			wait = min(backoff(broken-1), max(0, time.Until(p.until)))
		default:
			if broken = 0; !p.running(got) {
				return p.settled(ctx, got)
			}
			p.until = time.Time{}
			p.look(ctx)
			p.lost()
			every = min(every*2, pollMax)
		}
		if !p.rest(ctx, wait) {
			return p.unconfirmed()
		}
	}
}

// lost begins the time that a broken link is retried for.
func (p *pursuit) lost() {
	if !p.until.IsZero() {
		return
	}
	limit := p.h.o.ReconnectMax
	if t := p.a.Timeout; t > 0 {
		limit = min(limit, t+killAfter(p.a.Command)+reconnectMargin)
	}
	p.until = time.Now().Add(limit)
}

// rest waits before the attempt is asked about again. It climbs the ladder meanwhile, and
// returns false when that has no rung left.
func (p *pursuit) rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			return true
		case <-p.ladder.cancelled(ctx):
			p.ladder.cancel()
		case <-p.ladder.timer.C:
			return p.ladder.climb(ctx, p)
		}
	}
}

func (p *pursuit) running(got asked) bool {
	return len(got.words) == 3 && got.words[0] == "Q" && got.words[1] == p.a.ID && got.words[2] == "running" && p.sameBoot(got)
}

func (p *pursuit) sameBoot(got asked) bool { return p.boot == "" || got.boot == p.boot }

// settled makes an ending of an answer that is the last word.
func (p *pursuit) settled(ctx context.Context, got asked) executor.Ending {
	if len(got.words) < 2 || got.words[1] != p.a.ID {
		return notLearned("supervisor", "cannot understand what the host says of the attempt")
	}
	if got.words[0] == "X" && len(got.words) == 4 {
		return p.ended(ctx, got.answer)
	}
	said := strings.Join(got.words[min(2, len(got.words)):], " ")
	switch {
	case !p.sameBoot(got) || (said == "never" && p.boot == ""):
		return notLearned("reboot", "cannot learn how the attempt ended: the host was rebooted since it was started")
	case said == "never" && got.late && !p.late:
		return notLearned("no-run-directory", "cannot learn how the attempt ended: the run directory was gone, and was made again since")
	case said == "never":
		return executor.Ending{Verdict: executor.NeverRan, Class: "link", Message: "the link broke before the attempt began; it never ran"}
	case said == "lost alive":
		return notLearned("supervisor", "cannot learn how the attempt ended: its supervisor was killed, and its process is still there")
	case said == "lost":
		e := notLearned("supervisor", "cannot learn how the attempt ended: its supervisor was killed")
		e.Hint = "if the host ends the processes of users who log out (KillUserProcesses of logind), run there: loginctl enable-linger"
		return e
	case said == "noroom":
		return notLearned("disk-full", "cannot learn whether the attempt began: there is no room in the run directory to settle it")
	}
	return notLearned("supervisor", "cannot understand what the host says of the attempt")
}

// ended makes an ending of a record, after the rest of its output was given on.
func (p *pursuit) ended(ctx context.Context, a answer) executor.Ending {
	code, err := strconv.Atoi(a.words[2])
	if err != nil || code < 0 || code > 1<<16 {
		return notLearned("supervisor", "cannot understand the exit status that the host has on record")
	}
	p.out.give(executor.Stdout, 0, a.out)
	p.out.give(executor.Stderr, 0, a.err)
	e := executor.Ending{Verdict: executor.Ended, Exit: code}
	if len(a.out) == shownMax || len(a.err) == shownMax {
		if err := p.remains(context.WithoutCancel(ctx)); err != nil {
			e.Class, e.Message = "link", "cannot get the rest of the output: "+err.Error()
		}
	}
	how, more, _ := strings.Cut(a.words[3], "+")
	e = remarked(e, more)
	switch how {
	case "done":
	case "timed_out":
		e.TimedOut = true
	case "cancelled":
		e.Cancelled = true
	default:
		p.ladder.mark = map[bool]string{true: markCancel, false: markTimeout}[strings.HasPrefix(how, "cancelled")]
		return p.unconfirmed()
	}
	return e
}

var pids = regexp.MustCompile(`^[0-9]+(,[0-9]+)*$`)

// remarked adds what else the host noted of an end.
func remarked(e executor.Ending, more string) executor.Ending {
	for note := range strings.SplitSeq(more, "+") {
		left, isLeft := strings.CutPrefix(note, "left:")
		switch {
		case note == "full":
			e.Class, e.Message = "disk-full", "the disk of the host was full: some of the output may be missing"
			e.Hint = "make room in the home directory of that user on the host"
		case isLeft && pids.MatchString(left):
			e.Message = "it was ended, but what left its session lives on: process " + strings.ReplaceAll(left, ",", ", ")
		}
	}
	return e
}

// remains gives on what did not fit into the answer: the head, and of long output the tail.
func (p *pursuit) remains(ctx context.Context) error {
	var sizes [3]int64
	failed := 0
	for {
		err := p.chunk(ctx, &sizes)
		switch {
		case err == nil && p.out.at[executor.Stdout] >= sizes[executor.Stdout] && p.out.at[executor.Stderr] >= sizes[executor.Stderr]:
			return nil
		case err == nil:
			failed = 0
			continue
		case failed == readTries || final(err):
			return err
		}
		if err := pause(ctx, backoff(failed)); err != nil {
			return err
		}
		failed++
	}
}

// chunk gets the next piece of both streams, after it has asked for their sizes once.
func (p *pursuit) chunk(ctx context.Context, sizes *[3]int64) error {
	if sizes[executor.Stdout]+sizes[executor.Stderr] == 0 {
		got, err := p.h.inquire(ctx, p.a.Sudo, "Z "+p.a.ID+" .\n", noiseMax)
		if err != nil {
			return err
		}
		for s := executor.Stdout; s <= executor.Stderr && len(got.words) == 3; s++ {
			if sizes[s], err = strconv.ParseInt(got.words[s], 10, 64); err != nil {
				return fmt.Errorf("cannot understand the size of the output: %w", err)
			}
		}
	}
	for s := executor.Stdout; s <= executor.Stderr; s++ {
		if p.out.at[s] >= streamMax/2 {
			p.out.jump(s, sizes[s])
		}
	}
	o, e := p.out.at[executor.Stdout], p.out.at[executor.Stderr]
	got, err := p.h.inquire(ctx, p.a.Sudo, fmt.Sprintf("T %s %d %d %d .\n", p.a.ID, o, e, chunkMax), chunkMax)
	if err != nil {
		return err
	}
	p.piece(executor.Stdout, got.out, sizes)
	p.piece(executor.Stderr, got.err, sizes)
	if p.out.at[executor.Stdout] == o && p.out.at[executor.Stderr] == e {
		*sizes = [3]int64{0, o, e} // the files became shorter: there is no more
	}
	return nil
}

func (p *pursuit) piece(s executor.Stream, b []byte, sizes *[3]int64) {
	at := p.out.at[s]
	b = b[:max(0, min(int64(len(b)), sizes[s]-at))]
	if at < streamMax/2 {
		p.out.give(s, at, b)
		return
	}
	p.out.rest(s, b)
}
