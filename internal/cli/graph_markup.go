package cli

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// names gives every step a name that needs no quoting in any language of graphs.
func (g *graph) names() map[*runbook.Step]string {
	names := map[*runbook.Step]string{}
	visit := func(s *runbook.Step) {
		if s != g.runbook.Root {
			names[s] = fmt.Sprintf("n%d", len(names)+1)
		}
	}
	g.runbook.Root.Walk(visit)
	for _, s := range g.runbook.Finally {
		s.Walk(visit)
	}
	return names
}

// blockFacts are the facts of a block with its waves, for the title of what is drawn around it.
func (g *graph) blockFacts(s *runbook.Step) []string {
	facts := g.facts(s)[1:] // that it is a block is seen
	for _, w := range g.waves(s) {
		facts = append(facts, fmt.Sprintf("wave %d: %s", w.number, hostWords(w.hosts)))
	}
	return facts
}

// mermaidText keeps a text from being read as markup.
// https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
var mermaidText = strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", "\n", " ")

// mermaid draws a flowchart. Thick arrows wait for all hosts; a hexagon is a point of no return.
func (g *graph) mermaid() string {
	names := g.names()
	var b strings.Builder
	b.WriteString("flowchart TD\n")
	label := func(first string, facts []string) string {
		text := mermaidText.Replace(view.Sanitise(first))
		if len(facts) > 0 {
			text += "<br/>" + mermaidText.Replace(view.Sanitise(strings.Join(facts, g.between)))
		}
		return `"` + text + `"`
	}
	fmt.Fprintf(&b, "  start([%s])\n", label(g.runbook.Name, g.rootFacts()))
	var draw func(steps []*runbook.Step, indent string)
	draw = func(steps []*runbook.Step, indent string) {
		for _, s := range steps {
			switch {
			case s.Action == "steps":
				fmt.Fprintf(&b, "%ssubgraph %s[%s]\n", indent, names[s], label(s.ID, g.blockFacts(s)))
				draw(s.Steps, indent+"  ")
				b.WriteString(indent + "end\n")
			case s.PointOfNoReturn:
				fmt.Fprintf(&b, "%s%s{{%s}}\n", indent, names[s], label(s.ID, append(g.facts(s), gateNoReturn)))
			default:
				fmt.Fprintf(&b, "%s%s[%s]\n", indent, names[s], label(s.ID, g.facts(s)))
			}
		}
	}
	draw(g.runbook.Root.Steps, "  ")
	if len(g.runbook.Finally) > 0 {
		b.WriteString("  subgraph finally[\"finally, always\"]\n")
		draw(g.runbook.Finally, "    ")
		b.WriteString("  end\n")
	}
	for _, e := range g.edges() {
		from, arrow := "start", "-->"
		if e.from != nil {
			from = names[e.from]
		}
		switch {
		case e.last:
			arrow = "-.->"
		case e.all:
			arrow = "==>|all hosts|"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", from, arrow, names[e.to])
	}
	return b.String()
}

// dotText keeps a text within its quotes. https://graphviz.org/doc/info/lang.html
var dotText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ")

// dot draws a graph for Graphviz. Bold arrows wait for all hosts; an octagon is a point of no return.
func (g *graph) dot() string {
	names := g.names()
	var b strings.Builder
	label := func(first string, facts []string) string {
		text := dotText.Replace(view.Sanitise(first))
		if len(facts) > 0 {
			text += `\n` + dotText.Replace(view.Sanitise(strings.Join(facts, g.between)))
		}
		return `"` + text + `"`
	}
	fmt.Fprintf(&b, "digraph %s {\n", label(g.runbook.Name, nil))
	b.WriteString("  node [shape=box, style=rounded];\n")
	fmt.Fprintf(&b, "  start [shape=plaintext, label=%s];\n", label(g.runbook.Name, g.rootFacts()))
	var draw func(steps []*runbook.Step, indent string)
	draw = func(steps []*runbook.Step, indent string) {
		for _, s := range steps {
			switch {
			case s.Action == "steps":
				fmt.Fprintf(&b, "%ssubgraph cluster_%s {\n%s  label=%s;\n", indent, names[s], indent, label(s.ID, g.blockFacts(s)))
				draw(s.Steps, indent+"  ")
				b.WriteString(indent + "}\n")
			case s.PointOfNoReturn:
				fmt.Fprintf(&b, "%s%s [shape=octagon, label=%s];\n", indent, names[s], label(s.ID, append(g.facts(s), gateNoReturn)))
			default:
				fmt.Fprintf(&b, "%s%s [label=%s];\n", indent, names[s], label(s.ID, g.facts(s)))
			}
		}
	}
	draw(g.runbook.Root.Steps, "  ")
	if len(g.runbook.Finally) > 0 {
		b.WriteString("  subgraph cluster_finally {\n    label=\"finally, always\";\n    style=dashed;\n")
		draw(g.runbook.Finally, "    ")
		b.WriteString("  }\n")
	}
	for _, e := range g.edges() {
		from, style := "start", ""
		if e.from != nil {
			from = names[e.from]
		}
		switch {
		case e.last:
			style = " [style=dashed]"
		case e.all:
			style = ` [style=bold, label="all hosts"]`
		}
		fmt.Fprintf(&b, "  %s -> %s%s;\n", from, names[e.to], style)
	}
	b.WriteString("}\n")
	return b.String()
}
