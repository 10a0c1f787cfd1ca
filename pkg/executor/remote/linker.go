package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// Linker is the way to one host. Its connection is dialed when first needed and again when it
// broke; callers that need it meanwhile share the dialing. Where a server allows few sessions on
// a connection, more connections carry the rest.
type Linker struct {
	dialer   *Dialer
	settings Settings
	freed    *signal // a place among the sessions, or a change of links
	ctx      context.Context
	cancel   context.CancelCauseFunc

	running sync.WaitGroup // every dialing

	mu      sync.Mutex
	links   []*link
	dialing *dialing
	hop     *sharedHop
	closed  bool
}

var _ supervisor.Linker = (*Linker)(nil)

// dialing is one connection being made, for all who wait for it.
type dialing struct {
	done    chan struct{}
	waiting int
	cancel  context.CancelFunc
	link    *link // set before done is closed
	err     error
}

// Shell starts a shell by a command that does nothing before it is told to.
func (l *Linker) Shell(ctx context.Context, command string) (supervisor.Shell, error) {
	sh, err := l.exec(ctx, order{command: command})
	if err != nil {
		return nil, err
	}
	return sh, nil
}

// Upload starts a shell that reads its script as one line, and leaves the rest of its input to it.
func (l *Linker) Upload(ctx context.Context) (supervisor.Shell, error) {
	sh, err := l.exec(ctx, order{command: supervisor.UploadCommand})
	if err != nil {
		return nil, err
	}
	return sh, nil
}

// order is a command for a session of its own.
type order struct {
	command string
	bare    bool // it is the host's own: from the moment it is sent on, it is never sent again
}

// exec starts a command that does nothing before it is told to, which is why it may be started
// again: once, where the connection turned out to be broken, and as often as it takes where the
// server allows no further session. A bare one only as long as it was not sent.
func (l *Linker) exec(ctx context.Context, o order) (*shell, error) {
	pause, refusals, broken := l.dialer.timeouts.Refusal, 0, false
	for {
		k, err := l.room(ctx)
		if err != nil {
			return nil, l.hostError(ctx, err)
		}
		starting := ctx
		if o.bare { // it has to be known whether it was sent
			starting = context.WithoutCancel(ctx)
		}
		sh, err := within(starting, k, func() (*shell, error) { return k.start(o) }, func(s *shell) { _ = s.Close() })
		var sent *supervisor.SentError
		var refusal *ssh.OpenChannelError
		var told *executor.HostError
		switch {
		case err == nil:
			return sh, nil
		case errors.As(err, &sent):
			return nil, sent
		case o.bare && errors.Is(err, errStuck):
			return nil, &supervisor.SentError{Err: k.lost(err)}
		case errors.As(err, &refusal):
			// The first refusal may be about a session that is just ending over there.
			if refusals++; refusals > 1 && k.sessions.refused() > 0 {
				continue
			}
			if refusals >= refusalTries {
				return nil, k.noSession(refusal)
			}
			if err := elapse(ctx, pause); err != nil {
				return nil, l.hostError(ctx, err)
			}
			pause = min(2*pause, 20*l.dialer.timeouts.Refusal)
		case ctx.Err() != nil:
			return nil, l.hostError(ctx, err)
		case errors.As(err, &told):
			return nil, told
		case broken:
			return nil, k.lost(err)
		default:
			// Whatever else goes wrong with a channel, the connection is of no use any more.
			k.wire.abort(errBroken)
			broken = true
		}
	}
}

// Dial opens a connection from the host. What the host answers about the other end is a
// *net.OpError; that it does not forward at all is a *HostError of class forwarding.
func (l *Linker) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil || network != "tcp" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("cannot dial %s: only tcp and a port number are forwarded", address)}
	}
	for broken := false; ; broken = true {
		k, err := l.connected(ctx)
		if err != nil {
			return nil, l.hostError(ctx, err)
		}
		conn, err := k.tunnel(ctx, l.dialer.timeouts.Request, host, int(port))
		var told *executor.HostError
		if err == nil || broken || ctx.Err() != nil || !errors.As(err, &told) || told.Class != classLink {
			return conn, err
		}
		k.wire.abort(errBroken) // it turned out to be broken, and nothing went through it: once more
	}
}

// Close ends the connections and waits until nothing of them runs any more.
func (l *Linker) Close() error {
	l.cancel(errClosed)
	l.mu.Lock()
	l.closed = true
	links, hop := l.links, l.hop
	l.links, l.hop = nil, nil
	l.mu.Unlock()
	l.running.Wait()
	for _, k := range links {
		k.close()
	}
	if hop != nil {
		return l.dialer.leaveHop(hop)
	}
	return nil
}

// room gives a connection and a place on it.
func (l *Linker) room(ctx context.Context) (*link, error) {
	for {
		freed := l.freed.next()
		l.mu.Lock()
		l.prune()
		i := slices.IndexFunc(l.links, func(k *link) bool { return k.sessions.enter() })
		if i >= 0 {
			k := l.links[i]
			l.mu.Unlock()
			return k, nil
		}
		if len(l.links) > 0 && !l.mayDialMore() {
			l.mu.Unlock()
			select {
			case <-freed:
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
			continue
		}
		d, err := l.join()
		l.mu.Unlock()
		if err != nil {
			return nil, err
		}
		if _, err := l.wait(ctx, d); err != nil {
			return nil, err
		}
	}
}

// mayDialMore is where the server allows less on each connection than we would have on one.
func (l *Linker) mayDialMore() bool {
	places := 0
	for _, k := range l.links {
		k.sessions.mu.Lock()
		places += k.sessions.limit
		k.sessions.mu.Unlock()
	}
	return places < sessionsMax && len(l.links) < linksMax
}

// connected gives a living connection.
func (l *Linker) connected(ctx context.Context) (*link, error) {
	l.mu.Lock()
	l.prune()
	if len(l.links) > 0 {
		defer l.mu.Unlock()
		return l.links[0], nil
	}
	d, err := l.join()
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return l.wait(ctx, d)
}

func (l *Linker) prune() {
	l.links = slices.DeleteFunc(l.links, func(k *link) bool { return !k.alive() })
}

// join takes part in the dialing under way, or begins one. It is called under mu.
func (l *Linker) join() (*dialing, error) {
	if l.closed {
		return nil, errClosed
	}
	if l.dialing == nil {
		if err := l.enterHop(); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithCancel(l.ctx)
		d := &dialing{done: make(chan struct{}), cancel: cancel}
		l.dialing = d
		hop := l.hop
		l.running.Go(func() { l.dial(ctx, d, hop) })
	}
	l.dialing.waiting++
	return l.dialing, nil
}

func (l *Linker) dial(ctx context.Context, d *dialing, hop *sharedHop) {
	defer d.cancel()
	var via *Linker
	if hop != nil {
		via = hop.linker
	}
	k, err := l.dialer.connect(ctx, &l.settings, via, l.freed)
	l.mu.Lock()
	if l.dialing == d {
		l.dialing = nil
	}
	closed := l.closed
	if err == nil && !closed {
		l.links = append(l.links, k)
	}
	l.mu.Unlock()
	if err == nil && closed {
		k.close()
		k, err = nil, errClosed
	}
	d.link, d.err = k, err
	close(d.done)
}

// wait leaves the dialing when ctx ends; the last to leave ends it.
func (l *Linker) wait(ctx context.Context, d *dialing) (*link, error) {
	select {
	case <-d.done:
		return d.link, d.err
	case <-ctx.Done():
		l.mu.Lock()
		if d.waiting--; d.waiting == 0 {
			d.cancel()
			if l.dialing == d {
				l.dialing = nil // who comes now begins anew
			}
		}
		l.mu.Unlock()
		return nil, context.Cause(ctx)
	}
}

// hostError makes a *HostError of whatever ended an attempt to reach the host.
func (l *Linker) hostError(ctx context.Context, err error) error {
	var told *executor.HostError
	if errors.As(err, &told) {
		return told
	}
	e := &executor.HostError{Class: classLink, Hop: l.settings.hop()}
	e.Message = fmt.Sprintf("cannot connect to %s: %v", l.settings.label(), err)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		e.Class = classTimeout
	}
	return e
}
