package run

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// buildPlan makes the plan of a runbook for an inventory of hosts web1…webN, db1 and the controller.
func buildPlan(t testing.TB, text string, webs int) *plan.Plan {
	return buildDrill(t, text, webs, nil)
}

func buildDrill(t testing.TB, text string, webs int, drill *plan.Drill) *plan.Plan {
	t.Helper()
	rb, _, err := runbook.LoadText(text, "r.yaml", ".")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	node, err := source.Parse(&source.File{Name: "inv.yaml", Text: fmt.Sprintf("hosts:\n  web[1:%d]: {}\n  db1: {}\ngroups:\n  web: {hosts: [\"web[1:%d]\"]}\n", webs, webs)})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Decode(node)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(rb, inv, plan.Options{Drill: drill})
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return p
}

// randomRunbook writes a runbook of up to a dozen steps.
func randomRunbook(r *rand.Rand, webs int) string {
	g := &generator{Rand: r, webs: webs, left: 2 + r.IntN(11)}
	g.line(0, "name: random")
	g.line(0, "hosts: web")
	if g.once(2) {
		g.line(0, "on_failure: "+g.policy())
	}
	if g.once(6) {
		g.line(0, "if: env.X == \"\"")
	}
	g.line(0, "steps:")
	for g.left > 0 {
		g.step(1, false)
	}
	if g.once(2) {
		g.line(0, "finally:")
		for i := range 1 + g.IntN(2) {
			g.line(0, fmt.Sprintf("  - {id: f%d, run: x, hosts: %s%s}", i, g.pick("web", "db1", "local"), g.pick("", ", retry: 2", ", on_failure: ignore", ", needs: []")))
		}
	}
	return g.String()
}

type generator struct {
	*rand.Rand
	strings.Builder
	webs, left, count int
}

func (g *generator) line(depth int, text string) {
	fmt.Fprintf(g, "%s%s\n", strings.Repeat("    ", depth), text)
}
func (g *generator) once(in int) bool           { return g.IntN(in) == 0 }
func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }
func (g *generator) maybe(in int, text string) string {
	if g.once(in) {
		return text
	}
	return ""
}

func (g *generator) policy() string {
	return g.pick("rollback", "rollback", "stop", "ask", "continue", "ignore", "{do: rollback, scope: block}", "{do: rollback, scope: wave}", "{do: rollback, scope: hosts}")
}

func (g *generator) step(depth int, inRollout bool) {
	g.left--
	g.count++
	id := fmt.Sprintf("s%d", g.count)
	if depth < 4 && g.left > 1 && g.once(4) {
		g.block(depth, id, inRollout)
		return
	}
	say := "- {id: " + id + ", run: x"
	if !inRollout {
		say += g.pick("", "", "", ", hosts: db1", ", hosts: 'web[0]'", ", hosts: local")
	} else if g.once(5) {
		say += ", hosts: 'web[0]'"
	}
	say += g.maybe(7, ", once: true") + g.maybe(8, ", barrier: true") + g.maybe(6, ", needs: []") + g.maybe(6, ", delegate: local")
	say += g.maybe(12, ", confirm: sure") + g.maybe(9, ", max_parallel: 1") + g.maybe(9, ", foreach: [a, b]")
	say += g.maybe(5, ", if: env.X == \"\"") + g.maybe(5, ", check: y") + g.maybe(8, ", save: {v: y}") + g.maybe(5, ", retry: 3") + g.maybe(10, ", point_of_no_return: true")
	say += g.pick("", ", rollback: z", ", rollback: z", ", rollback: {run: z, when: started}", ", rollback: {run: z, retry: 2}", ", rollback: none")
	if g.once(4) {
		say += ", on_failure: " + g.policy()
	}
	g.line(depth, say+"}")
}

func (g *generator) block(depth int, id string, inRollout bool) {
	g.line(depth, "- id: "+id)
	if g.once(3) {
		g.line(depth, "  on_failure: "+g.policy())
	}
	for _, key := range []string{"  if: env.X == \"\"", "  check: y", "  rollback: z"} {
		if g.once(4) {
			g.line(depth, key)
		}
	}
	g.line(depth, g.maybe(10, "  confirm: sure"))
	if g.once(4) {
		g.line(depth, fmt.Sprintf("  finally: [{run: x%s}, {run: y, hosts: %s}]", g.pick("", ", retry: 2", ", on_failure: ignore"), g.pick("web", "db1", "local", "'web[0]'")))
	}
	if !inRollout && g.once(2) {
		inRollout = true
		tolerance := g.pick("", ", max_failures: 1", ", max_failures: 50%", ", max_failures: 1, max_unreachable: 1")
		g.line(depth, fmt.Sprintf("  rollout: {waves: %s%s%s}", g.pick("1", "2", "[1, 50%]", "100%"), tolerance, g.maybe(3, ", soak: 5s")+g.pick("", "", "", ", gate: {run: g}", ", gate: {confirm: sure}", ", gate: {run: g, hosts: web, on_failure: continue}")))
	} else if g.once(8) {
		g.line(depth, "  foreach: [1, 2]")
	}
	if g.once(6) {
		g.line(depth, "  parallel: true")
	}
	g.line(depth, "  steps:")
	for range 1 + g.IntN(3) {
		g.step(depth+1, inRollout)
	}
}
