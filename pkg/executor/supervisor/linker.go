package supervisor

import (
	"context"
	"fmt"
	"io"
	"net"
	"regexp"
)

// A Linker opens shells on one host, and reconnects when its connection broke. It may be used by
// several goroutines. Errors are *executor.HostError.
type Linker interface {
	// Shell starts a command, which does nothing before it is told to: ShellCommand, or one by sudo.
	// It dials, or dials again when the connection is broken; how often and how long is up to ctx.
	Shell(ctx context.Context, command string) (Shell, error)
	// Upload starts UploadCommand as the login user: it reads one line of script and runs it; the
	// script then consumes the rest of stdin.
	Upload(ctx context.Context) (Shell, error)
	// Exec has the host itself execute a command, as it stands. It is sent once at most: a
	// *SentError means that it may have been taken, a *executor.HostError that it was not.
	Exec(ctx context.Context, command string) (Program, error)
	// Reach connects, if there is no connection, and asks nothing.
	Reach(ctx context.Context) error
	// Dial opens a connection from the host.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Close ends the connection. Shells that run a step are not killed by it.
	Close() error
}

// A Shell is the standard streams of a shell on a host. Closing it, from any goroutine, makes
// pending reads (of both streams) and writes fail, at once; it does not kill what runs there.
type Shell interface {
	io.Reader // its stdout
	io.Writer // its stdin
	Stderr() io.Reader
	CloseWrite() error // end of its stdin
	io.Closer
}

// A Program is a command that the host itself executes.
type Program interface {
	Shell
	// Told is closed once the host told how the program ended, or will not any more.
	Told() <-chan struct{}
	// Status is how it ended, once Told is closed. An error means that this cannot be learnt.
	Status() (Status, error)
}

// Status is how a program ended. Hosts that tell nothing of it, and end its channel in order, are
// taken at their word: it is the zero Status.
type Status struct {
	Exit   int
	Signal string // its name, such as KILL; "" for none
}

// A SentError is told of a command of which nobody knows whether the host took it.
type SentError struct{ Err error }

func (e *SentError) Error() string { return e.Err.Error() }

func (e *SentError) Unwrap() error { return e.Err }

// What a Linker executes: constants that sh, bash, zsh, fish and tcsh read alike.
const (
	ShellCommand  = `exec sh`
	UploadCommand = `exec sh -c 'IFS= read -r OPSCTL; eval "$OPSCTL"'`
)

var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]*$`)

// validUser tells whether a text is what useradd(8) allows, so that it needs no quoting in any shell.
func validUser(s string) bool { return len(s) <= userMax && userName.MatchString(s) }

// What the mark of a shell behind sudo ends in, where sudo asks for a password and where the shell is there.
const (
	promptEnd = "-password:"
	readyEnd  = "-ready"
)

// sudoCommand is what a Linker executes for a shell as user. -H makes HOME that user's own, which
// is where its run directory is. The shell says that it is there on stderr, where sudo speaks
// too: so what follows it is never taken for a word of sudo.
func sudoCommand(user, mark string, m manner) (string, error) {
	if !validUser(user) {
		return "", fmt.Errorf("cannot use %q as a user for sudo: it is not a user name", user)
	}
	sudo := "sudo -n"
	if m.password {
		sudo = "sudo -S -p " + mark + promptEnd
	}
	sudo += " -H -u " + user + " -- sh -c "
	ready := "echo " + mark + readyEnd + " >&2; exec sh"
	if m.terminal {
		return terminalCommand + ` sh '` + sudo + `"` + ready + `" <&3 >&4 2>&5'`, nil
	}
	return "exec " + sudo + "'" + ready + "'", nil
}

// terminalCommand gives its argument a terminal by script(1), for sudo to see and for nothing else: what is
// said goes past it, byte by byte, and nobody hangs up when the connection breaks.
const terminalCommand = `exec sh -c 'command -v script >/dev/null || { echo "script: not found" >&2; exit 127; }; ` +
	`SHELL=/bin/sh; export SHELL; exec script -qc "$1" /dev/null 3<&0 4>&1 5>&2 </dev/null >/dev/null'`
