package journal

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/run"
)

func TestRoundTrip(t *testing.T) {
	dir := filepath.Join(stateDir(t), "a", "b c?#%")
	s := open(t, dir)
	r := must(s.Create(header("01RUN1")))(t)
	want := append([]run.Event{{Seq: 1, Time: start, Kind: run.RunStarted, Hosts: []string{"web1", "web2"}}}, events(2, 300)...)
	for from := 0; from < len(want); from += 70 {
		check(t, r.Append(want[from:min(from+70, len(want))]))
	}
	same(t, "events", want, must(s.Read("01RUN1"))(t))
	check(t, r.Append([]run.Event{{Seq: 301, Time: start.Add(time.Hour), Kind: run.RunFinished, Result: run.RunFailed, Code: 1}}))
	check(t, r.Close())
	if err := r.Append(nil); err == nil {
		t.Error("a closed journal can be written")
	}
	again := open(t, dir)
	if got := must(again.Read("01RUN1"))(t); len(got) != 301 {
		t.Errorf("got %d events after opening again", len(got))
	}
	info := must(again.Find("01RUN1"))(t)
	if info.State != Finished || info.Code != 1 || info.Result != run.RunFailed || info.Hosts != 2 || info.Changed != 150 || info.Failed != 0 ||
		!info.Started.Equal(start) || !info.Ended.Equal(start.Add(time.Hour)) || string(info.Source) != "name: deploy\n" || info.Owner != Self() {
		t.Errorf("got %+v", info)
	}
	if got := must(again.Inputs("01RUN1"))(t); string(got) != `{"params":{}}` {
		t.Errorf("got inputs %q", got)
	}
}

func TestFilesAreOursAlone(t *testing.T) {
	dir := filepath.Join(stateDir(t), "state")
	s := open(t, dir)
	r := must(s.Create(header("01RUN1")))(t)
	check(t, r.Append(events(1, 2)))
	seen := 0
	check(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		seen++
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %o", path, info.Mode().Perm())
		}
		return nil
	}))
	if seen < 7 {
		t.Errorf("only %d files", seen)
	}
	check(t, r.Close())
}

func TestSeqAndStickyError(t *testing.T) {
	s := open(t, stateDir(t))
	r := must(s.Create(header("01RUN1")))(t)
	check(t, r.Append(events(1, 2)))
	first := r.Append(events(4, 5))
	var e *Error
	if !errors.As(first, &e) || e.Kind != Misuse || !strings.Contains(first.Error(), "event 3 is the next") {
		t.Fatalf("got %v", first)
	}
	if err := r.Append(events(3, 3)); !errors.Is(err, first) {
		t.Errorf("after an error: got %v", err)
	}
	if err := r.Keep(refOf(event(1)), 1, []byte("x")); !errors.Is(err, first) {
		t.Errorf("after an error: got %v", err)
	}
	if got := must(s.Read("01RUN1"))(t); len(got) != 2 {
		t.Errorf("got %d events", len(got))
	}
	check(t, r.Close())
}

func TestFind(t *testing.T) {
	s := open(t, stateDir(t))
	if _, err := s.Find("last"); err == nil || err.Error() != "cannot find a last run: there is none yet" {
		t.Errorf("got %v", err)
	}
	for i, id := range []string{"01KABCDEFGHA", "01KABCDEFGHB", "01KZXCVBNMQQ"} {
		h := header(id)
		h.Runbook, h.Started = []string{"deploy", "backup", "deploy"}[i], start.Add(time.Duration(i)*time.Minute)
		check(t, must(s.Create(h))(t).Close())
	}
	for ref, want := range map[string]string{
		"last": "01KZXCVBNMQQ", "last:backup": "01KABCDEFGHB", "last:deploy": "01KZXCVBNMQQ",
		"01KABCDEFGHA": "01KABCDEFGHA", "01kzx": "01KZXCVBNMQQ", "nmqq": "01KZXCVBNMQQ", "fghb": "01KABCDEFGHB",
		"01KA":         `run "01KA" is ambiguous`,
		"01K":          `cannot find run "01K"`,
		"01KZXCVBNMQX": `did you mean "01KZXCVBNMQQ"?`,
		"last:backp":   `did you mean "last:backup"?`,
		"deploy":       `did you mean "last:deploy"?`,
		"%%%%":         `cannot find run "%%%%"`,
		"____":         `cannot find run "____"`,
	} {
		info, err := s.Find(ref)
		if err == nil && info.ID != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v", ref, info.ID, err)
		}
	}
	var ambiguous *AmbiguousError
	if _, err := s.Find("01ka"); !errors.As(err, &ambiguous) || len(ambiguous.Candidates) != 2 || ambiguous.Candidates[0].ID != "01KABCDEFGHB" {
		t.Errorf("got %v", ambiguous)
	}
	if got := must(s.Runs(Filter{Runbook: "deploy"}))(t); len(got) != 2 || got[0].ID != "01KZXCVBNMQQ" {
		t.Errorf("got %v", got)
	}
	if got := must(s.Runs(Filter{State: Interrupted, Limit: 2}))(t); len(got) != 2 {
		t.Errorf("got %v", got)
	}
	if got := must(s.Runs(Filter{State: Running}))(t); len(got) != 0 {
		t.Errorf("got %v", got)
	}
}

func TestFault_17_NewerFormatIsRefused(t *testing.T) {
	dir := stateDir(t)
	s := open(t, dir)
	check(t, s.exec("PRAGMA user_version = 7"))
	_, err := Open(dir)
	var e *Error
	if !errors.As(err, &e) || e.Kind != Newer || !strings.Contains(err.Error(), "format 7, and this opsctl knows format 1") {
		t.Errorf("got %v", err)
	}
}

func TestNotADatabase(t *testing.T) {
	dir := stateDir(t)
	check(t, os.WriteFile(filepath.Join(dir, "store.db"), []byte(strings.Repeat("this is a diary\n", 100)), 0o600))
	_, err := Open(dir)
	var e *Error
	if !errors.As(err, &e) || e.Kind != Damaged || e.Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestReopenGoesOn(t *testing.T) {
	s := open(t, stateDir(t))
	r := must(s.Create(header("01RUN1")))(t)
	check(t, r.Append(events(1, 3)))
	check(t, r.Keep(refOf(event(3)), 1, []byte("half of ")))
	check(t, r.Append([]run.Event{{Seq: 4, Time: start, Kind: run.RunFinished}}))
	check(t, r.Close())
	r, got, err := s.Reopen("01run1", Self())
	check(t, err)
	if len(got) != 4 {
		t.Fatalf("got %d events", len(got))
	}
	if info := must(s.Find("01RUN1"))(t); info.State != Finished {
		t.Errorf("got state %s", info.State)
	}
	check(t, r.Append([]run.Event{{Seq: 5, Time: start, Kind: run.RunResumed}}))
	if info := must(s.Find("01RUN1"))(t); info.State != Running || info.Changed != 1 {
		t.Errorf("got %+v", info)
	}
	// What the earlier process kept is there until this one is given the same output whole.
	if out := must(r.Output(refOf(event(3)), 1))(t); string(out) != "half of " {
		t.Errorf("got %q", out)
	}
	check(t, r.Keep(refOf(event(3)), 1, []byte("half of it")))
	check(t, r.Append([]run.Event{event(6)}))
	if out := must(s.Output("01RUN1", refOf(event(3)), 1))(t); string(out) != "half of it" {
		t.Errorf("got %q", out)
	}
	check(t, r.Close())
	if info := must(s.Find("01RUN1"))(t); info.State != Interrupted {
		t.Errorf("got state %s", info.State)
	}
}

func BenchmarkAppend100(b *testing.B) {
	r := must(open(b, stateDir(b)).Create(header("01RUN1")))(b)
	seq := int64(0)
	for b.Loop() {
		check(b, r.Append(events(seq+1, seq+100)))
		seq += 100
	}
	check(b, r.Close())
}

func BenchmarkAppend1(b *testing.B) {
	r := must(open(b, stateDir(b)).Create(header("01RUN1")))(b)
	seq := int64(0)
	for b.Loop() {
		seq++
		check(b, r.Append(events(seq, seq)))
	}
	check(b, r.Close())
}

func BenchmarkOpen(b *testing.B) {
	dir := stateDir(b)
	r := must(open(b, dir).Create(header("01RUN1")))(b)
	check(b, r.Append(events(1, 1000)))
	check(b, r.Close())
	for b.Loop() {
		check(b, must(Open(dir))(b).Close())
	}
}

func TestDelete(t *testing.T) {
	s := open(t, stateDir(t))
	for _, id := range []string{"01RUN1", "01RUN2"} {
		r := must(s.Create(header(id)))(t)
		check(t, r.Keep(refOf(event(1)), 1, []byte("of "+id)))
		check(t, r.Append(events(1, 4)))
		var owned *OwnedError
		if err := s.Delete(id); !errors.As(err, &owned) {
			t.Errorf("a run that is owned: got %v", err)
		}
		check(t, r.Close())
	}
	check(t, s.Delete("01RUN1"))
	var none *NotFoundError
	if _, err := s.Read("01RUN1"); !errors.As(err, &none) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(lockPath(s.dir, "01RUN1")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its lock: %v", err)
	}
	if got := must(s.Output("01RUN2", refOf(event(1)), 1))(t); string(got) != "of 01RUN2" {
		t.Errorf("the other run has output %q", got)
	}
	same(t, "the other run", events(1, 4), must(s.Read("01RUN2"))(t))
}

// TestFault_12_ErrorIsFinal fails a write as a broken disk does: nothing is tried again, nothing
// of the batch is there, and the ballast is not given up for it.
func TestFault_12_ErrorIsFinal(t *testing.T) {
	s := open(t, stateDir(t))
	r := must(s.Create(header("01RUN1")))(t)
	check(t, r.Append(events(1, 2)))
	check(t, s.exec("CREATE TRIGGER broken BEFORE INSERT ON events WHEN new.seq = 4 BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END"))
	check(t, r.Keep(refOf(event(3)), 1, []byte("text")))
	failed := r.Append(events(3, 5))
	var e *Error
	if !errors.As(failed, &e) || e.Kind != Broken || r.Strained() {
		t.Fatalf("got %v", failed)
	}
	check(t, s.exec("DROP TRIGGER broken"))
	if err := r.Append(events(3, 5)); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(ballastPath(s.dir)); err != nil {
		t.Error(err)
	}
	same(t, "events", events(1, 2), must(s.Read("01RUN1"))(t))
	if got := must(s.Output("01RUN1", refOf(event(3)), 1))(t); len(got) != 0 {
		t.Errorf("output of a batch that failed: %q", got)
	}
	check(t, r.Close())
}
