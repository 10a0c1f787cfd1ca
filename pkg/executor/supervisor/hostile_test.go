package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// liar is a host that knows the nonce and says what it likes: a shell function $1 that is called after the first line.
const liar = `read -r line; eval "$line"; n=$op_nonce
say() { printf '\n%s %s\n' "$n" "$*"; }
hello() { say H ok boot made /run/dir; }
`

// A host that lies, floods and never ends: no more is taken from it than it was asked for, nothing waits for it
// without end, and what it says is never taken for a record.
func TestFault_77_AHostileHost(t *testing.T) {
	for name, lie := range map[string]string{
		"noise without end":         "yes noise",
		"a frame without end":       `printf '\n%s ' "$n"; yes | tr -d '\n'`,
		"no such hello":             "say H maybe",
		"hello, then noise":         "hello; yes noise",
		"hello, then an endless E":  "hello; while say E; do :; done",
		"hello, then frames":        "hello; while say T; do :; done",
		"an end of something else":  "hello; say X other 0 done; exit 0",
		"an end that is no number":  "hello; say X a zero done; exit 0",
		"an end beyond all":         "hello; say X a 99999999999999999999 done; exit 0",
		"a negative end":            "hello; say X a -1 done; exit 0",
		"an end without a how":      "hello; say X a 0; exit 0",
		"an end of no kind":         "hello; say X a 0 $(printf '\\033]0;owned\\007'); exit 0",
		"notes of no kind":          "hello; say X a 0 done+left:1,../2+full+x; exit 0",
		"sizes that shrink":         `hello; head -c 65536 /dev/zero; say X a 0 done; say Z 99999999999 -5; say T a; exit 0`,
		"never, in another boot":    "say H ok other made /d; say Q a never; exit 0",
		"frames without words":      `hello; while printf '\n%s \n' "$n"; do :; done`,
		"escape sequences":          `hello; printf '\033[2J\033]0;x\007'; say X a 1 done; exit 0`,
		"the end of the connection": "hello; exit 0",
		"an answer to no question":  "hello; say K sent; say P; say C a full; exit 0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, "sh", "-c", liar+lie)
			b.o.ReconnectMax = 50 * time.Millisecond
			b.Host = NewHost(b.link, b.o)
			taken := 0
			sink := func(_ executor.Stream, p []byte) { taken += len(p) }
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			a := executor.Attempt{ID: "a", Command: executor.Command{Script: "echo x", Timeout: time.Second, KillAfter: time.Second}}
			for what, e := range map[string]executor.Ending{"run": b.Run(ctx, a, sink), "settle": b.Settle(ctx, a, "boot", sink)} {
				if strings.ContainsAny(e.Message+e.Class+e.Hint, "\x1b\x07") {
					t.Errorf("%s: its escape sequences are in %q", what, e.Message)
				}
				if e.Verdict == executor.Ended && (e.Exit < 0 || e.Exit > 1<<16) {
					t.Errorf("%s: %+v", what, e)
				}
				if e.Verdict == executor.NeverRan && what == "settle" && name != "an answer to no question" {
					t.Errorf("%s: taken for a proof: %+v", what, e)
				}
			}
			if e := b.Ask(ctx, executor.Command{Script: "true"}, nil); e.Verdict == executor.NeverRan && e.Message == "" {
				t.Errorf("a read: %+v", e)
			}
			if taken > 4*streamMax {
				t.Errorf("%d bytes were taken", taken)
			}
		})
	}
}

// A host that says for ever that the step runs is believed no longer than the attempt may last.
func TestFault_77_RunningForEver(t *testing.T) {
	t.Parallel()
	b := newBed(t, "sh", "-c", liar+"hello; while say Q a running; do :; done")
	a := executor.Attempt{ID: "a", Command: executor.Command{Script: "echo x", Timeout: 50 * time.Millisecond, KillAfter: 50 * time.Millisecond}}
	if e := b.Run(context.Background(), a, nil); e.Verdict != executor.NotLearned || e.Class != "timeout" {
		t.Errorf("%+v", e)
	}
}

// Bytes of any kind are read as frames without harm, and give no more than came.
func TestFault_77_FramesOfAnyKind(t *testing.T) {
	r := rand.New(rand.NewPCG(77, 77))
	words := []string{"\nN ", "\nN", "\n", "N ", "X a 0 done", "E", "H ok b made /d", "Q a never", "\x00", "\x1b[2J", " ", "+full"}
	for range 2000 {
		var in strings.Builder
		for range r.IntN(20) {
			in.WriteString(words[r.IntN(len(words))])
		}
		c := &channel{out: newFrames(strings.NewReader(in.String()), "N"), done: make(chan struct{})}
		taken := 0
		for {
			a, err := c.answer(1 << 10)
			if taken += len(a.out) + len(a.err); taken > in.Len() {
				t.Fatalf("%q gave %d bytes", in.String(), taken)
			}
			if errors.Is(err, io.EOF) || errors.Is(err, errFlood) {
				break
			}
			if err != nil {
				t.Fatalf("%q: %v", in.String(), err)
			}
		}
	}
	flood := newFrames(io.MultiReader(strings.NewReader("\nN "), bytes.NewReader(make([]byte, 1<<20))), "N")
	if _, err := flood.next(func([]byte) error { return nil }); !errors.Is(err, errFlood) {
		t.Errorf("a frame without an end: %v", err)
	}
}

// A profile that reads its input, ends, waits without end, or talks: the run goes on, or it is told what is wrong.
func TestFault_61_ProfilesThatBlockOrEnd(t *testing.T) {
	for name, c := range map[string]struct {
		profile, class string
	}{
		"it ends":         {"exit 3", "link"},
		"it says why":     {"echo 'no more logins today' >&2; exit 3", "link"},
		"it eats a line":  {"read -r x", "timeout"},
		"it waits":        {"cat >/dev/null", "timeout"},
		"it talks at all": {"echo welcome; echo 'take care' >&2", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, "sh", "-c", c.profile+"; exec sh")
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			if c.class == "timeout" {
				ctx, cancel = context.WithTimeout(context.Background(), 500*time.Millisecond)
			}
			defer cancel()
			_, err := b.Ready(ctx, nil)
			var told *executor.HostError
			switch {
			case c.class == "" && err != nil:
				t.Error(err)
			case c.class == "":
				if e, out, errs := b.run("x", executor.Command{Script: "echo out; echo err >&2"}); e != (executor.Ending{}) || out != "out\n" || errs != "err\n" {
					t.Errorf("%+v %q %q", e, out, errs)
				}
			case !errors.As(err, &told) || told.Class != c.class && told.Class != "link":
				t.Errorf("%v", err)
			case strings.Contains(c.profile, "logins") && !strings.Contains(told.Message, "no more logins today"):
				t.Errorf("it does not say why: %v", err)
			}
			left, _ := filepath.Glob(filepath.Join(b.o.StateDir, "*", "*.o"))
			if c.class != "" && len(left) > 0 {
				t.Errorf("something was begun: %q", left)
			}
		})
	}
}

// What a shell prints by itself is kept apart from the output of steps and reads.
func TestFault_60_NoiseOfAShell(t *testing.T) {
	noise := `printf 'motd\n\033[2J{"json": 1}\n'; echo complaint >&2`
	b := newBed(t, "sh", "-c", noise+"; exec sh")
	for n := range 3 {
		if e, out, errs := b.run(fmt.Sprint("x", n), executor.Command{Script: "echo '{}'; echo err >&2"}); e != (executor.Ending{}) || out != "{}\n" || errs != "err\n" {
			t.Errorf("%+v %q %q", e, out, errs)
		}
		var h heardOf
		if e := b.Ask(context.Background(), executor.Command{Script: "echo '{}'"}, h.sink); e != (executor.Ending{}) || h.out.String() != "{}\n" {
			t.Errorf("read: %+v %q", e, h.out.String())
		}
	}
	if _, err := os.Stat(filepath.Join(b.o.StateDir, b.o.RunID)); err != nil {
		t.Error(err)
	}
}
