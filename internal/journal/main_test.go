package journal

import (
	"fmt"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

// TestMain lets the test binary be another process, which does what JOURNAL_TEST says.
func TestMain(m *testing.M) {
	act, dir := os.Getenv("JOURNAL_TEST"), os.Getenv("JOURNAL_TEST_DIR")
	if act == "" {
		os.Exit(m.Run())
	}
	if err := child(act, dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child acts as a process of its own. It says on stdout which events are durable.
func child(act, dir string) error {
	s, err := Open(dir)
	if err != nil {
		return err
	}
	if act == "open" {
		return s.Close()
	}
	id := os.Getenv("JOURNAL_TEST_ID")
	r, err := s.Create(header(id))
	if err != nil {
		return err
	}
	batches, size := 1<<30, 3
	if act == "some" {
		batches = 40
	}
	seq := int64(0)
	for range batches {
		var events []run.Event
		for range size {
			seq++
			events = append(events, event(seq))
			if err := r.Keep(refOf(event(seq)), executor.Stdout, fmt.Appendf(nil, "output %d\n", seq)); err != nil {
				return err
			}
		}
		if err := r.Append(events); err != nil {
			return err
		}
		fmt.Println(seq)
	}
	if err := r.Close(); err != nil {
		return err
	}
	return s.Close()
}

func process(act, dir, id string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "JOURNAL_TEST="+act, "JOURNAL_TEST_DIR="+dir, "JOURNAL_TEST_ID="+id)
	return cmd
}

func header(id string) RunHeader {
	return RunHeader{
		ID: id, Runbook: "deploy", Path: "deploy.yaml", User: "ann", Started: start, Owner: Self(),
		Source: []byte("name: deploy\n"), Inputs: []byte(`{"params":{}}`),
	}
}

var start = time.Date(2026, 3, 1, 12, 0, 0, 123, time.UTC)

// event is number seq of an invented run: starts and ends of attempts, and all that events hold.
func event(seq int64) run.Event {
	e := run.Event{Seq: seq, Time: start.Add(time.Duration(seq)), Op: run.Op{Step: "app/restart", Host: fmt.Sprintf("web%d", (seq+1)/2)}, Act: run.Do, Number: 1}
	if seq%2 == 1 {
		e.Kind = run.AttemptStarted
		e.Undo = &run.Sealed{Script: "rm -f /x", Env: map[string]string{"A": "ü\x00\n"}, Timeout: time.Minute}
		return e
	}
	exit := 0
	e.Kind, e.Outcome, e.Exit = run.AttemptFinished, run.Changed, &exit
	e.Message = strings.Repeat("all is well ", 10)
	e.Outputs = map[string]any{"big": 9007199254740993, "half": 0.5, "list": []any{1, "two", nil, true}, "deep": map[string]any{"n": -7}}
	return e
}

func refOf(e run.Event) executor.AttemptRef {
	return executor.AttemptRef{Op: e.Op, Act: e.Act, Number: e.Number}
}

func events(from, to int64) []run.Event {
	var list []run.Event
	for seq := from; seq <= to; seq++ {
		list = append(list, event(seq))
	}
	return list
}

// must gives the value of a call that may not fail here.
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// same compares cheaply; the difference is worked out only where there is one.
func same(t testing.TB, what string, want, got []run.Event) {
	t.Helper()
	if len(want) != len(got) || len(want) > 0 && !reflect.DeepEqual(want, got) {
		t.Fatalf("%s: %s", what, cmp.Diff(want, got))
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, dir string) *Store {
	t.Helper()
	s := must(Open(dir))(t)
	t.Cleanup(func() { check(t, s.Close()) })
	return s
}

func stateDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	check(t, os.Chmod(dir, 0o700))
	return dir
}
