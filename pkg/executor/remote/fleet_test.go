package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/opsctl/opsctl/internal/fleet"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// What the SSH library forgot (TestFault_33_ForgottenByTheLibrary) waits in there for ever.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("golang.org/x/crypto/ssh.(*mux).openChannel"))
}

func startFleet(t *testing.T, hosts ...string) *fleet.Fleet {
	t.Helper()
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

func settingsFor(f *fleet.Fleet, name string) Settings {
	return Settings{
		Name: name, Addr: "127.0.0.1", Port: f.Host(name).Port, User: f.User,
		IdentityFiles: []string{f.ClientKey}, IdentityAgent: "none", KnownHosts: []string{f.KnownHosts},
	}
}

// short are timeouts that end soon what hangs, and leave a slow machine room elsewhere.
func short() Timeouts {
	return Timeouts{DropPause: time.Millisecond, Refusal: time.Millisecond, Penalty: time.Millisecond}
}

func newTestDialer(t *testing.T, o Options) *Dialer {
	t.Helper()
	d := NewDialer(o)
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func newTestLinker(t *testing.T, d *Dialer, s Settings) *Linker {
	t.Helper()
	l := d.Linker(s)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// ask sends a line to a shell and reads a line back.
func ask(t *testing.T, sh supervisor.Shell, line string) string {
	t.Helper()
	if _, err := io.WriteString(sh, line+"\n"); err != nil {
		t.Fatalf("cannot write %q: %v", line, err)
	}
	answer, err := bufio.NewReader(sh).ReadString('\n')
	if err != nil {
		t.Fatalf("cannot read the answer to %q: %v", line, err)
	}
	return strings.TrimSuffix(answer, "\n")
}

func mustShell(t *testing.T, l *Linker) supervisor.Shell {
	t.Helper()
	sh, err := l.Shell(patience(t), supervisor.ShellCommand)
	if err != nil {
		t.Fatalf("cannot open a shell: %v", err)
	}
	t.Cleanup(func() { _ = sh.Close() })
	return sh
}

// wantClass checks the class of an error and the words its message and hint must hold.
func wantClass(t *testing.T, err error, class string, words ...string) {
	t.Helper()
	var told *executor.HostError
	if !errors.As(err, &told) {
		t.Fatalf("got %v, want a HostError of class %s", err, class)
	}
	if told.Class != class {
		t.Fatalf("got class %s (%s), want %s", told.Class, told.Message, class)
	}
	for _, w := range words {
		if !strings.Contains(told.Message+"\n"+told.Hint, w) {
			t.Errorf("%q (hint %q) does not say %q", told.Message, told.Hint, w)
		}
	}
	if told.Hop == "" {
		t.Errorf("%q names no hop", told.Message)
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("it never happened that %s", what)
}

func TestShellAnswersAndUploadTakesTheRest(t *testing.T) {
	f := startFleet(t, "web1")
	l := newTestLinker(t, newTestDialer(t, Options{}), settingsFor(f, "web1"))
	sh := mustShell(t, l)
	if got := ask(t, sh, "echo one; echo two >&2"); got != "one" {
		t.Errorf("got %q", got)
	}
	if got, err := bufio.NewReader(sh.Stderr()).ReadString('\n'); got != "two\n" {
		t.Errorf("stderr: got %q, %v", got, err)
	}
	up, err := l.Upload(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = up.Close() })
	body := strings.Repeat("0123456789abcdef", 64<<10) // 1 MiB: many pieces, beyond pipes and buffers
	go func() {
		_, _ = io.WriteString(up, "wc -c\n"+body)
		_ = up.CloseWrite()
	}()
	got, err := io.ReadAll(up)
	if strings.TrimSpace(string(got)) != fmt.Sprint(len(body)) || err != nil {
		t.Errorf("got %q, %v, want %d", got, err, len(body))
	}
}

func TestLargeOutputIsWhole(t *testing.T) {
	f := startFleet(t, "web1")
	sh := mustShell(t, newTestLinker(t, newTestDialer(t, Options{}), settingsFor(f, "web1")))
	if _, err := io.WriteString(sh, "seq 1 200000; exit\n"); err != nil {
		t.Fatal(err)
	}
	lines, last := 0, ""
	for s := bufio.NewScanner(sh); s.Scan(); last = s.Text() {
		lines++
		if s.Text() != fmt.Sprint(lines) {
			t.Fatalf("line %d is %q", lines, s.Text())
		}
	}
	if lines != 200000 {
		t.Errorf("got %d lines, the last is %q", lines, last)
	}
}

func TestFailuresHaveClasses(t *testing.T) {
	for _, test := range []struct {
		name         string
		misbehaviour fleet.Misbehaviour
		times        Timeouts
		class        string
		words        []string
	}{
		{"dropped", fleet.Misbehaviour{RefuseConnections: true}, short(), "link", []string{"dropped the connection before its SSH banner, 5 times", "MaxStartups"}},
		{"silent", fleet.Misbehaviour{SilentBanner: true}, Timeouts{Handshake: 50 * time.Millisecond}, "timeout", []string{"no SSH banner in 50ms"}},
		{"http", fleet.Misbehaviour{GarbageBanner: "HTTP/1.1 400 Bad Request\r\n\x1b[31m\r\n\r\n"}, short(), "banner", []string{`"HTTP/1.1 400 Bad Request ?[31m"`}},
		{"endless", fleet.Misbehaviour{GarbageBanner: strings.Repeat("x", 1<<20)}, short(), "banner", []string{"not an SSH server"}},
		{"penalty", fleet.Misbehaviour{GarbageBanner: "Not allowed at this time\r\n"}, short(), "refused", []string{"PerSourcePenalties"}},
		{"startups", fleet.Misbehaviour{GarbageBanner: "Exceeded MaxStartups\r\n"}, short(), "link", []string{"MaxStartups"}},
		{"auth", fleet.Misbehaviour{RejectAuth: true}, short(), "auth", []string{"refused every key", "SHA256:", "client_key", "authorized_keys"}},
		{"changed", fleet.Misbehaviour{NewHostKey: true}, short(), "host-key", []string{"SHA256:", "known_hosts:1", "ssh-keygen -R '[127.0.0.1]:"}},
		{"no sessions", fleet.Misbehaviour{RefuseSessions: fleet.NoSessions}, Timeouts{Refusal: time.Microsecond}, "link", []string{"refuses every session"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := startFleet(t, "web1")
			f.Host("web1").Misbehave(test.misbehaviour)
			l := newTestLinker(t, newTestDialer(t, Options{Timeouts: test.times}), settingsFor(f, "web1"))
			_, err := l.Shell(patience(t), supervisor.ShellCommand)
			wantClass(t, err, test.class, append(test.words, "web1")...)
		})
	}
}

func TestNothingListens(t *testing.T) {
	f := startFleet(t, "web1")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := settingsFor(f, "web1")
	s.Port = listener.Addr().(*net.TCPAddr).Port
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = newTestLinker(t, newTestDialer(t, Options{}), s).Shell(patience(t), supervisor.ShellCommand)
	wantClass(t, err, "refused", "web1", "connection refused")
}

func TestShellRedialsAfterCut(t *testing.T) {
	f := startFleet(t, "web1")
	l := newTestLinker(t, newTestDialer(t, Options{}), settingsFor(f, "web1"))
	for range 5 {
		sh := mustShell(t, l)
		if got := ask(t, sh, "echo hello"); got != "hello" {
			t.Fatalf("got %q", got)
		}
		f.Host("web1").CutAll()
		// Straight away: the cut may not have been noticed.
		again := mustShell(t, l)
		if got := ask(t, again, "echo again"); got != "again" {
			t.Fatalf("got %q", got)
		}
		if _, err := io.ReadAll(sh); err == nil {
			if _, err := sh.Write([]byte("true\n")); err == nil {
				t.Error("the shell of a cut connection is still there")
			}
		}
	}
}

func TestKeepaliveEndsBlackhole(t *testing.T) {
	f := startFleet(t, "web1")
	s := settingsFor(f, "web1")
	s.AliveInterval, s.AliveCount = 10*time.Millisecond, 2
	d := newTestDialer(t, Options{Timeouts: Timeouts{AliveAnswer: 200 * time.Millisecond}})
	l := newTestLinker(t, d, s)
	sh := mustShell(t, l)
	if got := ask(t, sh, "echo hello"); got != "hello" {
		t.Fatal(got)
	}
	k, err := l.connected(patience(t))
	if err != nil {
		t.Fatal(err)
	}
	f.Host("web1").Misbehave(fleet.Misbehaviour{Blackhole: true})
	if _, err := io.ReadAll(sh); err == nil && k.alive() {
		t.Error("the connection is still there")
	}
	if why := k.wire.why(); why == nil || !strings.Contains(why.Error(), "2 keepalives") {
		t.Errorf("it ended because of %v", why)
	}
	f.Host("web1").Misbehave(fleet.Misbehaviour{})
	if got := ask(t, mustShell(t, l), "echo again"); got != "again" {
		t.Error(got)
	}
	f.Host("web1").CutAll()
}

func TestRequestWithoutAnswerEndsConnection(t *testing.T) {
	f := startFleet(t, "web1")
	l := newTestLinker(t, newTestDialer(t, Options{Timeouts: Timeouts{Request: 100 * time.Millisecond}}), settingsFor(f, "web1"))
	mustShell(t, l)
	f.Host("web1").Misbehave(fleet.Misbehaviour{Blackhole: true})
	_, err := l.Shell(patience(t), supervisor.ShellCommand)
	wantClass(t, err, "link", "web1")
	f.Host("web1").CutAll()
}

func TestFewSessionsOnAConnection(t *testing.T) {
	f := startFleet(t, "web1")
	f.Host("web1").Misbehave(fleet.Misbehaviour{RefuseSessions: 1})
	l := newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), settingsFor(f, "web1"))
	var open []supervisor.Shell
	for i := range sessionsMax {
		sh := mustShell(t, l)
		if got := ask(t, sh, fmt.Sprint("echo ", i)); got != fmt.Sprint(i) {
			t.Fatal(got)
		}
		open = append(open, sh)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := l.Shell(ctx, supervisor.ShellCommand); err == nil {
		t.Fatal("there are more shells than allowed")
	}
	if err := open[3].Close(); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, mustShell(t, l), "echo room"); got != "room" {
		t.Fatal(got)
	}
}

func TestEightSessionsQueue(t *testing.T) {
	f := startFleet(t, "web1")
	l := newTestLinker(t, newTestDialer(t, Options{}), settingsFor(f, "web1"))
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			sh, err := l.Shell(patience(t), supervisor.ShellCommand)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = sh.Close() }()
			if _, err := fmt.Fprintf(sh, "echo %d; exit\n", i); err != nil {
				t.Error(err)
			}
			if got, _ := io.ReadAll(sh); string(got) != fmt.Sprintf("%d\n", i) {
				t.Errorf("got %q, want %d", got, i)
			}
		})
	}
	wg.Wait()
	if len(l.links) != 1 {
		t.Errorf("there are %d connections", len(l.links))
	}
}

func TestCloseEndsReadAndWriteAtOnce(t *testing.T) {
	f := startFleet(t, "web1")
	l := newTestLinker(t, newTestDialer(t, Options{}), settingsFor(f, "web1"))
	sh := mustShell(t, l)
	if _, err := io.WriteString(sh, "echo ready; exec sleep 1000\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(sh, make([]byte, 6)); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := sh.Read(make([]byte, 1)); err == nil {
			t.Error("Read got something")
		}
	})
	wg.Go(func() {
		if _, err := sh.Stderr().Read(make([]byte, 1)); err == nil {
			t.Error("Stderr got something")
		}
	})
	wg.Go(func() {
		var err error
		for chunk := make([]byte, 1<<20); err == nil; { // until the window is full, and beyond
			_, err = sh.Write(chunk)
		}
	})
	if err := sh.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
}

func TestCancelWhileDialing(t *testing.T) {
	f := startFleet(t, "web1")
	f.Host("web1").Misbehave(fleet.Misbehaviour{SilentBanner: true})
	l := newTestLinker(t, newTestDialer(t, Options{}), settingsFor(f, "web1"))
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() { _, err := l.Shell(ctx, supervisor.ShellCommand); waiting <- err }()
	eventually(t, "it dials", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return l.dialing != nil })
	cancel()
	wantClass(t, <-waiting, "link", "web1")
	f.Host("web1").Misbehave(fleet.Misbehaviour{})
	mustShell(t, l)
}

func TestDialFromHost(t *testing.T) {
	f := startFleet(t, "web1", "db1")
	l := newTestLinker(t, newTestDialer(t, Options{}), settingsFor(f, "web1"))
	conn, err := l.Dial(patience(t), "tcp", f.Host("db1").Addr)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); !strings.HasPrefix(line, "SSH-2.0-") {
		t.Errorf("got %q, %v", line, err)
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	var op *net.OpError
	if _, err := l.Dial(patience(t), "tcp", "127.0.0.1:1"); !errors.As(err, &op) {
		t.Errorf("got %v, want a *net.OpError", err)
	}
	f.Host("web1").Misbehave(fleet.Misbehaviour{ForbidForwarding: true})
	_, err = l.Dial(patience(t), "tcp", f.Host("db1").Addr)
	wantClass(t, err, "forwarding", "web1", "AllowTcpForwarding")
}

func TestJumps(t *testing.T) {
	f := startFleet(t, "gate1", "gate2", "web1", "web2")
	d := newTestDialer(t, Options{Timeouts: short()})
	jumps := []Settings{settingsFor(f, "gate1"), settingsFor(f, "gate2")}
	var linkers []*Linker
	for _, name := range []string{"web1", "web2"} {
		s := settingsFor(f, name)
		s.Jumps = jumps
		l := newTestLinker(t, d, s)
		linkers = append(linkers, l)
		if got := ask(t, mustShell(t, l), "basename $HOME"); got != name {
			t.Errorf("got %q, want %s", got, name)
		}
	}
	if linkers[0].hop != linkers[1].hop || len(d.hops) != 2 {
		t.Errorf("the jump hosts are not shared: %d", len(d.hops))
	}
	f.Host("gate1").CutAll()
	if got := ask(t, mustShell(t, linkers[0]), "basename $HOME"); got != "web1" {
		t.Errorf("got %q", got)
	}
	for _, l := range linkers {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(d.hops) != 0 {
		t.Errorf("%d jump hosts are left", len(d.hops))
	}
}

func TestJumpFailuresNameTheHop(t *testing.T) {
	for name, test := range map[string]struct {
		host         string
		misbehaviour fleet.Misbehaviour
		hop, class   string
		words        []string
	}{
		"the first refuses us":    {"gate1", fleet.Misbehaviour{RejectAuth: true}, "gate1", "auth", nil},
		"the second is an other":  {"gate2", fleet.Misbehaviour{NewHostKey: true}, "gate2", "host-key", nil},
		"the second forwards not": {"gate2", fleet.Misbehaviour{ForbidForwarding: true}, "gate2", "forwarding", nil},
		"the host refuses us":     {"web1", fleet.Misbehaviour{RejectAuth: true}, "web1", "auth", nil},
	} {
		t.Run(name, func(t *testing.T) {
			f := startFleet(t, "gate1", "gate2", "web1")
			f.Host(test.host).Misbehave(test.misbehaviour)
			s := settingsFor(f, "web1")
			s.Jumps = []Settings{settingsFor(f, "gate1"), settingsFor(f, "gate2")}
			_, err := newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), s).Shell(patience(t), supervisor.ShellCommand)
			wantClass(t, err, test.class, test.words...)
			var told *executor.HostError
			if errors.As(err, &told) && told.Hop != test.hop {
				t.Errorf("hop %s, want %s", told.Hop, test.hop)
			}
		})
	}
}

func TestHostBehindJumpIsDown(t *testing.T) {
	f := startFleet(t, "gate1", "web1")
	s := settingsFor(f, "web1")
	s.Port = 1
	s.Jumps = []Settings{settingsFor(f, "gate1")}
	_, err := newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), s).Shell(patience(t), supervisor.ShellCommand)
	wantClass(t, err, "refused", "web1", "through gate1")
}

func TestProxyCommand(t *testing.T) {
	f := startFleet(t, "web1")
	s := settingsFor(f, "web1")
	s.ProxyCommand = "echo no way out >&2"
	_, err := newTestLinker(t, newTestDialer(t, Options{}), s).Shell(patience(t), supervisor.ShellCommand)
	wantClass(t, err, "link", "web1", `"no way out"`)
	for _, program := range []string{"nc", "socat"} {
		for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
			if _, err := os.Stat(filepath.Join(dir, program)); err != nil {
				continue
			}
			s.ProxyCommand = fmt.Sprintf("nc 127.0.0.1 %d", s.Port)
			if program == "socat" {
				s.ProxyCommand = fmt.Sprintf("socat - TCP:127.0.0.1:%d", s.Port)
			}
			if got := ask(t, mustShell(t, newTestLinker(t, newTestDialer(t, Options{}), s)), "echo there"); got != "there" {
				t.Error(got)
			}
			return
		}
	}
}

func TestManyHostsAtOnce(t *testing.T) {
	names := make([]string, 40)
	for i := range names {
		names[i] = fmt.Sprintf("web%d", i)
	}
	f := startFleet(t, names...)
	d := newTestDialer(t, Options{Forks: 16})
	var wg sync.WaitGroup
	for _, name := range names {
		l := newTestLinker(t, d, settingsFor(f, name))
		wg.Go(func() {
			sh, err := l.Shell(patience(t), supervisor.ShellCommand)
			if err != nil {
				t.Error(err)
				return
			}
			_ = sh.Close()
		})
	}
	wg.Wait()
}
