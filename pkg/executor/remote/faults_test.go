//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
	"github.com/opsctl/opsctl/internal/fleet/relay"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// The tests named TestFault_NN are the rows of docs/reliability.md.

// openShell opens a shell, or tells why there is none.
func openShell(ctx context.Context, l *Linker) (supervisor.Shell, error) {
	return l.Shell(ctx, "")
}

func startRelay(t *testing.T, target string) *relay.Relay {
	t.Helper()
	r, err := relay.Start(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// behind has a host reached through a relay, under the host key it has without.
func behind(s Settings, r *relay.Relay) Settings {
	s.HostKeyAlias = fmt.Sprintf("[%s]:%d", s.Addr, s.Port)
	s.Addr, s.Port = "127.0.0.1", r.Port
	return s
}

// watchful are settings and timeouts that notice a dead connection within two seconds.
func watchful(s Settings) (Settings, Timeouts) {
	s.AliveInterval = 100 * time.Millisecond
	return s, Timeouts{DropPause: time.Millisecond, Refusal: time.Millisecond, AliveAnswer: 500 * time.Millisecond}
}

// road is OpenSSH's sshd, reached by attempts through a relay.
type road struct {
	t      *testing.T
	sshd   *realsshd.Fleet
	relay  *relay.Relay
	linker *Linker
	host   *supervisor.Host
	facts  executor.Facts
	dir    string // of the files of the test
}

func newRoad(t *testing.T, config ...string) *road {
	t.Helper()
	f := startSSHD(t, 1, config...)
	r := startRelay(t, f.Hosts[0].Addr)
	s, times := watchful(behind(realSettings(f, 0), r))
	w := &road{t: t, sshd: f, relay: r, dir: t.TempDir()}
	w.linker = newTestLinker(t, newTestDialer(t, Options{Timeouts: times}), s)
	w.host = w.newHost(time.Minute, false)
	var err error
	if w.facts, err = w.host.Ready(patience(t), nil); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *road) newHost(reconnectMax time.Duration, resumed bool) *supervisor.Host {
	h := supervisor.NewHost(w.linker, supervisor.Options{RunID: "faults", Resumed: resumed, ReconnectMax: reconnectMax})
	w.t.Cleanup(func() { _ = h.Close() })
	return h
}

// said is what an attempt printed.
type said struct{ out, err strings.Builder }

func (s *said) sink(stream executor.Stream, p []byte) {
	if stream == executor.Stdout {
		s.out.Write(p)
		return
	}
	s.err.Write(p)
}

// held is a step that appends to the file effects, and then waits for its gate.
type held struct {
	executor.Attempt
	effects, gate, pid string
}

func (w *road) held(id string) held {
	h := held{effects: filepath.Join(w.dir, id+".effects"), gate: filepath.Join(w.dir, id+".gate"), pid: filepath.Join(w.dir, id+".pid")}
	h.Attempt = executor.Attempt{ID: id, Command: executor.Command{Script: fmt.Sprintf(
		"echo begin; echo err >&2; echo $$ >%s; echo x >>%s; until [ -e %s ]; do sleep 0.02; done; echo end; exit 3", h.pid, h.effects, h.gate)}}
	return h
}

func (h held) begun() bool { return there(h.effects) }

func (h held) open(t *testing.T) {
	t.Helper()
	writeText(t, h.gate, "")
}

// ran tells how often the step ran.
func (h held) ran(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(h.effects)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.Count(string(text), "x\n")
}

// whole checks that the step ran once, that all is known of it, and that nothing of it is left.
func (h held) whole(t *testing.T, e executor.Ending, s *said) {
	t.Helper()
	if e != (executor.Ending{Exit: 3}) || s.out.String() != "begin\nend\n" || s.err.String() != "err\n" {
		t.Errorf("%+v, printed %q and %q", e, s.out.String(), s.err.String())
	}
	if n := h.ran(t); n != 1 {
		t.Errorf("it ran %d times", n)
	}
	eventually(t, "nothing is left of the step", func() bool { return !groupLives(t, h.pid) })
}

func there(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// groupLives tells whether anything of a process group lives; its leader wrote its number to the file.
func groupLives(t *testing.T, file string) bool {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(readFile(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	return syscall.Kill(-pid, 0) == nil
}

// through runs a step, has something happen to its connection in the middle, and opens the gate
// once the step is followed over another connection. A busy machine may lose a connection before
// the step begins: then it never ran, and another one is taken.
func (w *road) through(t *testing.T, id string, happens func()) {
	t.Helper()
	for try := range 5 {
		h, s := w.held(fmt.Sprint(id, try)), &said{}
		ended, happened := make(chan struct{}), make(chan bool, 1)
		go func() { happened <- w.happen(h, happens, ended) }()
		e := w.host.Run(patience(t), h.Attempt, s.sink)
		close(ended)
		if e.Verdict == executor.NeverRan && h.ran(t) == 0 {
			<-happened
			continue
		}
		if !<-happened {
			t.Error("the connection was not given up")
		}
		h.whole(t, e, s)
		return
	}
	t.Error("no step begins")
}

// happen waits for the step to begin, and for another connection after something happened to the first.
func (w *road) happen(h held, happens func(), ended <-chan struct{}) bool {
	wait := func(is func() bool) bool {
		for !is() {
			select {
			case <-ended:
				return is()
			case <-time.After(2 * time.Millisecond):
			}
		}
		return true
	}
	if !wait(h.begun) {
		return false
	}
	before := w.relay.Accepted()
	happens()
	again := wait(func() bool { return w.relay.Accepted() > before })
	return os.WriteFile(h.gate, nil, 0o600) == nil && again
}
