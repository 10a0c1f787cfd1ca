package graph

import (
	"strings"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/view"
)

// rule is a line from one side of a box to the other.
type rule struct{ left, across, right string }

// border is what a box is made of.
type border struct {
	topLeft, topRight, bottomLeft, bottomRight, across, down string
}

// strokes are what drawings in text are made of.
type strokes struct {
	round, square, dashed                          border
	plain, double, heavy                           rule
	across, between, arrow, ellipsis, undoSign     string
	changes, reads, destroys, person, wave, onPath string
}

var (
	unicodeStrokes = strokes{
		round:  border{"╭", "╮", "╰", "╯", "─", "│"},
		square: border{"┌", "┐", "└", "┘", "─", "│"},
		dashed: border{"┌", "┐", "└", "┘", "╌", "╎"},
		plain:  rule{"├", "─", "┤"}, double: rule{"╞", "═", "╡"}, heavy: rule{"┝", "━", "┥"},
		across: "─", between: " · ", arrow: "→", ellipsis: "…", undoSign: "↺",
		changes: "●", reads: "○", destroys: "◆", person: "◇", wave: "≈", onPath: "┃",
	}
	asciiStrokes = strokes{
		round:  border{"+", "+", "+", "+", "-", "|"},
		square: border{"+", "+", "+", "+", "-", "|"},
		dashed: border{"+", "+", "+", "+", ".", ":"},
		plain:  rule{"|", "-", "|"}, double: rule{"|", "=", "|"}, heavy: rule{"|", "#", "|"},
		across: "-", between: ", ", arrow: "->", ellipsis: "~", undoSign: "<-",
		changes: "*", reads: "o", destroys: "!", person: "?", wave: "~", onPath: "#",
	}
)

// box draws a frame around lines, as wide as they are, and at least as wide as its title. Boxes below each other look
// better at one width, so it takes all it is given, but where it is asked what it likes.
func (t *text) box(b border, title string, lines []line, width int) []line {
	inner := max(0, view.TextWidth(title)+2)
	for _, l := range lines {
		inner = max(inner, view.TextWidth(l.text))
	}
	if width < textWidthMax {
		inner = max(inner, width-4)
	} else {
		for _, l := range lines {
			inner = max(inner, view.TextWidth(l.said)+4)
		}
	}
	top := strings.Repeat(b.across, inner+2)
	if title != "" {
		top = b.across + " " + title + " " + strings.Repeat(b.across, inner-view.TextWidth(title)-1)
	}
	boxed := []line{{text: b.topLeft + top + b.topRight}}
	for _, l := range lines {
		if l.rule.across != "" {
			boxed = append(boxed, line{text: t.ruled(l, inner)})
			continue
		}
		boxed = append(boxed, line{text: b.down + " " + view.Pad(l.text, inner) + " " + b.down})
	}
	return append(boxed, line{text: b.bottomLeft + strings.Repeat(b.across, inner+2) + b.bottomRight})
}

func (t *text) ruled(l line, inner int) string {
	said := ""
	if l.said != "" {
		said = l.rule.across + " " + view.Cut(l.said, inner-1, t.ellipsis) + " "
	}
	whole := l.rule.left + said + strings.Repeat(l.rule.across, inner+2-view.TextWidth(said)) + l.rule.right
	if l.rule == t.heavy {
		return t.Theme.Paint(view.Failed, whole)
	}
	return whole
}

// row is a step on its way to be one or more lines.
type row struct {
	node  *Node
	facts []string
	undo  string
}

func (t *text) row(n *Node, after []*Node) row {
	r := row{node: n, facts: n.Facts, undo: t.undo(n.Undo)}
	if n.Result != nil {
		r.facts = append(n.Result.words(), n.Facts...)
	}
	if len(after) > 0 {
		r.facts = append(append([]string{}, r.facts...), afterWords(after))
	}
	return r
}

func (t *text) undo(u Undo) string {
	switch {
	case u.Can:
		return t.undoSign + " " + u.Text
	case u.None:
		return "no undo"
	}
	return ""
}

// columns are the widths that rows share; facts below each other where undo is 0, and all below
// the name where id is 0.
type columns struct{ id, facts, undo int }

func (t *text) columns(rows []row, width int) columns {
	var c columns
	for _, r := range rows {
		c.id = max(c.id, view.TextWidth(r.node.ID))
		c.facts = max(c.facts, view.TextWidth(strings.Join(r.facts, t.between)))
		c.undo = max(c.undo, view.TextWidth(r.undo))
	}
	room := width - 2 - t.markWidth() - c.id - 2 // beside the sign, the mark and the id
	switch {
	case c.facts+2+c.undo <= room: // all on one line each
	case room >= factsWidthMin*2+2:
		c.undo = min(c.undo, max(factsWidthMin, room/3))
		c.facts = room - 2 - c.undo
	case room >= factsWidthMin:
		c.facts, c.undo = room, 0
	default:
		c = columns{facts: max(8, width-4-t.markWidth())}
	}
	return c
}

func (t *text) rowLines(r row, c columns) []line {
	n := r.node
	head := t.mark(n) + t.sign(n) + " "
	said := wrap(r.facts, t.between, c.facts)
	if c.undo == 0 && r.undo != "" {
		said = append(said, view.Cut(r.undo, c.facts, t.ellipsis))
	}
	indent := strings.Repeat(" ", t.markWidth()+2)
	if c.id == 0 {
		lines := []line{{text: head + t.Theme.Strong(view.Cut(n.ID, c.facts+2, t.ellipsis))}}
		for i, s := range said {
			lines = append(lines, line{text: indent + "  " + t.tell(n, i, s)})
		}
		return lines
	}
	lines := []line{{text: head + t.Theme.Strong(n.ID)}}
	if len(said) > 0 || c.undo > 0 {
		lines[0].text = head + view.Pad(t.Theme.Strong(n.ID), c.id)
	}
	for i, s := range said {
		if i > 0 {
			lines = append(lines, line{text: indent + strings.Repeat(" ", c.id)})
		}
		lines[i].text += "  " + t.tell(n, i, s)
	}
	if c.undo > 0 && r.undo != "" {
		text := view.Pad(lines[0].text, t.markWidth()+2+c.id+2+c.facts)
		lines[0].text = text + "  " + view.Cut(r.undo, c.undo, t.ellipsis)
	}
	return lines
}

// tell paints the line that begins with what became of a step.
func (t *text) tell(n *Node, i int, said string) string {
	if n.Result == nil || i > 0 || !strings.HasPrefix(said, n.Result.Counts) {
		return said
	}
	return t.Theme.Paint(n.Result.Status, n.Result.Counts) + said[len(n.Result.Counts):]
}

func (t *text) sign(n *Node) string {
	if n.Result != nil {
		return t.Theme.Paint(n.Result.Status, t.Theme.Sign(n.Result.Status))
	}
	return [...]string{Changes: t.changes, Reads: t.reads, Destroys: t.destroys, Person: t.person, Block: " "}[n.Kind]
}

// mark tells what is on the critical path; where no run is shown it takes no room.
func (t *text) mark(n *Node) string {
	switch {
	case t.picture.Story == nil:
		return ""
	case n.Critical:
		return t.Theme.Strong(t.onPath) + " "
	case n.Kind == Block:
		return ""
	}
	return "  "
}

func (t *text) markWidth() int {
	if t.picture.Story == nil {
		return 0
	}
	return 2
}

// wrap writes texts on lines of a width; one that is longer is parted.
func wrap(texts []string, between string, width int) []string {
	var lines []string
	now := ""
	for _, text := range texts {
		switch {
		case now == "":
			now = text
		case view.TextWidth(now+between+text) <= width:
			now += between + text
		default:
			lines = append(lines, now)
			now = text
		}
		for view.TextWidth(now) > width {
			var head string
			head, now = partAt(now, width)
			lines = append(lines, head)
		}
	}
	if now != "" {
		lines = append(lines, now)
	}
	return lines
}

// partAt cuts a text at the last space within a width, or where the width ends.
func partAt(s string, width int) (head, rest string) {
	head = view.Cut(s, width, "")
	if head == "" { // one character is wider than all there is
		_, size := utf8.DecodeRuneInString(s)
		head = s[:size]
	}
	if at := strings.LastIndexByte(head, ' '); at > 0 && len(head) < len(s) && s[len(head)] != ' ' {
		head = head[:at]
	}
	return strings.TrimRight(head, " "), strings.TrimLeft(s[len(head):], " ")
}

func paragraph(texts []string, between string, width int) []line {
	var lines []line
	for _, text := range wrap(texts, between, max(width, 8)) {
		lines = append(lines, line{text: text})
	}
	return lines
}

// legend explains the signs that are there.
func (t *text) legend() []string {
	there := map[string]bool{}
	note := func(sign, word string, is bool) {
		if is {
			there[sign+" "+word] = true
		}
	}
	visit := func(n *Node) {
		run := n.Result != nil
		note(t.changes, "changes", n.Kind == Changes && !run)
		note(t.reads, "reads", n.Kind == Reads && !run)
		note(t.destroys, "destroys", n.Kind == Destroys && !run)
		note(t.person, "a person", n.Kind == Person && !run)
		note(t.undoSign, "undo", n.Undo.Can)
		note(t.onPath, "critical path", n.Critical)
	}
	t.picture.Root.walk(visit)
	var list []string
	for _, entry := range []string{
		t.changes + " changes", t.reads + " reads", t.destroys + " destroys", t.person + " a person", t.undoSign + " undo", t.onPath + " critical path",
	} {
		if there[entry] {
			list = append(list, entry)
		}
	}
	return list
}
