package local

import (
	"context"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/opsctl/opsctl/internal/process"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// Options of the host.
type Options struct {
	RunID    string
	Resumed  bool
	StateDir string // where run directories are; "" is opsctl/runs in the user's state directory
	LanesMax int    // 0 is the default of package supervisor

	SudoPassword supervisor.SudoPassword // nil: there is none
}

// New returns this machine as a Host. Nothing is started yet.
func New(o Options) *supervisor.Host {
	return supervisor.NewHost(&linker{env: environ(os.Environ())}, supervisor.Options{
		RunID: o.RunID, Resumed: o.Resumed, StateDir: o.StateDir, LanesMax: o.LanesMax,
		SudoPassword: o.SudoPassword,
	})
}

// environ is what commands may see of the environment of opsctl.
func environ(all []string) []string {
	names := []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"}
	var env []string
	for _, e := range all {
		name, _, _ := strings.Cut(e, "=")
		if slices.Contains(names, name) || strings.HasPrefix(name, "LC_") || strings.HasPrefix(name, "XDG_") {
			env = append(env, e)
		}
	}
	return env
}

// linker starts shells as processes.
type linker struct {
	env    []string
	dialer net.Dialer
}

func (l *linker) Shell(_ context.Context, command string) (supervisor.Shell, error) {
	if command == supervisor.ShellCommand {
		return l.start("plain", "sh")
	}
	return l.start("sudo", "sh", "-c", command)
}

func (l *linker) Upload(context.Context) (supervisor.Shell, error) {
	return l.start("upload", "sh", "-c", supervisor.UploadCommand)
}

// Exec is refused: what a line of text means is decided by a shell here.
func (l *linker) Exec(context.Context, string) (supervisor.Program, error) {
	return nil, &executor.HostError{Class: "config", Message: "cannot send a command as it stands to this machine: only hosts over SSH take one without a shell"}
}

// Reach does nothing: this machine is here.
func (l *linker) Reach(context.Context) error { return nil }

func (l *linker) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return l.dialer.DialContext(ctx, network, address)
}

// Close does nothing: there is no connection, and shells that still run a step are left to it.
func (l *linker) Close() error { return nil }

// start starts a program in a session of its own: no signal of our terminal reaches it.
func (l *linker) start(what, name string, args ...string) (supervisor.Shell, error) {
	cmd := exec.Command(name, args...)
	cmd.Env = l.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	streams, err := process.Start(cmd)
	if err != nil {
		return nil, &executor.HostError{Class: "link", Message: "cannot start a shell (" + what + ") on this machine: " + err.Error()}
	}
	// Reaped whenever it ends, which may be long after the shell was closed.
	go func() { _ = cmd.Wait() }()
	return streams, nil
}
