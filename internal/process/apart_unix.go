//go:build unix

package process

import (
	"os/exec"
	"syscall"
)

// Apart gives a command a session of its own. When its context ends, all that it started ends with it; Ctrl-C at the terminal
// does not reach it, and a program that wants to ask there fails at once instead of being stopped.
func Apart(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGKILL) }
}
