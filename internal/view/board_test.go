package view

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

const deploy = `
name: rolling-deploy
hosts: web
on_failure: rollback
steps:
  - id: upload
    run: ./upload
    rollback: ./remove
  - id: migrate
    once: true
    run: ./migrate
    rollback: ./migrate down
  - id: switch
    rollout: {waves: [1, 2, 100%], max_failures: 1}
    steps:
      - id: drain
        delegate: local
        run: lb drain
        rollback: lb enable
      - id: link
        check: test -e x
        run: |
          ln -sfn new current
          sync
        rollback: ln -sfn old current
      - id: restart
        name: restart the app
        run: systemctl restart app
        retry: {attempts: 3, delay: 5s}
  - id: warm
    run: ./warm
    on_failure: ignore
finally:
  - id: tidy
    hosts: local
    run: ./tidy
`

func testPlan(t testing.TB, text, hosts string) *plan.Plan {
	t.Helper()
	rb, _, err := runbook.LoadText(text, "r.yaml", ".")
	if err != nil {
		t.Fatal(err)
	}
	node, err := source.Parse(&source.File{Name: "inv.yaml", Text: "hosts:\n  " + hosts + ": {}\ngroups:\n  web: {hosts: [\"" + hosts + "\"]}\n"})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Decode(node)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(rb, inv, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var began = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var testInfo = RunInfo{ID: "01JAB3CDEFGHJKMNPQRSTVWXYZ", Runbook: "rolling-deploy", Params: "version=v1.4.2", Started: began}

// trace reads events, one a line: "seconds what [host step act number outcome key=value…]".
// hosts and messages stand as key=value, with _ for a space.
func trace(t testing.TB, text string) []run.Event {
	t.Helper()
	var events []run.Event
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		var seconds float64
		if _, err := fmt.Sscanf(words[0], "%g", &seconds); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		e := run.Event{Seq: int64(len(events) + 1), Time: began.Add(time.Duration(seconds * 1e9)), Kind: run.Kind(words[1])}
		var plain []string
		for _, w := range words[2:] {
			key, value, found := strings.Cut(w, "=")
			if !found {
				plain = append(plain, w)
				continue
			}
			setField(t, &e, key, strings.ReplaceAll(value, "_", " "), value)
		}
		for i, w := range plain {
			switch i {
			case 0:
				e.Host = strings.TrimPrefix(w, "-")
			case 1:
				e.Step = w
			case 2:
				e.Act = run.Act(w)
			case 3:
				e.Outcome = run.Outcome(w)
			}
		}
		if e.Act != "" && e.Number == 0 {
			e.Number = 1
		}
		events = append(events, e)
	}
	return events
}

func setField(t testing.TB, e *run.Event, key, value, raw string) {
	t.Helper()
	switch key {
	case "exit":
		e.Exit = new(number(t, value))
	case "code":
		e.Code = number(t, value)
	case "n":
		e.Number = number(t, value)
	case "wave":
		e.Wave = number(t, value)
	case "hosts":
		e.Hosts = strings.Split(value, ",")
	case "class":
		e.Class = value
	case "message":
		e.Message = value
	case "reason":
		e.Reason = value
	case "result":
		e.Result = run.Result(raw)
	case "scope":
		e.Scope = value
	case "stop":
		e.Stop = run.StopKind(value)
	case "answer":
		e.Answer = run.Answer(value)
	case "tail":
		e.Output = &run.Output{Tail: strings.ReplaceAll(value, `\n`, "\n")}
	case "effects":
		e.Effects = true
	case "after":
		e.NotBefore = e.Time.Add(time.Duration(number(t, value)) * time.Second)
	default:
		t.Fatalf("no field %q", key)
	}
}

func number(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func boardAfter(t testing.TB, p *plan.Plan, text string) *Board {
	t.Helper()
	b := NewBoard(p, testInfo)
	for _, e := range trace(t, text) {
		b.Apply(e)
	}
	return b
}

// cellText gives where an op stands, as words.
func cellText(b *Board, host, step string) string {
	for _, row := range b.Rows {
		if row.ID != step {
			continue
		}
		cell, shown := b.Cell(row, int(b.byHost[host]))
		if !shown {
			return "quiet"
		}
		text := cell.Status.String()
		for flag, name := range map[Flag]string{Recovered: "recovered", Tolerated: "tolerated"} {
			if cell.Flags&flag != 0 {
				text += " " + name
			}
		}
		return text
	}
	return "no row"
}

func TestBoardFoldsEvents(t *testing.T) {
	p := testPlan(t, deploy, "web[1:6]")
	tests := []struct{ name, trace, host, step, want string }{
		{"nothing happened", "0 run_started", "web1", "upload", "to come"},
		{"runs", "0 attempt_started web1 upload do", "web1", "upload", "running"},
		{"changed", "0 attempt_started web1 upload do\n1 attempt_finished web1 upload do changed", "web1", "upload", "changed"},
		{"once is quiet elsewhere", "0 attempt_started web1 migrate do\n1 attempt_finished web1 migrate do ok", "web2", "migrate", "quiet"},
		{"once shows where it ran", "0 attempt_started web1 migrate do\n1 attempt_finished web1 migrate do ok", "web1", "migrate", "ok"},
		{"check holds", "0 attempt_started web1 switch/link check\n1 attempt_finished web1 switch/link check ok answer=yes", "web1", "switch/link", "ok"},
		{"check says no", "0 attempt_started web1 switch/link check\n1 attempt_finished web1 switch/link check ok answer=no", "web1", "switch/link", "running"},
		{"check holds after the do", "0 attempt_started web1 switch/link do\n1 attempt_finished web1 switch/link do changed\n2 attempt_finished web1 switch/link check ok answer=yes", "web1", "switch/link", "changed"},
		{"check does not hold after the do", "0 attempt_started web1 switch/link do\n1 attempt_finished web1 switch/link do changed\n2 attempt_finished web1 switch/link check ok answer=no", "web1", "switch/link", "failed"},
		{"retry waits", "0 attempt_started web1 switch/restart do\n1 attempt_finished web1 switch/restart do failed exit=1\n1 op_decided web1 switch/restart after=5", "web1", "switch/restart", "waiting"},
		{"recovered", "0 attempt_started web1 switch/restart do\n1 attempt_finished web1 switch/restart do failed exit=1\n6 attempt_started web1 switch/restart do n=2\n7 attempt_finished web1 switch/restart do changed n=2", "web1", "switch/restart", "changed recovered"},
		{"tolerated", "0 attempt_started web1 warm do\n1 attempt_finished web1 warm do failed exit=1", "web1", "warm", "failed tolerated"},
		{"after a failure", "0 attempt_started web1 upload do\n1 attempt_finished web1 upload do failed exit=1", "web1", "warm", "not run"},
		{"after another host's failure", "0 attempt_started web1 upload do\n1 attempt_finished web1 upload do failed exit=1", "web2", "warm", "to come"},
		{"undoing", "0 attempt_finished web1 upload do changed\n1 rollback_started scope=run\n2 attempt_started web1 upload undo", "web1", "upload", "being undone"},
		{"undone", "0 attempt_finished web1 upload do changed\n2 attempt_finished web1 upload undo changed", "web1", "upload", "undone"},
		{"undo failed", "2 attempt_finished web1 upload undo failed exit=1", "web1", "upload", "undo failed"},
		{"undo pending", "2 attempt_finished web1 upload undo unreachable", "web1", "upload", "undo pending"},
		{"left in place", "0 attempt_finished web1 upload do changed\n1 rollback_started scope=run\n2 run_finished result=rolled_back", "web1", "upload", "left in place"},
		{"waits behind a pending undo", "0 attempt_finished web1 upload do changed\n0 attempt_finished web1 migrate do changed\n1 rollback_started scope=run\n2 attempt_finished web1 migrate undo unreachable\n3 run_finished result=person_needed", "web1", "upload", "undo pending"},
		{"stays when another host goes back alone", "0 attempt_finished web1 upload do changed\n1 rollback_started web2 switch scope=run\n2 run_finished result=failed", "web1", "upload", "changed"},
		{"undo is tried again", "2 attempt_finished web1 upload undo failed exit=1\n2 op_decided web1 upload after=5", "web1", "upload", "being undone"},
		{"host left", "0 host_left web1 switch reason=x", "web1", "warm", "not run"},
		{"resolved", "0 attempt_finished web1 upload do unknown\n1 op_resolved web1 upload", "web1", "upload", "unknown"},
		{"not in the plan", "0 attempt_started web99 upload do\n0 attempt_started web1 nosuch do", "web1", "upload", "to come"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := cellText(boardAfter(t, p, tt.trace), tt.host, tt.step); got != tt.want {
				t.Errorf("%s on %s: got %q, want %q", tt.step, tt.host, got, tt.want)
			}
		})
	}
}

func TestBoardCounts(t *testing.T) {
	p := testPlan(t, deploy, "web[1:6]")
	b := boardAfter(t, p, failing)
	sum := 0
	for s := range statusCount {
		sum += b.Count(s)
		inCells := 0
		for _, c := range b.cells {
			if c.Status == s {
				inCells++
			}
		}
		if inCells != b.Count(s) {
			t.Errorf("%s: %d cells, counted %d", s, inCells, b.Count(s))
		}
	}
	if sum != p.OpCount {
		t.Errorf("counted %d ops of %d", sum, p.OpCount)
	}
}
