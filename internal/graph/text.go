package graph

import (
	"strings"

	"github.com/opsctl/opsctl/internal/view"
)

// TextOptions decide how a picture looks as text.
type TextOptions struct {
	Width int // columns at most
	Theme view.Theme
}

// Sizes of a drawing in text.
const (
	textWidthMin   = 24 // narrower, and nothing could be read: the drawing is wider than asked for
	textWidthMax   = 4096
	innerWidthMin  = 12
	branchWidthMin = 26 // branches side by side are not made narrower than that
	factsWidthMin  = 18
	storyWidth     = 72 // a run is told in sentences
)

// Text draws boxes: what stands below waits for what stands above it, what stands side by side runs so.
func (p *Picture) Text(o TextOptions) string {
	t := &text{TextOptions: o, picture: p, strokes: asciiStrokes, wide: map[*part][]line{}}
	if o.Theme.Unicode {
		t.strokes = unicodeStrokes
	}
	width := t.width()
	lines := paragraph(p.Root.Facts, t.between, width-4)
	if p.Root.Undo.Can {
		lines = append(lines, line{text: t.undo(p.Root.Undo)})
	}
	lines = append(lines, t.waves(p.Root, width-4)...)
	if s := p.Story; s != nil {
		lines = append(lines, paragraph([]string{s.headline()}, "", width-4)...)
		lines = append(lines, paragraph(s.path(t.arrow), " ", width-4)...)
	}
	lines = append(lines, line{rule: t.plain})
	lines = append(lines, t.body(p.Root, width-4)...)
	var b strings.Builder
	for _, l := range t.box(t.round, o.Theme.Strong(p.Title()), lines, width) {
		b.WriteString(l.text + "\n")
	}
	for _, l := range paragraph(t.legend(), "  ", width) {
		b.WriteString(l.text + "\n")
	}
	return b.String()
}

// width is no more than what is asked for, and no more than what is liked.
func (t *text) width() int {
	root := t.picture.Root
	like := max(view.TextWidth(t.picture.Title())+6, view.TextWidth(strings.Join(root.Facts, t.between))+4)
	for _, p := range []*part{root.body, root.finally, root.gate} {
		if p != nil {
			like = max(like, t.likes(&part{series: []*part{p}}))
		}
	}
	if t.picture.Story != nil {
		like = max(like, storyWidth)
	}
	return max(textWidthMin, min(like, t.Width, textWidthMax-1))
}

type text struct {
	TextOptions
	strokes
	picture *Picture
	wide    map[*part][]line // drawn as wide as they like
}

// line is one line within a box: a text, or a rule from side to side.
type line struct {
	text string
	rule rule
	said string // on the rule
}

// body draws what is inside a block.
func (t *text) body(n *Node, width int) []line {
	lines := t.part(n.body, width)
	for _, last := range n.last() {
		lines = append(lines, line{rule: t.plain, said: last.said})
		lines = append(lines, t.part(last.part, width)...)
	}
	return lines
}

func (t *text) part(p *part, width int) []line {
	if p == nil {
		return nil
	}
	if width == textWidthMax {
		if t.wide[p] == nil {
			t.wide[p] = t.draw(p, width)
		}
		return t.wide[p]
	}
	return t.draw(p, width)
}

func (t *text) draw(p *part, width int) []line {
	switch {
	case p.ranks != nil:
		return t.ranks(p, width)
	case p.beside != nil:
		return t.beside(p, width)
	case p.series == nil:
		return t.series([]*part{p}, width)
	}
	return t.series(p.series, width)
}

// series draws parts below each other; the rows of its steps share their columns.
func (t *text) series(parts []*part, width int) []line {
	var rows []row
	for _, p := range parts {
		if p.node != nil && p.node.Kind != Block {
			rows = append(rows, t.row(p.node, nil))
		}
	}
	shape := t.columns(rows, width)
	var lines []line
	for _, p := range parts {
		switch {
		case p.gate != nil && p.gate.NoReturn:
			lines = append(lines, line{rule: t.heavy, said: noReturn})
		case p.gate != nil:
			lines = append(lines, line{rule: t.double, said: allHosts})
		case p.node == nil:
			lines = append(lines, t.part(p, width)...)
		case p.node.Kind == Block:
			lines = append(lines, t.block(p.node, width)...)
		default:
			lines = append(lines, t.rowLines(rows[0], shape)...)
			rows = rows[1:]
		}
	}
	return lines
}

// block draws a frame around what is inside it, with its facts in the title as far as they fit.
func (t *text) block(n *Node, width int) []line {
	facts := n.Facts
	if n.Result != nil {
		facts = append(n.Result.words(), facts...)
	}
	title := t.mark(n) + t.Theme.Strong(n.ID)
	said := strings.Join(facts, t.between)
	var lines []line
	if whole := title + " " + t.across + " " + said; said != "" && view.TextWidth(whole) <= min(width, 100)-8 {
		title = whole
	} else {
		lines = paragraph(facts, t.between, max(width-4, innerWidthMin))
	}
	if n.Undo.Can {
		lines = append(lines, line{text: view.Cut(t.undo(n.Undo), max(width-4, innerWidthMin), t.ellipsis)})
	}
	lines = append(lines, t.waves(n, width-4)...)
	if len(lines) > 0 {
		lines = append(lines, line{rule: t.plain})
	}
	return t.box(t.square, title, append(lines, t.body(n, max(width-4, innerWidthMin))...), width)
}

func (t *text) waves(n *Node, width int) []line {
	var lines []line
	for _, wave := range n.Waves {
		lines = append(lines, paragraph([]string{t.wave + " " + wave}, "", width)...)
	}
	return lines
}

// beside draws branches next to each other where they fit; else below each other, in a frame that says so.
func (t *text) beside(p *part, width int) []line {
	widths, fit := t.shares(p.beside, width)
	if !fit {
		return t.box(t.dashed, sideBySide, t.below(p.beside, width-4), width)
	}
	var columns [][]line
	height := 0
	for i, branch := range p.beside {
		lines := t.branch(branch, widths[i])
		columns = append(columns, lines)
		height = max(height, len(lines))
	}
	lines := make([]line, height)
	for i, column := range columns {
		for at := range lines {
			cell := ""
			if at < len(column) {
				cell = column[at].text
			}
			if i < len(columns)-1 {
				cell = view.Pad(cell, widths[i]) + " "
			}
			lines[at].text += cell
		}
	}
	return lines
}

// below draws branches below each other: those of one step as rows that share their columns.
func (t *text) below(branches []*part, width int) []line {
	var lines []line
	var steps []*part
	flush := func() {
		lines = append(lines, t.series(steps, width)...)
		steps = nil
	}
	for _, branch := range branches {
		if branch.node != nil {
			steps = append(steps, branch)
			continue
		}
		flush()
		lines = append(lines, t.branch(branch, width)...)
	}
	flush()
	return lines
}

// branch draws one of several branches; a block brings its own frame.
func (t *text) branch(p *part, width int) []line {
	if p.node != nil && p.node.Kind == Block {
		return t.block(p.node, width)
	}
	return t.box(t.square, "", t.part(p, width-4), width)
}

// sideBySide is written on what would stand side by side if there were room.
const sideBySide = "side by side"

// shares gives each branch its width: what it likes, or less where that is too much for all.
func (t *text) shares(branches []*part, width int) (widths []int, fit bool) {
	total := len(branches) - 1
	for _, p := range branches {
		like := max(t.likes(p), 8)
		widths = append(widths, like)
		total += like
	}
	for ; total > width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if widths[widest] <= branchWidthMin {
			return nil, false
		}
		widths[widest]--
	}
	return widths, true
}

// likes gives the width that a branch takes where there is room enough.
func (t *text) likes(p *part) int {
	lines := t.part(p, textWidthMax)
	like := 0
	for _, l := range lines {
		like = max(like, view.TextWidth(l.text), view.TextWidth(l.said)+4)
	}
	if p.node != nil && p.node.Kind == Block {
		return like
	}
	return like + 4
}

// ranks draws steps of which each waits for some of those above it: it says for which.
func (t *text) ranks(p *part, width int) []line {
	var rows []row
	for _, inner := range p.inner() {
		if inner.node.Kind != Block {
			rows = append(rows, t.row(inner.node, inner.node.before))
		}
	}
	shape := t.columns(rows, width-4)
	var lines []line
	for _, inner := range p.inner() {
		n := inner.node
		if n.Kind != Block {
			lines = append(lines, t.rowLines(rows[0], shape)...)
			rows = rows[1:]
			continue
		}
		if len(n.before) > 0 {
			lines = append(lines, paragraph([]string{afterWords(n.before) + ":"}, "", width-4)...)
		}
		lines = append(lines, t.block(n, width-4)...)
	}
	return t.box(t.dashed, "each as soon as it can", lines, width)
}

func afterWords(before []*Node) string {
	var ids []string
	for _, n := range before {
		ids = append(ids, n.ID)
	}
	return "after " + strings.Join(ids, ", ")
}
