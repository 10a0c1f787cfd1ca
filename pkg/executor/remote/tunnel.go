package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/pkg/executor"
)

// tunnel opens a connection from the host to an address that the host resolves. An answer that
// takes long is the other end's fault, not this connection's: it is left to come, and dropped.
func (l *link) tunnel(ctx context.Context, limit time.Duration, host string, port int) (net.Conn, error) {
	address := net.JoinHostPort(host, strconv.Itoa(port))
	fail := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Addr: endpoint(address), Err: err} }
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	type opened struct {
		channel  ssh.Channel
		requests <-chan *ssh.Request
		err      error
	}
	result := make(chan opened, 1)
	go func() {
		request := ssh.Marshal(struct {
			Host       string
			Port       uint32
			OriginHost string
			OriginPort uint32
		}{host, uint32(port), "127.0.0.1", 0}) //nolint:gosec // a port
		c, r, err := l.conn.OpenChannel("direct-tcpip", request)
		result <- opened{c, r, err}
	}()
	select {
	case o := <-result:
		if o.err != nil {
			return nil, l.noTunnel(o.err, fail)
		}
		l.wire.eager.Store(false)
		go ssh.DiscardRequests(o.requests)
		return newTunnelConn(o.channel, endpoint(address)), nil
	case <-waiting.Done():
		go func() {
			if o := <-result; o.err == nil {
				go ssh.DiscardRequests(o.requests)
				_ = o.channel.Close() // nobody waits for it any more
			}
		}()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fail(context.DeadlineExceeded)
	}
}

func (l *link) noTunnel(err error, fail func(error) error) error {
	var refusal *ssh.OpenChannelError
	switch {
	case !errors.As(err, &refusal):
		return l.lost(err)
	case refusal.Reason == ssh.ConnectionFailed:
		return fail(errors.New(excerpt(refusal.Message)))
	default:
		return &executor.HostError{
			Class: classForwarding, Hop: l.settings.hop(),
			Message: fmt.Sprintf("cannot forward through %s: its SSH server forbids it: %s", l.settings.label(), excerpt(refusal.Message)),
			Hint:    "allow AllowTcpForwarding (and PermitOpen) in its sshd_config",
		}
	}
}

// hopFailed names the hop that an error came from.
func hopFailed(s, hop *Settings, limit time.Duration, err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	e := &executor.HostError{
		Class: classRefused, Hop: s.hop(),
		Message: fmt.Sprintf("cannot connect to %s through %s: %v", s.label(), hop.label(), op.Err),
		Hint:    "check that the host is up, and that " + hop.hop() + " may reach it",
	}
	if isTimeout(op.Err) {
		e.Class = classTimeout
		e.Message = fmt.Sprintf("cannot connect to %s through %s: no answer in %v", s.label(), hop.label(), limit)
	}
	return e
}

// endpoint is an address that only the host knows how to resolve.
type endpoint string

func (e endpoint) Network() string { return "tcp" }
func (e endpoint) String() string  { return string(e) }

// tunnelConn is a channel as a net.Conn. A pipe between them gives it deadlines, and a Close that
// does not wait for the host.
type tunnelConn struct {
	net.Conn
	remote endpoint
}

func newTunnelConn(channel ssh.Channel, remote endpoint) net.Conn {
	near, far := net.Pipe()
	go func() {
		pour(far, channel)
		_ = far.Close() // the end of what the host sends
	}()
	go func() {
		pour(channel, far)
		_ = channel.Close()
		_ = far.Close()
	}()
	return &tunnelConn{Conn: near, remote: remote}
}

func (t *tunnelConn) RemoteAddr() net.Addr { return t.remote }

// pour copies until either side ends; which one, and why, its reader learns by itself.
func pour(to interface{ Write([]byte) (int, error) }, from interface{ Read([]byte) (int, error) }) {
	buf := make([]byte, tunnelBuffer)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, werr := to.Write(buf[:n]); werr != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
