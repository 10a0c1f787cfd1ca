package remote

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// Exec has the host execute a command as it stands, in a session of its own.
func (l *Linker) Exec(ctx context.Context, command string) (supervisor.Program, error) {
	sh, err := l.exec(ctx, order{command: command, bare: true})
	if err != nil {
		return nil, err
	}
	return program{sh}, nil
}

// Reach connects, and asks nothing.
func (l *Linker) Reach(ctx context.Context) error {
	if _, err := l.connected(ctx); err != nil {
		return l.hostError(ctx, err)
	}
	return nil
}

// program is a bare command, held by its streams.
type program struct{ *shell }

func (p program) Told() <-chan struct{} { return p.ending.told }

func (p program) Status() (supervisor.Status, error) { return p.ending.status, p.ending.err }

// ending is what is known of how a bare command ended.
type ending struct {
	once   sync.Once
	told   chan struct{}
	status supervisor.Status // as err, once told is closed
	err    error
}

// take looks whether a request of the host tells how the command ended (RFC 4254, 6.10).
func (e *ending) take(r *ssh.Request) {
	if e == nil {
		return
	}
	switch r.Type {
	case "exit-status":
		var m struct{ Status uint32 }
		if ssh.Unmarshal(r.Payload, &m) == nil {
			e.tell(supervisor.Status{Exit: int(m.Status)}, nil)
		}
	case "exit-signal":
		var m struct {
			Signal            string
			Core              bool
			Message, Language string
		}
		if ssh.Unmarshal(r.Payload, &m) == nil && m.Signal != "" {
			e.tell(supervisor.Status{Exit: signalled, Signal: excerpt(m.Signal)}, nil)
		}
	}
}

// signalled is the exit status of a command that a signal ended, as far as it has one.
const signalled = 128

// tell keeps the first that is told. why, if not nil, gives the reason why nothing is known.
func (e *ending) tell(status supervisor.Status, why func() error) {
	e.once.Do(func() {
		e.status = status
		if why != nil {
			e.err = why()
		}
		close(e.told)
	})
}

var errCutShort = errors.New("the host ended the connection in the middle of it")

// disorder tells whether a channel that ended without an exit status did so because the
// connection did. The SSH library says the same of both, so it is told by the order of things: the
// end of a connection is noted before the library hears of it, or, where the host announced it by
// a message, ends the link within a moment.
func (s *shell) disorder() error {
	select {
	case <-s.closed:
		return errShellClosed
	default:
	}
	if s.link.wire.failed.Load() {
		return s.link.lost(nil)
	}
	select {
	case <-s.link.done:
		if !s.link.wire.failed.Load() {
			return s.link.lost(errCutShort)
		}
	case <-time.After(orderTime):
	}
	return nil
}
