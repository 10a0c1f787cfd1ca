package fleet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/opsctl/opsctl/internal/fleet"
)

// patience is how long something outside may take before a test gives up.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, hosts ...string) *fleet.Fleet {
	t.Helper()
	if len(hosts) == 0 {
		hosts = []string{"web1"}
	}
	f, err := fleet.Start(t.Context(), fleet.Options{Dir: t.TempDir(), Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func clientConfig(t testing.TB, f *fleet.Fleet) *ssh.ClientConfig {
	t.Helper()
	pem, err := os.ReadFile(f.ClientKey)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.ParsePrivateKey(pem)
	if err != nil {
		t.Fatal(err)
	}
	known, err := knownhosts.New(f.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	return &ssh.ClientConfig{
		User:            f.User,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: known,
		Timeout:         patience,
	}
}

func dial(t *testing.T, f *fleet.Fleet, h *fleet.Host) *ssh.Client {
	t.Helper()
	c, err := ssh.Dial("tcp", h.Addr, clientConfig(t, f))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func newSession(t *testing.T, c *ssh.Client) *ssh.Session {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// await polls until the condition holds.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in %s", what, patience)
		}
	}
}

// soon fails the test if f does not return in time.
func soon(t *testing.T, what string, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("%s: not in %s", what, patience)
		return nil
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestCommands(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	c := dial(t, f, h)
	tests := []struct {
		name, command, stdin  string
		stdout, stderr, ended string
	}{
		{"output", "echo out; echo err >&2", "", "out\n", "err\n", ""},
		{"input", "cat", "some\x00bytes\xff", "some\x00bytes\xff", "", ""},
		{"home", "pwd; echo $HOME", "", h.Dir + "\n" + h.Dir + "\n", "", ""},
		{"variables", "echo $SHELL $USER $LOGNAME; ls -d $TMPDIR", "", fmt.Sprintf("/bin/sh %s %s\n%s/tmp\n", f.User, f.User, h.Dir), "", ""},
		{"exit code", "exit 42", "", "", "", "Process exited with status 42"},
		{"signal", "kill -TERM $$", "", "", "", "Process exited with status 143 from signal TERM"},
		{"input nobody reads", "true", strings.Repeat("x", 8<<20), "", "", ""},
		{"own session", `test "$(ps -o sid= -p $$ | tr -d ' ')" = $$`, "", "", "", ""},
		{"much output", "head -c 3000000 /dev/zero | tr '\\0' a", "", strings.Repeat("a", 3000000), "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(t, c)
			var stdout, stderr bytes.Buffer
			s.Stdin, s.Stdout, s.Stderr = strings.NewReader(tt.stdin), &stdout, &stderr
			ended := ""
			if err := s.Run(tt.command); err != nil && !errors.Is(err, io.EOF) {
				ended = err.Error()
			}
			if ended != tt.ended {
				t.Errorf("ended %q, not %q", ended, tt.ended)
			}
			if stdout.String() != tt.stdout || stderr.String() != tt.stderr {
				t.Errorf("printed %.200q and %.200q", stdout.String(), stderr.String())
			}
		})
	}
	if got := h.Commands(); len(got) != len(tests) || got[0] != tests[0].command {
		t.Errorf("commands: %q", got)
	}
}

func TestBinaryRoundTrip(t *testing.T) {
	f := start(t)
	data := make([]byte, 4<<20)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	s := newSession(t, dial(t, f, f.Hosts[0]))
	s.Stdin = bytes.NewReader(data)
	got, err := s.Output("cat")
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
}

func TestShellReadsItsInput(t *testing.T) {
	f := start(t)
	s := newSession(t, dial(t, f, f.Hosts[0]))
	var stdout bytes.Buffer
	s.Stdin, s.Stdout = strings.NewReader("echo from $HOME\nexit 3\n"), &stdout
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := s.Wait(); !errors.As(err, &exit) || exit.ExitStatus() != 3 {
		t.Errorf("ended with %v", err)
	}
	if want := "from " + f.Hosts[0].Dir + "\n"; stdout.String() != want {
		t.Errorf("printed %q", stdout.String())
	}
}

func TestRefusedRequests(t *testing.T) {
	f := start(t)
	c := dial(t, f, f.Hosts[0])
	s := newSession(t, c)
	if err := s.RequestPty("xterm", 24, 80, nil); err == nil {
		t.Error("a terminal was given")
	}
	if err := s.Setenv("LANG", "C"); err == nil {
		t.Error("a variable was taken")
	}
	if err := s.RequestSubsystem("sftp"); err == nil {
		t.Error("a subsystem was started")
	}
	if out, err := s.Output("echo still fine"); err != nil || string(out) != "still fine\n" {
		t.Errorf("%q, %v", out, err)
	}
	if _, _, err := c.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		t.Errorf("keepalive: %v", err)
	}
}

func TestSignalReachesTheGroup(t *testing.T) {
	f := start(t)
	s := newSession(t, dial(t, f, f.Hosts[0]))
	stdout, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("sleep 1000 & echo ready; wait"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(ssh.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := soon(t, "the end", s.Wait); !errors.As(err, &exit) || exit.Signal() != "KILL" {
		t.Errorf("ended with %v", err)
	}
}

// TestDaemonHoldsOutput: the status is told when the command ends, and the
// channel stays open for as long as something holds its output.
func TestDaemonHoldsOutput(t *testing.T) {
	f := start(t)
	ch, requests, err := dial(t, f, f.Hosts[0]).OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	command := ssh.Marshal(struct{ Command string }{"(until test -e go; do sleep 0.02; done; echo late) & echo early"})
	if ok, err := ch.SendRequest("exec", true, command); !ok || err != nil {
		t.Fatal(ok, err)
	}
	err = soon(t, "exit-status", func() error {
		if r := <-requests; r == nil || r.Type != "exit-status" {
			return fmt.Errorf("got %v", r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(f.Hosts[0].Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err = soon(t, "output", func() error {
		out, err := io.ReadAll(ch)
		if string(out) != "early\nlate\n" {
			return fmt.Errorf("printed %q, %w", out, err)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestCommandOutlivesItsConnection(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	c := dial(t, f, h)
	s := newSession(t, c)
	if _, err := s.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start("trap '' PIPE; touch begun; cat >/dev/null; while echo lost; do :; done; touch broken"); err != nil {
		t.Fatal(err)
	}
	await(t, "the beginning", func() bool { return exists(h.Dir + "/begun") })
	h.CutAll()
	if err := soon(t, "the cut", c.Wait); err == nil {
		t.Error("the connection ended well")
	}
	await(t, "the end of its input, and its output breaking", func() bool { return exists(h.Dir + "/broken") })
}

func TestStopLeavesNothingRunning(t *testing.T) {
	f := start(t)
	h := f.Hosts[0]
	s := newSession(t, dial(t, f, h))
	out, err := s.Output(`exec 2>/dev/null
sleep 1000 >/dev/null & echo $!
setsid sh -c 'sleep 1000 >/dev/null & echo $!; exec >/dev/null; wait' &
env -i "PATH=$PATH" sh -c 'sleep 1000 >/dev/null & echo $!'`)
	if err != nil {
		t.Fatal(err)
	}
	pids := strings.Fields(string(out))
	if len(pids) != 3 {
		t.Fatalf("printed %q", out)
	}
	for _, pid := range pids {
		if !runs(pid) {
			t.Errorf("%s does not run", pid)
		}
	}
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := f.Stop(); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if runs(pid) {
			t.Errorf("%s still runs", pid)
		}
	}
}

// runs says whether there is such a process, other than as a zombie.
func runs(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !bytes.Contains(stat, []byte(") Z "))
}

func TestContextStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f, err := fleet.Start(ctx, fleet.Options{Dir: t.TempDir(), Hosts: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	c := dial(t, f, f.Host("b"))
	cancel()
	_ = soon(t, "the end of the connection", c.Wait)
	if err := f.Stop(); err != nil {
		t.Error(err)
	}
}

func TestOptionsRefused(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		o    fleet.Options
		want string
	}{
		{fleet.Options{Hosts: []string{"a"}}, "cannot start a fleet: no directory is given"},
		{fleet.Options{Dir: dir}, "cannot start a fleet: it takes 1 to 1000 hosts, not 0"},
		{fleet.Options{Dir: dir, Hosts: []string{"a", "a"}}, "cannot start a fleet: host a is named twice"},
		{fleet.Options{Dir: dir, Hosts: []string{"../a"}}, `cannot start a fleet: "../a" is no name for a host`},
		{fleet.Options{Dir: dir + `/a"b`, Hosts: []string{"a"}}, "cannot start a fleet: an ssh_config cannot name the directory " + fmt.Sprintf("%q", dir+`/a"b`)},
	}
	for _, tt := range tests {
		if _, err := fleet.Start(t.Context(), tt.o); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
}

func TestEnv(t *testing.T) {
	f, err := fleet.Start(t.Context(), fleet.Options{
		Dir: t.TempDir(), Hosts: []string{"web1"},
		Env: func(h *fleet.Host) []string { return []string{"ROLE=of " + h.Name} },
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := newSession(t, dial(t, f, f.Hosts[0])).Output("echo $ROLE")
	if err != nil || string(out) != "of web1\n" {
		t.Errorf("%q, %v", out, err)
	}
	if err := f.Stop(); err != nil {
		t.Error(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	connections := 200
	if testing.Short() {
		connections = 20
	}
	f := start(t, "a", "b", "c", "d")
	config := clientConfig(t, f)
	var all sync.WaitGroup
	for i := range connections {
		all.Go(func() {
			c, err := ssh.Dial("tcp", f.Hosts[i%4].Addr, config)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close() }()
			var some sync.WaitGroup
			for j := range 3 {
				some.Go(func() {
					s, err := c.NewSession()
					if err != nil {
						t.Error(err)
						return
					}
					want := fmt.Sprintf("%d %d\n", i, j)
					if out, err := s.Output("echo " + strings.TrimSpace(want)); err != nil || string(out) != want {
						t.Errorf("%q, %v", out, err)
					}
				})
			}
			some.Wait()
		})
	}
	all.Wait()
}
