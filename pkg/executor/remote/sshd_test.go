//go:build unix

package remote

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// startSSHD runs OpenSSH's sshd. Its shells have an empty home, for what the files in the real one
// do when a shell starts is nobody's business here.
func startSSHD(t *testing.T, hosts int, config ...string) *realsshd.Fleet {
	t.Helper()
	return realsshd.Start(t, realsshd.Options{Hosts: hosts, Config: append(config, "SetEnv HOME="+t.TempDir())})
}

func realSettings(f *realsshd.Fleet, i int) Settings {
	h := f.Hosts[i]
	return Settings{
		Name: h.Name, Addr: h.IP, Port: h.Port, User: f.User,
		IdentityFiles: []string{f.ClientKey}, IdentityAgent: "none", KnownHosts: []string{f.KnownHosts},
	}
}

func TestFault_39_FewSessionsOnAConnection(t *testing.T) {
	f := startSSHD(t, 1, "MaxSessions 1")
	l := newTestLinker(t, newTestDialer(t, Options{}), realSettings(f, 0))
	for i := range 4 {
		sh := mustShell(t, l)
		if got := ask(t, sh, fmt.Sprint("echo ", i)); got != fmt.Sprint(i) {
			t.Fatal(got)
		}
	}
}

func TestOpenSSHForbidsForwarding(t *testing.T) {
	f := startSSHD(t, 1, "AllowTcpForwarding no")
	l := newTestLinker(t, newTestDialer(t, Options{}), realSettings(f, 0))
	_, err := l.Dial(patience(t), "tcp", f.Hosts[0].Addr)
	wantClass(t, err, "forwarding", "host1")
	if got := ask(t, mustShell(t, l), "echo still there"); got != "still there" {
		t.Error(got)
	}
}

func TestFault_40_ConnectionsDroppedByMaxStartups(t *testing.T) {
	f := startSSHD(t, 1, "MaxStartups 2:80:4")
	d := newTestDialer(t, Options{})
	var wg sync.WaitGroup
	for range 6 {
		l := newTestLinker(t, d, realSettings(f, 0))
		wg.Go(func() {
			if _, err := l.Shell(patience(t), supervisor.ShellCommand); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestFault_49_TooManyKeys(t *testing.T) {
	f := startSSHD(t, 1, "MaxAuthTries 2")
	s := realSettings(f, 0)
	s.IdentityFiles = []string{writeKey(t, "a", ""), writeKey(t, "b", ""), writeKey(t, "c", ""), f.ClientKey}
	_, err := newTestLinker(t, newTestDialer(t, Options{}), s).Shell(patience(t), supervisor.ShellCommand)
	wantClass(t, err, "auth", "too many keys", "IdentitiesOnly")
}

func TestOpenSSHRenewsKeys(t *testing.T) {
	f := startSSHD(t, 1, "RekeyLimit 1M")
	sh := mustShell(t, newTestLinker(t, newTestDialer(t, Options{}), realSettings(f, 0)))
	if _, err := io.WriteString(sh, "head -c 20000000 /dev/zero; exit\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, sh); n != 20000000 || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

func TestOpenSSHJumps(t *testing.T) {
	f := startSSHD(t, 3)
	s := realSettings(f, 2)
	s.Jumps = []Settings{realSettings(f, 0), realSettings(f, 1)}
	sh := mustShell(t, newTestLinker(t, newTestDialer(t, Options{}), s))
	got := ask(t, sh, "echo ${SSH_CONNECTION}")
	if fields := strings.Fields(got); len(fields) != 4 || fields[2] != f.Hosts[2].IP {
		t.Errorf("the connection is %q", got)
	}
}

// Twenty steps, their connections cut again and again: each runs once, and nothing of what it
// says is lost.
func TestSupervisorOverCutConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("it waits for reconnections")
	}
	f := startSSHD(t, 1)
	l := newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), realSettings(f, 0))
	host := supervisor.NewHost(l, supervisor.Options{RunID: "cuts"})
	defer func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if _, err := host.Ready(ctx, nil); err != nil {
		t.Fatal(err)
	}
	dir, done := t.TempDir(), make(chan struct{})
	var steps sync.WaitGroup
	for i := range 20 {
		steps.Go(func() {
			var out strings.Builder
			script := fmt.Sprintf("echo begin; echo x >> %s/%d; sleep 0.8; echo end", dir, i)
			var e executor.Ending
			for try := range 10 { // a cut may come before a step began: that is proved, and it is made anew
				e = host.Run(ctx, executor.Attempt{ID: fmt.Sprintf("step-%d-%d", i, try), Command: executor.Command{Script: script, Shell: "sh"}},
					func(_ executor.Stream, p []byte) { out.Write(p) })
				if e.Verdict != executor.NeverRan || e.Class != classLink {
					break
				}
				if _, err := os.Stat(fmt.Sprintf("%s/%d", dir, i)); err == nil {
					t.Errorf("step %d never ran, it is said, and it did", i)
				}
			}
			if e.Verdict != executor.Ended || e.Exit != 0 || out.String() != "begin\nend\n" {
				t.Errorf("step %d: %+v, output %q", i, e, out.String())
			}
			if ran := readFile(t, fmt.Sprintf("%s/%d", dir, i)); ran != "x\n" {
				t.Errorf("step %d ran %d times", i, strings.Count(ran, "x"))
			}
		})
	}
	go func() {
		defer close(done)
		steps.Wait()
	}()
	t.Logf("%d connections were cut", cutAtRandom(l, done))
}

// cutAtRandom cuts what connections there are, a few times, until done.
func cutAtRandom(l *Linker, done <-chan struct{}) (cuts int) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test that can be repeated
	for range 6 {
		select {
		case <-done:
			return cuts
		case <-time.After(time.Duration(50+random.IntN(500)) * time.Millisecond):
		}
		l.mu.Lock()
		for _, k := range l.links {
			k.wire.abort(errBroken)
			cuts++
		}
		l.mu.Unlock()
	}
	<-done
	return cuts
}
