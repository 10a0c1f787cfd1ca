package graph

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
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

const fleet = "hosts:\n  web[1:5]: {}\n  db1: {}\ngroups:\n  web: {hosts: [\"web[1:5]\"]}\n  db: {hosts: [db1]}\n"

// known makes options of a runbook: planned for the fleet above, or only written.
func known(t testing.TB, text string, planned bool) Options {
	t.Helper()
	rb, _, err := runbook.LoadText(text, "r.yaml", "testdata") // includes stand there
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	o := Options{Runbook: rb}
	if !planned {
		return o
	}
	node, err := source.Parse(&source.File{Name: "inv.yaml", Text: fleet})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Decode(node)
	if err != nil {
		t.Fatal(err)
	}
	if o.Plan, err = plan.Build(rb, inv, plan.Options{}); err != nil {
		t.Fatal(err)
	}
	return o
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func plain(p *Picture, width int) string {
	return p.Text(TextOptions{Width: width, Theme: view.Theme{Unicode: !p.ascii}})
}

// runbooks are the drawings that are kept: an ordinary one, many side by side, blocks in blocks and steps that wait for some
// of those before them, a long one, one with all that takes people, items and other runbooks.
var runbooks = []string{"nested", "wide", "linear", "people"}

func TestText(t *testing.T) {
	for _, name := range runbooks {
		o := known(t, read(t, name+".yaml"), true)
		for _, width := range []string{"40", "80", "120"} {
			p := New(o)
			columns := map[string]int{"40": 40, "80": 80, "120": 120}[width]
			got := plain(p, columns)
			golden(t, name+"_"+width+".txt", got)
			for _, line := range strings.Split(got, "\n") {
				if view.TextWidth(line) > columns {
					t.Errorf("%s is wider than %s columns: %s", name, width, line)
				}
			}
		}
		o.ASCII = true
		golden(t, name+"_ascii.txt", plain(New(o), 80))
	}
	golden(t, "nested_written.txt", plain(New(known(t, read(t, "nested.yaml"), false)), 80))
}

func TestTextOfALongRunbookDoesNotWasteLines(t *testing.T) {
	text := "name: long\nsteps:\n" + strings.Repeat("  - {run: 'true', rollback: 'false'}\n", 60)
	if n := strings.Count(plain(New(known(t, text, true)), 80), "\n"); n > 66 {
		t.Errorf("60 steps take %d lines", n)
	}
}

func TestASCIIIsASCII(t *testing.T) {
	o := known(t, "name: grüße\nsteps:\n  - {id: a, name: 'naïve ☃', run: x, rollback: \"x\\n y\"}\n", true)
	o.ASCII = true
	for _, r := range plain(New(o), 80) {
		if r > 0x7e {
			t.Fatalf("%q in\n%s", r, plain(New(o), 80))
		}
	}
}

// parted writes how nodes stand to each other: a-b one after the other, (a|b) side by side, [a/b c] in ranks, = and # gates.
func parted(p *part) string {
	var list []string
	for _, inner := range p.inner() {
		list = append(list, parted(inner))
	}
	switch {
	case p.gate != nil && p.gate.NoReturn:
		return "#"
	case p.gate != nil:
		return "="
	case p.node != nil && p.node.Kind == Block:
		return p.node.ID + "{" + parted(p.node.body) + "}"
	case p.node != nil:
		return p.node.ID
	case p.ranks != nil:
		var ranks []string
		for _, rank := range p.ranks {
			var ids []string
			for _, n := range rank {
				ids = append(ids, n.ID)
			}
			ranks = append(ranks, strings.Join(ids, " "))
		}
		return "[" + strings.Join(ranks, "/") + "]"
	case p.beside != nil:
		return "(" + strings.Join(list, "|") + ")"
	}
	return strings.Join(list, "-")
}

func TestArrange(t *testing.T) {
	for _, c := range []struct{ steps, want string }{
		{"{id: a, run: x}, {id: b, run: x}, {id: c, run: x}", "a-b-c"},
		{"{id: a, run: x}, {id: b, needs: [], run: x}, {id: c, run: x}", "(a|b)-c"},
		{"{id: a, run: x}, {id: b, needs: [a], run: x}, {id: c, needs: [], run: x}, {id: d, needs: [c], run: x}, {id: e, run: x}", "(a-b|c-d)-e"},
		{"{id: a, run: x}, {id: b, needs: [], run: x}, {id: c, needs: [a], run: x}, {id: d, needs: [a, b], run: x}", "[a b/c d]"},
		{"{id: c, needs: [a], run: x}, {id: a, needs: [], run: x}", "a-c"},
		{"{id: a, run: x}, {id: b, hosts: db1, run: x}, {id: c, run: x}", "a-=-b-c"},
		{"{id: a, run: x}, {id: b, barrier: true, run: x}", "a-=-b"},
		{"{id: a, run: x}, {id: b, needs: [a], hosts: db1, run: x}, {id: c, needs: [a], run: x}", "a-(b|c)"},
		{"{id: a, run: x, point_of_no_return: true}, {id: b, run: x}", "a-#-b"},
		{"{id: a, needs: [], run: x, point_of_no_return: true}, {id: b, needs: [], run: x}, {id: c, run: x}", "(a-#|b)-c"},
		{"{id: a, run: x}, {id: s, rollout: {waves: [1]}, steps: [{id: b, run: x}, {id: c, run: x}]}, {id: d, run: x}", "a-=-s{b-c}-=-d"},
		{"{id: s, parallel: true, steps: [{id: b, run: x}, {id: c, run: x}]}", "s{(b|c)}"},
	} {
		text := "name: x\nhosts: web\nsteps: [" + c.steps + "]\n"
		if got := parted(New(known(t, text, true)).Root.body); got != c.want {
			t.Errorf("%s\n  is %s, want %s", c.steps, got, c.want)
		}
		if got := parted(New(known(t, text, false)).Root.body); got != c.want && !strings.Contains(c.steps, "db1") {
			t.Errorf("%s\n  without a plan is %s, want %s", c.steps, got, c.want)
		}
	}
}

func TestOneOfSeveralWaitsForAllHosts(t *testing.T) {
	p := New(known(t, "name: x\nhosts: web\nsteps: [{id: a, run: x}, {id: b, needs: [a], hosts: db1, run: x}, {id: c, needs: [a], run: x}]\n", true))
	if got := plain(p, 80); strings.Count(got, "waits for all hosts") != 1 {
		t.Error(got)
	}
}

func TestManyLinesAreJoined(t *testing.T) {
	side := strings.Repeat("{run: x, needs: [], rollback: y}, ", 40)
	p := New(known(t, "name: x\nsteps: [{id: s, parallel: true, steps: ["+side+"]}, {id: t, parallel: true, steps: ["+side+"]}]\n", true))
	if len(p.Joints) != 1 || len(p.Links) != 3*40 || len(p.Undo) != 2*40 {
		t.Errorf("%d joints, %d links, %d back", len(p.Joints), len(p.Links), len(p.Undo))
	}
	dot(t, p.DOT())
}

func TestWayBack(t *testing.T) {
	for _, c := range []struct{ steps, want string }{
		{"{id: a, run: x, rollback: y}, {id: b, run: x}, {id: c, run: x, rollback: y}", "c→a"},
		{"{id: a, run: x, rollback: y}, {id: b, run: x, point_of_no_return: true}, {id: c, run: x, rollback: y}, {id: d, run: x, rollback: y}", "d→c"},
		{"{id: a, run: x, rollback: y}, {id: b, needs: [], run: x, rollback: y}, {id: c, run: x, rollback: y}", "c→a c→b"},
		{"{id: a, run: x, rollback: y}, {id: s, steps: [{id: b, hosts: db1, run: x, rollback: y}]}", "b→a"},
	} {
		p := New(known(t, "name: x\nhosts: web\nsteps: ["+c.steps+"]\n", true))
		ids := map[string]string{}
		p.Root.walk(func(n *Node) { ids[n.Name] = n.ID })
		var got []string
		for _, l := range p.Undo {
			got = append(got, ids[l.From]+"→"+ids[l.To])
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s, want %s", c.steps, got, c.want)
		}
	}
}

func story(t testing.TB, name string) *Picture {
	t.Helper()
	o := known(t, read(t, name+".yaml"), true)
	o.RunID, o.Events = "01JAB3CDEF", events(t, read(t, name+".trace"))
	return New(o)
}

func TestStory(t *testing.T) {
	p := story(t, "story")
	golden(t, "story_80.txt", plain(p, 80))
	golden(t, "story_40.txt", plain(p, 40))
	golden(t, "story.svg", p.SVG())
	golden(t, "story.mmd", p.Mermaid())
	golden(t, "story.dot", p.DOT())
	coloured := p.Text(TextOptions{Width: 80, Theme: view.NewTheme(nil, true, true)})
	if !strings.Contains(coloured, "\x1b[") || view.TextWidth(strings.SplitN(coloured, "\n", 2)[0]) != 80 {
		t.Error(coloured)
	}
}

func TestMarkup(t *testing.T) {
	p := New(known(t, read(t, "nested.yaml"), true))
	golden(t, "nested.mmd", p.Mermaid())
	golden(t, "nested.dot", p.DOT())
	golden(t, "nested.svg", p.SVG())
}

func TestRunThatGoesOnIsDrawn(t *testing.T) {
	o := known(t, "name: x\nhosts: web\nsteps: [{id: a, run: x}, {id: b, run: x}]\n", true)
	o.RunID, o.Events = "01X", events(t, "0 run_started\n1 attempt_started web1 a do\n2 attempt_started web2 a do\n")
	got := plain(New(o), 80)
	for _, want := range []string{"run 01X: not finished after 2s", "2 running, 3 to come"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestRunWithoutAnythingDone(t *testing.T) {
	o := known(t, "name: x\nhosts: web\nsteps: [{id: a, run: x}]\n", true)
	o.Events = events(t, "0 run_started\n0 host_unreachable web1\n1 run_finished result=unreachable")
	p := New(o)
	if p.Story.Legs != nil || !strings.Contains(plain(p, 80), "unreachable after 1s") {
		t.Error(plain(p, 80))
	}
	if p.SVG() == "" || p.DOT() == "" || p.Mermaid() == "" {
		t.Error("nothing is drawn")
	}
}

// events reads a trace: "seconds event [host step act outcome] [wave=1] [result=x]".
func events(t testing.TB, text string) []run.Event {
	t.Helper()
	var list []run.Event
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		list = append(list, event(t, line))
	}
	return list
}
