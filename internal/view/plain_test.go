package view

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

func TestMain(m *testing.M) {
	if scene() {
		return
	}
	goleak.VerifyTestMain(m)
}

func noEnv(string) string { return "" }

// batches observes events, those with the same time together.
func batches(v View, events []run.Event) {
	for start := 0; start < len(events); {
		end := start
		for end < len(events) && events[end].Time.Equal(events[start].Time) {
			end++
		}
		v.Observe(events[start:end])
		start = end
	}
}

func plainLog(t *testing.T, verbosity int, trace []run.Event, hosts string) string {
	t.Helper()
	var out bytes.Buffer
	v := New(Options{Err: &out, Mode: ModePlain, Verbosity: verbosity, Env: noEnv}, testPlan(t, deploy, hosts), testInfo)
	defer v.Close()
	batches(v, trace)
	v.Finish(Ledger{})
	return out.String()
}

func TestPlainGolden(t *testing.T) {
	golden(t, "plain", plainLog(t, 0, trace(t, rolledBack), "web[1:6]"))
	golden(t, "plain_verbose", plainLog(t, 1, trace(t, rolledBack), "web[1:6]"))
	golden(t, "plain_wide", plainLog(t, 0, trace(t, `
0 run_started
1 host_unreachable web7 class=refused message=connection_to_web7_refused
1 host_unreachable web8 class=refused message=connection_to_web8_refused
2 attempt_finished web1 upload do timed_out class=timeout
2 attempt_finished web2 upload do unknown class=link message=the_connection_broke
3 attempt_finished web3 warm do failed exit=137
3 op_skipped web4 warm do reason=if_is_false
3 op_skipped web5 warm do reason=if_is_false
4 host_left web3 switch reason=within_max_failures
5 run_stopping stop=interrupt
6 run_finished result=stopped code=130`), "web[1:9]"))
}

func TestPlainShowsOutputWithItsOwner(t *testing.T) {
	var out bytes.Buffer
	v := New(Options{Err: &out, Mode: ModePlain, Verbosity: 1, Env: noEnv}, testPlan(t, deploy, "web[1:2]"), testInfo)
	ref := executor.AttemptRef{Op: run.Op{Host: "web1", Step: "switch/restart"}, Act: run.Do, Number: 1}
	v.Output(ref, executor.Stdout, []byte("::error::not a com"))
	v.Output(ref, executor.Stdout, []byte("mand\r\n\x1b[31mred\x1b[0m \x1b]0;title\x07\nno end"))
	v.Observe(trace(t, "1 attempt_finished web1 switch/restart do changed"))
	v.Close()
	want := `web1 restart the app | ::error::not a command
web1 restart the app | red ^[]0;title^G
web1 restart the app | no end
12:00:01 web1  switch/restart  changed
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

// Whatever a step prints, no line of the log begins like a command to the build service, nor holds
// one of the marks that count anywhere in a line.
func TestPlainIsNoCommandToCI(t *testing.T) {
	var out bytes.Buffer
	env := func(name string) string { return map[string]string{"CI": "true"}[name] }
	v := New(Options{Err: &out, Verbosity: 1, Env: env}, testPlan(t, deploy, "web[1:2]"), testInfo)
	evil := "::set-env name=x::y\r  ::add-mask::z\n##[command]x\n##vso[task.setvariable]x\n"
	v.Output(executor.AttemptRef{Op: run.Op{Host: "web1", Step: "upload"}, Act: run.Do, Number: 1}, executor.Stderr, []byte(evil))
	e := trace(t, "1 attempt_finished web1 upload do failed")[0]
	e.Message, e.Output = evil, &run.Output{Tail: evil}
	v.Observe([]run.Event{e, {Kind: run.RunFinished, Result: run.RunFailed, Time: began}})
	v.Finish(Ledger{})
	for _, line := range strings.Split(out.String(), "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
			t.Errorf("a command: %q", line)
		}
	}
}

func TestPlainBreaksSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		v := New(Options{Err: &out, Mode: ModePlain, Env: noEnv}, testPlan(t, deploy, "web[1:3]"), RunInfo{ID: "01J", Runbook: "x", Started: time.Now()})
		events := trace(t, "0 attempt_started web3 switch/restart do\n0 attempt_started web1 switch/drain do")
		for i := range events {
			events[i].Time = time.Now().Add(-time.Minute)
		}
		v.Observe(events)
		time.Sleep(29 * time.Second)
		synctest.Wait()
		if out.String() != "" {
			t.Errorf("too early: %s", out.String())
		}
		time.Sleep(62 * time.Second)
		synctest.Wait()
		running := out.String()
		for _, e := range events {
			e.Kind, e.Outcome = run.AttemptFinished, run.Failed
			v.Observe([]run.Event{e, {Kind: run.OpDecided, Op: e.Op, NotBefore: time.Now().Add(time.Hour)}})
		}
		v.Observe([]run.Event{{Kind: run.WaveFinished, Op: run.Op{Step: "switch"}, Wave: 1, NotBefore: time.Now().Add(time.Hour)}})
		time.Sleep(31 * time.Second)
		synctest.Wait()
		v.Close()
		if got := out.String(); !strings.HasSuffix(got, " waiting: 2 to be tried again, wave 2 of switch starts in 59m30s\n") {
			t.Errorf("got %s", got)
		}
		got := running
		if n := strings.Count(got, "\n"); n != 3 || !strings.Contains(got, "still running: web1 drain 1m30s, web3 restart the app 1m30s\n") {
			t.Errorf("got %d lines:\n%s", n, got)
		}
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A reader that takes nothing does not hold the run, and is told what it missed.
func TestObserveNeverWaits(t *testing.T) {
	r, w := io.Pipe()
	v := New(Options{Err: w, Mode: ModePlain, Verbosity: 1, Env: noEnv}, testPlan(t, deploy, "web[1:2]"), testInfo)
	ref := executor.AttemptRef{Op: run.Op{Host: "web1", Step: "upload"}, Act: run.Do, Number: 1}
	line := []byte(strings.Repeat("x", 4000) + "\n")
	for range 3 * queueBytesMax / len(line) {
		v.Output(ref, executor.Stdout, line)
	}
	read := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(r) //nolint:errcheck // a pipe that w.Close ends
		read <- all
	}()
	v.Close()
	w.Close()
	if got := string(<-read); !strings.Contains(got, "lines are not shown") || len(got) > 2*queueBytesMax {
		t.Errorf("%d bytes; %q", len(got), got[len(got)-80:])
	}
}

// A pipe that was closed only ends the view.
func TestClosedPipeEndsTheViewOnly(t *testing.T) {
	for _, mode := range []Mode{ModePlain, ModeJSON, ModeQuiet} {
		r, w := io.Pipe()
		r.CloseWithError(errors.New("closed"))
		v := New(Options{Err: w, Out: w, Mode: mode, Env: noEnv}, testPlan(t, deploy, "web[1:6]"), testInfo)
		batches(v, trace(t, rolledBack))
		v.Finish(Ledger{})
		v.Close()
	}
}

func TestJSONIsTheEvents(t *testing.T) {
	var out, errs bytes.Buffer
	v := New(Options{Out: &out, Err: &errs, Mode: ModeJSON, Env: noEnv}, testPlan(t, deploy, "web[1:6]"), testInfo)
	events := trace(t, rolledBack)
	events[3].Outputs = map[string]any{"bad": func() {}}
	batches(v, events)
	v.Note("a warning")
	v.Finish(Ledger{})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != len(events) || errs.String() != "a warning\n" {
		t.Fatalf("%d lines of %d, stderr %q", len(lines), len(events), errs.String())
	}
	for i, line := range lines {
		var e run.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Kind != events[i].Kind || e.Op != events[i].Op {
			t.Errorf("line %d: %s: %v", i, line, err)
		}
	}
}

func TestTroubleShows(t *testing.T) {
	var out, errs bytes.Buffer
	trouble := Trouble{Code: 64, Message: "cannot read \x1b[2Jx", Hint: "opsctl list"}
	for _, mode := range []Mode{ModeJSON, ModePlain} {
		if err := trouble.Show(Options{Out: &out, Err: &errs, Mode: mode, Env: noEnv}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := out.String(), `{"error":{"code":64,"message":"cannot read \u001b[2Jx","hint":"opsctl list"}}`+"\n"; got != want {
		t.Errorf("got %s", got)
	}
	if got, want := errs.String(), "opsctl: cannot read ^[[2Jx\nhint: opsctl list\n"; got != want {
		t.Errorf("got %q", got)
	}
}

// Very many details are for programs; nobody wants them all on a terminal.
func TestTroubleOfManyDetails(t *testing.T) {
	var out, errs bytes.Buffer
	trouble := Trouble{Code: 65, Message: "not right:", Details: slices.Repeat([]string{"detail"}, detailsMax+7)}
	for _, mode := range []Mode{ModeJSON, ModePlain} {
		if err := trouble.Show(Options{Out: &out, Err: &errs, Mode: mode, Env: noEnv}); err != nil {
			t.Fatal(err)
		}
	}
	if told := strings.Count(out.String(), `"detail"`); told != detailsMax+7 {
		t.Errorf("as JSON: %d", told)
	}
	if text := errs.String(); strings.Count(text, "detail\n") != detailsMax || !strings.HasSuffix(text, "\nand 7 more; --output json lists all\n") {
		t.Errorf("got %s", text)
	}
}

func TestQuietSaysOnlyWhatWentWrong(t *testing.T) {
	for result, silent := range map[string]bool{"succeeded": true, "failed": false, "rolled_back code=0": true, "rolled_back code=3": false} {
		var out, errs bytes.Buffer
		v := New(Options{Out: &out, Err: &errs, Mode: ModeQuiet, Env: noEnv}, testPlan(t, deploy, "web[1:2]"), testInfo)
		v.Note("a warning")
		v.Observe(trace(t, "0 run_started\n1 attempt_finished web1 upload do failed exit=1\n2 run_finished result="+result))
		v.Finish(Ledger{})
		if out.Len() > 0 || silent != (errs.Len() == 0) {
			t.Errorf("%s: stdout %q, stderr %q", result, out.String(), errs.String())
		}
	}
}

// Views are given events and output from many goroutines at once.
func TestViewsTakeWhatComesAtOnce(t *testing.T) {
	events := trace(t, rolledBack)
	for _, mode := range []Mode{ModePlain, ModeJSON, ModeQuiet} {
		v := New(Options{Err: io.Discard, Out: io.Discard, Mode: mode, Verbosity: 1, Env: noEnv}, testPlan(t, deploy, "web[1:6]"), testInfo)
		throw(v, events)
		v.Finish(Ledger{})
	}
	p := testPlan(t, deploy, "web[1:6]")
	o := Options{Err: io.Discard, Env: noEnv}.complete()
	v := newScreen(o, NewBoard(p, testInfo), watchTerminal)
	throw(v, events)
	v.Finish(Ledger{})
	v.Close()
}

func throw(v View, events []run.Event) {
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for _, e := range events {
				v.Observe([]run.Event{e})
				v.Output(executor.AttemptRef{Op: e.Op, Act: e.Act, Number: 1}, executor.Stdout, []byte("line\npart"))
				v.Note("note")
			}
			v.Suspend()()
		})
	}
	all.Wait()
}
