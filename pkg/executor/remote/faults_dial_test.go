//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/internal/fleet"
	"github.com/opsctl/opsctl/internal/fleet/relay"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// unreachable is what a process in a network namespace without routes is asked for.
const unreachable = "OPSCTL_TEST_UNREACHABLE"

func TestFault_28_NoWayToTheHost(t *testing.T) {
	s := Settings{Name: "web1", Addr: "192.0.2.1", User: "x", IdentityAgent: "none", ConnectTimeout: 10 * time.Second}
	if os.Getenv(unreachable) != "" {
		_, err := openShell(patience(t), newTestLinker(t, newTestDialer(t, Options{}), s))
		wantClass(t, err, "refused", "web1", "unreachable", "route")
		return
	}
	t.Run("refused", TestNothingListens)
	t.Run("silent", func(t *testing.T) {
		s.Addr, s.Port = "127.0.0.1", fullListener(t)
		s.ConnectTimeout = 100 * time.Millisecond
		_, err := openShell(patience(t), newTestLinker(t, newTestDialer(t, Options{}), s))
		wantClass(t, err, "timeout", "web1", "no answer in 100ms", "firewall")
	})
	t.Run("unreachable", func(t *testing.T) {
		again := exec.Command("unshare", "-rn", os.Args[0], "-test.run", "^TestFault_28_NoWayToTheHost$")
		if err := exec.Command("unshare", "-rn", "true").Run(); err != nil {
			t.Skip("no network namespace can be made here: ", err)
		}
		again.Env = append(os.Environ(), unreachable+"=1")
		if out, err := again.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

// fullListener is a port whose kernel answers no further connection, as a host behind a firewall does not.
func fullListener(t *testing.T) (port int) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Close(fd) })
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port = name.(*syscall.SockaddrInet4).Port
	for range 64 {
		c, err := net.DialTimeout("tcp", fmt.Sprint("127.0.0.1:", port), 100*time.Millisecond)
		if err != nil {
			return port
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	t.Skip("the kernel takes any number of connections")
	return 0
}

func TestFault_29_NoBanner(t *testing.T) {
	f := startFleet(t, "web1")
	f.Host("web1").Misbehave(fleet.Misbehaviour{SilentBanner: true})
	l := newTestLinker(t, newTestDialer(t, Options{Timeouts: Timeouts{Handshake: 100 * time.Millisecond}}), settingsFor(f, "web1"))
	_, err := openShell(patience(t), l)
	wantClass(t, err, "timeout", "web1", "no SSH banner in 100ms", "something else, listens on port")
}

func TestFault_30_GarbageForABanner(t *testing.T) {
	f := startFleet(t, "web1")
	l := newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), settingsFor(f, "web1"))
	said := []string{
		"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n", "220 mail\x1b]0;owned\x07\x1b[2J ready\r\n", strings.Repeat("x", 1<<20),
		strings.Repeat("hello\r\n", 1<<18), "\x00\x00\x00\x00\n", "SSH-", "SSH-1.5-old\r\n", "SSH-2.0-" + strings.Repeat("x", 1<<20),
		"SSH-2.0-cut", "\xff\xfe\u202egnp.exe\n", "SSH-2.0-x\r\n\x00\x00\x00\x0cgarbagegarbage",
	}
	random := rand.New(rand.NewPCG(30, 30)) //nolint:gosec // a test that can be repeated
	for range 30 {
		b := make([]byte, random.IntN(600))
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		said = append(said, string(b))
	}
	for _, text := range said {
		f.Host("web1").Misbehave(fleet.Misbehaviour{GarbageBanner: text})
		if text == "" {
			continue
		}
		_, err := openShell(patience(t), l)
		var told *executor.HostError
		if !errors.As(err, &told) || told.Class != classBanner && told.Class != classLink {
			t.Errorf("%.40q: %v", text, err)
			continue
		}
		if excess := strings.Trim(told.Message, printable()); excess != "" || len(told.Message) > 300 {
			t.Errorf("%.40q: the message has %q in it: %q", text, excess, told.Message)
		}
	}
}

// printable is every character of ASCII, and the mark of what was left out.
func printable() string {
	set := "…"
	for c := ' '; c <= '~'; c++ {
		set += string(c)
	}
	return set
}

// The server's side, and then ours, ends in the middle of the handshake without a word.
func TestFault_31_HandshakeStalls(t *testing.T) {
	f := startSSHD(t, 1)
	r := startRelay(t, f.Hosts[0].Addr)
	s := behind(realSettings(f, 0), r)
	mustShell(t, newTestLinker(t, newTestDialer(t, Options{}), s))
	up, down := r.Traffic()
	d := newTestDialer(t, Options{Timeouts: Timeouts{Handshake: 150 * time.Millisecond, DropPause: time.Millisecond}})
	for k := range int64(8) {
		for _, fault := range []relay.Fault{{StallUp: 1 + k*up/10}, {StallDown: 1 + k*down/10}} {
			r.Set(fault)
			_, err := openShell(patience(t), newTestLinker(t, d, s))
			wantClass(t, err, "timeout", "host1", "150ms")
		}
	}
}

// names is a resolver that tells what it is made to, and counts how often.
type names struct {
	asked atomic.Int32
	tell  func(ctx context.Context, n int) ([]netip.Addr, error)
}

func (n *names) LookupNetIP(ctx context.Context, _, _ string) ([]netip.Addr, error) {
	return n.tell(ctx, int(n.asked.Add(1)))
}

func TestFault_37_NamesThatFailOrChange(t *testing.T) {
	f := startFleet(t, "web1")
	s := settingsFor(f, "web1")
	s.Addr, s.HostKeyAlias = "web1.example", fmt.Sprintf("[127.0.0.1]:%d", s.Port)
	d := newTestDialer(t, Options{Timeouts: Timeouts{Resolve: 50 * time.Millisecond}, Resolver: &names{tell: func(ctx context.Context, _ int) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}})
	_, err := openShell(patience(t), newTestLinker(t, d, s))
	wantClass(t, err, "dns", "web1.example", "no answer in 50ms", "resolver")

	failing := &names{tell: func(context.Context, int) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "server misbehaving", Name: "web1.example", IsTemporary: true}
	}}
	_, err = openShell(patience(t), newTestLinker(t, newTestDialer(t, Options{Resolver: failing}), s))
	wantClass(t, err, "dns", "web1.example", "server misbehaving")

	// The record changes in the run: the host stays the one it was.
	changing := &names{tell: func(_ context.Context, n int) ([]netip.Addr, error) {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, byte(n)})}, nil
	}}
	l := newTestLinker(t, newTestDialer(t, Options{Resolver: changing}), s)
	mustShell(t, l)
	f.Host("web1").CutAll()
	if got := ask(t, mustShell(t, l), "echo again"); got != "again" || changing.asked.Load() != 1 {
		t.Errorf("%q; the name was asked for %d times", got, changing.asked.Load())
	}
}

func TestFault_41_PenaltyForThisAddress(t *testing.T) {
	f := startFleet(t, "web1")
	host := f.Host("web1")
	banned := fleet.Misbehaviour{GarbageBanner: "Not allowed at this time\r\n"}
	host.Misbehave(banned)
	s := settingsFor(f, "web1")
	_, err := openShell(patience(t), newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), s))
	wantClass(t, err, "refused", "web1", "refuses this address for a while", "PerSourcePenalties", "3 times")

	// It ends while we wait, and nobody was asked for a fork meanwhile.
	r := startRelay(t, host.Addr)
	times := short()
	times.Penalty = 500 * time.Millisecond
	d := newTestDialer(t, Options{Forks: 1, Timeouts: times})
	l := newTestLinker(t, d, behind(s, r))
	opened := make(chan error, 1)
	go func() { _, err := openShell(patience(t), l); opened <- err }()
	eventually(t, "it is turned away, and waits", func() bool { return r.Accepted() == 1 && len(d.forks) == 0 })
	host.Misbehave(fleet.Misbehaviour{})
	if err := <-opened; err != nil {
		t.Error(err)
	}
}

func TestFault_42_HostKeyChanged(t *testing.T) {
	f := startSSHD(t, 1)
	s := realSettings(f, 0)
	other := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(newKey(t, "").PublicKey())))
	known := writeText(t, filepath.Join(t.TempDir(), "known"), fmt.Sprintf("[%s]:%d %s\n", s.Addr, s.Port, other))
	s.KnownHosts = []string{known}
	for _, policy := range []HostKeyPolicy{s.HostKey, AcceptNew} {
		s.HostKey = policy
		_, err := openShell(patience(t), newTestLinker(t, newTestDialer(t, Options{}), s))
		wantClass(t, err, "host-key", "host1", "differs from the known one", known+":1", "ssh-keygen -R")
	}
	if got := readFile(t, known); strings.Count(got, "\n") != 1 {
		t.Errorf("known_hosts was changed: %q", got)
	}
}

// A server with several keys shows the one that is known.
func TestFault_43_SeveralKeysOfAServer(t *testing.T) {
	dir := t.TempDir()
	extra := filepath.Join(dir, "ecdsa")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", extra).CombinedOutput(); err != nil {
		t.Skip("no key can be made: ", err, string(out))
	}
	f := startSSHD(t, 1, "HostKey "+extra)
	s := realSettings(f, 0)
	words := strings.Fields(readFile(t, extra+".pub"))
	s.KnownHosts = []string{writeText(t, filepath.Join(dir, "known"), fmt.Sprintf("[%s]:%d %s %s\n", s.Addr, s.Port, words[0], words[1]))}
	mustShell(t, newTestLinker(t, newTestDialer(t, Options{}), s))
	mustShell(t, newTestLinker(t, newTestDialer(t, Options{}), realSettings(f, 0)))
}

// estranged runs a step on an in-process host that turns strange in the middle of it, has what is
// learnt then checked, and then all be well: the host tells how the step ended.
func estranged(t *testing.T, strange fleet.Misbehaviour, class string) {
	t.Helper()
	f := startFleet(t, "web1")
	host := f.Host("web1")
	w := &road{t: t, linker: newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), settingsFor(f, "web1")), dir: t.TempDir()}
	first, s := w.newHost(100*time.Millisecond, false), &said{}
	facts, err := first.Ready(patience(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	h := w.held("step")
	ended := make(chan executor.Ending, 1)
	go func() { ended <- first.Run(patience(t), h.Attempt, s.sink) }()
	eventually(t, "the step begins", h.begun)
	host.Misbehave(strange)
	before := len(host.Commands())
	host.CutAll()
	if e := <-ended; e.Verdict != executor.NotLearned || e.Class != class {
		t.Errorf("%+v", e)
	}
	if after := host.Commands(); len(after) != before {
		t.Errorf("it was told to run %q", after[before:])
	}
	host.Misbehave(fleet.Misbehaviour{})
	h.open(t)
	s = &said{}
	h.whole(t, w.newHost(time.Minute, true).Settle(patience(t), h.Attempt, facts.Boot, s.sink), s)
}

func TestFault_44_HostKeyChangesInARun(t *testing.T) {
	estranged(t, fleet.Misbehaviour{NewHostKey: true}, "host-key")
}

func TestFault_50_AccessIsTakenAway(t *testing.T) {
	estranged(t, fleet.Misbehaviour{RejectAuth: true}, "auth")
}

// Another host answers at the address: it is told apart by its key or, where its key is trusted for
// this address too, by having no record of the run.
func TestFault_51_AnotherHostAtTheAddress(t *testing.T) {
	f := startFleet(t, "web1", "web2")
	for _, class := range []string{"host-key", "no-run-directory"} {
		r := startRelay(t, f.Host("web1").Addr)
		s := behind(settingsFor(f, "web1"), r)
		if class != "host-key" {
			s.HostKeyAlias = "pool"
			keys := readFile(t, f.KnownHosts)
			var known strings.Builder
			for line := range strings.Lines(keys) {
				if words := strings.Fields(line); len(words) > 2 && !strings.HasPrefix(words[0], "#") {
					known.WriteString("pool " + words[1] + " " + words[2] + "\n")
				}
			}
			s.KnownHosts = []string{writeText(t, filepath.Join(t.TempDir(), "known"), known.String())}
		}
		w := &road{t: t, relay: r, linker: newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), s), dir: t.TempDir()}
		host := supervisor.NewHost(w.linker, supervisor.Options{RunID: class, ReconnectMax: 100 * time.Millisecond})
		t.Cleanup(func() { _ = host.Close() })
		h := w.held("step")
		ended := make(chan executor.Ending, 1)
		go func() { ended <- host.Run(patience(t), h.Attempt, nil) }()
		eventually(t, "the step begins", h.begun)
		r.SetTarget(f.Host("web2").Addr)
		r.CutAll()
		if e := <-ended; e.Verdict != executor.NotLearned || e.Class != class {
			t.Errorf("%s: %+v", class, e)
		}
		h.open(t)
		if n := h.ran(t); n != 1 {
			t.Errorf("%s: it ran %d times", class, n)
		}
	}
	if got := f.Host("web2").Dir; there(filepath.Join(got, ".local")) {
		t.Error("the other host was changed")
	}
}
