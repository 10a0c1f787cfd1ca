package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

const halfway = `name: halfway
params: {password: {type: string, secret: true, pattern: '^\d+$'}}
steps:
  - {id: one, run: "true", rollback: "true"}
  - {id: two, run: "true"}
  - {id: three, run: "true"}
`

// beginHalfway keeps a run that did its first step and began the second. spoil may change what
// the run is said to be made of.
func beginHalfway(t *testing.T, dir string, spoil func(*inputs)) *journal.Run {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	store, err := journal.Open(filepath.Join(dir, "state"))
	must(err)
	t.Cleanup(func() { must(store.Close()) })
	rb, _, err := runbook.LoadText(halfway, "halfway.yaml", dir)
	must(err)
	inv, err := inventory.Load(nil)
	must(err)
	j := &request{id: newRunID(), path: "halfway.yaml", runbook: rb, inv: inv, values: map[string]any{"password": "12345"}, started: time.Now(), user: "ann"}
	must(j.build())
	kept, err := (&app{}).keep(j)
	must(err)
	if spoil != nil {
		var in inputs
		must(json.Unmarshal(kept, &in))
		spoil(&in)
		kept, err = json.Marshal(in)
		must(err)
	}
	r, err := store.Create(journal.RunHeader{ID: j.id, Runbook: rb.Name, Path: j.path, User: j.user, Started: j.started, Owner: journal.Self(), Source: []byte(halfway), Inputs: kept})
	must(err)
	one, two := run.Op{Step: "one", Host: "local"}, run.Op{Step: "two", Host: "local"}
	events := []run.Event{
		{Kind: run.RunStarted, Runbook: rb.Name, Digest: j.plan.Digest, User: j.user, Hosts: []string{"local"}, RunID: j.id, Format: run.Format},
		{Kind: run.HostReached, Op: run.Op{Host: "local"}, Boot: "b"},
		{Kind: run.AttemptStarted, Op: one, Act: run.Do, Number: 1},
		{Kind: run.AttemptFinished, Op: one, Act: run.Do, Number: 1, Outcome: run.Changed},
		{Kind: run.AttemptStarted, Op: two, Act: run.Do, Number: 1},
	}
	for i := range events {
		events[i].Seq, events[i].Time = int64(i+1), j.started
	}
	must(r.Append(events))
	return r
}

func asked(t *testing.T, dir string, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Main(append([]string{"--state-dir", filepath.Join(dir, "state"), "--color", "never"}, args...), strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("opsctl %s: exit %d\n%s", strings.Join(args, " "), code, errs.String())
	}
	return out.String() + errs.String()
}

func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(strings.Join(strings.Fields(text), " "), part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

func TestShowWhileRunningAndAfterACrash(t *testing.T) {
	dir := t.TempDir()
	r := beginHalfway(t, dir, nil)
	wants(t, asked(t, dir, "show"), "result running", "params password=***", "one changed local", "two running local", "three to come local")
	wants(t, asked(t, dir, "history"), "halfway ann running 1")

	if err := r.Close(); err != nil { // as when its process dies: nothing says that it ended
		t.Fatal(err)
	}
	text := asked(t, dir, "show", "last:halfway")
	wants(t, text, "result interrupted: its process is gone", "one changed local", "halfway has not ended", "opsctl resume")
	if strings.Contains(text, "12345") {
		t.Errorf("a secret is shown:\n%s", text)
	}
	wants(t, asked(t, dir, "history"), "halfway ann interrupted 1")
	wants(t, asked(t, dir, "history", "--output", "json"), `"state":"interrupted"`)
}

func TestShowWithoutAPlan(t *testing.T) {
	dir := t.TempDir()
	r := beginHalfway(t, dir, func(in *inputs) { in.Text = "name: halfway\nsteps: [{teleport: away}]\n" })
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	wants(t, asked(t, dir, "show"), "its events are listed", "result interrupted", "attempt_finished local/one do 1 changed")
}

// A reader that goes away early, such as head, is no trouble.
func TestClosedPipe(t *testing.T) {
	for _, output := range []string{"plain", "json"} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		var errs bytes.Buffer
		if code := Main([]string{"version", "--output", output}, strings.NewReader(""), w, &errs); code != 0 || errs.Len() > 0 {
			t.Errorf("%s: exit %d, %s", output, code, errs.String())
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestShowFoldsHosts(t *testing.T) {
	b := newBench(t, 4)
	b.write("fold.yaml", `name: fold
hosts: web
on_failure: continue
steps:
  - {id: say, effect: read, run: "echo on ${{ host.name }}"}
  - {id: pick, run: "test ${{ host.name }} != web2 && test ${{ host.name }} != web3"}
  - {id: after, run: "true"}
`)
	b.want(1, "run", "fold.yaml")
	wants(t, b.want(0, "show"), "say ok web[1-4]", "pick changed web[1,4]; failed web[2-3]", "after changed web[1,4]; not run web[2-3]")
	wants(t, b.want(0, "logs", "--step", "say"), "web1 say | on web1", "web4 say | on web4")
	if got := b.want(0, "logs", "--host", "web3"); got != "on web3\n" {
		t.Errorf("one attempt alone is %q", got)
	}
}

func TestAgo(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "just now", 59 * time.Second: "just now", time.Minute: "1 minute ago", 119 * time.Minute: "1 hour ago", 49 * time.Hour: "2 days ago",
	} {
		if got := ago(d); got != want {
			t.Errorf("ago(%s) = %q, want %q", d, got, want)
		}
	}
}

func TestRoughly(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0.0s", 340 * time.Millisecond: "0.3s", 12 * time.Second: "12s", 64 * time.Second: "1m04s", 125 * time.Minute: "2h05m",
	} {
		if got := roughly(d); got != want {
			t.Errorf("roughly(%s) = %q, want %q", d, got, want)
		}
	}
}
