package format

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// refusal says why a text cannot be laid out. It travels as a panic from deep inside to Format.
type refusal struct {
	row, column int
	why         string
}

type parser struct {
	lines   []string
	row     int // of what is read next
	column  int // in bytes
	pending []trivia
	unended bool // the last line has no end
	open    bool // and is one of a block scalar, so that an end would become part of its text
}

func (p *parser) refuse(row, column int, why string, args ...any) {
	panic(refusal{row: row, column: column, why: fmt.Sprintf(why, args...)})
}

func (r refusal) problem(file *source.File) *source.Problem {
	return &source.Problem{
		File: file, Pos: source.Pos{Line: r.row + 1, Column: r.column + 1},
		Message: "cannot format this: " + r.why, Hint: "write it otherwise, or leave this file out",
	}
}

func blank(text string) bool { return strings.Trim(text, " \t") == "" }

func indentation(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// trivial tells whether a line has no content, and what it says then.
func trivial(line string) (trivia, bool) {
	text := strings.Trim(line, " \t")
	if text == "" || text[0] == '#' {
		return trivia{text: text, column: strings.IndexByte(line, '#')}, true
	}
	return trivia{}, false
}

// trivia gathers the lines without content that come next, after those that were handed back.
func (p *parser) trivia() []trivia {
	list := p.pending
	p.pending = nil
	for p.row < len(p.lines) && p.column == 0 {
		t, ok := trivial(p.lines[p.row])
		if !ok {
			break
		}
		list = append(list, t)
		p.row++
	}
	return list
}

// next gives the column of the next content, -1 at the end of the document.
func (p *parser) next() int {
	if p.row >= len(p.lines) {
		return -1
	}
	line := p.lines[p.row]
	if marker(line, "---") || marker(line, "...") {
		return -1
	}
	n := indentation(line)
	if line[n] == '\t' {
		p.refuse(p.row, n, "a tab stands before the content")
	}
	return n
}

func marker(line, mark string) bool {
	return strings.HasPrefix(line, mark) && (len(line) == 3 || line[3] == ' ' || line[3] == '\t')
}

// claim takes the comments that belong to a block that ended: those that stand at its column or
// deeper, and deeper than what comes next. The others are handed back.
func (p *parser) claim(list []trivia, column int) []trivia {
	next, taken := p.next(), 0
	for i, t := range list {
		if t.text == "" {
			continue
		}
		if t.column < column || t.column <= next {
			break
		}
		taken = i + 1
	}
	p.pending = list[taken:]
	return list[:taken]
}

// nested reads the value that begins below a key or dash of a block at the column, or none.
func (p *parser) nested(column int, inMapping bool) *node {
	list := p.trivia()
	next := p.next()
	if next > column || next == column && column >= 0 && inMapping && dash(p.lines[p.row], next) {
		p.pending = list
		p.column = next
		n := p.content(column)
		n.below = true
		return n
	}
	return &node{kind: nothing, row: p.row, trailing: p.claim(list, column+1)}
}

// content reads what stands at the cursor, at the beginning of a line or after a dash.
func (p *parser) content(column int) *node {
	line := p.lines[p.row]
	switch {
	case dash(line, p.column):
		return p.block(sequence)
	case p.implicitKey() > 0:
		return p.block(mapping)
	}
	lead := p.pending
	p.pending = nil
	n := p.value(column)
	n.lead = append(lead, n.lead...)
	return n
}

func dash(line string, at int) bool {
	return at < len(line) && line[at] == '-' && (at+1 == len(line) || line[at+1] == ' ' || line[at+1] == '\t')
}

// block reads the entries of a mapping or a sequence, the first of which begins at the cursor.
func (p *parser) block(k kind) *node {
	n := &node{kind: k, row: p.row}
	column := p.column
	for {
		list := p.pending
		p.pending = nil
		e := &entry{lead: list, row: p.row}
		if k == sequence {
			p.column++
			p.item(e, column)
		} else {
			p.pair(e, column)
		}
		n.entries = append(n.entries, e)
		list = p.trivia()
		next := p.next()
		if next > column {
			p.refuse(p.row, next, "this line is indented more than those before it")
		}
		if next < column || dash(p.lines[p.row], next) != (k == sequence) {
			n.trailing = p.claim(list, column)
			return n
		}
		p.pending, p.column = list, column
	}
}

func (p *parser) pair(e *entry, column int) {
	line := p.lines[p.row]
	colon := p.implicitKey()
	if colon == 0 {
		p.refuse(p.row, p.column, "a key and a colon are needed here")
	}
	e.key = spaced(line[p.column:colon])
	p.column = colon + 1
	p.after(e, column, true)
}

// after reads what stands behind a colon: on the same line, or below.
func (p *parser) after(e *entry, column int, inMapping bool) {
	p.skipSpaces()
	if p.atEnd(&e.remark) {
		e.value = p.nested(column, inMapping)
		return
	}
	e.value = p.value(column)
}

func (p *parser) item(e *entry, column int) {
	p.skipSpaces()
	line := p.lines[p.row]
	if p.column < len(line) && (dash(line, p.column) || p.implicitKey() > 0) {
		e.value = p.content(column)
		return
	}
	p.after(e, column, false)
}

func (p *parser) skipSpaces() {
	line := p.lines[p.row]
	for p.column < len(line) && (line[p.column] == ' ' || line[p.column] == '\t') {
		p.column++
	}
}

// atEnd tells whether nothing but a comment is left on the line, and goes to the next line then.
func (p *parser) atEnd(r *remark) bool {
	line := p.lines[p.row]
	if p.column < len(line) && line[p.column] != '#' {
		return false
	}
	if p.column < len(line) {
		before := strings.TrimRight(line[:p.column], " \t")
		if len(before) == p.column && p.column > 0 {
			return false // no space before it: it is part of the value
		}
		*r = remark{text: strings.TrimRight(line[p.column:], " \t"), column: p.column, gap: p.column - len(before)}
	}
	p.row, p.column = p.row+1, 0
	return true
}

// implicitKey gives the offset of the colon of a key that begins at the cursor, or 0.
func (p *parser) implicitKey() int {
	line := p.lines[p.row]
	at := skipProps(line, p.column)
	if at >= len(line) {
		return 0
	}
	switch c := line[at]; c {
	case '"', '\'':
		if at = quoteEnd(line, at); at < 0 {
			return 0
		}
		for at < len(line) && line[at] == ' ' {
			at++
		}
		if at < len(line) && line[at] == ':' && wordEnds(line, at+1) {
			return at
		}
		return 0
	case '{', '[', '|', '>', '#', '%', '@', '`', ',', ']', '}':
		return 0
	case '?':
		if wordEnds(line, at+1) {
			p.refuse(p.row, at, `a key with "?" before it`)
		}
	}
	for ; at < len(line); at++ {
		switch {
		case line[at] == ':' && wordEnds(line, at+1):
			if at == p.column {
				p.refuse(p.row, at, "a colon without a key")
			}
			return at
		case line[at] == '#' && at > 0 && (line[at-1] == ' ' || line[at-1] == '\t'):
			return 0
		}
	}
	return 0
}

func wordEnds(line string, at int) bool {
	return at >= len(line) || line[at] == ' ' || line[at] == '\t'
}

// skipProps goes past anchors and tags, and the spaces behind them.
func skipProps(line string, at int) int {
	for at < len(line) && (line[at] == '&' || line[at] == '!') {
		for at < len(line) && line[at] != ' ' && line[at] != '\t' {
			at++
		}
		for at < len(line) && (line[at] == ' ' || line[at] == '\t') {
			at++
		}
	}
	return at
}

// quoteEnd gives the offset behind the quoted text that begins at the offset, -1 if it does not end on the line.
func quoteEnd(line string, at int) int {
	quote := line[at]
	for i := at + 1; i < len(line); i++ {
		switch {
		case line[i] == '\\' && quote == '"':
			i++
		case line[i] == quote && quote == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
		case line[i] == quote:
			return i + 1
		}
	}
	return -1
}

// spaced trims a key, and leaves one space behind each of its props. An alias keeps one before its colon.
func spaced(key string) string {
	key = strings.TrimRight(key, " \t")
	at := skipProps(key, 0)
	out := key[at:]
	if props := strings.Fields(key[:at]); len(props) > 0 {
		out = strings.Join(props, " ") + " " + out
	}
	if strings.HasPrefix(key[at:], "*") {
		out += " "
	}
	return out
}
