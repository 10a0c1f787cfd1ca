package openssh

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// process is an ssh that carries one shell or one command, and our ends of its pipes.
type process struct {
	in, out, err *os.File
	cmd          *exec.Cmd
	ended        chan struct{}
	once         sync.Once
	closed       chan struct{} // from this side
}

var _ supervisor.Program = (*process)(nil)

// ssh gives a command that has a session of its own: no signal of our terminal reaches it, and it
// can ask nobody.
func (l *Linker) ssh(ctx context.Context, words ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, l.transport.program, words...) //nolint:gosec // it is what this is for
	cmd.Env, cmd.WaitDelay = environ(os.Environ()), lingerMax
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd
}

// spawn starts an ssh that is held by its streams.
func (l *Linker) spawn(words []string) (*process, error) {
	var theirs, ours [3]*os.File
	closeAll := func(files [3]*os.File) {
		for _, f := range files {
			_ = f.Close() // nil is refused, nothing else can go wrong
		}
	}
	for i := range theirs {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(theirs)
			closeAll(ours)
			return nil, err
		}
		theirs[i], ours[i] = w, r
		if i == 0 {
			theirs[i], ours[i] = r, w
		}
	}
	cmd := l.ssh(context.Background(), words...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	err := cmd.Start()
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		return nil, err
	}
	p := &process{in: ours[0], out: ours[1], err: ours[2], cmd: cmd, ended: make(chan struct{}), closed: make(chan struct{})}
	l.running.Go(func() {
		_ = cmd.Wait() // its ProcessState is what is asked later
		close(p.ended)
		l.forget(p)
	})
	l.remember(p)
	return p, nil
}

func (p *process) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *process) Write(b []byte) (int, error) { return p.in.Write(b) }
func (p *process) Stderr() io.Reader           { return p.err }
func (p *process) CloseWrite() error           { return p.in.Close() }

// Close ends ssh, and with it the channel; what runs on the host is not told.
func (p *process) Close() error {
	var err error
	p.once.Do(func() {
		close(p.closed)
		if kill := p.cmd.Process.Kill(); !errors.Is(kill, os.ErrProcessDone) {
			err = kill
		}
		_ = p.in.Close() // may be closed before, by CloseWrite
		_ = p.err.Close()
		_ = p.out.Close()
	})
	return err
}

// Told is closed when ssh ended.
func (p *process) Told() <-chan struct{} { return p.ended }

// failure is what ssh itself exits with; a command may, too.
const failure = 255

// errOwn is told of an exit status that may be ssh's own.
var errOwn = errors.New("ssh ended with exit status 255, which says that the connection broke, that the host told no exit status, or that the command ended so")

// Status is that of the command, where ssh passes it on for certain.
func (p *process) Status() (supervisor.Status, error) {
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
