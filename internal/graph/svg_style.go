package graph

import (
	"fmt"
	"strings"
)

// ink is a class with its look on light ground and on dark ground.
type ink struct{ class, light, dark string }

var inks = []ink{
	{".ground", "fill:#ffffff", "fill:#0d1117"},
	{".ink", "fill:#1f2328", "fill:#e6edf3"},
	{".dim", "fill:#57606a", "fill:#9aa4af"},
	{".back", "fill:#0969da", "fill:#58a6ff"},
	{"text.hot", "fill:#953800", "fill:#ffa657"},
	{".onbar", "fill:#ffffff", "fill:#0d1117"},
	{".frame", "fill:#818b98;fill-opacity:.07;stroke:#afb8c1", "stroke:#484f58"},
	{".band", "fill:#0969da;fill-opacity:.1;stroke:#0969da;stroke-opacity:.35", "fill:#58a6ff;stroke:#58a6ff"},
	{".card", "fill:#ffffff;stroke:#818b98", "fill:#161b22;stroke:#6e7681"},
	{".card.good", "fill:#dafbe1;stroke:#1a7f37", "fill:#12261e;stroke:#3fb950"},
	{".card.changed", "fill:#fff8c5;stroke:#9a6700", "fill:#272115;stroke:#d29922"},
	{".card.bad", "fill:#ffebe9;stroke:#cf222e", "fill:#2d1214;stroke:#f85149"},
	{".card.undone", "fill:#ddf4ff;stroke:#0969da", "fill:#121d2f;stroke:#58a6ff"},
	{".card.doubt", "fill:#fbefff;stroke:#8250df", "fill:#211830;stroke:#bc8cff"},
	{".card.idle", "fill:#f6f8fa;stroke:#818b98;stroke-dasharray:3 2", "fill:#161b22;stroke:#6e7681"},
	{".card.end", "stroke:#a40e26;stroke-width:2", "stroke:#f85149"},
	{".bar", "fill:#57606a", "fill:#9aa4af"},
	{".bar.closed", "fill:#a40e26", "fill:#f85149"},
	{".edge", "stroke:#57606a", "stroke:#9aa4af"},
	{".undo", "stroke:#0969da", "stroke:#58a6ff"},
	{".edge.hot", "stroke:#bc4c00", "stroke:#ffa657"},
	{".card.hot,.frame.hot", "stroke:#bc4c00;stroke-width:3", "stroke:#ffa657"},
	{".sign", "fill:none;stroke:#1f2328", "stroke:#e6edf3"},
	{".sign.full", "fill:#1f2328", "fill:#e6edf3"},
	{".tip", "fill:#57606a", "fill:#9aa4af"},
	{".tip.undo", "fill:#0969da;stroke:none", "fill:#58a6ff"},
}

// styles are those of both grounds. Fonts are the reader's own.
func styles() string {
	var light, dark strings.Builder
	for _, i := range inks {
		fmt.Fprintf(&light, "%s{%s}", i.class, i.light)
		fmt.Fprintf(&dark, "%s{%s}", i.class, i.dark)
	}
	return `text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"DejaVu Sans",sans-serif;white-space:pre}.b{font-weight:bold}.mid{text-anchor:middle}` +
		light.String() + `.edge,.undo{fill:none;stroke-width:1.5}.edge.hot{stroke-width:3.5}.undo{stroke-dasharray:4 3}.last{stroke-dasharray:2 4}` +
		`.dashed{stroke-dasharray:5 4}.sign{stroke-width:1.8;stroke-linecap:round;stroke-linejoin:round}` +
		"@media (prefers-color-scheme:dark){" + dark.String() + "}"
}

// markers are the tips of arrows.
const markers = `<marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker>` +
	`<marker id="back" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path class="tip undo" d="M0 0L8 4L0 8z"/></marker>`

// The signs on cards. Each has a shape of its own, so that colour is never needed to tell them apart.
const (
	signChanges  = "changes"
	signReads    = "reads"
	signDestroys = "destroys"
	signPerson   = "person"
)

// signs are drawn within six pixels around 0,0.
var signs = map[string]string{
	signChanges:  `<circle class="sign full" r="4.5"/>`,
	signReads:    `<circle class="sign" r="4.5"/>`,
	signDestroys: `<path class="sign full" d="M0-6L6 0L0 6L-6 0z"/>`,
	signPerson:   `<circle class="sign" cy="-3" r="2.6"/><path class="sign" d="M-5 6A5 5 0 0 1 5 6"/>`,
	"good":       `<path class="sign" d="M-5 0L-1.5 4L5-4"/>`,
	"changed":    `<circle class="sign full" r="5.5"/>`,
	"bad":        `<path class="sign" d="M-4.5-4.5L4.5 4.5M4.5-4.5L-4.5 4.5"/>`,
	"undone":     `<path class="sign" d="M-5-1A5 5 0 1 1-3 4M-5-5V-1H-1"/>`,
	"doubt":      `<path class="sign" d="M-3-3A3 3 0 1 1 0 .5V2M0 5V5.2"/>`,
	"idle":       `<path class="sign" d="M-5 0H5"/>`,
}

func icon(sign string, x, y float64) string {
	return fmt.Sprintf(`<g transform="translate(%.1f %.1f)">%s</g>`+"\n", x, y, signs[sign])
}

func iconOf(n *Node) string {
	if n.Result != nil {
		return toneOf(n.Result.Status)
	}
	return [...]string{Changes: signChanges, Reads: signReads, Destroys: signDestroys, Person: signPerson, Block: signChanges}[n.Kind]
}

// sample is an entry of the legend: a sign, a bar or a line, and what it means.
type sample struct {
	sign string // of signs, else "bar", "closed", "undo", "hot"
	word string
	area
}

// samples are the entries for what is there.
func (p *Picture) samples() []sample {
	there := map[string]bool{}
	p.Root.walk(func(n *Node) {
		if n.Kind != Block {
			there[iconOf(n)] = true
		}
		there["hot"] = there["hot"] || n.Critical
		there["undo"] = there["undo"] || n.Undo.Can
	})
	for _, g := range p.Gates {
		there["closed"] = there["closed"] || g.NoReturn
		there["bar"] = there["bar"] || !g.NoReturn
	}
	all := []sample{
		{sign: signChanges, word: "changes"},
		{sign: signReads, word: "reads"},
		{sign: signDestroys, word: "destroys"},
		{sign: signPerson, word: "waits for a person"},
	}
	for _, t := range tones {
		all = append(all, sample{sign: t.name, word: t.word})
	}
	all = append(all, sample{sign: "hot", word: "critical path"}, sample{sign: "undo", word: "way back"},
		sample{sign: "bar", word: "all hosts wait for all hosts"}, sample{sign: "closed", word: "nothing above is taken back"})
	var list []sample
	for _, e := range all {
		if there[e.sign] {
			e.w = 34 + width(e.word, factSize, false)
			list = append(list, e)
		}
	}
	return list
}

// placeLegend puts the entries into rows, and gives where they end.
func (s *sheet) placeLegend(y, wide float64) float64 {
	x := margin
	for i := range s.legend {
		e := &s.legend[i]
		if x > margin && x+e.w > margin+wide {
			x, y = margin, y+20
		}
		e.x, e.y, e.h = x, y, 18
		x += e.w + 16
	}
	return y + 18
}

func (s *sheet) samples(b *strings.Builder) {
	b.WriteString(`<g role="graphics-object group" aria-label="legend">` + "\n")
	for _, e := range s.legend {
		middle := e.y + 9
		switch e.sign {
		case "bar":
			fmt.Fprintf(b, `<rect class="bar" x="%.1f" y="%.1f" width="24" height="6" rx="2"/>`, e.x, middle-3)
		case "closed":
			fmt.Fprintf(b, `<rect class="bar closed" x="%.1f" y="%.1f" width="24" height="6" rx="2"/>`, e.x, middle-3)
		case "undo":
			fmt.Fprintf(b, `<path class="undo" d="M%.1f %.1fH%.1f" marker-end="url(#back)"/>`, e.x+24, middle, e.x)
		case "hot":
			fmt.Fprintf(b, `<path class="edge hot" d="M%.1f %.1fH%.1f"/>`, e.x, middle, e.x+24)
		default:
			b.WriteString(icon(e.sign, e.x+14, middle))
		}
		s.labels(b, []label{{x: e.x + 32, y: middle + 4, text: e.word, size: factSize, class: "dim"}})
	}
	b.WriteString("</g>\n")
}
