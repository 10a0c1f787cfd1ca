package format

import (
	"regexp"
	"strings"
)

// value reads a value that begins at the cursor, on a line of its own or behind a key.
func (p *parser) value(column int) *node {
	line := p.lines[p.row]
	n := &node{row: p.row}
	at := skipProps(line, p.column)
	n.props = strings.Join(strings.Fields(line[p.column:at]), " ")
	p.column = at
	if n.props != "" {
		var behind remark
		if p.atEnd(&behind) {
			return p.propped(n.props, behind, column)
		}
		line = p.lines[p.row]
	}
	switch line[p.column] {
	case '|', '>':
		p.blockScalar(n, column)
	case '{', '[':
		p.flow(n)
		p.lineEnds(n)
	case '"', '\'':
		p.quoted(n)
		p.lineEnds(n)
	default:
		p.plain(n, column)
	}
	return n
}

// propped reads a value below its anchor or tag.
func (p *parser) propped(props string, behind remark, column int) *node {
	n := p.nested(column, true)
	if n.props != "" {
		p.refuse(n.row, 0, "props on lines of their own")
	}
	n.props = props
	if behind.text != "" {
		if n.kind == nothing {
			n.remark = behind
		} else {
			p.refuse(n.row, behind.column, "a comment between an anchor and its value")
		}
	}
	return n
}

// lineEnds reads the comment behind a value.
func (p *parser) lineEnds(n *node) {
	p.skipSpaces()
	if !p.atEnd(&n.remark) {
		p.refuse(p.row, p.column, "something stands behind the value")
	}
}

// plain reads an unquoted text, which may go on on deeper lines.
func (p *parser) plain(n *node, column int) {
	n.kind = scalar
	for {
		line := p.lines[p.row]
		end := plainEnd(line, p.column)
		n.lines = append(n.lines, strings.Trim(line[p.column:end], " \t"))
		p.column = end
		p.lineEnds(n)
		if n.remark.text != "" {
			return
		}
		row := p.row
		for row < len(p.lines) && blank(p.lines[row]) {
			row++
		}
		if row == len(p.lines) {
			return
		}
		t, ok := trivial(p.lines[row])
		if ok && t.text != "" || indentation(p.lines[row]) <= column || marker(p.lines[row], "---") || marker(p.lines[row], "...") {
			return
		}
		for ; p.row < row; p.row++ {
			n.lines = append(n.lines, "")
		}
		p.column = 0
		p.skipSpaces()
	}
}

func plainEnd(line string, at int) int {
	for i := at + 1; i < len(line); i++ {
		if line[i] == '#' && (line[i-1] == ' ' || line[i-1] == '\t') {
			return i
		}
	}
	return len(line)
}

// quoted reads a text in quotes, which may go on on the next lines.
func (p *parser) quoted(n *node) {
	n.kind = scalar
	n.lines = p.quotedLines()
}

func (p *parser) quotedLines() []string {
	var lines []string
	row, quote := p.row, p.lines[p.row][p.column]
	rest := p.lines[p.row][p.column:]
	if end := quoteEnd(rest, 0); end > 0 {
		p.column += end
		return []string{rest[:end]}
	}
	lines = append(lines, trimFold(rest, quote))
	for p.row++; p.row < len(p.lines); p.row++ {
		line := p.lines[p.row]
		text := strings.TrimLeft(line, " \t")
		if end := quoteEnd(string(quote)+text, 0); end > 0 {
			p.column = len(line) - len(text) + end - 1
			return append(lines, text[:end-1])
		}
		lines = append(lines, trimFold(text, quote))
	}
	p.refuse(row, 0, "a quoted text is not ended")
	return nil
}

// trimFold takes the blanks off a line's end, which folding drops, but for one that a backslash keeps.
func trimFold(text string, quote byte) string {
	out := strings.TrimRight(text, " \t")
	slashes := len(out) - len(strings.TrimRight(out, `\`))
	if quote == '"' && slashes%2 == 1 && len(out) < len(text) {
		return text[:len(out)+1]
	}
	return out
}

var blockHeader = regexp.MustCompile(`^[|>](?:([1-9])?([+-])?|([+-])([1-9]))(?:[ \t]|$)`)

// blockScalar reads | or > and its lines, whose content is kept byte for byte.
func (p *parser) blockScalar(n *node, column int) {
	n.kind = block
	m := blockHeader.FindStringSubmatch(p.lines[p.row][p.column:])
	if m == nil {
		p.refuse(p.row, p.column, "the head of this text is not understood")
	}
	digit, chomp := m[1]+m[4], m[2]+m[3]
	n.header = p.lines[p.row][p.column:p.column+1] + chomp
	if digit != "" {
		n.header = n.header[:1] + "2" + chomp
	}
	p.column += len(strings.TrimRight(m[0], " \t"))
	p.lineEnds(n)
	var indent int
	if digit != "" {
		indent = max(0, column) + int(digit[0]-'0')
	} else {
		indent = p.detect(column)
	}
	for ; p.row < len(p.lines); p.row++ {
		line := p.lines[p.row]
		in := indentation(line)
		if in < len(line) && (in < indent || indent <= column) {
			break
		}
		n.lines = append(n.lines, line[min(indent, in):])
	}
	for chomp != "+" && len(n.lines) > 0 && n.lines[len(n.lines)-1] == "" { // not of the text
		n.lines = n.lines[:len(n.lines)-1]
		p.row--
	}
	p.open = p.unended && p.row == len(p.lines)
}

// detect gives the indentation of a block scalar: that of its first line with content, or that of the
// longest blank one where all are blank.
func (p *parser) detect(column int) int {
	longest := column + 1
	for _, line := range p.lines[p.row:] {
		in := indentation(line)
		if in < len(line) {
			if in > column {
				return in
			}
			break
		}
		longest = max(longest, in)
	}
	return longest
}
