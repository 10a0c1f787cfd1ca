//go:build unix

package notice

import (
	"os/exec"
	"syscall"
)

// apart gives a command a session of its own: Ctrl-C at the terminal is meant for opsctl, and with it
// all that the command started can be ended.
func apart(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
