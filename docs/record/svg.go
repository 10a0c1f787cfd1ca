package main

import (
	"fmt"
	"html"
	"strings"
	"time"
)

const (
	cellWidth  = 8.4
	cellHeight = 18
	margin     = 14
	fontSize   = 14

	lastStays = 8 * time.Second // before it begins anew

	ground = "#0d1117"
	ink    = "#e6edf3"
)

// draw writes the frames one below the other on a strip, and moves the strip behind a window. Equal lines are written
// once: most of a frame is in the one before.
func draw(frames []frame) string {
	height := rows * cellHeight
	total := frames[len(frames)-1].at + lastStays
	seen := map[string]int{}
	var defs, strip, moves strings.Builder
	for i, f := range frames {
		fmt.Fprintf(&moves, "%.3f%%{transform:translateY(%dpx)}", 100*float64(f.at)/float64(total), -i*height)
		for row, pieces := range lines(f.text) {
			if len(pieces) == 0 || row >= rows {
				continue
			}
			text := drawLine(pieces)
			id, known := seen[text]
			if !known {
				id = len(seen)
				seen[text] = id
				fmt.Fprintf(&defs, `<g id="l%d">%s</g>`+"\n", id, text)
			}
			fmt.Fprintf(&strip, `<use href="#l%d" y="%d"/>`, id, i*height+row*cellHeight)
		}
		strip.WriteByte('\n')
	}
	width := int(columns*cellWidth) + 2*margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="a recorded terminal">`+"\n", width, height+2*margin)
	fmt.Fprintf(&b, "<style>text{font:%dpx ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;fill:%s;white-space:pre}", fontSize, ink)
	b.WriteString(".b{font-weight:bold}.f{opacity:.6}.i{font-style:italic}.u{text-decoration:underline}")
	fmt.Fprintf(&b, "#s{animation:play %.3fs steps(1,end) infinite}@keyframes play{%s}", total.Seconds(), moves.String())
	// Who wants no motion sees how it ended.
	fmt.Fprintf(&b, "@media (prefers-reduced-motion:reduce){#s{animation:none;transform:translateY(%dpx)}}</style>\n", -(len(frames)-1)*height)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n<defs>\n%s</defs>\n", ground, defs.String())
	fmt.Fprintf(&b, `<svg x="%d" y="%[1]d" width="%d" height="%d"><g id="s">`+"\n%s</g></svg>\n</svg>\n", margin, width-2*margin, height, strip.String())
	return b.String()
}

func drawLine(pieces []piece) string {
	var b strings.Builder
	for _, p := range pieces {
		s := p.style
		if s.reverse {
			s.fore, s.back = s.back, s.fore
			if s.fore == "" {
				s.fore = ground
			}
			if s.back == "" {
				s.back = ink
			}
		}
		if s.back != "" {
			fmt.Fprintf(&b, `<rect x="%.1f" width="%.1f" height="%d" fill="%s"/>`, float64(p.column)*cellWidth, float64(len([]rune(p.text)))*cellWidth, cellHeight, s.back)
		}
		for _, w := range p.words() {
			fmt.Fprintf(&b, `<text x="%s" y="%d"%s>%s</text>`, places(w), fontSize, s.attributes(), html.EscapeString(w.text))
		}
	}
	return b.String()
}

// words splits a piece at its gaps, so that columns stay in line whatever a viewer thinks of spaces and of fonts.
func (p piece) words() []piece {
	var all []piece
	column := p.column
	for i, text := range strings.Split(p.text, "  ") {
		if i > 0 {
			column += 2
		}
		if word := strings.TrimLeft(text, " "); word != "" {
			all = append(all, piece{column + len(text) - len(word), word, p.style})
		}
		column += len([]rune(text))
	}
	return all
}

// places gives where the characters stand: the first one of plain text, and each one where a font may not have the width
// of the others.
func places(p piece) string {
	plain := true
	for _, r := range p.text {
		plain = plain && r < 0x7f
	}
	var b strings.Builder
	for i := range []rune(p.text) {
		if i > 0 && plain {
			break
		}
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "%.1f", float64(p.column+i)*cellWidth)
	}
	return b.String()
}

func (s style) attributes() string {
	var classes []string
	for _, c := range []struct {
		name string
		is   bool
	}{{"b", s.bold}, {"f", s.faint}, {"i", s.italic}, {"u", s.underline}} {
		if c.is {
			classes = append(classes, c.name)
		}
	}
	var b strings.Builder
	if len(classes) > 0 {
		fmt.Fprintf(&b, ` class="%s"`, strings.Join(classes, " "))
	}
	if s.fore != "" {
		fmt.Fprintf(&b, ` style="fill:%s"`, s.fore)
	}
	return b.String()
}
