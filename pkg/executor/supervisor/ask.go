package supervisor

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Ask runs a command that only reads, in a plain shell that is kept for the next one. A broken
// link is tried again, as long as nothing was given to sink.
func (h *Host) Ask(ctx context.Context, c executor.Command, sink executor.Sink) executor.Ending {
	if err := check(c); err != nil {
		return executor.Ending{Verdict: executor.NeverRan, Class: "supervisor", Message: err.Error()}
	}
	asked := ctx
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		asked, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	if c.Shell == runbook.NoShell {
		return h.askBare(ctx, asked, c, sink)
	}
	for try := 1; ; try++ {
		q := &question{h: h, c: c, sink: sink}
		end, again := q.ask(asked)
		switch {
		case asked.Err() != nil && end.Verdict != executor.Ended:
			return q.giveUp(ctx, end)
		case !again || try == readTries || q.given:
			return end
		}
		if pause(asked, backoff(try-1)) != nil {
			return q.giveUp(ctx, end)
		}
	}
}

// question is one try of a read.
type question struct {
	h     *Host
	c     executor.Command
	sink  executor.Sink
	pid   string // of the shell it was put to
	mu    sync.Mutex
	given bool // some of its output was given to sink
}

// ask puts the question. again means that the link failed, and not the host.
func (q *question) ask(ctx context.Context) (end executor.Ending, again bool) {
	ch, err := q.h.pool.take(ctx, readKind, q.c.Sudo)
	if err != nil {
		return neverRan(gaveUp(err)), false
	}
	if ch == nil {
		s, err := q.h.shell(ctx, q.c.Sudo)
		if err != nil {
			q.h.pool.drop(nil)
			e := hostError(err)
			return neverRan(e), e.Class == "link"
		}
		ch = newChannel(s, readKind, q.c.Sudo)
	}
	stop := context.AfterFunc(ctx, func() { _ = ch.Close() })
	code, err := q.exchange(ch)
	if whole := stop(); err == nil {
		if whole {
			q.h.pool.put(ch)
		} else {
			q.h.pool.drop(ch)
		}
		return executor.Ending{Verdict: executor.Ended, Exit: code}, false
	}
	q.pid = ch.pid
	q.h.pool.drop(ch)
	var he *executor.HostError
	if errors.As(err, &he) {
		return notLearned(he.Class, he.Message), false
	}
	return notLearned("link", "cannot read the answer of the host: "+err.Error()), true
}

// exchange writes the request, and reads both streams up to their frames.
func (q *question) exchange(ch *channel) (int, error) {
	req, err := readRequest(q.c, ch.nonce)
	if err != nil {
		return 0, &executor.HostError{Class: "supervisor", Message: err.Error()}
	}
	first := ch.pid == ""
	if first {
		req = "printf '\\n%s P %s\\n' " + ch.nonce + " $$\n" + req
	}
	sent := make(chan error, 1)
	go func() { sent <- ch.send(req) }() // a long request must not wait for an answer that is long, too
	said := make(chan error, 1)
	go func() {
		keep := clip{sink: func(p []byte) { q.give(executor.Stderr, p) }}
		_, err := ch.err.next(func(p []byte) error { keep.take(p); return nil })
		keep.end()
		said <- err
	}()
	code, err := q.stdout(ch, first)
	if err != nil {
		_ = ch.Close()
	}
	return code, errors.Join(err, <-said, <-sent)
}

func (q *question) stdout(ch *channel, first bool) (int, error) {
	if first { // what a profile prints comes before this, and is not the command's
		noise := bounded{max: noiseMax}
		words, err := ch.out.next(noise.take)
		if err != nil {
			return 0, err
		}
		if len(words) != 2 {
			return 0, errors.New("the shell does not answer as a shell")
		}
		ch.pid = words[1]
	}
	keep := clip{sink: func(p []byte) { q.give(executor.Stdout, p) }}
	words, err := ch.out.next(func(p []byte) error { keep.take(p); return nil })
	if err != nil {
		return 0, err
	}
	keep.end()
	if len(words) != 2 {
		return 0, errors.New("the shell does not answer as a shell")
	}
	return strconv.Atoi(words[1])
}

func (q *question) give(s executor.Stream, p []byte) {
	if len(p) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.given = true
	if q.sink != nil {
		q.sink(s, p)
	}
}

// giveUp ends what the host still does for a question whose time is over, and says what is known.
func (q *question) giveUp(ctx context.Context, end executor.Ending) executor.Ending {
	late := q.c.Timeout > 0 && ctx.Err() == nil
	if q.pid == "" {
		if late {
			end.Class, end.Message = "timeout", "cannot get an answer of the host in time"
		}
		return end
	}
	q2 := &question{h: q.h, c: executor.Command{Script: endGroup(q.pid), Sudo: q.c.Sudo}}
	bg, cancel := context.WithTimeout(context.WithoutCancel(ctx), confirmTime)
	defer cancel()
	if killed, _ := q2.ask(bg); killed.Verdict != executor.Ended || killed.Exit != 0 {
		return notLearned("timeout", "cannot confirm that the command ended on the host")
	}
	return executor.Ending{Verdict: executor.Ended, Exit: 143, TimedOut: late, Cancelled: !late}
}

// endGroup is a script that ends the process group of a plain shell. Behind sudo that is not the
// shell's own, but still one of the session that was made for it. A shell that is gone has
// waited for its command.
func endGroup(pid string) string {
	return `if [ -r "/proc/$$/stat" ]; then
	{ read -r s <"/proc/` + pid + `/stat"; } 2>/dev/null || exit 0
	set -- ${s##*") "}
	g=$3
else
	g=$(ps -o pgid= -p ` + pid + `) || exit 0
	g=$((g))
fi
kill -TERM "-$g" 2>/dev/null || exit 1
n=0
while kill -0 "-$g" 2>/dev/null; do
	n=$((n + 1))
	[ $n -ne 5 ] || kill -KILL "-$g" 2>/dev/null || :
	[ $n -lt 25 ] || exit 1
	sleep 0.2 2>/dev/null || sleep 1
done`
}

func neverRan(e *executor.HostError) executor.Ending {
	return executor.Ending{Verdict: executor.NeverRan, Class: e.Class, Message: e.Message, Hint: e.Hint}
}

func notLearned(class, message string) executor.Ending {
	return executor.Ending{Verdict: executor.NotLearned, Class: class, Message: message}
}

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
