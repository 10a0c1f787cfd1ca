package executor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// world is a fleet of scripted hosts, a journal in memory, and a run over them. It lives in a
// synctest bubble, so that hours pass at once and nothing depends on the machine.
type world struct {
	*testing.T
	mu         sync.Mutex
	answers    map[string][]Ending // by "host script": what a command gives, one after the other; the last is repeated
	prints     map[string]string
	commands   map[string]Command // the last one of each script
	slow       map[string]time.Duration
	deaf       bool     // attempts do not end when they are told to
	ran        []string // "host: script", in the order in which attempts began
	events     []run.Event
	outputs    map[string][]byte
	full       int  // the commit that fails; 0: none
	deafStore  bool // output cannot be stored
	commits    int
	interrupts chan run.StopKind
}

func newWorld(t *testing.T) *world {
	return &world{
		T: t, answers: map[string][]Ending{}, prints: map[string]string{}, slow: map[string]time.Duration{},
		outputs: map[string][]byte{}, commands: map[string]Command{}, interrupts: make(chan run.StopKind, 4),
	}
}

// scripted is one host of a world.
type scripted struct {
	w    *world
	name string
}

func (h scripted) act(ctx context.Context, kind string, c Command, sink Sink) Ending {
	h.w.mu.Lock()
	key := h.name + " " + strings.TrimSpace(c.Script+strings.Join(c.Argv, " "))
	h.w.ran = append(h.w.ran, kind+" "+key)
	h.w.commands[key] = c
	delay, text := h.w.slow[key], h.w.prints[key]
	ending := Ending{}
	if list := h.w.answers[key]; len(list) > 0 {
		ending = list[0]
		if len(list) > 1 {
			h.w.answers[key] = list[1:]
		}
	}
	h.w.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-h.told(ctx):
		return Ending{Cancelled: true}
	}
	sink(Stdout, []byte(text))
	return ending
}

func (h scripted) told(ctx context.Context) <-chan struct{} {
	if h.w.deaf {
		return nil
	}
	return ctx.Done()
}

func (h scripted) Ask(ctx context.Context, c Command, sink Sink) Ending {
	if c.Script == ":" {
		return Ending{}
	}
	return h.act(ctx, "ask", c, sink)
}

func (h scripted) Run(ctx context.Context, a Attempt, sink Sink) Ending {
	return h.act(ctx, "run", a.Command, sink)
}

func (h scripted) Settle(_ context.Context, a Attempt, boot string, _ Sink) Ending {
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.ran = append(h.w.ran, "settle "+h.name+" "+a.ID+" "+boot)
	if list := h.w.answers["settle "+h.name]; len(list) > 0 {
		return list[0]
	}
	return Ending{}
}

func (h scripted) Ready(context.Context, []string) (Facts, error) {
	if list := h.w.answers["ready "+h.name]; len(list) > 0 {
		return Facts{}, &HostError{Class: list[0].Class, Message: list[0].Message}
	}
	return Facts{Boot: "boot-" + h.name, RunDir: "/run"}, nil
}

func (h scripted) Reach(context.Context) error {
	if list := h.w.answers["reach "+h.name]; len(list) > 0 {
		return &HostError{Class: list[0].Class, Message: list[0].Message}
	}
	h.w.mu.Lock()
	defer h.w.mu.Unlock()
	h.w.ran = append(h.w.ran, "reach "+h.name)
	return nil
}

func (h scripted) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("no network in this world")
}

func (h scripted) Stage(context.Context, string, string, []StagedFile) (string, error) {
	return "/staged", nil
}
func (h scripted) Close() error { return nil }

// The world is the journal, the observer and the masker too.

func (w *world) Append(events []run.Event) error {
	if w.commits++; w.commits == w.full {
		return errors.New("no space left on device")
	}
	w.events = append(w.events, events...)
	return nil
}

func (w *world) Keep(ref AttemptRef, stream Stream, p []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.deafStore {
		return errors.New("input/output error")
	}
	key := fmt.Sprint(ref, stream)
	w.outputs[key] = append(w.outputs[key], p...)
	return nil
}

func (w *world) Output(ref AttemptRef, stream Stream) ([]byte, error) {
	return w.outputs[fmt.Sprint(ref, stream)], nil
}
func (w *world) Observe([]run.Event) {}

type silent struct{ *world }

func (silent) Output(AttemptRef, Stream, []byte) {}

type noMask struct{}

func (noMask) String(s string) string { return s }
func (noMask) Found(string) bool      { return false }
func (noMask) Stream() MaskStream     { return noMask{} }
func (noMask) Write(p []byte) []byte  { return p }
func (noMask) Flush() []byte          { return nil }
func (noMask) Masked() bool           { return false }
func (noMask) Add(string)             {}

func (w *world) plan(text string, values map[string]any) *plan.Plan {
	w.Helper()
	return w.planOf(text, plan.Options{Values: values})
}

func (w *world) planOf(text string, o plan.Options) *plan.Plan {
	w.Helper()
	rb, _, err := runbook.LoadText(text, "r.yaml", ".")
	if err != nil {
		w.Fatal(err)
	}
	return w.built(rb, "hosts: {web1: {}, web2: {}, web3: {}, db1: {}}\ngroups: {web: {hosts: ['web*']}}\n", o)
}

func (w *world) built(rb *runbook.Runbook, hosts string, o plan.Options) *plan.Plan {
	w.Helper()
	node, err := source.Parse(&source.File{Name: "i", Text: hosts})
	if err != nil {
		w.Fatal(err)
	}
	inv, err := inventory.Decode(node)
	if err != nil {
		w.Fatal(err)
	}
	p, err := plan.Build(rb, inv, o)
	if err != nil {
		w.Fatal(err)
	}
	return p
}

func (w *world) options(p *plan.Plan) Options {
	return Options{
		Plan: p, Host: func(h *inventory.Host) Host { return scripted{w, h.Name} }, Journal: w, Observer: silent{w}, Masker: noMask{},
		Forks: 50, Preflight: true, Interrupts: w.interrupts, Info: Info{ID: "R", User: "ann", Started: time.Now()},
	}
}

func (w *world) run(text string) *run.Event {
	w.Helper()
	finished, _, err := Run(context.Background(), w.options(w.plan(text, nil)))
	if err != nil {
		w.Fatal(err)
	}
	return finished
}

func (w *world) did() string { return strings.Join(w.ran, "\n") }

func exit(code int) Ending { return Ending{Exit: code} }

func TestRetryWaitsAsTheRunbookSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["local try"] = []Ending{exit(1), exit(1), exit(0)}
		began := time.Now()
		end := w.run("name: x\nsteps: [{run: try, retry: {attempts: 3, delay: 1m, backoff: 2}}]")
		if end.Code != 0 || len(w.ran) != 3 {
			t.Errorf("exit %d after %s", end.Code, w.did())
		}
		if took := time.Since(began).Minutes(); took < 2.7 || took > 3.3 {
			t.Errorf("waited %.1f minutes, want 1 and 2, give or take a tenth", took)
		}
	})
}

func TestRetryIfAsksTheResult(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["local try"] = []Ending{exit(7), exit(3)}
		end := w.run("name: x\nsteps: [{run: try, retry: {attempts: 5, delay: 1s, if: result.exit_code == 7}}]")
		if end.Code != 1 || len(w.ran) != 2 {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

func TestCheckSaveDoCheckInThisOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["local is so"] = []Ending{exit(1), exit(0)}
		w.prints["local read old"] = "v1\n"
		end := w.run("name: x\nsteps:\n- {id: a, check: is so, save: {old: read old}, run: 'set ${{ saved.old }}', rollback: 'set ${{ saved.old }}'}\n- run: 'false'\n  id: b\n- run: never\n")
		_ = end
		want := "ask local is so\nask local read old\nrun local set 'v1'\nask local is so\nrun local false\nrun local never"
		if w.did() != want {
			t.Errorf("got\n%s\nwant\n%s", w.did(), want)
		}
	})
}

func TestFailureTakesBackWithWhatWasSealed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.prints["local read old"] = "it's v1\n"
		w.answers["local boom"] = []Ending{exit(1)}
		end := w.run("name: x\nsteps:\n- {id: a, save: {old: read old}, run: set new, rollback: 'set ${{ saved.old }}'}\n- {run: boom}\n")
		if last := w.ran[len(w.ran)-1]; end.Code != 3 || last != `run local set 'it'\''s v1'` {
			t.Errorf("exit %d, last %s", end.Code, last)
		}
	})
}

func TestCheckThatCannotRunIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["local is so"] = []Ending{exit(127)}
		if end := w.run("name: x\nsteps: [{check: is so, run: make it so}]"); end.Code != 1 || len(w.ran) != 1 {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

func TestResultsOfAStepReachTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.prints["web1 hostname"], w.prints["web2 hostname"], w.prints["web3 hostname"] = "a b\n", "$(reboot)\n", "c\n"
		w.run("name: x\nhosts: web\nsteps:\n- {id: n, run: hostname, effect: read, outputs: {len: 'len(result.stdout)'}}\n- {run: 'echo ${{ steps.n.stdout }} ${{ steps.n.outputs.len }}'}\n- {run: 'all ${{ steps.n.on[\"web2\"].stdout }}', once: true}\n")
		for _, want := range []string{`run web1 echo 'a b' '3'`, `run web2 echo '$(reboot)' '9'`, `run web1 all '$(reboot)'`} {
			if !strings.Contains(w.did(), want) && !strings.Contains(strings.ReplaceAll(w.did(), "'", ""), strings.ReplaceAll(want, "'", "")) {
				t.Errorf("want %s in\n%s", want, w.did())
			}
		}
	})
}

func TestNothingStartsWhenAHostIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["ready web2"] = []Ending{{Class: "refused", Message: "connection refused"}}
		end := w.run("name: x\nhosts: web\nsteps: [{run: a}]")
		if end.Code != run.CodeUnreachable || len(w.ran) != 0 {
			t.Errorf("exit %d after %s", end.Code, w.did())
		}
	})
}

func TestMissingHostsThatAreTolerated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["ready web2"] = []Ending{{Class: "refused", Message: "connection refused"}}
		end := w.run("name: x\nhosts: web\nrollout: {waves: [100%], max_unreachable: 1}\nsteps: [{run: a}]")
		if end.Code != run.CodeUnreachable || w.did() != "run web1 a\nrun web3 a" && w.did() != "run web3 a\nrun web1 a" {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

func TestUnknownIsNeverRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["local a"] = []Ending{{Verdict: NotLearned, Class: "link", Message: "gone"}}
		end := w.run("name: x\nsteps: [{run: a, retry: 5}]")
		if end.Code != run.CodePerson || len(w.ran) != 1 {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

func TestFirstInterruptLetsAttemptsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow["local a"] = time.Minute
		time.AfterFunc(time.Second, func() { w.interrupts <- run.StopInterrupt })
		end := w.run("name: x\nsteps: [{run: a}, {run: b}]\nfinally: [{run: last}]")
		if end.Code != run.CodeInterrupt || w.did() != "run local a\nrun local last" {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

func TestSecondInterruptEndsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow["local a"] = time.Hour
		began := time.Now()
		for range 2 {
			time.AfterFunc(time.Second, func() { w.interrupts <- run.StopInterrupt })
		}
		end := w.run("name: x\nsteps: [{run: a}, {run: b}]")
		if end.Code != run.CodeInterrupt || w.did() != "run local a" || time.Since(began) > time.Minute {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

func TestThirdInterruptLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow["local a"], w.deaf = time.Hour, true
		for range 3 {
			time.AfterFunc(time.Second, func() { w.interrupts <- run.StopInterrupt })
		}
		_, _, err := Run(context.Background(), w.options(w.plan("name: x\nsteps: [{run: a}]", nil)))
		if !errors.Is(err, ErrLeft) {
			t.Errorf("got %v", err)
		}
		<-time.After(2 * time.Hour) // the attempt goes on by itself, and ends
	})
}

func TestDeadlineEndsForwardWorkAndTakesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow["local b"] = time.Hour
		end := w.run("name: x\ndeadline: 1m\nsteps: [{run: a, rollback: undo a}, {run: b}]")
		if end.Code != run.CodeDeadline || w.did() != "run local a\nrun local b\nrun local undo a" {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

func TestNothingIsLaunchedWhenTheJournalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for commit := 1; commit <= 4; commit++ {
			w := newWorld(t)
			w.full = commit
			_, _, err := Run(context.Background(), w.options(w.plan("name: x\nsteps: [{run: a}, {run: b}]", nil)))
			var failed *JournalError
			if !errors.As(err, &failed) {
				t.Fatalf("commit %d: got %v", commit, err)
			}
			started := 0
			for _, e := range w.events {
				if e.Kind == run.AttemptStarted {
					started++
				}
			}
			if len(w.ran) > started {
				t.Errorf("commit %d: %d attempts ran, %d intents are durable", commit, len(w.ran), started)
			}
		}
	})
}

func TestOutputThatCannotBeStoredStopsTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.deafStore, w.prints["local a"] = true, "something"
		end := w.run("name: x\nsteps: [{run: a}, {run: b}]")
		if end.Code != run.CodeJournal || w.did() != "run local a" {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

func TestResumeSettlesOpenAttemptsAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := "name: x\nsteps: [{id: a, run: a}, {id: b, run: b}, {id: c, run: c}]"
		for _, tt := range []struct {
			name, want string
			settled    Ending
		}{
			{"ended", "settle local b.do.1 boot-local\nrun local c", exit(0)},
			{"never ran", "settle local b.do.1 boot-local\nrun local b\nrun local c", Ending{Verdict: NeverRan}},
			{"lost", "settle local b.do.1 boot-local", Ending{Verdict: NotLearned}},
		} {
			w := newWorld(t)
			w.run(text)
			var kept []run.Event
			for _, e := range w.events {
				kept = append(kept, e)
				if e.Kind == run.AttemptStarted && e.Op.Step == "b" {
					break
				}
			}
			next := newWorld(t)
			next.answers["settle local"] = []Ending{tt.settled}
			o := next.options(next.plan(text, nil))
			o.Events, o.Resume = kept, run.Event{Kind: run.RunResumed}
			if _, _, err := Run(context.Background(), o); err != nil {
				t.Fatal(err)
			}
			if next.did() != tt.want {
				t.Errorf("%s: got\n%s\nwant\n%s", tt.name, next.did(), tt.want)
			}
		}
	})
}

func TestPreviewAsksAndNeverActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["web1 is made"] = []Ending{exit(0)}
		w.answers["web2 is made"] = []Ending{exit(1)}
		w.answers["web3 is made"] = []Ending{exit(126)}
		w.prints["db1 version"] = "7"
		p := w.plan(`
name: x
params: {big: {type: bool, default: false}}
hosts: web
steps:
  - {id: v, hosts: db1, run: version, effect: read}
  - {id: a, check: is made, run: make, rollback: unmake}
  - {id: b, run: 'use ${{ steps.v.stdout }}'}
  - {id: c, run: 'echo ${{ steps.b.stdout }}'}
  - {id: d, run: late, effect: read}
  - {id: e, if: 'big && steps.b.stdout == "x"', run: never}
`, map[string]any{"big": false})
		var b strings.Builder
		for _, f := range Preview(context.Background(), PreviewOptions{
			Plan: p, Prober: func(h *inventory.Host) Prober { return scripted{w, h.Name} }, Masker: noMask{}, Forks: 3,
			Info: Info{Started: time.Now()},
		}) {
			fmt.Fprintf(&b, "%s %s: %s %s\n", f.Step.ID, f.Host.Name, f.Class, f.Reason)
		}
		want := `v db1: read 
a web1: no change its check holds
a web2: change 
a web3: unknown its check failed: exit status 126: the command was found but cannot be executed, or the step's dir is not there
b web1: change 
b web2: change 
b web3: change 
c web1: unknown needs the output of b
c web2: unknown needs the output of b
c web3: unknown needs the output of b
d web1: unknown a step before it would change this host
d web2: unknown a step before it would change this host
d web3: unknown a step before it would change this host
e web1: skipped if: big && steps.b.stdout == "x"
e web2: skipped if: big && steps.b.stdout == "x"
e web3: skipped if: big && steps.b.stdout == "x"
`
		if b.String() != want {
			t.Errorf("got\n%s\nwant\n%s", b.String(), want)
		}
		if strings.Contains(w.did(), "run ") {
			t.Errorf("a dry run acted:\n%s", w.did())
		}
	})
}
