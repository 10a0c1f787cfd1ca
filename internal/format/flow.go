package format

import "strings"

const punctuation = "{}[],"

// flow reads a flow collection, on one line or several, into its tokens.
func (p *parser) flow(n *node) {
	n.kind = flow
	depth, newlines, began := 0, 0, p.row
	for {
		p.skipSpaces()
		line := p.lines[p.row]
		if p.column >= len(line) {
			newlines++
			p.row, p.column = p.row+1, 0
			if p.row >= len(p.lines) {
				p.refuse(began, 0, "a bracket is not closed")
			}
			continue
		}
		t := p.token(n.tokens)
		t.newlines, newlines = newlines, 0
		n.tokens = append(n.tokens, t)
		switch t.kind {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return
			}
		}
	}
}

func (p *parser) token(before []token) token {
	line := p.lines[p.row]
	c := line[p.column]
	switch {
	case strings.IndexByte(punctuation, c) >= 0:
		p.column++
		return token{kind: c, text: string(c)}
	case c == ':' && p.colon(before):
		p.column++
		return token{kind: ':', text: ":"}
	case c == '?' && wordEnds(line, p.column+1):
		p.refuse(p.row, p.column, `a key with "?" before it`)
	case c == '#' && (p.column == 0 || line[p.column-1] == ' ' || line[p.column-1] == '\t'):
		t := token{kind: '#', remark: remark{text: strings.TrimRight(line[p.column:], " \t"), column: p.column}}
		t.remark.gap = p.column - len(strings.TrimRight(line[:p.column], " \t"))
		p.column = len(line)
		return t
	case c == '"' || c == '\'':
		lines := p.quotedLines()
		return token{kind: 'q', text: lines[0], lines: lines[1:]}
	case c == '*' || c == '&' || c == '!':
		end := p.column + 1
		for end < len(line) && strings.IndexByte(punctuation+" \t", line[end]) < 0 {
			end++
		}
		t := token{kind: c, text: line[p.column:end]}
		if p.column = end; c == '!' {
			t.kind = '&'
		}
		return t
	}
	return p.plainToken(line)
}

// colon tells whether the colon at the cursor is one, and not part of a word.
func (p *parser) colon(before []token) bool {
	line := p.lines[p.row]
	if wordEnds(line, p.column+1) || strings.IndexByte(punctuation, line[p.column+1]) >= 0 {
		return true
	}
	switch before[len(before)-1].kind {
	case 'q', '}', ']':
		return true
	}
	return false
}

func (p *parser) plainToken(line string) token {
	at := p.column
	end := at + 1
	for ; end < len(line); end++ {
		c := line[end]
		if strings.IndexByte(punctuation, c) >= 0 || c == '#' && (line[end-1] == ' ' || line[end-1] == '\t') {
			break
		}
		if c == ':' && (wordEnds(line, end+1) || strings.IndexByte(punctuation, line[end+1]) >= 0) {
			break
		}
	}
	p.column = end
	return token{kind: 's', text: strings.TrimRight(line[at:end], " \t")}
}

// joint gives what stands between two tokens on one line.
func joint(a, b token) string {
	switch {
	case a.kind == '{' || a.kind == '[':
		return ""
	case b.kind == '}' || b.kind == ']':
		if a.kind == ':' {
			return " "
		}
		return ""
	case b.kind == ',':
		if a.kind == ':' {
			return " "
		}
		return ""
	case b.kind == ':':
		if a.kind == '*' || a.kind == '&' || a.kind == ',' {
			return " "
		}
		return ""
	}
	return " "
}

// oneLine writes tokens that stand on one line.
func oneLine(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 {
			b.WriteString(joint(tokens[i-1], t))
		}
		b.WriteString(t.text)
	}
	return b.String()
}

// single tells whether tokens stand on one line, without comments.
func single(tokens []token) bool {
	for i, t := range tokens {
		if t.kind == '#' || len(t.lines) > 0 || i > 0 && t.newlines > 0 {
			return false
		}
	}
	return true
}

// unfold turns the tokens of a flow map into the entries of a block map; nil where that cannot be.
func unfold(n *node) *node {
	if n.tokens[0].kind != '{' || len(n.tokens) < 3 || !single(n.tokens) {
		return nil
	}
	out := &node{kind: mapping, props: n.props, below: true, lead: n.lead, row: n.row}
	for _, part := range split(n.tokens[1 : len(n.tokens)-1]) {
		e := unfoldPair(part, n.row)
		if e == nil {
			return nil
		}
		out.entries = append(out.entries, e)
	}
	return out
}

// split cuts tokens at the commas that stand in no inner brackets.
func split(tokens []token) (parts [][]token) {
	depth, from := 0, 0
	for i, t := range tokens {
		switch t.kind {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, tokens[from:i])
				from = i + 1
			}
		}
	}
	if from < len(tokens) {
		parts = append(parts, tokens[from:])
	}
	return parts
}

func unfoldPair(tokens []token, row int) *entry {
	i := 0
	for i < len(tokens) && tokens[i].kind == '&' {
		i++
	}
	if i >= len(tokens) || strings.IndexByte("sq*", tokens[i].kind) < 0 {
		return nil
	}
	e := &entry{key: spaced(oneLine(tokens[:i+1])), value: &node{kind: nothing, row: row}, row: row}
	if i+1 == len(tokens) {
		return e
	}
	if tokens[i+1].kind != ':' {
		return nil
	}
	rest := tokens[i+2:]
	var props []string
	for len(rest) > 0 && rest[0].kind == '&' {
		props = append(props, rest[0].text)
		rest = rest[1:]
	}
	e.value.props = strings.Join(props, " ")
	switch {
	case len(rest) == 0:
	case rest[0].kind == '{' || rest[0].kind == '[':
		e.value.kind, e.value.tokens = flow, rest
	case len(rest) == 1:
		e.value.kind, e.value.lines = scalar, []string{rest[0].text}
	default:
		return nil
	}
	return e
}
