//go:build unix

package fleet

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// lead makes the command the leader of a new session.
func lead(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
}

func signalGroup(leader int, s syscall.Signal) error {
	return syscall.Kill(-leader, s)
}

// groupExists says whether a process group still has members.
func groupExists(leader int) bool {
	return !errors.Is(syscall.Kill(-leader, 0), syscall.ESRCH)
}

// killGroups kills process groups and returns how many there are.
func killGroups(leaders map[int]bool) (rest int) {
	for leader := range leaders {
		if signalGroup(leader, syscall.SIGKILL) == nil {
			rest++
		}
	}
	return rest
}

// ending is how a process ended: by a signal, or with an exit code.
func ending(state *os.ProcessState) (signal string, exit int) {
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		return signalName(status.Signal()), 0
	}
	return "", state.ExitCode()
}

// readNow reads what is in a pipe. Nothing there, and its end, are 0 bytes.
func readNow(f *os.File, buf []byte) (n int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	var readErr error
	err = raw.Read(func(fd uintptr) bool {
		n, readErr = syscall.Read(int(fd), buf)
		for errors.Is(readErr, syscall.EINTR) {
			n, readErr = syscall.Read(int(fd), buf)
		}
		return true // do not wait for more
	})
	if errors.Is(readErr, syscall.EAGAIN) {
		return 0, err
	}
	return max(n, 0), firstError(err, readErr)
}
