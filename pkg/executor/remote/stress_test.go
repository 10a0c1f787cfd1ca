//go:build unix

package remote

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/relay"
	"github.com/opsctl/opsctl/pkg/executor"
)

// size is how long a stress test is, by a variable of the environment.
func size(t *testing.T, variable string, unset int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		if testing.Short() {
			return unset / 10
		}
		return unset
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number of rounds", variable, text)
	}
	return n
}

// Connections are reset at random moments of steps, over OpenSSH: each step ran exactly once and all that it printed is there,
// or it is proved never to have run. OPSCTL_CUTS says how many steps.
func TestFault_33_CutsOverOpenSSH(t *testing.T) {
	w := newRoad(t)
	n := size(t, "OPSCTL_CUTS", 200)
	random := rand.New(rand.NewPCG(33, uint64(n))) //nolint:gosec // a test that can be repeated
	effects := filepath.Join(w.dir, "effects")
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*2*time.Second+time.Minute)
	defer cancel()
	said, cuts := map[string]executor.Verdict{}, 0
	for k := range n {
		id := fmt.Sprint("c", k)
		text := strings.Repeat("line of "+id+"\n", 1+random.IntN(300))
		c := executor.Command{
			Script: fmt.Sprintf("echo %s >>%s; cat; sleep 0.0%d; echo err >&2; exit %d", id, effects, random.IntN(6), k%100),
			Stdin:  text,
		}
		var out, errs strings.Builder
		before := w.relay.Accepted()
		stop := w.cutSometime(random)
		e := w.host.Run(ctx, executor.Attempt{ID: id, Command: c}, func(s executor.Stream, p []byte) {
			if s == executor.Stdout {
				out.Write(p)
				return
			}
			errs.Write(p)
		})
		stop()
		cuts += w.relay.Accepted() - before
		said[id] = e.Verdict
		switch {
		case e.Verdict == executor.NeverRan && out.Len()+errs.Len() == 0:
		case e == executor.Ending{Exit: k % 100} && out.String() == text && errs.String() == "err\n":
		default:
			t.Errorf("%s: %+v, %d of %d bytes, %q", id, e, out.Len(), len(text), errs.String())
		}
	}
	never := tally(t, effects, said)
	t.Logf("%d steps, %d connections lost: %d ended as they say, %d never ran", n, cuts, n-never, never)
}

// cutSometime resets connections before, in, or after the step that follows, by time or at a byte.
func (w *road) cutSometime(random *rand.Rand) (stop func()) {
	switch random.IntN(6) {
	case 0:
		w.relay.Strike(relay.Fault{CutUp: 1 + random.Int64N(6000)})
	case 1:
		w.relay.Strike(relay.Fault{CutDown: 1 + random.Int64N(6000)})
	case 2:
		timer := time.AfterFunc(time.Duration(random.IntN(4000))*time.Microsecond, w.relay.CutAll)
		return func() { timer.Stop() }
	case 3, 4:
		timer := time.AfterFunc(time.Duration(random.IntN(80))*time.Millisecond, w.relay.CutAll)
		return func() { timer.Stop() }
	}
	return func() {}
}

// tally checks what was said against how often each step ran, and that nothing of the steps is left.
func tally(t *testing.T, effects string, said map[string]executor.Verdict) (never int) {
	t.Helper()
	ran := map[string]int{}
	text, err := os.ReadFile(effects)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, id := range strings.Fields(string(text)) {
		ran[id]++
	}
	for id, verdict := range said {
		if verdict == executor.NeverRan {
			never++
		}
		if want := 1 - int(verdict); ran[id] != want || verdict == executor.NotLearned {
			t.Errorf("%s ran %d times, and the verdict is %d", id, ran[id], verdict)
		}
	}
	eventually(t, "no process of a step is left", func() bool { return len(mentioning(effects)) == 0 })
	return never
}

// mentioning are the processes that have a text in their environment or on their command line, by /proc.
func mentioning(text string) (pids []string) {
	for _, name := range []string{"environ", "cmdline"} {
		files, err := filepath.Glob("/proc/[0-9]*/" + name)
		if err != nil {
			panic(err) // the pattern is a constant
		}
		for _, file := range files {
			if b, err := os.ReadFile(file); err == nil && strings.Contains(string(b), text) {
				pids = append(pids, strings.Split(file, "/")[2])
			}
		}
	}
	return pids
}

// A step is started while somebody else asks what became of it: both are told the same, and that is what happened.
// OPSCTL_RACES says how many times.
func TestFault_34_LateStartAgainstSettle(t *testing.T) {
	w := newRoad(t)
	n := size(t, "OPSCTL_RACES", 500)
	other := w.newHost(time.Minute, true)
	if _, err := other.Ready(patience(t), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*time.Second+time.Minute)
	defer cancel()
	random := rand.New(rand.NewPCG(34, uint64(n))) //nolint:gosec // a test that can be repeated
	effects := filepath.Join(w.dir, "effects")
	said := map[string]executor.Verdict{}
	for k := range n {
		a := executor.Attempt{ID: fmt.Sprint("r", k), Command: executor.Command{Script: fmt.Sprintf("echo r%d >>%s", k, effects)}}
		ran := make(chan executor.Ending, 1)
		var started atomic.Bool
		late := time.Duration(random.IntN(2500)) * time.Microsecond
		go func() {
			started.Store(true)
			ran <- w.host.Run(ctx, a, nil)
		}()
		for begun := time.Now(); !started.Load() || time.Since(begun) < late; {
		}
		settled := other.Settle(ctx, a, w.facts.Boot, nil)
		e := <-ran
		if e.Verdict != settled.Verdict || e.Exit != settled.Exit {
			t.Errorf("r%d: the starter is told %+v, the other %+v", k, e, settled)
		}
		said[a.ID] = e.Verdict
	}
	never := tally(t, effects, said)
	t.Logf("%d races: %d ran, %d never did", n, n-never, never)
}
