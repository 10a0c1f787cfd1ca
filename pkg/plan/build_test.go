package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func testInventory(t testing.TB, text string) *inventory.Inventory {
	t.Helper()
	node, err := source.Parse(&source.File{Name: "inv.yaml", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Decode(node)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

const fleet = "hosts:\n  web[1:5]: {}\n  db1: {}\n  db2: {}\ngroups:\n  web: {hosts: [\"web[1:5]\"]}\n  db: {hosts: [db1, db2]}\n"

func build(t testing.TB, text string, o Options) (*Plan, error) {
	t.Helper()
	rb, _, err := runbook.LoadText(text, "r.yaml", ".")
	if err != nil {
		t.Fatal(err)
	}
	return Build(rb, testInventory(t, fleet), o)
}

// describe gives a plan as lines: step id, wave, hosts, and what it waits for (~ host by host, | barrier).
func describe(p *Plan) string {
	var b strings.Builder
	for _, s := range p.Steps {
		var hosts []string
		for _, h := range s.Targets.Hosts {
			hosts = append(hosts, p.Hosts[h].Name)
		}
		fmt.Fprintf(&b, "%d %s", s.Index, s.ID)
		if s.Wave > 0 {
			fmt.Fprintf(&b, " #%d", s.Wave)
		}
		fmt.Fprintf(&b, " [%s]", strings.Join(hosts, " "))
		for _, e := range s.Before {
			sign := "~"
			if e.Barrier {
				sign = "|"
			}
			fmt.Fprintf(&b, " %s%d", sign, e.Step)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestBuildLaysOutSteps(t *testing.T) {
	tests := []struct{ name, text, limit, want string }{
		{"same target, host by host", "hosts: web\nsteps: [{run: a}, {run: b}]", "", `
0 run_1 [web1 web2 web3 web4 web5]
1 run_2 [web1 web2 web3 web4 web5] ~0
`},
		{"other target, barrier", "hosts: web[0:1]\nsteps: [{run: a}, {run: b, hosts: 'db[0]'}, {run: c}]", "", `
0 run_1 [web1 web2]
1 run_2 [db1] |0
2 run_3 [web1 web2] |1
`},
		{"the controller is the default", "steps: [{run: a}]", "", "\n0 run_1 [local]\n"},
		{"rollout in waves", "hosts: web\nsteps:\n- {run: a}\n- id: r\n  rollout: {waves: [1, 50%]}\n  steps: [{run: b}, {run: c}]\n- {run: d}", "", `
0 run_1 [web1 web2 web3 web4 web5]
1 r/run_1 #1 [web1] |0
2 r/run_2 #1 [web1] ~1
3 r/run_1 #2 [web2 web3] |2
4 r/run_2 #2 [web2 web3] ~3
5 r/run_1 #3 [web4 web5] |4
6 r/run_2 #3 [web4 web5] ~5
7 run_3 [web1 web2 web3 web4 web5] |6
`},
		{"once in a rollout is in the first wave", "hosts: web[0:1]\nrollout: 1\nsteps: [{run: a, once: true}, {run: b}]", "", `
0 run_1 #1 [web1]
1 run_2 #1 [web1] |0
2 run_2 #2 [web2] |1
`},
		{"needs and parallel", "steps: [{id: a, run: a}, {id: b, run: b, needs: []}, {id: c, run: c}]", "", `
0 a [local]
1 b [local]
2 c [local] ~0 ~1
`},
		{"block entry", "hosts: 'web[0:1]'\nsteps:\n- id: blk\n  rollback: x\n  steps: [{run: a}]\n- run: b\n", "", `
0 blk [web1 web2]
1 blk/run_1 [web1 web2] ~0
2 run_2 [web1 web2] ~1
`},
		{"limit", "hosts: web\nsteps: [{run: a}, {run: b, hosts: db}, {run: c, delegate: db2}]\nfinally: [{run: d, hosts: local}]", "web2", `
0 run_1 [web2]
1 run_2 [] |0
2 run_3 [web2] |1
3 finally/run_1 [local]
`},
		{"barrier", "hosts: 'web[0:1]'\nsteps: [{run: a}, {run: b, barrier: true}]", "", "\n0 run_1 [web1 web2]\n1 run_2 [web1 web2] |0\n"},
		{"nested hosts meet the wave", "hosts: web\nrollout: {waves: [2, 100%]}\nsteps: [{run: a}, {run: b, hosts: 'web[0]'}]", "", `
0 run_1 #1 [web1 web2]
1 run_2 #1 [web1] |0
2 run_1 #2 [web3 web4 web5] |1
3 run_2 #2 [] |2
`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := build(t, "name: x\n"+tt.text, Options{Limit: tt.limit})
			if err != nil {
				t.Fatal(err)
			}
			if got := "\n" + describe(p); got != tt.want {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"unknown host", "hosts: wbe\nsteps: [{run: a}]", `wbe`},
		{"empty target", "hosts: 'web*:!web'\nsteps: [{run: a}]", "no host matches"},
		{"no single result", "hosts: web\nsteps: [{id: a, run: a}, {run: 'echo ${{ steps.a.stdout }}', hosts: db}]", `step "a" has no single result here`},
		{"disjoint", "hosts: web\nrollout: 1\nsteps: [{run: a}, {run: b, hosts: db}]", "no host of this step is a host of the rollout"},
		{"delegate", "hosts: web\nsteps: [{run: a, delegate: webx}]", "delegate names one host"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := build(t, "name: x\n"+tt.text, Options{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func BenchmarkBuildMillionOps(b *testing.B) {
	var text strings.Builder
	text.WriteString("name: big\nhosts: all\nsteps:\n")
	for range 1000 {
		text.WriteString("  - run: echo one\n")
	}
	rb, _, err := runbook.LoadText(text.String(), "r.yaml", ".")
	if err != nil {
		b.Fatal(err)
	}
	inv := testInventory(b, "hosts:\n  h[1:1000]: {}\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(rb, inv, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBuildManyWaves lays out a hundred steps for a thousand hosts that go through one by one.
func BenchmarkBuildManyWaves(b *testing.B) {
	text := "name: big\nhosts: all\nrollout: 1\nsteps:\n" + strings.Repeat("  - run: echo one\n", 100)
	rb, _, err := runbook.LoadText(text, "r.yaml", ".")
	if err != nil {
		b.Fatal(err)
	}
	inv := testInventory(b, "hosts:\n  h[1:1000]: {}\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Build(rb, inv, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestSoakMadeOfParams(t *testing.T) {
	text := "name: x\nparams: {pause: {type: duration}}\nhosts: web\nrollout: {waves: [1], soak: '${{ pause }}'}\nsteps: [{run: a}]"
	p, err := build(t, text, Options{Values: map[string]any{"pause": "90s"}})
	if err != nil || p.Rollouts[0].Soak.Seconds() != 90 {
		t.Errorf("got %v, %v", p, err)
	}
	if _, err = build(t, text, Options{Values: map[string]any{"pause": "soon"}}); err == nil || !strings.Contains(err.Error(), "is not a duration") {
		t.Errorf("got %v", err)
	}
}

func TestForEachMakesAStepOfEveryItem(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"in order", "steps:\n- {id: a, foreach: [x, y], run: u}\n- {id: b, run: u}\n", "0 a[x] [web1 web2]\n1 a[y] [web1 web2] ~0\n2 b [web1 web2] ~1\n"},
		{"side by side", "steps:\n- {id: a, foreach: [x, y], parallel: true, run: u}\n- {id: b, run: u}\n", "0 a[x] [web1 web2]\n1 a[y] [web1 web2]\n2 b [web1 web2] ~0 ~1\n"},
		{"none", "steps:\n- {id: a, run: u}\n- {id: b, foreach: '${{ [] }}', run: u}\n- {id: c, run: u}\n", "0 a [web1 web2]\n1 c [web1 web2] ~0\n"},
		{"of split", "steps:\n- {id: a, foreach: '${{ split(\"x y\", \" \") }}', run: u}\n", "0 a[x] [web1 web2]\n1 a[y] [web1 web2] ~0\n"},
		{"hosts by item", "steps:\n- {id: a, foreach: [web1, db1], hosts: '${{ item }}', run: u}\n", "0 a[web1] [web1]\n1 a[db1] [db1] |0\n"},
		{"a block", "steps:\n- id: e\n  foreach: [1, 2]\n  steps: [{id: a, run: u}, {id: b, run: u}]\n- {id: c, run: u}\n", "0 e[1]/a [web1 web2]\n1 e[1]/b [web1 web2] ~0\n2 e[2]/a [web1 web2] ~1\n3 e[2]/b [web1 web2] ~2\n4 c [web1 web2] ~3\n"},
		{"maps are numbered", "steps:\n- {id: a, foreach: [{n: x}, {n: y}], run: 'u ${{ item.n }}'}\n", "0 a[1] [web1 web2]\n1 a[2] [web1 web2] ~0\n"},
		{"in an item", "steps:\n- id: e\n  foreach: [[a, b], [c]]\n  steps: [{id: s, foreach: '${{ item }}', run: u}]\n", "0 e[1]/s[a] [web1 web2]\n1 e[1]/s[b] [web1 web2] ~0\n2 e[2]/s[c] [web1 web2] ~1\n"},
		{"once an item", "rollout: 1\nsteps:\n- {id: a, foreach: [x, y], once: true, run: u}\n- {id: b, run: u}\n", "0 a[x] #1 [web1]\n1 a[y] #1 [web1] |0\n2 b #1 [web1] |1\n3 b #2 [web2] |2\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := build(t, "name: x\nhosts: 'web[0:1]'\n"+tt.text, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(p); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestGatesSpreadAndEndsOfBlocks(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"gate", "hosts: 'web[0:1]'\nrollout: {waves: 1, gate: {run: ok}}\nsteps: [{id: a, run: u}]\n", "0 a #1 [web1]\n1 gate[1] #1 [local] |0\n2 a #2 [web2] |1\n3 gate[2] #2 [local] |2\n"},
		{"gate elsewhere", "hosts: web1\nsteps: [{id: r, rollout: {waves: 1, gate: {run: ok, hosts: db1}}, steps: [{id: a, run: u}]}, {id: z, run: u}]\n", "0 r/a #1 [web1]\n1 r/gate[1] #1 [db1] |0\n2 z [web1] |1\n"},
		{"spread", "hosts: web\nrollout: {waves: [3, 3], spread: {by: 'host.name in [\"web1\", \"web2\", \"web3\"]'}}\nsteps: [{id: a, run: u}]\n", "0 a #1 [web1 web4]\n1 a #2 [web2 web5] |0\n2 a #3 [web3] |1\n"},
		{"finally of a block", "hosts: 'web[0:1]'\nsteps:\n- {id: b, steps: [{id: a, run: u}], finally: [{id: f, run: u}, {id: g, hosts: local, run: u}]}\n- {id: c, run: u}\n", "0 b/a [web1 web2]\n1 b/finally/f [web1 web2]\n2 b/finally/g [local] |1\n3 c [web1 web2] ~0 |2\n"},
		{"barrier of a block", "hosts: 'web[0:1]'\nsteps: [{id: a, run: u}, {id: b, barrier: true, steps: [{id: c, run: u}]}]\n", "0 a [web1 web2]\n1 b/c [web1 web2] |0\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := build(t, "name: x\n"+tt.text, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(p); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

func TestSelectLeavesStepsOut(t *testing.T) {
	const text = "name: x\nhosts: web1\nsteps:\n- {id: a, tags: [t], run: u}\n- {id: b, check: y, tags: [v], steps: [{id: c, run: u}, {id: d, tags: [t], foreach: [1, 2], run: u}]}\n- {id: e, run: u}\nfinally:\n- {id: f, tags: [v], run: u}\n"
	tests := []struct {
		name   string
		picked Select
		want   string // ids of what is not left out
	}{
		{"all", Select{}, "a b b/c b/d[1] b/d[2] e finally/f"},
		{"tags", Select{Tags: []string{"t"}}, "a b b/d[1] b/d[2] finally/f"},
		{"tags of a block", Select{Tags: []string{"v"}}, "b b/c b/d[1] b/d[2] finally/f"},
		{"skip tags", Select{SkipTags: []string{"v"}}, "a e"},
		{"only", Select{Only: []string{"c"}}, "b b/c finally/f"},
		{"only a block", Select{Only: []string{"b"}}, "b b/c b/d[1] b/d[2] finally/f"},
		{"only an item", Select{Only: []string{"b/d[2]"}}, "b b/d[2] finally/f"},
		{"skip", Select{Skip: []string{"d", "f"}}, "a b b/c e"},
		{"from", Select{From: "b/d"}, "b b/d[1] b/d[2] e finally/f"},
		{"nothing of a block is asked", Select{Skip: []string{"c", "d"}}, "a e finally/f"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := build(t, text, Options{Select: tt.picked})
			if err != nil {
				t.Fatal(err)
			}
			var left []string
			for _, s := range p.Steps {
				if s.Skip == "" {
					left = append(left, s.ID)
				}
			}
			if got := strings.Join(left, " "); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	for _, bad := range []struct {
		picked Select
		want   string
	}{{Select{Only: []string{"bb"}}, `there is no step "bb" to pick`}, {Select{Tags: []string{"tt"}}, `no step has the tag "tt"`}, {Select{From: "finaly"}, `there is no step "finaly"`}} {
		if _, err := build(t, text, Options{Select: bad.picked}); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("got %v, want %s", err, bad.want)
		}
	}
}

func TestWhatCannotBePlanned(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"foreach of no list", "hosts: web1\nvars: {v: 3}\nsteps: [{foreach: '${{ v }}', run: u}]\n", "foreach needs a list"},
		{"an item twice", "hosts: web1\nsteps: [{foreach: [a, b, a], run: u}]\n", `foreach has the item "a" twice`},
		{"all wait in a narrow block", "hosts: web\nsteps: [{max_parallel: 2, steps: [{run: u}, {run: u, once: true}]}]\n", "max_parallel lets only 2"},
		{"no such host", "params: {h: {type: host}}\nhosts: ${{ h }}\nsteps: [{run: u}]\n", `param "h": there is no host "wbe1"`},
		{"spread by nothing", "hosts: web\nrollout: {waves: 1, spread: {by: host.vars.rack}}\nsteps: [{run: u}]\n", "spread of web1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := build(t, "name: x\n"+tt.text, Options{Values: map[string]any{"h": "wbe1"}}); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}
