package openssh

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// Linker is the way to one host: a master connection, made when first needed and again when it is
// gone, and an ssh process for each shell on it. Where the server allows few sessions on a
// connection, ssh makes another one by itself.
type Linker struct {
	transport *Transport
	settings  Settings
	turn      chan struct{} // held by who makes the master
	running   sync.WaitGroup

	mu        sync.Mutex
	socket    string // of the master
	processes map[*carrier]bool
	closed    bool
	forwards  error // why nothing is forwarded, once that is known
	asked     bool  // whether anything is forwarded
}

var _ supervisor.Linker = (*Linker)(nil)

// Linker returns the way to one host. Nothing is started yet.
func (t *Transport) Linker(s Settings) *Linker {
	return &Linker{transport: t, settings: s, turn: make(chan struct{}, 1), processes: map[*carrier]bool{}}
}

// Shell starts a shell by a command that does nothing before it is told to.
func (l *Linker) Shell(ctx context.Context, command string) (supervisor.Shell, error) {
	return l.start(ctx, command)
}

// Upload starts a shell that reads its script as one line, and leaves the rest of its input to it.
func (l *Linker) Upload(ctx context.Context) (supervisor.Shell, error) {
	return l.start(ctx, supervisor.UploadCommand)
}

// Exec has the host execute a command as it stands. ssh is started for it once.
func (l *Linker) Exec(ctx context.Context, command string) (supervisor.Program, error) {
	return l.start(ctx, command)
}

func (l *Linker) start(ctx context.Context, command string) (*carrier, error) {
	if err := l.Reach(ctx); err != nil {
		return nil, err
	}
	p, err := l.spawn(append(l.settings.flags(l.path(), "no", "ERROR"), "-T", "--", l.settings.Name, command))
	if err != nil {
		return nil, l.notStarted(err)
	}
	return p, nil
}

// Reach makes the master, unless there is one. Who needs it meanwhile waits for it.
func (l *Linker) Reach(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return l.late(ctx)
	}
	defer func() { <-l.turn }()
	if err := l.open(); err != nil {
		return err
	}
	if l.alive() {
		return nil
	}
	select {
	case l.transport.forks <- struct{}{}:
	case <-ctx.Done():
		return l.late(ctx)
	}
	defer func() { <-l.transport.forks }()
	for try := 1; ; try++ {
		err := l.master(ctx)
		if !errors.Is(err, errDropped) {
			return err
		}
		if try == dropTries {
			return l.error("link", "it dropped the connection before its SSH banner, again and again", "raise MaxStartups in its sshd_config, or look there for what turns this address away")
		}
		select {
		case <-time.After(dropPause<<(try-1)/2 + rand.N(dropPause<<(try-1))): //nolint:gosec // not a secret
		case <-ctx.Done():
			return l.late(ctx)
		}
	}
}

// open gives the linker its socket.
func (l *Linker) open() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.error("link", "the connection was closed from this side", "")
	}
	if l.socket != "" {
		return nil
	}
	socket, err := l.transport.socket()
	if err != nil {
		return l.error("link", err.Error(), "set TMPDIR to a directory with a short path")
	}
	l.socket = socket
	return nil
}

func (l *Linker) path() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.socket
}

// alive tells whether a master listens.
func (l *Linker) alive() bool {
	c, err := net.DialTimeout("unix", l.path(), requestMax)
	if err != nil {
		return false
	}
	_ = c.Close() // nothing was said
	return true
}

// master starts an ssh that goes into the background once it is logged in. It ends by itself when
// nothing has used it for a while, should opsctl be gone.
func (l *Linker) master(ctx context.Context) error {
	_ = os.Remove(l.path()) // of a master that was killed
	limited, cancel := context.WithTimeout(ctx, connectMax)
	defer cancel()
	said := &tail{}
	cmd := l.ssh(limited, append(l.settings.flags(l.path(), "yes", "ERROR"), "-f", "-N", "-T", "--", l.settings.Name)...)
	cmd.Stderr = said
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay) && cmd.ProcessState.Success():
		return nil
	case limited.Err() != nil:
		return l.late(limited)
	case errors.As(err, &exit):
		return l.refused(said.String())
	}
	return l.notStarted(err)
}

// Close tells the master to end, ends whatever still hangs on it, and waits for that. The master itself is no child of ours:
// it answers that it will end, and does.
func (l *Linker) Close() error {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	l.mu.Lock()
	l.closed = true
	socket := l.socket
	var open []*carrier
	for p := range l.processes {
		open = append(open, p)
	}
	l.mu.Unlock()
	if socket != "" && l.alive() {
		ctx, cancel := context.WithTimeout(context.Background(), exitMax)
		defer cancel()
		_ = l.ssh(ctx, append(l.settings.flags(socket, "no", "QUIET"), "-O", "exit", "--", l.settings.Name)...).Run() // a master that cannot be told ends by itself
	}
	for _, p := range open {
		_ = p.Close() // it may have ended with its master
	}
	l.running.Wait()
	return nil
}

func (l *Linker) remember(p *carrier) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.processes[p] = true
}

func (l *Linker) forget(p *carrier) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.processes, p)
}

func (l *Linker) error(class, why, hint string) *executor.HostError {
	return &executor.HostError{Class: class, Hop: l.settings.Name, Message: "cannot connect to " + l.settings.Name + " by ssh: " + why, Hint: hint}
}
