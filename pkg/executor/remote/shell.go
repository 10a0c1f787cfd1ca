package remote

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// shell is one program running on the host, held by its three streams. Close lets go of them at
// once, whatever the host does: the SSH library would wait for the host to agree.
type shell struct {
	channel ssh.Channel
	link    *link
	out     *outlet
	err     *outlet
	in      *inlet
	closed  chan struct{}
	once    sync.Once // closes closed
	ending  *ending   // of a bare command; nil of others
}

// start has a command executed in a session of its own. Its place among the sessions is left when
// the channel ends, or with the error. Of a bare command that may have been sent, the error is a
// *supervisor.SentError.
func (l *link) start(o order) (*shell, error) {
	channel, requests, err := l.conn.OpenChannel("session", nil)
	if err != nil {
		l.sessions.leave()
		return nil, err
	}
	l.wire.eager.Store(false)
	sh := &shell{channel: channel, link: l, closed: make(chan struct{})}
	sh.out = &outlet{from: channel, closed: sh.closed}
	sh.err = &outlet{from: channel.Stderr(), closed: sh.closed}
	sh.in = &inlet{to: channel, closed: sh.closed, stall: l.times.WriteStall, late: func() {
		l.wire.abort(fmt.Errorf("it took nothing for %v", l.times.WriteStall))
	}}
	if o.bare {
		l.wire.programs.Add(1)
		sh.ending = &ending{told: make(chan struct{})}
	}
	go sh.serve(requests)
	ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{o.command}))
	switch {
	case err == nil && !ok:
		err = l.noExec(o.bare)
	case err != nil && o.bare:
		err = &supervisor.SentError{Err: l.lost(err)}
	}
	if err != nil {
		_ = sh.Close() // the error tells more
		return nil, err
	}
	return sh, nil
}

// serve takes what the host tells of the program, such as its exit status. Of a shell nobody needs
// it, for what runs in there tells its own. It ends with the channel.
func (s *shell) serve(requests <-chan *ssh.Request) {
	for r := range requests {
		s.ending.take(r)
		if r.WantReply {
			// An answer that cannot be sent means that the connection ends.
			_ = r.Reply(false, nil)
		}
	}
	if s.ending != nil {
		s.ending.tell(supervisor.Status{}, s.disorder)
		s.link.wire.programs.Add(-1)
	}
	// Not before: over there the session counts until its end is agreed on.
	s.link.sessions.leave()
}

func (s *shell) Read(p []byte) (int, error) { return s.out.Read(p) }

func (s *shell) Write(p []byte) (int, error) { return s.in.Write(p) }

func (s *shell) Stderr() io.Reader { return s.err }

func (s *shell) CloseWrite() error { return s.channel.CloseWrite() }

func (s *shell) Close() error {
	var err error
	s.once.Do(func() {
		close(s.closed)
		if err = s.channel.Close(); isHangUp(err) { // it ended before
			err = nil
		}
	})
	return err
}

var errShellClosed = errors.New("the shell was closed")

// outlet is an output of a shell, fetched beside its reader so that closing ends a Read at once.
type outlet struct {
	from   io.Reader
	closed <-chan struct{}
	start  sync.Once
	ready  chan []byte // what was fetched
	taken  chan struct{}
	rest   []byte // of what was fetched
	failed error  // set before ready is closed
}

func (o *outlet) Read(p []byte) (int, error) {
	o.start.Do(func() {
		o.ready, o.taken = make(chan []byte), make(chan struct{})
		go o.fetch()
	})
	if len(p) == 0 {
		return 0, nil
	}
	if len(o.rest) == 0 {
		select {
		case piece, ok := <-o.ready:
			if !ok {
				return 0, o.failed
			}
			o.rest = piece
		case <-o.closed:
			return 0, errShellClosed
		}
	}
	n := copy(p, o.rest)
	if o.rest = o.rest[n:]; len(o.rest) == 0 {
		select {
		case o.taken <- struct{}{}: // the buffer may be used again
		case <-o.closed:
		}
	}
	return n, nil
}

// fetch reads ahead into one buffer, larger once there was more than it held.
func (o *outlet) fetch() {
	defer close(o.ready)
	buf := make([]byte, outletFirst)
	for {
		n, err := o.from.Read(buf)
		if n > 0 {
			select {
			case o.ready <- buf[:n]:
			case <-o.closed:
				o.failed = errShellClosed
				return
			}
			select {
			case <-o.taken:
			case <-o.closed:
				o.failed = errShellClosed
				return
			}
			if n == len(buf) && n < outletMax {
				buf = make([]byte, outletMax)
			}
		}
		if err != nil {
			o.failed = err
			return
		}
	}
}

// inlet is the input of a shell, written beside its writer so that closing ends a Write at once.
type inlet struct {
	to     io.Writer
	closed <-chan struct{}
	stall  time.Duration // for a piece that is not taken
	late   func()

	mu     sync.Mutex
	pieces chan []byte
	done   chan error
	buf    []byte
}

func (i *inlet) Write(p []byte) (n int, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.pieces == nil {
		i.pieces, i.done = make(chan []byte), make(chan error, 1)
		go i.send()
	}
	for len(p) > 0 {
		piece := p[:min(len(p), writeChunk)]
		i.buf = append(i.buf[:0], piece...)
		select {
		case i.pieces <- i.buf:
		case <-i.closed:
			return n, errShellClosed
		}
		select {
		case err := <-i.done:
			if err != nil {
				return n, err
			}
		case <-i.closed:
			return n, errShellClosed
		}
		n, p = n+len(piece), p[len(piece):]
	}
	return n, nil
}

func (i *inlet) send() {
	for {
		select {
		case piece := <-i.pieces:
			stalled := time.AfterFunc(i.stall, i.late)
			_, err := i.to.Write(piece)
			stalled.Stop()
			i.done <- err
		case <-i.closed:
			return
		}
	}
}

func (l *link) noSession(refusal *ssh.OpenChannelError) error {
	return &executor.HostError{
		Class: classLink, Hop: l.settings.hop(),
		Message: fmt.Sprintf("cannot open a shell on %s: the host refuses every session: %s", l.settings.label(), excerpt(refusal.Message)),
		Hint:    "check MaxSessions in its sshd_config",
	}
}

func (l *link) noExec(bare bool) error {
	e := &executor.HostError{
		Class: classLink, Hop: l.settings.hop(),
		Message: fmt.Sprintf("cannot open a shell on %s: the host refuses to run commands", l.settings.label()),
		Hint:    "check the login shell of " + l.settings.User + ", and ForceCommand in its sshd_config",
	}
	if bare {
		e.Message = fmt.Sprintf("cannot send a command to %s: the host refuses to run commands", l.settings.label())
		e.Hint = "a device that takes commands at its interactive prompt only is not supported"
	}
	return e
}
