package remote

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// proxyConn is a ProxyCommand: its input and output are the connection.
type proxyConn struct {
	in, out *os.File // what we write, what we read
	process *os.Process
	said    *tail
	ended   chan struct{}
	silent  atomic.Bool // its output ended: it is about to end by itself
	once    sync.Once
	remote  endpoint
}

func startProxy(s *Settings) (conn net.Conn, err error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, proxyFailed(s, err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, proxyFailed(s, errors.Join(err, theirIn.Close(), in.Close()))
	}
	p := &proxyConn{in: in, out: out, said: &tail{}, ended: make(chan struct{}), remote: endpoint(s.address())}
	// As ssh does, so that ending the process ends the command and not a shell around it.
	command := exec.Command("sh", "-c", "exec "+s.ProxyCommand) //nolint:gosec // it is asked for
	command.Stdin, command.Stdout, command.Stderr = theirIn, theirOut, p.said
	command.WaitDelay = proxyGrace // for what the command left behind holding its stderr
	err = command.Start()
	// The command has its own copies.
	_, _ = theirIn.Close(), theirOut.Close()
	if err != nil {
		return nil, proxyFailed(s, errors.Join(err, in.Close(), out.Close()))
	}
	p.process = command.Process
	go func() {
		// Its exit status says less than the end of its output, which the reader sees.
		_ = command.Wait()
		close(p.ended)
	}()
	return p, nil
}

func proxyFailed(s *Settings, err error) error {
	return &executor.HostError{
		Class: classLink, Hop: s.hop(),
		Message: fmt.Sprintf("cannot start the ProxyCommand for %s: %v", s.label(), err),
	}
}

func (p *proxyConn) Read(b []byte) (int, error) {
	n, err := p.out.Read(b)
	if errors.Is(err, io.EOF) {
		p.silent.Store(true)
	}
	return n, err
}

func (p *proxyConn) Write(b []byte) (int, error) { return p.in.Write(b) }

func (p *proxyConn) Close() error {
	var err error
	p.once.Do(func() {
		err = errors.Join(p.in.Close(), p.out.Close())
		if p.silent.Load() { // what it has still to say is why
			select {
			case <-p.ended:
			case <-time.After(proxyGrace):
			}
		}
		if kill := p.process.Kill(); !errors.Is(kill, os.ErrProcessDone) {
			err = errors.Join(err, kill)
		}
		<-p.ended
	})
	return err
}

func (p *proxyConn) LocalAddr() net.Addr  { return endpoint("proxy") }
func (p *proxyConn) RemoteAddr() net.Addr { return p.remote }

func (p *proxyConn) SetDeadline(t time.Time) error {
	return errors.Join(p.SetReadDeadline(t), p.SetWriteDeadline(t))
}
func (p *proxyConn) SetReadDeadline(t time.Time) error  { return p.out.SetReadDeadline(t) }
func (p *proxyConn) SetWriteDeadline(t time.Time) error { return p.in.SetWriteDeadline(t) }

// tail keeps the end of what a command complains about.
type tail struct {
	mu   sync.Mutex
	text []byte
}

var _ io.Writer = (*tail)(nil)

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-stderrTailMax):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
