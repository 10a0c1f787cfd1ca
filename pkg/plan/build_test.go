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
		{"a step called runbook", "rollout: 1\nsteps: [{id: runbook, run: a}]", `no step can be called "runbook"`},
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

func TestGateStandsInItsBlock(t *testing.T) {
	for text, want := range map[string]string{
		"name: x\nhosts: web\nrollout: {waves: [1, 100%], gate: {run: look}}\nsteps: [{run: a}]\n":                                     "",
		"name: x\nhosts: web\nsteps: [{id: s, rollout: {waves: [1, 100%], gate: {run: look}}, steps: [{run: a}]}]\n":                   "s",
		"name: x\nhosts: web\nsteps: [{id: o, steps: [{id: s, rollout: {waves: [1, 100%], gate: {run: look}}, steps: [{run: a}]}]}]\n": "o o/s",
	} {
		p, err := build(t, text, Options{})
		if err != nil {
			t.Fatal(err)
		}
		gates := 0
		for _, s := range p.Steps {
			if s.Gate {
				gates++
				if got := strings.Join(s.Blocks, " "); got != want || s.Skip != "" {
					t.Errorf("%s stands in %q, want %q; skip %q", s.ID, got, want, s.Skip)
				}
			}
		}
		if gates != 2 {
			t.Errorf("%d gates for two waves", gates)
		}
	}
}
