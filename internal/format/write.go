package format

import (
	"strings"
	"unicode/utf8"
)

// widthMax is the length of a line beyond which a flow map becomes a block, in characters.
const widthMax = 120

const step = 2 // columns of one level

type writer struct {
	out    []line
	unfold bool
	open   bool // the last line gets no end
}

// line is a line to be written; its comment finds its column when all lines are known.
type line struct {
	text   string
	remark remark
	kept   bool // its text is content to the last blank
}

func pad(n int) string { return strings.Repeat(" ", n) }

func (w *writer) line(text string, r remark) { w.out = append(w.out, line{text: text, remark: r}) }

// trivia writes comments and blank lines, at most one of these at a time.
func (w *writer) trivia(list []trivia, indent int) {
	deeper := shifts(list)
	for i, t := range list {
		last := len(w.out) - 1
		switch {
		case t.text == "":
			if last >= 0 && (w.out[last].text != "" || w.out[last].remark.text != "" || w.out[last].kept) {
				w.line("", remark{})
			}
		case last >= 0 && t.column > indent && w.out[last].remark.text != "" && w.out[last].remark.column == t.column:
			w.line("", remark{text: t.text, column: t.column, gap: t.column}) // goes on with the comment above it
		default:
			text := comment(t.text)
			if deeper[i] {
				text = "# " + text[1:]
			}
			w.line(pad(indent)+text, remark{})
		}
	}
}

// shifts finds the lines that move with another one of their comment which gets a space behind its sign:
// of commented-out YAML, those that stand deeper.
func shifts(list []trivia) []bool {
	moves := make([]bool, len(list))
	for from := 0; from < len(list); {
		to, tight := from, false
		for ; to < len(list) && list[to].text != ""; to++ {
			tight = tight || comment(list[to].text) != list[to].text
		}
		for i := from; i < to; i++ {
			moves[i] = tight && strings.HasPrefix(list[i].text, "#  ")
		}
		from = to + 1
	}
	return moves
}

// comment puts a space behind the sign of a comment.
func comment(text string) string {
	if len(text) < 2 || strings.IndexByte(" \t#!", text[1]) >= 0 {
		return text
	}
	return "# " + text[1:]
}

// entries writes a mapping or a sequence; the first entry may go on with a line that was begun.
func (w *writer) entries(n *node, indent int, begun string) {
	for i, e := range n.entries {
		prefix := pad(indent)
		if i == 0 && begun != "" {
			prefix = begun
		} else {
			w.trivia(e.lead, indent)
		}
		if n.kind == sequence {
			w.value(prefix+"-", e, indent, true)
		} else {
			w.value(prefix+e.key+":", e, indent, false)
		}
	}
	w.trivia(n.trailing, indent)
}

// value writes an entry, whose key or dash is the prefix.
func (w *writer) value(prefix string, e *entry, indent int, item bool) {
	n := e.value
	if n.props != "" && !(n.below && n.kind != mapping && n.kind != sequence && n.kind != nothing) {
		prefix += " " + n.props
	}
	switch n.kind {
	case nothing:
		r := e.remark
		if r.text == "" {
			r = n.remark
		}
		w.line(prefix, r)
		w.trivia(n.trailing, indent+step)
	case mapping, sequence:
		w.collection(prefix, e, indent, item)
	default:
		w.single(prefix, e, indent, item)
	}
}

func (w *writer) collection(prefix string, e *entry, indent int, item bool) {
	n := e.value
	if item && n.props == "" && e.remark.text == "" && onlyBlank(n.entries[0].lead) {
		w.entries(n, indent+step, prefix+" ")
		return
	}
	w.line(prefix, e.remark)
	w.entries(n, indent+step, "")
}

func onlyBlank(list []trivia) bool {
	for _, t := range list {
		if t.text != "" {
			return false
		}
	}
	return true
}

// single writes a scalar, a block scalar or a flow collection.
func (w *writer) single(prefix string, e *entry, indent int, item bool) {
	n := e.value
	prefix += " "
	if n.below {
		if item && e.remark.text == "" && onlyBlank(n.lead) && n.props == "" {
			n.below = false
		} else {
			w.line(strings.TrimSuffix(prefix, " "), e.remark)
			w.trivia(n.lead, indent+step)
			prefix = pad(indent + step)
			if n.props != "" {
				prefix += n.props + " "
			}
		}
	}
	switch n.kind {
	case scalar:
		w.scalar(prefix, n, indent+step)
	case block:
		w.line(prefix+n.header, n.remark)
		w.blockLines(n, indent+step)
	case flow:
		w.flowOrBlock(prefix, e, indent, item)
	}
}

func (w *writer) scalar(prefix string, n *node, indent int) {
	for i, text := range n.lines {
		r := remark{}
		if i == len(n.lines)-1 {
			r = n.remark
		}
		switch {
		case i == 0:
			w.line(prefix+text, r)
		case text == "":
			w.out = append(w.out, line{kept: true})
		default:
			w.out = append(w.out, line{text: pad(indent) + text, remark: r, kept: true})
		}
	}
}

func (w *writer) blockLines(n *node, indent int) {
	for _, text := range n.lines {
		if text != "" {
			text = pad(indent) + text
		}
		w.out = append(w.out, line{text: text, kept: true})
	}
}

func (w *writer) flowOrBlock(prefix string, e *entry, indent int, item bool) {
	n := e.value
	if w.unfold && !n.below && single(n.tokens) && utf8.RuneCountInString(prefix+oneLine(n.tokens)) > widthMax {
		if unfolded := unfold(n); unfolded != nil {
			as := &entry{key: e.key, remark: n.remark, value: unfolded, row: e.row}
			w.collection(strings.TrimSuffix(prefix, " "), as, indent, item)
			return
		}
	}
	if n.below {
		indent += step
	}
	w.flow(prefix, n, indent)
}

// flow writes a flow collection with the line breaks that its author chose. What stands in a bracket
// is one level deeper than the line on which it was opened.
func (w *writer) flow(prefix string, n *node, indent int) {
	text, here, levels := prefix, indent, []int{}
	var r remark
	for i, t := range n.tokens {
		if t.kind == '}' || t.kind == ']' {
			last := levels[len(levels)-1]
			levels = levels[:len(levels)-1]
			if t.newlines > 0 {
				w.flowBreak(text, r, n.tokens[i-1], t)
				text, r, here = pad(last), remark{}, last
			}
		} else if t.newlines > 0 && i > 0 {
			here = levels[len(levels)-1] + step
			w.flowBreak(text, r, n.tokens[i-1], t)
			text, r = pad(here), remark{}
		}
		if i > 0 && t.newlines == 0 && t.kind != '#' {
			text += joint(n.tokens[i-1], t)
		}
		switch t.kind {
		case '#':
			r = t.remark
			if t.newlines > 0 {
				text, r = text+comment(t.remark.text), remark{}
			}
		case '{', '[':
			levels = append(levels, here)
		}
		text = w.token(text, t, here+step)
	}
	w.line(text, n.remark)
}

// token writes a token, and all lines but the last of one that has several.
func (w *writer) token(text string, t token, indent int) string {
	text += t.text
	for _, more := range t.lines {
		w.out = append(w.out, line{text: text, kept: true})
		if text = ""; more != "" {
			text = pad(indent) + more
		}
	}
	return text
}

// flowBreak ends a line of a flow collection, and keeps blank lines: all of them inside of a text, else one.
func (w *writer) flowBreak(text string, r remark, a, b token) {
	w.line(text, r)
	blanks := min(1, b.newlines-1)
	if a.kind == 's' && b.kind == 's' {
		blanks = b.newlines - 1
	}
	for range blanks {
		w.out = append(w.out, line{kept: a.kind == 's' && b.kind == 's'})
	}
}
