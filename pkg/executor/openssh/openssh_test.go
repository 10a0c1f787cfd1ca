//go:build unix

package openssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/opsctl/opsctl/internal/fleet/device"
	"github.com/opsctl/opsctl/internal/fleet/realsshd"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// house is a fleet of real sshd, and a way to its hosts.
type house struct {
	*testing.T
	*realsshd.Fleet
	transport *Transport
}

func newHouse(t *testing.T, hosts int, config ...string) *house {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("not installed: ssh")
	}
	f := realsshd.Start(t, realsshd.Options{Hosts: hosts, Config: append(config, "SetEnv HOME="+t.TempDir())})
	h := &house{T: t, Fleet: f, transport: New(Options{})}
	t.Cleanup(func() {
		dir := h.transport.dir
		if err := h.transport.Close(); err != nil {
			t.Error(err)
		}
		if dir == "" {
			return
		}
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the directory of the sockets is left: %v", err)
		}
		// A master says that it will exit before it does.
		left := sshs(t, dir)
		for until := time.Now().Add(time.Minute); len(left) > 0 && time.Now().Before(until); left = sshs(t, dir) {
			time.Sleep(5 * time.Millisecond)
		}
		if len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
	})
	return h
}

func (h *house) settings() Settings { return Settings{Name: "host1", Config: h.SSHConfig} }

func (h *house) linker(s Settings) *Linker {
	l := h.transport.Linker(s)
	h.Cleanup(func() {
		if err := l.Close(); err != nil {
			h.Error(err)
		}
	})
	return l
}

func (h *house) host(s Settings) *supervisor.Host {
	host := supervisor.NewHost(h.transport.Linker(s), supervisor.Options{RunID: "openssh"})
	h.Cleanup(func() {
		if err := host.Close(); err != nil {
			h.Error(err)
		}
	})
	return host
}

// sshs gives the processes whose command line names the directory.
func sshs(t *testing.T, dir string) (pids []int) {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(line, []byte(dir)) {
			continue // it has ended, or is another's
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/", &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func wantClass(t *testing.T, err error, class string, words ...string) {
	t.Helper()
	var told *executor.HostError
	if !errors.As(err, &told) || told.Class != class || told.Hop == "" {
		t.Fatalf("got %v, want a HostError of class %s", err, class)
	}
	for _, w := range words {
		if !strings.Contains(told.Message, w) {
			t.Errorf("%q does not say %q", told.Message, w)
		}
	}
}

func script(text string) executor.Command { return executor.Command{Script: text, Shell: "sh"} }

func TestSupervisedOverOpenSSH(t *testing.T) {
	t.Setenv("LC_TIME", "xx_YY.UTF-8")
	h := newHouse(t, 1, "AcceptEnv LC_*")
	s := h.settings()
	s.Options = []string{"SendEnv=LC_*"}
	host := h.host(s)
	ctx := patience(t)
	facts, err := host.Ready(ctx, nil)
	if err != nil || facts.RunDir == "" {
		t.Fatalf("%+v, %v", facts, err)
	}
	var out strings.Builder
	sink := func(_ executor.Stream, p []byte) { out.Write(p) }
	for i, code := range []int{0, 1, 254, 255} {
		out.Reset()
		end := host.Run(ctx, executor.Attempt{ID: fmt.Sprint("run", i), Command: script(fmt.Sprint("echo [${LC_TIME-}]; exit ", code))}, sink)
		if end != (executor.Ending{Exit: code}) || out.String() != "[]\n" {
			t.Errorf("%+v, %q", end, out.String())
		}
		if end := host.Ask(ctx, script(fmt.Sprint("exit ", code)), nil); end != (executor.Ending{Exit: code}) {
			t.Errorf("a read: %+v", end)
		}
	}
	large := strings.Repeat("0123456789abcde\n", 200_000) // over what is staged inside a script
	files := []executor.StagedFile{{Path: "a", Mode: 0o600, Size: int64(len(large)), Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(large)), nil }}}
	dir, err := host.Stage(ctx, "", "files", files)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(got) != large { // the host is this machine
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if info, err := os.Stat(h.transport.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the directory of the sockets: %v, %v", info, err)
	}
}

// The ssh processes are killed again and again: each step runs once, and nothing it says is lost.
func TestCutOpenSSH(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for reconnections")
	}
	h := newHouse(t, 1)
	host := h.host(h.settings())
	ctx := patience(t)
	if _, err := host.Ready(ctx, nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var steps sync.WaitGroup
	for i := range 8 { // one more than there are lanes
		steps.Go(func() {
			var out strings.Builder
			text := fmt.Sprintf("echo begin; echo x >> %s/%d; sleep 1; echo end", dir, i)
			end := host.Run(ctx, executor.Attempt{ID: fmt.Sprint("step", i), Command: script(text)}, func(_ executor.Stream, p []byte) { out.Write(p) })
			if end != (executor.Ending{}) || out.String() != "begin\nend\n" {
				t.Errorf("step %d: %+v, %q", i, end, out.String())
			}
			if ran, err := os.ReadFile(fmt.Sprintf("%s/%d", dir, i)); err != nil || string(ran) != "x\n" {
				t.Errorf("step %d ran %d times, %v", i, bytes.Count(ran, []byte("x")), err)
			}
		})
	}
	for began := 0; began < 3; { // so that there is something to cut
		found, err := filepath.Glob(dir + "/*")
		if err != nil {
			t.Fatal(err)
		}
		began = len(found)
	}
	cuts := 0
	for _, pid := range sshs(t, h.transport.dir) {
		if p, err := os.FindProcess(pid); err == nil && p.Kill() == nil {
			cuts++
		}
	}
	steps.Wait()
	if cuts == 0 {
		t.Error("nothing was cut")
	}
}

func TestSettleOverOpenSSH(t *testing.T) {
	h := newHouse(t, 1)
	host := h.host(h.settings())
	ctx := patience(t)
	facts, err := host.Ready(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	if end := host.Run(ctx, executor.Attempt{ID: "a", Command: script("exit 3")}, nil); end.Exit != 3 {
		t.Fatalf("%+v", end)
	}
	again := supervisor.NewHost(h.linker(h.settings()), supervisor.Options{RunID: "openssh", Resumed: true})
	if end := again.Settle(ctx, executor.Attempt{ID: "a"}, facts.Boot, nil); end != (executor.Ending{Exit: 3}) {
		t.Errorf("%+v", end)
	}
	if end := again.Settle(ctx, executor.Attempt{ID: "b"}, facts.Boot, nil); end.Verdict != executor.NeverRan {
		t.Errorf("%+v", end)
	}
}

func TestOpenSSHWithOneSession(t *testing.T) {
	h := newHouse(t, 1, "MaxSessions 1")
	host := h.host(h.settings())
	if _, err := host.Ready(patience(t), nil); err != nil {
		t.Fatal(err)
	}
	var asked sync.WaitGroup
	for range 3 {
		asked.Go(func() {
			if end := host.Ask(patience(t), script("exit 4"), nil); end != (executor.Ending{Exit: 4}) {
				t.Errorf("%+v", end)
			}
		})
	}
	asked.Wait()
}

func TestOpenSSHFailures(t *testing.T) {
	h := newHouse(t, 2)
	other := filepath.Join(t.TempDir(), "known")
	known, err := os.ReadFile(h.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(known), "\n")
	fields := strings.Fields(lines[0])
	wrong, err := os.ReadFile(h.ClientKey + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, []byte(fields[0]+" "+string(wrong)), 0o600); err != nil {
		t.Fatal(err)
	}
	none := filepath.Join(t.TempDir(), "none")
	for _, tt := range []struct {
		class string
		words string
		edit  func(*Settings)
	}{
		{"host-key", "IDENTIFICATION HAS CHANGED", func(s *Settings) { s.Options = []string{"UserKnownHostsFile=" + other} }},
		{"host-key", "CHANGED", func(s *Settings) { s.Options, s.AcceptNew = []string{"UserKnownHostsFile=" + other}, true }},
		{"host-key", "host key is known", func(s *Settings) { s.Options = []string{"UserKnownHostsFile=" + none, "StrictHostKeyChecking=no"} }},
		{"auth", "Permission denied", func(s *Settings) { s.User = "nobody-of-this-name" }},
		{"dns", "does-not-exist.invalid", func(s *Settings) { s.Addr = "does-not-exist.invalid" }},
		{"refused", "Connection refused", func(s *Settings) { s.Port = 1 }},
		{"config", "nosuchoption", func(s *Settings) { s.Options = []string{"nosuchoption=1"} }},
	} {
		s := h.settings()
		tt.edit(&s)
		host := h.host(s)
		_, err := host.Ready(patience(t), nil)
		wantClass(t, err, tt.class, "cannot connect to host1 by ssh", tt.words)
		if end := host.Run(patience(t), executor.Attempt{ID: "x", Command: script(":")}, nil); end.Verdict != executor.NeverRan || end.Class != tt.class {
			t.Errorf("%s: %+v", tt.class, end)
		}
	}
	s := h.settings()
	s.Options, s.AcceptNew = []string{"UserKnownHostsFile=" + none}, true
	if err := h.linker(s).Reach(patience(t)); err != nil {
		t.Error(err)
	}
	missing := New(Options{Program: "ssh-that-is-not-there"})
	wantClass(t, missing.Linker(h.settings()).Reach(patience(t)), "config", "cannot be started")
	if err := missing.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenSSHDials(t *testing.T) {
	h := newHouse(t, 2)
	l := h.linker(h.settings())
	c, err := l.Dial(patience(t), "tcp", h.Hosts[1].Addr)
	if err != nil {
		t.Fatal(err)
	}
	banner := make([]byte, 4)
	if _, err := io.ReadFull(c, banner); err != nil || string(banner) != "SSH-" {
		t.Errorf("%q, %v", banner, err)
	}
	if err := c.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadAll(c); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	_, err = l.Dial(patience(t), "tcp", "127.0.0.1:1")
	var told *executor.HostError
	if err == nil || errors.As(err, &told) {
		t.Errorf("nothing listens: %v", err)
	}
}

func TestOpenSSHForbidsForwarding(t *testing.T) {
	h := newHouse(t, 1, "AllowTcpForwarding no")
	l := h.linker(h.settings())
	for range 2 {
		_, err := l.Dial(patience(t), "tcp", h.Hosts[0].Addr)
		wantClass(t, err, "forwarding", "host1")
	}
}

func TestOpenSSHJumps(t *testing.T) {
	h := newHouse(t, 3)
	s := h.settings()
	s.Name, s.Jump = "host3", "host1,host2"
	var out strings.Builder
	if end := h.host(s).Ask(patience(t), script("echo $SSH_CONNECTION"), func(_ executor.Stream, p []byte) { out.Write(p) }); end != (executor.Ending{}) {
		t.Fatalf("%+v", end)
	}
	if fields := strings.Fields(out.String()); len(fields) != 4 || fields[2] != h.Hosts[2].IP {
		t.Errorf("the connection is %q", out.String())
	}
}

// Without a shell there is no frame to tell ssh's exit status 255 from the command's.
func TestOpenSSHBare(t *testing.T) {
	h := newHouse(t, 1)
	host := h.host(h.settings())
	for code, want := range map[int]executor.Verdict{0: executor.Ended, 7: executor.Ended, 255: executor.NotLearned} {
		c := executor.Command{Script: fmt.Sprint("exit ", code), Shell: runbook.NoShell}
		end := host.Run(patience(t), executor.Attempt{ID: "x", Command: c}, nil)
		if end.Verdict != want || want == executor.Ended && end.Exit != code {
			t.Errorf("exit %d: %+v", code, end)
		}
	}
	c := executor.Command{Script: "sleep 60", Shell: runbook.NoShell, Timeout: 300 * time.Millisecond}
	if end := host.Run(patience(t), executor.Attempt{ID: "x", Command: c}, nil); end.Verdict != executor.NotLearned || end.Class != "timeout" {
		t.Errorf("%+v", end)
	}
	d := device.Start(t, func(e *device.Exec) { e.Print("version 1\n"); e.Exit(0) })
	gear := h.host(Settings{Name: d.Name, Config: d.SSHConfig})
	var out strings.Builder
	c = executor.Command{Script: "show version", Shell: runbook.NoShell}
	if end := gear.Ask(patience(t), c, func(_ executor.Stream, p []byte) { out.Write(p) }); end != (executor.Ending{}) || out.String() != "version 1\n" {
		t.Errorf("%+v, %q", end, out.String())
	}
}

func TestSocketsNeedAShortPath(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", 100))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	if dir, err := privateDir("", "relative", long); err == nil {
		t.Errorf("got %s", dir)
	}
	dir, err := privateDir(long, t.TempDir(), "/tmp")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(dir); err != nil {
		t.Error(err)
	}
}
