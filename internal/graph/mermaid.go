package graph

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/view"
)

// mermaidText keeps a text from being read as markup.
// https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters
var mermaidText = strings.NewReplacer("#", "#35;", `"`, "#quot;", "<", "#lt;", ">", "#gt;", "&", "#amp;", "`", "#96;", `\`, "#92;", "\n", " ")

// Mermaid draws a flowchart: thick bars are where all hosts wait for all hosts, a hexagon is a point of no return, dotted
// arrows are the way back.
func (p *Picture) Mermaid() string {
	m := &markup{picture: p, escape: mermaidText.Replace, newline: "<br/>"}
	m.add("flowchart TD\n  start([%s])\n", m.rootLabel())
	m.mermaidBody(p.Root, "  ")
	for _, name := range p.Joints {
		m.add("  %s((\" \"))\n", name)
	}
	var critical []string
	for i, l := range p.Links {
		arrow := "-->"
		if l.Last {
			arrow = "-.->"
		}
		m.add("  %s %s %s\n", from(l), arrow, l.To)
		if l.Critical {
			critical = append(critical, fmt.Sprint(i))
		}
	}
	for _, l := range p.Undo {
		m.add("  %s -. undo .-> %s\n", l.From, l.To)
	}
	m.mermaidClasses(critical)
	return m.b.String()
}

func (m *markup) mermaidBody(n *Node, indent string) {
	m.mermaidPart(n.body, indent)
	for i, last := range n.last() {
		m.add("%ssubgraph %slast%d[\"%s\"]\n", indent, n.Name, i+1, last.said)
		m.mermaidPart(last.part, indent+"  ")
		m.add("%send\n", indent)
	}
}

func (m *markup) mermaidPart(p *part, indent string) {
	if p == nil {
		return
	}
	switch n := p.node; {
	case p.gate != nil:
		m.add("%s%s[[\"%s\"]]\n", indent, p.gate.Name, p.gate.label())
	case n == nil:
	case n.Kind == Block:
		m.add("%ssubgraph %s[%s]\n", indent, n.Name, m.quoted([]string{n.ID}))
		if about := m.about(n); len(about) > 0 { // a title has room for one line only
			m.add("%s  %sabout>%s]\n", indent, n.Name, m.quoted(about))
		}
		m.mermaidBody(n, indent+"  ")
		m.add("%send\n", indent)
	case n.NoReturn:
		m.add("%s%s{{%s}}\n", indent, n.Name, m.label(n))
	case n.Kind == Person:
		m.add("%s%s[/%s/]\n", indent, n.Name, m.label(n))
	default:
		m.add("%s%s[%s]\n", indent, n.Name, m.label(n))
	}
	for _, inner := range p.inner() {
		m.mermaidPart(inner, indent)
	}
}

// mermaidClasses colours gates, what became of the steps, and the critical path.
func (m *markup) mermaidClasses(critical []string) {
	var gates, closed, onPath []string
	for _, g := range m.picture.Gates {
		if g.NoReturn {
			closed = append(closed, g.Name)
		} else {
			gates = append(gates, g.Name)
		}
	}
	byTone := map[string][]string{}
	m.picture.Root.walk(func(n *Node) {
		if n.Result != nil && n.Kind != Block {
			tone := toneOf(n.Result.Status)
			byTone[tone] = append(byTone[tone], n.Name)
		}
		if n.Critical {
			onPath = append(onPath, n.Name)
		}
	})
	class := func(name, style string, nodes []string) {
		if len(nodes) > 0 {
			m.add("  classDef %s %s\n  class %s %s\n", name, style, strings.Join(nodes, ","), name)
		}
	}
	class("gate", "fill:#57606a,stroke:#57606a,color:#ffffff", gates)
	class("noReturn", "fill:#a40e26,stroke:#a40e26,color:#ffffff", closed)
	for _, tone := range tones {
		class(tone.name, "fill:"+tone.fill+",stroke:"+tone.stroke+",color:#1f2328", byTone[tone.name])
	}
	class("critical", "stroke-width:4px", onPath)
	if len(critical) > 0 {
		m.add("  linkStyle %s stroke-width:4px\n", strings.Join(critical, ","))
	}
}

// tone is the colour of a kind of result, on light ground.
type tone struct{ name, fill, stroke, word string }

var tones = []tone{
	{"good", "#dafbe1", "#1a7f37", "ok"},
	{"changed", "#fff8c5", "#9a6700", "changed"},
	{"bad", "#ffebe9", "#cf222e", "failed"},
	{"undone", "#ddf4ff", "#0969da", "undone"},
	{"doubt", "#fbefff", "#8250df", "unknown, or left in place"},
	{"idle", "#f6f8fa", "#818b98", "skipped, or not run"},
}

func toneOf(s view.Status) string {
	switch {
	case s == view.OK:
		return "good"
	case s == view.Changed:
		return "changed"
	case s == view.Undone:
		return "undone"
	case slices.Contains([]view.Status{view.Failed, view.TimedOut, view.Unreachable, view.UndoFailed}, s):
		return "bad"
	case slices.Contains([]view.Status{view.Unknown, view.Cancelled, view.UndoPending, view.Left, view.Running, view.Waiting, view.Undoing}, s):
		return "doubt"
	}
	return "idle"
}

// markup writes a picture in a language of graphs.
type markup struct {
	picture *Picture
	escape  func(string) string
	newline string
	b       strings.Builder
}

func (m *markup) add(format string, args ...any) { fmt.Fprintf(&m.b, format, args...) }

// pathWidth is how many characters of a critical path stand on one line.
const pathWidth = 90

func (m *markup) label(n *Node) string { return m.quoted(append([]string{n.ID}, m.about(n)...)) }

// about is what a label says below the name.
func (m *markup) about(n *Node) []string {
	var lines []string
	if n.Result != nil {
		lines = append(lines, strings.Join(n.Result.words(), ", "))
	}
	lines = append(lines, strings.Join(n.Facts, ", "))
	lines = append(lines, n.Waves...)
	lines = append(lines, n.Undo.words())
	if n.Critical {
		lines = append(lines, "on the critical path")
	}
	return slices.DeleteFunc(lines, func(line string) bool { return line == "" })
}

func (m *markup) rootLabel() string {
	root := m.picture.Root
	lines := append([]string{root.ID, strings.Join(root.Facts, ", ")}, root.Waves...)
	lines = append(lines, root.Undo.words())
	if s := m.picture.Story; s != nil {
		lines = append(append(lines, s.headline()), wrap(s.path("→"), " ", pathWidth)...)
	}
	return m.quoted(lines)
}

func (m *markup) quoted(lines []string) string {
	var kept []string
	for _, l := range lines {
		if l != "" {
			kept = append(kept, m.escape(l))
		}
	}
	return `"` + strings.Join(kept, m.newline) + `"`
}

func from(l Link) string {
	if l.From == "" {
		return "start"
	}
	return l.From
}
