package format

import (
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// Format gives the text of a YAML document, laid out. The error is always source.Problems: what is
// wrong with the document, or what of it cannot be laid out.
func Format(file *source.File) (string, error) {
	before := &source.File{Name: file.Name, Text: file.Text}
	tree, err := source.Parse(before)
	if err != nil {
		return "", err
	}
	before.Text = strings.ReplaceAll(before.Text, "\r\n", "\n")
	if p := oddBreak(before); p != nil {
		return "", source.Problems{p}
	}
	var first *source.Problem
	for _, unfolding := range []bool{true, false} {
		text, p := layOut(before, unfolding)
		if p == nil {
			p = changed(before, tree, text)
		}
		if p == nil {
			return text, nil
		}
		if first == nil {
			first = p
		}
	}
	return "", source.Problems{first}
}

// oddBreak finds characters that end a line for some readers of YAML and not for others.
func oddBreak(file *source.File) *source.Problem {
	i := strings.IndexAny(file.Text, "\r\u0085\u2028\u2029")
	if i < 0 {
		return nil
	}
	row := strings.Count(file.Text[:i], "\n")
	column := len([]rune(file.Text[strings.LastIndexByte(file.Text[:i], '\n')+1 : i]))
	return refusal{row: row, column: column, why: "a character that some take for the end of a line"}.problem(file)
}

func layOut(file *source.File, unfolding bool) (text string, problem *source.Problem) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case refusal:
			problem = r.problem(file)
		default:
			panic(r)
		}
	}()
	p := &parser{lines: strings.Split(strings.TrimSuffix(file.Text, "\n"), "\n"), unended: !strings.HasSuffix(file.Text, "\n")}
	w := &writer{unfold: unfolding}
	p.document(w)
	w.open = p.open
	return w.String(), nil
}

// document reads and writes the whole: what stands before it, the one node it is, what stands behind.
func (p *parser) document(w *writer) {
	for p.row < len(p.lines) {
		l := p.lines[p.row]
		if _, ok := trivial(l); !ok && !strings.HasPrefix(l, "%") && !marker(l, "---") {
			break
		} else if marker(l, "---") {
			var r remark
			p.column = 3
			if p.skipSpaces(); !p.atEnd(&r) {
				p.refuse(p.row, p.column, `something stands behind "---"`)
			}
			w.trivia(p.taken(), 0)
			w.line("---", r)
			break
		} else if !ok {
			w.trivia(p.taken(), 0)
			w.line(strings.TrimRight(l, " \t"), remark{})
			p.row++
			continue
		}
		p.pending = p.trivia()
	}
	p.pending = p.trivia()
	p.root(w)
	w.trivia(p.trivia(), 0)
	for ; p.row < len(p.lines); p.row++ { // "..." and what follows it
		w.line(strings.TrimRight(p.lines[p.row], " \t"), remark{})
	}
}

func (p *parser) taken() []trivia {
	list := p.pending
	p.pending = nil
	return list
}

func (p *parser) root(w *writer) {
	column := p.next()
	if column < 0 {
		p.refuse(min(p.row, len(p.lines)-1), 0, "there is nothing in it")
	}
	p.column = column
	n := p.content(-1)
	switch {
	case n.kind == mapping || n.kind == sequence:
		w.entries(n, 0, "")
	case n.kind == flow && n.props == "":
		w.trivia(n.lead, 0)
		w.flow("", n, 0)
	default:
		p.refuse(n.row, 0, "it is a single text, not a map")
	}
}

// changed compares the document with what was made of it: values, and all that is written but blanks.
func changed(file *source.File, before *source.Node, text string) *source.Problem {
	tell := func(pos source.Pos, why string) *source.Problem {
		return refusal{row: pos.Line - 1, column: pos.Column - 1, why: why}.problem(file)
	}
	after, err := source.Parse(&source.File{Name: file.Name, Text: text})
	if err != nil {
		pos := source.Pos{Line: 1, Column: 1}
		if ps, ok := source.AsProblems(err); ok {
			pos = ps[0].Pos
		}
		return tell(pos, "it could not be read any more")
	}
	if n := different(before, after); n != nil {
		return tell(n.Pos, "this value would change")
	}
	if !slices.Equal(written(file.Text), written(text)) {
		return tell(before.Pos, "something written here would be lost")
	}
	return nil
}

// different gives the first node that is not the same in both trees.
func different(a, b *source.Node) *source.Node {
	if a.Kind != b.Kind || a.Text != b.Text || a.Style != b.Style || a.Tag != b.Tag || len(a.Items) != len(b.Items) || len(a.Pairs) != len(b.Pairs) {
		return a
	}
	for i := range a.Items {
		if n := different(a.Items[i], b.Items[i]); n != nil {
			return n
		}
	}
	for i, p := range a.Pairs {
		if n := different(p.Key, b.Pairs[i].Key); n != nil {
			return n
		}
		if n := different(p.Value, b.Pairs[i].Value); n != nil {
			return n
		}
	}
	return nil
}

// written gives how often each character is there, but for blanks and what becomes another when a flow
// map becomes a block: no comment and no anchor can be lost without a difference here.
func written(text string) []int {
	const punctuation = " \t\n{},:0123456789"
	counts := make([]int, 1<<8)
	for i := range len(text) {
		if strings.IndexByte(punctuation, text[i]) < 0 {
			counts[text[i]]++
		}
	}
	return counts
}
