package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/pkg/executor"
)

// link is one established SSH connection.
type link struct {
	wire     *wire
	conn     ssh.Conn
	settings *Settings
	times    Timeouts
	sessions *sessions
	done     chan struct{} // closed when the connection is no more

	mu      sync.Mutex
	timer   *time.Timer // of the next look at the silence
	waiting bool        // a keepalive is under way
	misses  int
	heard   int64 // what the wire had heard last, at the last look
	ended   bool
}

func newLink(w *wire, conn ssh.Conn, channels <-chan ssh.NewChannel, requests <-chan *ssh.Request, s *Settings, t Timeouts, freed *signal) *link {
	l := &link{
		wire: w, conn: conn, settings: s, times: t,
		sessions: &sessions{limit: sessionsMax, freed: freed}, done: make(chan struct{}),
	}
	go l.serve(channels, requests)
	if s.AliveInterval >= 0 {
		l.mu.Lock()
		l.timer = time.AfterFunc(l.aliveAfter(), l.look)
		l.mu.Unlock()
	}
	return l
}

// serve answers what the host asks of us, always with no, until the connection ends.
func (l *link) serve(channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	for channels != nil || requests != nil {
		// An answer that cannot be sent means that the connection ends; then both are closed.
		select {
		case c, ok := <-channels:
			if !ok {
				channels = nil
				continue
			}
			_ = c.Reject(ssh.Prohibited, "not served here")
		case r, ok := <-requests:
			if !ok {
				requests = nil
				continue
			}
			if r.WantReply {
				_ = r.Reply(false, nil)
			}
		}
	}
	_ = l.conn.Wait() // its error is what the last reader or writer was told
	l.mu.Lock()
	l.ended = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	l.wire.abort(errors.New("the host ended it"))
	close(l.done)
	l.sessions.freed.send()
}

// alive tells whether channels may be opened on it. Not on one whose end was read, though the SSH
// library may not have got over it yet: it lets the first write behind it pass as done, and what
// waits for the answer then waits for ever.
func (l *link) alive() bool {
	select {
	case <-l.done:
		return false
	default:
		return l.wire.why() == nil && !l.wire.failed.Load()
	}
}

// close ends the connection and waits until nothing of it runs any more.
func (l *link) close() {
	l.wire.abort(errClosed)
	<-l.done
}

func (l *link) aliveAfter() time.Duration {
	if l.settings.AliveInterval > 0 {
		return l.settings.AliveInterval
	}
	return l.times.AliveAfter
}

func (l *link) missesMax() int {
	if l.settings.AliveCount > 0 {
		return l.settings.AliveCount
	}
	return aliveMissesMax
}

// look asks for a sign of life after silence, and gives the connection up after too many in vain.
// Whatever is heard is a sign.
func (l *link) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return
	}
	if heard := l.wire.heard.Load(); heard != l.heard {
		l.heard, l.misses = heard, 0
	}
	after, quiet := l.aliveAfter(), l.wire.silence()
	if l.misses == 0 && quiet < after {
		l.timer.Reset(after - quiet)
		return
	}
	if l.misses >= l.missesMax() {
		l.wire.abort(fmt.Errorf("it was silent through %d keepalives", l.misses))
		return
	}
	l.misses++
	if !l.waiting { // a second request would wait for the first, under a lock
		l.waiting = true
		go l.ask()
	}
	l.timer.Reset(l.times.AliveAnswer)
}

func (l *link) ask() {
	// Any answer, a refusal included, was heard; an error means that the connection ends.
	_, _, _ = l.conn.SendRequest("keepalive@openssh.com", true, nil)
	l.mu.Lock()
	l.waiting = false
	l.mu.Unlock()
}

// within does what has to be answered in time, or else closes the connection: nothing less frees
// what waits for the answer inside the SSH library. When ctx ends first it is left to end by
// itself, and late gets what came of it. What even that does not free is left to itself.
func within[T any](ctx context.Context, l *link, do func() (T, error), late func(T)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	result, left := make(chan outcome), make(chan struct{})
	defer close(left)
	go func() {
		end := time.AfterFunc(l.times.Request, func() {
			l.wire.abort(fmt.Errorf("it did not answer a request in %v", l.times.Request))
		})
		v, err := do()
		end.Stop()
		select {
		case result <- outcome{v, err}:
		case <-left:
			if err == nil {
				late(v)
			}
		}
	}()
	var none T
	select {
	case r := <-result:
		return r.value, r.err
	case <-ctx.Done():
		return none, context.Cause(ctx)
	case <-l.done:
	}
	// The SSH library tells all who wait, but for one that comes in the very moment when the connection ends: that
	// one it forgets for ever.
	select {
	case r := <-result:
		return r.value, r.err
	case <-time.After(forgottenTime):
		return none, errStuck
	}
}

// lost says that the connection broke.
func (l *link) lost(err error) error {
	why := errBroken.Error()
	switch reason := l.wire.why(); {
	case reason != nil:
		why = reason.Error()
	case err != nil && !isHangUp(err):
		why = excerpt(err.Error())
	}
	return &executor.HostError{
		Class: classLink, Hop: l.settings.hop(),
		Message: fmt.Sprintf("lost the connection to %s: %s", l.settings.label(), why),
	}
}
