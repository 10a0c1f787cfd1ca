package fleet

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// markerName is the variable by which processes of a fleet are told from others.
const markerName = "OPSCTL_FLEET"

// processes are the commands of a fleet and whatever they leave running.
type processes struct {
	marker string // "OPSCTL_FLEET=…", in the environment of every command

	// Starting takes it for reading: many may start at once, none after kill.
	gate     sync.RWMutex
	stopping bool

	mu sync.Mutex
	// Sessions that may hold processes, by their leaders' ids: those of commands
	// that run, and of those that ended and left something in the session.
	sessions map[int]bool
	started  bool
}

func newProcesses() *processes {
	return &processes{marker: markerName + "=" + rand.Text(), sessions: make(map[int]bool)}
}

// leader is the process of a command, which leads a session of its own.
type leader struct {
	of      *processes
	command *exec.Cmd
}

// start starts a command in a new session.
func (p *processes) start(command *exec.Cmd) (*leader, error) {
	p.gate.RLock()
	defer p.gate.RUnlock()
	if p.stopping {
		return nil, errors.New("the fleet is stopping")
	}
	lead(command)
	if err := command.Start(); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = true
	p.sessions[command.Process.Pid] = true
	return &leader{of: p, command: command}, nil
}

// wait waits for the process and returns the SSH request that tells how it ended.
func (l *leader) wait() (request string, payload []byte) {
	// The error repeats what the state says; files are not copied here.
	_ = l.command.Wait()
	pid := l.command.Process.Pid
	l.of.mu.Lock()
	if !groupExists(pid) {
		delete(l.of.sessions, pid)
	}
	l.of.mu.Unlock()

	name, exit := ending(l.command.ProcessState)
	if name == "" {
		return "exit-status", ssh.Marshal(struct{ Status uint32 }{uint32(exit)})
	}
	return "exit-signal", ssh.Marshal(struct {
		Signal     string
		CoreDumped bool
		Message    string
		Language   string
	}{Signal: name})
}

// signal sends the process group a signal, by the name SSH has for it. Like
// OpenSSH it knows only those a client has a use for.
func (l *leader) signal(name string) bool {
	s, ok := signals()[name]
	if !ok {
		return false
	}
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	return l.of.sessions[l.command.Process.Pid] && signalGroup(l.command.Process.Pid, s) == nil
}

// signals are the signals of RFC 4254, 6.10, that every system has.
func signals() map[string]syscall.Signal {
	return map[string]syscall.Signal{
		"ABRT": syscall.SIGABRT,
		"ALRM": syscall.SIGALRM,
		"FPE":  syscall.SIGFPE,
		"HUP":  syscall.SIGHUP,
		"ILL":  syscall.SIGILL,
		"INT":  syscall.SIGINT,
		"KILL": syscall.SIGKILL,
		"PIPE": syscall.SIGPIPE,
		"QUIT": syscall.SIGQUIT,
		"SEGV": syscall.SIGSEGV,
		"TERM": syscall.SIGTERM,
	}
}

// signalName is the name SSH has for a signal. Others are named as OpenSSH does.
func signalName(s syscall.Signal) string {
	for name, known := range signals() {
		if known == s {
			return name
		}
	}
	return fmt.Sprintf("SIG%d@openssh.com", int(s))
}

// kill kills everything that was started and all that came of it, and returns
// when none of it runs any more. Nothing starts after that.
func (p *processes) kill(deadline time.Time) error {
	p.gate.Lock()
	p.stopping = true
	p.gate.Unlock()
	killed := map[int]string{}
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		rest, err := p.killOnce(killed)
		if err != nil || rest == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d of its processes do not end", rest)
		}
		// The kernel needs a moment, and what was being forked is found next time.
		time.Sleep(pause)
	}
}

func (p *processes) killOnce(killed map[int]string) (rest int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.started {
		return 0, nil
	}
	return killAll(p.marker, p.sessions, killed)
}
