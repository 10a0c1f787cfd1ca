package graph

import "strings"

// dotText keeps a text within its quotes. https://graphviz.org/doc/info/lang.html
var dotText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "&", "&amp;", "\n", " ")

// DOT draws a graph for Graphviz: bars are where all hosts wait for all hosts, an octagon is a point of no return, dashed
// arrows are the way back.
func (p *Picture) DOT() string {
	m := &markup{picture: p, escape: dotText.Replace, newline: `\n`}
	m.add("digraph %s {\n", m.quoted([]string{p.Title()}))
	m.add("  graph [fontname=\"Helvetica\", fontsize=11, ranksep=0.35];\n")
	m.add("  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", fontsize=11];\n")
	m.add("  edge [fontname=\"Helvetica\", fontsize=9];\n")
	m.add("  start [shape=plaintext, style=\"\", label=%s];\n", m.rootLabel())
	m.dotBody(p.Root, "  ")
	for _, name := range p.Joints {
		m.add("  %s [shape=point];\n", name)
	}
	for _, l := range p.Links {
		m.add("  %s -> %s", from(l), l.To)
		switch {
		case l.Critical:
			m.add(" [penwidth=3]")
		case l.Last:
			m.add(" [style=dashed]")
		}
		m.add(";\n")
	}
	for _, l := range p.Undo {
		m.add("  %s -> %s [label=\"undo\", style=dashed, color=\"#0969da\", fontcolor=\"#0969da\", constraint=false];\n", l.From, l.To)
	}
	m.add("}\n")
	return m.b.String()
}

func (m *markup) dotBody(n *Node, indent string) {
	m.dotPart(n.body, indent)
	for i, last := range n.last() {
		m.add("%ssubgraph cluster_%slast%d {\n%s  label=%q;\n%s  style=dashed;\n", indent, n.Name, i+1, indent, last.said, indent)
		m.dotPart(last.part, indent+"  ")
		m.add("%s}\n", indent)
	}
}

func (m *markup) dotPart(p *part, indent string) {
	if p == nil {
		return
	}
	switch n := p.node; {
	case p.gate != nil:
		m.dotGate(p.gate, indent)
	case n == nil:
	case n.Kind == Block:
		m.add("%ssubgraph cluster_%s {\n%s  label=%s;\n", indent, n.Name, indent, m.label(n))
		m.dotBody(n, indent+"  ")
		m.add("%s}\n", indent)
	default:
		m.add("%s%s [label=%s", indent, n.Name, m.label(n))
		m.dotLook(n)
		m.add("];\n")
	}
	for _, inner := range p.inner() {
		m.dotPart(inner, indent)
	}
}

func (m *markup) dotLook(n *Node) {
	switch {
	case n.NoReturn:
		m.add(", shape=octagon, color=\"#a40e26\"")
	case n.Kind == Person:
		m.add(", shape=house")
	}
	if n.Result != nil {
		for _, t := range tones {
			if t.name == toneOf(n.Result.Status) {
				m.add(", fillcolor=%q, color=%q", t.fill, t.stroke)
			}
		}
	}
	if n.Critical {
		m.add(", penwidth=3")
	}
}

func (m *markup) dotGate(g *Gate, indent string) {
	colour := "#57606a"
	if g.NoReturn {
		colour = "#a40e26"
	}
	m.add("%s%s [shape=box, style=filled, fillcolor=%q, color=%q, fontcolor=white, width=3, height=0.2, margin=0.02, label=%q];\n",
		indent, g.Name, colour, colour, g.label())
}
