//go:build unix

package secret

import (
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

const nonblock = syscall.O_NONBLOCK

// mine tells whether a file belongs to the person who runs opsctl.
func mine(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return !ok || int(stat.Uid) == os.Geteuid()
}

// apart gives a command a session of its own: with it all that the command started can be ended,
// and a program that wants to ask at the terminal fails at once instead of being stopped there.
func apart(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
