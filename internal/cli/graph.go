package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func newGraph(a *app) *cobra.Command {
	var params paramFlags
	format := ""
	cmd := &cobra.Command{
		Use: "graph RUNBOOK", GroupID: "write",
		Short: "Draw the order of a runbook's steps",
		Long: `Draw what waits for what: blocks, steps side by side, where all hosts are waited for, what can be taken back, and
the points of no return. Where there is an inventory, and the params are known, with hosts and waves.`,
		Example: "  opsctl graph deploy.yaml\n  opsctl graph deploy.yaml -p version=v1.4.2\n  opsctl graph deploy.yaml --format mermaid\n  opsctl graph deploy.yaml --format dot | dot -Tsvg > deploy.svg",
		Args:    exactly(1, "one runbook"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.graph(args[0], format, &params) },
	}
	params.declare(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`text`, mermaid, dot")
	return cmd
}

func (a *app) graph(name, format string, params *paramFlags) error {
	if !slices.Contains([]string{"text", "mermaid", "dot"}, format) {
		return usage(fmt.Sprintf("--format: %q is not one of text, mermaid, dot", format), "")
	}
	rb, path, err := a.loadRunbook(name)
	if err != nil {
		return err
	}
	j, why, err := a.planIfKnown(rb, path, params)
	if err != nil {
		return err
	}
	g := &graph{runbook: rb, between: ", "}
	if j != nil {
		g.plan = j.plan
	} else {
		a.note("without hosts and waves: " + why)
	}
	switch format {
	case "mermaid":
		return a.print(g.mermaid())
	case "dot":
		return a.print(g.dot())
	}
	lines, safe := graphASCII, view.Sanitiser{Unicode: a.viewOptions().Theme(a.out).Unicode}
	if safe.Unicode {
		lines, g.between = graphUnicode, " · "
	}
	return a.print(safe.Whole(g.text(lines, a.columns())))
}

// graph is a runbook to be drawn, with its plan where there is one.
type graph struct {
	runbook *runbook.Runbook
	plan    *plan.Plan // nil: only the structure is known
	between string     // what stands between two facts
}

// edge is a wait of one step for another.
type edge struct {
	from, to *runbook.Step // nil is the start
	all      bool          // all hosts wait for all hosts
	last     bool          // to a step of finally
}

// edges gives the waits between steps that are no blocks.
func (g *graph) edges() []edge {
	var list []edge
	for _, s := range entries(g.runbook.Root.Steps) {
		list = append(list, edge{to: s})
	}
	list = g.siblings(list, g.runbook.Root.Steps)
	for _, from := range exits(g.runbook.Root.Steps) {
		for _, to := range entries(g.runbook.Finally) {
			list = append(list, edge{from: from, to: to, last: true})
		}
	}
	return g.siblings(list, g.runbook.Finally)
}

func (g *graph) siblings(list []edge, steps []*runbook.Step) []edge {
	for _, s := range steps {
		all := g.waitsForAll(s)
		for _, before := range s.Before {
			for _, from := range exits([]*runbook.Step{before}) {
				for _, to := range entries([]*runbook.Step{s}) {
					list = append(list, edge{from: from, to: to, all: all})
				}
			}
		}
		list = g.siblings(list, s.Steps)
	}
	return list
}

// entries are the steps that begin a list of siblings.
func entries(siblings []*runbook.Step) []*runbook.Step {
	var list []*runbook.Step
	for _, s := range siblings {
		waits := slices.ContainsFunc(s.Before, func(b *runbook.Step) bool { return slices.Contains(siblings, b) })
		switch {
		case waits:
		case s.Action == "steps":
			list = append(list, entries(s.Steps)...)
		default:
			list = append(list, s)
		}
	}
	return list
}

// exits are the steps that end a list of siblings.
func exits(siblings []*runbook.Step) []*runbook.Step {
	awaited := map[*runbook.Step]bool{}
	for _, s := range siblings {
		for _, b := range s.Before {
			awaited[b] = true
		}
	}
	var list []*runbook.Step
	for _, s := range siblings {
		switch {
		case awaited[s]:
		case s.Action == "steps":
			list = append(list, exits(s.Steps)...)
		default:
			list = append(list, s)
		}
	}
	return list
}

// waitsForAll tells whether a step begins on no host before all hosts are through what it waits for.
func (g *graph) waitsForAll(s *runbook.Step) bool {
	if len(s.Before) == 0 {
		return false
	}
	if g.plan == nil {
		return s.Barrier || s.Hosts != nil || s.Once || s.Rollout != nil
	}
	for _, p := range g.plan.Steps {
		if !inside(p.Source, s) {
			continue
		}
		for _, e := range p.Before {
			other := g.plan.Steps[e.Step]
			nextWave := other.Rollout >= 0 && other.Rollout == p.Rollout && other.Wave != p.Wave
			if e.Barrier && !nextWave && !inside(other.Source, s) && len(other.Targets.Hosts) > 1 {
				return true
			}
		}
	}
	return false
}

func inside(s, block *runbook.Step) bool { return s == block || s.Within(block) }

// targets gives the hosts of a step, in all its waves.
func (g *graph) targets(s *runbook.Step) []string {
	seen := map[int32]bool{}
	for _, p := range g.plan.Steps {
		if inside(p.Source, s) && !p.Entry {
			for _, h := range p.Targets.Hosts {
				seen[h] = true
			}
		}
	}
	var list []string
	for i, h := range g.plan.Hosts {
		if seen[int32(i)] {
			list = append(list, h.Name)
		}
	}
	return list
}
