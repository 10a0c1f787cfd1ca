package view

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"github.com/opsctl/opsctl/pkg/run"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", path, diff)
	}
}

const running = `
0 run_started
0.2 host_reached web1
0.4 attempt_started web1 upload do
0.4 attempt_started web2 upload do
0.4 attempt_started web3 upload do
2 attempt_finished web1 upload do changed
2 attempt_finished web2 upload do changed
2 attempt_finished web3 upload do ok
2 attempt_finished web4 upload do changed
2 attempt_finished web5 upload do changed
2 attempt_finished web6 upload do changed
2 attempt_started web1 migrate do
4 attempt_finished web1 migrate do changed
4 wave_started - switch wave=1 hosts=web1
5 attempt_finished web1 switch/drain do changed
6 attempt_finished web1 switch/link check ok answer=yes
9 attempt_started web1 switch/restart do
9 attempt_finished web1 switch/restart do failed exit=1
14 attempt_started web1 switch/restart do n=2
19 attempt_finished web1 switch/restart do changed n=2
19 wave_finished - switch wave=1
19 wave_started - switch wave=2 hosts=web2,web3
20 attempt_finished web2 switch/drain do changed
20 attempt_finished web3 switch/drain do changed
21 attempt_finished web3 switch/link check ok answer=no
21 attempt_started web3 switch/link do
22 attempt_started web2 switch/link do
`

const failing = running + `
40 attempt_finished web3 switch/link do changed
41 attempt_finished web3 switch/link check ok answer=yes
42 attempt_started web3 switch/restart do
52 attempt_finished web3 switch/restart do failed exit=1 n=3 class=exit effects=yes tail=Job_for_app.service_failed.\nport_8080_is_already_in_use
53 attempt_finished web2 switch/link do changed
53 attempt_finished web2 switch/link check ok answer=yes
53 rollback_started scope=run reason=web3/switch/restart_failed
54 attempt_started web3 switch/link undo
55 attempt_finished web3 switch/link undo changed
55 attempt_started web2 switch/link undo
`

const rolledBack = failing + `
56 attempt_finished web2 switch/link undo changed
57 attempt_finished web1 switch/drain undo changed
57 attempt_finished web2 switch/drain undo changed
57 attempt_finished web3 switch/drain undo changed
58 attempt_finished web1 migrate undo changed
59 attempt_finished web1 upload undo changed
59 attempt_finished web2 upload undo changed
59 attempt_finished web4 upload undo changed
59 attempt_finished web5 upload undo changed
59 attempt_finished web6 upload undo changed
60 attempt_started local finally/tidy do
61 attempt_finished local finally/tidy do changed
61 run_finished result=rolled_back code=3
`

func TestRenderGolden(t *testing.T) {
	p := testPlan(t, deploy, "web[1:6]")
	big := testPlan(t, deploy, "web[001:400]")
	boards := []struct {
		name  string
		board *Board
		at    float64
	}{
		{"connecting", boardAfter(t, p, "0 run_started"), 1},
		{"running", boardAfter(t, p, running), 34},
		{"rollback", boardAfter(t, p, failing), 56},
		{"finished", boardAfter(t, p, rolledBack), 90},
		{"big", boardAfter(t, big, bigTrace()), 90},
	}
	for _, b := range boards {
		b.board.Line(trace(t, "0 op_decided web2 switch/link")[0].Op, "fetching 12 of 40")
		for _, width := range []int{40, 80, 120} {
			got := Render(b.board, width, 24, began.Add(time.Duration(b.at*1e9)), Theme{Unicode: true})
			golden(t, fmt.Sprintf("screen_%s_%d", b.name, width), got+"\n")
			for _, line := range strings.Split(got, "\n") {
				if w := ansi.StringWidth(line); w > width {
					t.Errorf("%s at %d: a line of %d columns: %q", b.name, width, w, line)
				}
			}
		}
	}
	golden(t, "screen_ascii_80", Render(boards[2].board, 80, 24, began.Add(56*time.Second), Theme{}, "2 attempts may end; Ctrl-C again stops them")+"\n")
	golden(t, "screen_colour_80", strings.ReplaceAll(Render(boards[2].board, 80, 24, began.Add(56*time.Second), NewTheme(os.Stderr, true, true)), "\x1b", "␛")+"\n")
}

// The rows at work stay on a screen that is too low for all.
func TestRenderLongGolden(t *testing.T) {
	var text, trace strings.Builder
	text.WriteString("name: long\nhosts: web\nsteps:\n")
	for i := range 60 {
		fmt.Fprintf(&text, "  - {id: step_%d, run: x}\n", i)
		if i < 30 {
			fmt.Fprintf(&trace, "%d attempt_finished web1 step_%d do changed\n%d attempt_finished web2 step_%d do ok\n", i, i, i, i)
		}
	}
	trace.WriteString("30 attempt_started web1 step_30 do\n31 attempt_started web2 step_30 do\n")
	b := boardAfter(t, testPlan(t, text.String(), "web[1:2]"), trace.String())
	golden(t, "screen_long_80", Render(b, 80, 16, began.Add(time.Minute), Theme{Unicode: true})+"\n")
}

func bigTrace() string {
	var b strings.Builder
	b.WriteString("0 run_started\n")
	for i := 1; i <= 400; i++ {
		fmt.Fprintf(&b, "1 attempt_started web%03d upload do\n", i)
		switch {
		case i%97 == 0:
			fmt.Fprintf(&b, "%d attempt_finished web%03d upload do failed exit=28 class=disk-full message=no_space_left_on_device\n", i/10, i)
		case i < 390:
			fmt.Fprintf(&b, "%d attempt_finished web%03d upload do changed\n", i/10, i)
		}
	}
	return b.String()
}

// However small the screen, it is never more lines or columns than asked for.
func TestRenderFits(t *testing.T) {
	for _, p := range []*Board{boardAfter(t, testPlan(t, deploy, "web[1:6]"), failing), boardAfter(t, testPlan(t, deploy, "web[001:400]"), bigTrace())} {
		for width := 1; width < 130; width++ {
			for _, height := range []int{1, 2, 3, 5, 10, 24, 60} {
				got := strings.Split(Render(p, width, height, began.Add(time.Minute), Theme{Unicode: true}, "a note"), "\n")
				if len(got) > height {
					t.Fatalf("%d×%d: %d lines", width, height, len(got))
				}
				for _, line := range got {
					if ansi.StringWidth(line) > width {
						t.Fatalf("%d×%d: %q", width, height, line)
					}
				}
			}
		}
	}
}

func BenchmarkRenderBig(b *testing.B) {
	p := testPlan(b, deploy, "web[00001:10000]")
	board := NewBoard(p, testInfo)
	exit := 1
	for i := range 10000 {
		e := run.Event{Time: began, Kind: run.AttemptFinished, Op: run.Op{Step: "upload", Host: p.Hosts[i].Name}, Act: run.Do, Number: 1, Outcome: run.Changed}
		if i%3 == 0 {
			e.Outcome, e.Exit = run.Failed, &exit
		}
		board.Apply(e)
	}
	for b.Loop() {
		Render(board, 120, 40, began, Theme{Unicode: true})
	}
}
