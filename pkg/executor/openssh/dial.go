package openssh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// Dial opens a connection from the host. What the host answers about the other end is a
// *net.OpError; that it does not forward at all is a *HostError of class forwarding.
func (l *Linker) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" {
		return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("cannot dial %s: only tcp is forwarded", address)}
	}
	if err := l.Reach(ctx); err != nil {
		return nil, err
	}
	words := append(l.settings.flags(l.path(), "no", "DEBUG1"), "-W", address, "--", l.settings.Name)
	p, err := l.spawn(words)
	if err != nil {
		return nil, l.notStarted(err)
	}
	limited, cancel := context.WithTimeout(ctx, requestMax)
	defer cancel()
	stop := context.AfterFunc(limited, func() { _ = p.Close() })
	defer stop()
	if l.opened(p) {
		if stop() {
			return &conn{carrier: p, remote: endpoint(address)}, nil
		}
		return nil, &net.OpError{Op: "dial", Net: network, Err: context.Cause(limited)}
	}
	_ = p.Close() // it was about to end
	if limited.Err() != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: context.Cause(limited)}
	}
	if err := l.cannotForward(ctx, address); err != nil {
		return nil, err
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("connect failed from %s to %s", l.settings.Name, address)}
}

// opened reads what ssh says until it tells that the master opened the channel; what it says
// afterwards is read and forgotten.
func (l *Linker) opened(p *carrier) bool {
	lines := bufio.NewScanner(p.Err)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "master session id") {
			l.running.Go(func() {
				for lines.Scan() {
				}
			})
			return true
		}
	}
	return false
}

var prohibited = regexp.MustCompile(`open failed: (administratively prohibited|unknown channel type)`)

// cannotForward finds out once why the host opened nothing: a master does not pass that on, so it
// is asked over a connection of its own.
func (l *Linker) cannotForward(ctx context.Context, address string) error {
	l.mu.Lock()
	asked, known := l.asked, l.forwards
	l.mu.Unlock()
	if asked {
		return known
	}
	limited, cancel := context.WithTimeout(ctx, connectMax)
	defer cancel()
	said := &tail{}
	cmd := l.ssh(limited, append(l.settings.flags("none", "no", "INFO"), "-W", address, "--", l.settings.Name)...)
	cmd.Stderr = said
	err := cmd.Run()
	if limited.Err() != nil || !errors.As(err, new(*exec.ExitError)) {
		return nil // it is not known; the next one will ask
	}
	if prohibited.MatchString(said.String()) {
		known = &executor.HostError{
			Class: "forwarding", Hop: l.settings.Name, Message: "cannot open a connection from " + l.settings.Name + ": its SSH server does not forward",
			Hint: "AllowTcpForwarding in its sshd_config",
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked, l.forwards = true, known
	return known
}

// conn is a connection from the host: an ssh that passes on what is written to it.
type conn struct {
	*carrier
	remote endpoint
}

type endpoint string

func (e endpoint) Network() string { return "tcp" }
func (e endpoint) String() string  { return string(e) }

func (c *conn) LocalAddr() net.Addr  { return endpoint("ssh") }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

func (c *conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}
func (c *conn) SetReadDeadline(t time.Time) error  { return c.Out.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(t time.Time) error { return c.In.SetWriteDeadline(t) }
