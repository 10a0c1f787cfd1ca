//go:build unix

package realsshd

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	readyMax = 30 * time.Second
	pollEach = 5 * time.Millisecond
)

// run starts a daemon, waits until its hosts answer, and has it killed at the
// end of the test with all that came of it.
func run(tb testing.TB, sshd, config string, hosts []Host) {
	tb.Helper()
	log, err := os.Create(config + ".log")
	if err != nil {
		tb.Fatal(err)
	}
	command := exec.Command(sshd, "-D", "-e", "-f", config)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		tb.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = command.Wait() // how it ended is told by its log
	}()
	tb.Cleanup(func() {
		killTree(tb, command.Process.Pid)
		<-ended
		if err := log.Close(); err != nil {
			tb.Error(err)
		}
	})
	for _, h := range hosts {
		if !answers(h, ended) {
			said, err := os.ReadFile(log.Name())
			tb.Fatalf("cannot start sshd: %s does not answer (%v): %s", h.Addr, err, said)
		}
	}
}

// answers waits for the host's banner.
func answers(h Host, ended <-chan struct{}) bool {
	for end := time.Now().Add(readyMax); time.Now().Before(end); {
		if banner(h.Addr) {
			return true
		}
		select {
		case <-ended:
			return false
		case <-time.After(pollEach):
		}
	}
	return false
}

func banner(addr string) bool {
	c, err := net.DialTimeout("tcp", addr, readyMax)
	if err != nil {
		return false
	}
	defer func() { _ = c.Close() }() // all that it was for has been read
	if c.SetReadDeadline(time.Now().Add(readyMax)) != nil {
		return false
	}
	got := make([]byte, len("SSH-2.0-"))
	n, err := c.Read(got)
	return err == nil && bytes.HasPrefix(got[:n], []byte("SSH-"))
}

// killTree kills a process and its descendants. They are listed first: those of
// a dead parent are nobody's.
func killTree(tb testing.TB, root int) {
	tb.Helper()
	pids := []int{root}
	children := listChildren(tb)
	for i := 0; i < len(pids); i++ {
		pids = append(pids, children[pids[i]]...)
	}
	kill(tb, pids)
}

func kill(tb testing.TB, pids []int) {
	tb.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			tb.Errorf("cannot kill process %d: %v", pid, err)
		}
	}
}

// killMarked kills the processes that have the variable in their environment:
// what commands detached from the daemon. Where there is no /proc to find them
// in, tests that detach have to clean up after themselves.
func killMarked(tb testing.TB, variable string) {
	tb.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		tb.Error(err)
	}
	var pids []int
	for _, path := range paths {
		env, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended, or belongs to somebody else
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && pid != os.Getpid() && bytes.Contains(env, []byte(variable+"\x00")) {
			pids = append(pids, pid)
		}
	}
	kill(tb, pids)
}

// listChildren returns the children of every process, as ps tells them.
func listChildren(tb testing.TB) map[int][]int {
	tb.Helper()
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		tb.Errorf("cannot list processes: %v", err)
	}
	children := make(map[int][]int)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			continue
		}
		pid, pidErr := strconv.Atoi(fields[0])
		parent, parentErr := strconv.Atoi(fields[1])
		if pidErr == nil && parentErr == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	return children
}
