package openssh

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/opsctl/opsctl/internal/process"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// carrier is an ssh that carries one shell or one command.
type carrier struct {
	*process.Streams
	cmd    *exec.Cmd
	ended  chan struct{}
	once   sync.Once
	closed chan struct{} // from this side
}

var _ supervisor.Program = (*carrier)(nil)

// ssh gives a command that has a session of its own: no signal of our terminal reaches it, and it
// can ask nobody.
func (l *Linker) ssh(ctx context.Context, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.transport.program, words...) //nolint:gosec // it is what this is for
	cmd.Env, cmd.WaitDelay = environ(os.Environ()), lingerMax
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// spawn starts an ssh that is held by its streams.
func (l *Linker) spawn(words []string) (*carrier, error) {
	cmd := l.ssh(context.Background(), words...)
	streams, err := process.Start(cmd)
	if err != nil {
		return nil, err
	}
	p := &carrier{Streams: streams, cmd: cmd, ended: make(chan struct{}), closed: make(chan struct{})}
	l.running.Go(func() {
		_ = cmd.Wait() // its ProcessState is what is asked later
		close(p.ended)
		l.forget(p)
	})
	l.remember(p)
	return p, nil
}

// Close ends ssh, and with it the channel; what runs on the host is not told.
func (p *carrier) Close() error {
	var err error
	p.once.Do(func() {
		close(p.closed)
		if kill := p.cmd.Process.Kill(); !errors.Is(kill, os.ErrProcessDone) {
			err = kill
		}
		_ = p.Streams.Close() // ssh is gone
	})
	return err
}

// Told is closed when ssh ended.
func (p *carrier) Told() <-chan struct{} { return p.ended }

// failure is what ssh itself exits with; a command may, too.
const failure = 255

// errOwn is told of an exit status that may be ssh's own.
var errOwn = errors.New("ssh ended with exit status 255, which says that the connection broke, that the host told no exit status, or that the command ended so")

// Status is that of the command, where ssh passes it on for certain.
func (p *carrier) Status() (supervisor.Status, error) {
	code := p.cmd.ProcessState.ExitCode()
	select {
	case <-p.closed:
		return supervisor.Status{}, errors.New("its channel was closed from this side")
	default:
	}
	if code < 0 || code == failure {
		return supervisor.Status{}, errOwn
	}
	return supervisor.Status{Exit: code}, nil
}
