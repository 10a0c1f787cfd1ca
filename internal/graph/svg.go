package graph

import (
	"fmt"
	"html"
	"strings"
)

// Sizes of a whole drawing, in pixels.
const (
	margin    = 20.0
	headRoom  = 560.0 // for sentences above and below
	cornerArc = 6.0
)

// SVG draws cards and frames with lines between them, on light and on dark ground.
func (p *Picture) SVG() string {
	s := p.sheet()
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%s" height="%s" viewBox="0 0 %[1]s %[2]s" role="graphics-document document" aria-labelledby="title desc" lang="en">`+"\n",
		whole(s.w), whole(s.h))
	fmt.Fprintf(&b, "<title id=\"title\">%s</title>\n<desc id=\"desc\">%s</desc>\n", escape(p.Title()), escape(p.describe()))
	b.WriteString("<style>" + styles() + "</style>\n<defs>" + markers + "</defs>\n")
	fmt.Fprintf(&b, `<rect class="ground" width="%s" height="%s"/>`+"\n", whole(s.w), whole(s.h))
	b.WriteString("<g>\n")
	s.labels(&b, s.head)
	b.WriteString("</g>\n")
	s.body.walk(func(c *cell) { s.frames(&b, c) })
	s.body.walk(func(c *cell) { s.lines(&b, c) })
	s.body.walk(func(c *cell) { s.cards(&b, c) })
	s.samples(&b)
	b.WriteString("</svg>\n")
	return b.String()
}

// whole is a length without a fraction.
type whole float64

func (w whole) String() string { return fmt.Sprintf("%.0f", float64(w)) }

// escape keeps a text from being read as markup. What XML cannot hold was made visible before.
func escape(text string) string { return html.EscapeString(text) }

// describe says in a sentence or two what the picture shows, to those who do not see it.
func (p *Picture) describe() string {
	steps, undo := 0, 0
	p.Root.walk(func(n *Node) {
		if n.Kind == Block {
			return
		}
		steps++
		if n.Undo.Can {
			undo++
		}
	})
	text := fmt.Sprintf("The order of %d steps, from top to bottom; %d of them can be taken back. %s.", steps, undo, strings.Join(p.Root.Facts, ", "))
	if p.Story != nil {
		text += " " + p.Story.headline() + "; " + strings.Join(p.Story.path("→"), " ") + "."
	}
	return text
}

// sheet lays out the whole picture.
func (p *Picture) sheet() *sheet {
	s := &sheet{picture: p}
	s.body = s.inside(p.Root)
	room := max(headRoom, s.body.w)
	y := margin + titleSize
	s.head = append(s.head, label{x: margin, y: y, text: cutTo(p.Title(), titleSize, true, room), size: titleSize, bold: true, class: "ink"})
	y += 4
	add := func(texts []string, between, class string) {
		for _, line := range wrapTo(texts, between, factSize+1, room) {
			y += lineStep + 1
			s.head = append(s.head, label{x: margin, y: y, text: line, size: factSize + 1, class: class})
		}
	}
	add(p.Root.Facts, " · ", "dim")
	for _, wave := range p.Root.Waves {
		add([]string{wave}, "", "dim")
	}
	if p.Root.Undo.Can {
		add([]string{"↺ " + p.Root.Undo.Text}, "", "back")
	}
	if p.Story != nil {
		add([]string{p.Story.headline()}, "", "ink")
		add(p.Story.path("→"), " ", "hot")
	}
	wide := s.body.w
	for _, l := range s.head {
		wide = max(wide, l.area().w)
	}
	s.legend = p.samples()
	for _, e := range s.legend {
		wide = max(wide, e.w)
	}
	y += 18
	s.body.move(margin+(wide-s.body.w)/2, y)
	bottom := s.placeLegend(s.body.bottom()+24, wide)
	s.area = area{0, 0, wide + 2*margin, bottom + margin}
	return s
}

func (s *sheet) labels(b *strings.Builder, labels []label) {
	for _, l := range labels {
		class := l.class
		if l.bold {
			class += " b"
		}
		if l.middle {
			class += " mid"
		}
		text := escape(l.text)
		if l.tail != "" {
			text = fmt.Sprintf(`<tspan class="b">%s</tspan><tspan font-size="%.0f" class="dim">%s</tspan>`, text, factSize, escape(l.tail))
			class = l.class
		}
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="%.0f" class="%s">%s</text>`+"\n", l.x, l.y, l.size, class, text)
	}
}

func (s *sheet) frames(b *strings.Builder, c *cell) {
	switch {
	case c.dashed != "":
		fmt.Fprintf(b, `<g role="graphics-object group" aria-label="%s"><rect class="frame dashed" %s rx="8"/>`+"\n", escape(c.dashed), attributes(c.area))
	case c.node != nil && c.node.Kind == Block:
		class := "frame"
		if c.node.Critical {
			class += " hot"
		}
		fmt.Fprintf(b, `<g role="graphics-object group" aria-label="block %s"><rect class="%s" %s rx="8"/>`+"\n", escape(c.node.ID), class, attributes(c.area))
	default:
		return
	}
	for _, band := range c.bands {
		fmt.Fprintf(b, `<rect class="band" %s rx="3"/>`+"\n", attributes(band))
	}
	s.labels(b, c.labels)
	b.WriteString("</g>\n")
}

func attributes(a area) string {
	return fmt.Sprintf(`x="%.1f" y="%.1f" width="%.1f" height="%.1f"`, a.x, a.y, a.w, a.h)
}

func (s *sheet) cards(b *strings.Builder, c *cell) {
	switch {
	case c.gate != nil:
		class := "bar"
		if c.gate.NoReturn {
			class = "bar closed"
		}
		fmt.Fprintf(b, `<g role="graphics-symbol img" aria-label="%s"><rect class="%s" %s rx="3"/>`+"\n", escape(c.gate.label()), class, attributes(c.area))
	case c.node != nil && c.node.Kind != Block:
		n := c.node
		class := "card"
		if n.Result != nil {
			class += " " + toneOf(n.Result.Status)
		}
		if n.NoReturn {
			class += " end"
		}
		if n.Critical {
			class += " hot"
		}
		fmt.Fprintf(b, `<g role="graphics-symbol img" aria-label="%s"><title>%s</title><rect class="%s" %s rx="6"/>`+"\n",
			escape("step "+n.ID+": "+n.told()), escape(n.told()), class, attributes(c.area))
		b.WriteString(icon(iconOf(n), c.x+cardPad+6, c.y+cardPad+8))
	default:
		return
	}
	s.labels(b, c.labels)
	b.WriteString("</g>\n")
}

// told is all that is known of a node, in one sentence.
func (n *Node) told() string {
	var parts []string
	if n.Result != nil {
		parts = append(parts, n.Result.words()...)
	}
	parts = append(parts, n.Facts...)
	if words := n.Undo.words(); words != "" {
		parts = append(parts, words)
	}
	return strings.Join(parts, ", ")
}

func (s *sheet) lines(b *strings.Builder, c *cell) {
	for _, t := range c.trails {
		end := ""
		if t.arrow {
			end = ` marker-end="url(#arrow)"`
			if strings.HasPrefix(t.class, "undo") {
				end = ` marker-end="url(#back)"`
			}
		}
		fmt.Fprintf(b, `<path class="%s" d="%s"%s/>`+"\n", t.class, t.path(), end)
	}
}

// path writes a trail with round corners, or as a curve that leaves and arrives upright.
func (t trail) path() string {
	var b strings.Builder
	fmt.Fprintf(&b, "M%.1f %.1f", t.points[0].x, t.points[0].y)
	if t.smooth {
		from, to := t.points[0], t.points[1]
		half := (from.y + to.y) / 2
		fmt.Fprintf(&b, "C%.1f %.1f %.1f %.1f %.1f %.1f", from.x, half, to.x, half, to.x, to.y)
		return b.String()
	}
	for i := 1; i < len(t.points); i++ {
		p := t.points[i]
		if i == len(t.points)-1 {
			fmt.Fprintf(&b, "L%.1f %.1f", p.x, p.y)
			continue
		}
		in, out := toward(p, t.points[i-1]), toward(p, t.points[i+1])
		fmt.Fprintf(&b, "L%.1f %.1fQ%.1f %.1f %.1f %.1f", in.x, in.y, p.x, p.y, out.x, out.y)
	}
	return b.String()
}

// toward gives the point a little way from a corner to the next one; lines are level or upright.
func toward(corner, next point) point {
	near := func(a, b float64) float64 {
		switch step := min(cornerArc, max(a-b, b-a)/2); {
		case b > a:
			return a + step
		case b < a:
			return a - step
		}
		return a
	}
	return point{near(corner.x, next.x), near(corner.y, next.y)}
}
