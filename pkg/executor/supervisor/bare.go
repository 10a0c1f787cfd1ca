package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// runBare sends a command without a shell, once. Nothing on the host could tell later what became
// of it, and nothing there could end it: what is not seen of its end is not known.
func (h *Host) runBare(ctx context.Context, a executor.Attempt, sink executor.Sink) executor.Ending {
	if err := checkBare(a.Command); err != nil {
		return executor.Ending{Verdict: executor.NeverRan, Class: "supervisor", Message: err.Error()}
	}
	limited := ctx
	if a.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, a.Timeout)
		defer cancel()
	}
	b := &bare{h: h, c: a.Command, sink: sink}
	end, _ := b.execute(limited)
	if end.Verdict == executor.NotLearned && limited.Err() != nil {
		return b.late(ctx)
	}
	return end
}

// askBare does the same for a command that only reads: a broken link is tried again, as long as
// nothing was given to sink.
func (h *Host) askBare(ctx, limited context.Context, c executor.Command, sink executor.Sink) executor.Ending {
	if err := checkBare(c); err != nil {
		return executor.Ending{Verdict: executor.NeverRan, Class: "supervisor", Message: err.Error()}
	}
	for try := 1; ; try++ {
		b := &bare{h: h, c: c, sink: sink, read: true}
		end, again := b.execute(limited)
		if again && !b.given && try < readTries && pause(limited, backoff(try-1)) == nil {
			continue
		}
		if end.Verdict == executor.NotLearned && limited.Err() != nil {
			return b.late(ctx)
		}
		b.release()
		return end
	}
}

func checkBare(c executor.Command) error {
	if len(c.Argv) > 0 || len(c.Env) > 0 || c.Dir != "" || c.Sudo != "" || c.Prepare != "" {
		return errors.New("cannot send a command as it stands together with what only a shell could do: words, env, dir, sudo, save_files")
	}
	return nil
}

// bare is one try of a command without a shell.
type bare struct {
	h    *Host
	c    executor.Command
	sink executor.Sink
	read bool // it may be asked again

	mu    sync.Mutex
	held  []piece // of a read: not yet given to sink
	size  int
	given bool
}

// piece is some output that is held back.
type piece struct {
	stream executor.Stream
	text   []byte
}

// execute sends the command and follows it. again means that the link failed, and not the host.
func (b *bare) execute(ctx context.Context) (end executor.Ending, again bool) {
	p, err := b.h.link.Exec(ctx, b.c.Script)
	var sent *SentError
	switch {
	case errors.As(err, &sent):
		return notLearned("link", "cannot learn whether the host took the command: "+err.Error()), true
	case err != nil:
		e := hostError(err)
		return neverRan(e), e.Class == "link"
	}
	defer func() { _ = p.Close() }() // all that it had to tell was told
	stop := context.AfterFunc(ctx, func() { _ = p.Close() })
	defer stop()
	go b.feed(p)
	b.hear(p)
	select {
	case <-p.Told():
	case <-ctx.Done():
		return notLearned("timeout", "the host did not tell how the command ended"), false
	}
	status, err := p.Status()
	if err != nil {
		return notLearned("link", "cannot learn how the command ended: "+err.Error()), true
	}
	return executor.Ending{Verdict: executor.Ended, Exit: status.Exit, Signal: status.Signal}, false
}

// feed gives the command its stdin. A host that does not take it will say so by its answer.
func (b *bare) feed(p Program) {
	if b.c.Stdin != "" {
		_, _ = io.WriteString(p, b.c.Stdin)
	}
	_ = p.CloseWrite()
}

// hear reads both outputs to their end. What the program left behind may hold them open: once its
// own end was told, they are read for a moment longer and no more.
func (b *bare) hear(p Program) {
	done := make(chan struct{})
	var streams sync.WaitGroup
	streams.Go(func() { b.copy(executor.Stdout, p) })
	streams.Go(func() { b.copy(executor.Stderr, p.Stderr()) })
	go func() { streams.Wait(); close(done) }()
	select {
	case <-done:
		return
	case <-p.Told():
	}
	linger := time.AfterFunc(lingerTime, func() { _ = p.Close() })
	<-done
	linger.Stop()
}

func (b *bare) copy(s executor.Stream, from io.Reader) {
	keep := clip{sink: func(p []byte) { b.give(s, p) }}
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		keep.take(buf[:n])
		if err != nil {
			keep.end()
			return
		}
	}
}

// give passes output on; of a read, what is short is held back until it is whole.
func (b *bare) give(s executor.Stream, p []byte) {
	if len(p) == 0 || b.sink == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.read && !b.given && b.size+len(p) <= heldMax {
		b.held, b.size = append(b.held, piece{s, append([]byte(nil), p...)}), b.size+len(p)
		return
	}
	b.pass()
	b.sink(s, p)
}

// release passes on what is still held back.
func (b *bare) release() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pass()
}

func (b *bare) pass() {
	b.given = true
	for _, p := range b.held {
		b.sink(p.stream, p.text)
	}
	b.held = nil
}

// late is the end of a command whose answer is waited for no longer. That it ended on the host
// cannot be confirmed: there is nothing to ask.
func (b *bare) late(ctx context.Context) executor.Ending {
	b.release()
	if ctx.Err() != nil {
		return notLearned("cancelled", "its channel was closed when it was cancelled; without a shell it cannot be confirmed that the command ended on the host")
	}
	return notLearned("timeout", fmt.Sprintf("no answer in %v, so its channel was closed; without a shell it cannot be confirmed that the command ended on the host", b.c.Timeout))
}
