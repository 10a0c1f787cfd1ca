package runbook

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

func (d *decoder) line(n *source.Node) *Line {
	l := &Line{}
	ok := d.each(n, "line", keys{
		"path": d.raw(&l.Path), "match": d.raw(&l.Match), "line": d.raw(&l.Line), "absent": d.bool(&l.Absent),
	})
	if !ok {
		return l
	}
	if n.Get("path") == nil {
		d.problem(n, "line needs a path").Hint = "line: {path: /etc/app.conf, match: ^port=, line: port=80}"
	}
	d.hostPath(n.Get("path"))
	line, match := n.Get("line"), n.Get("match")
	switch {
	case l.Absent && line != nil && match != nil:
		d.problem(n, "with absent: true, line takes one of match and line").Hint = "match: a pattern of the lines that go; line: the whole line"
	case l.Absent && line == nil && match == nil:
		d.problem(n, "line does not say which lines are to be absent").Hint = "match: a pattern of the lines that go; line: the whole line"
	case !l.Absent && line == nil:
		d.problem(n, "line does not say what the line should be").Hint = "line: the text of it; or absent: true, to take out what matches"
	}
	if l.Line != nil && strings.ContainsAny(l.Line.Node.Text, "\n\r") {
		d.problem(l.Line.Node, "line holds the end of a line").Hint = "one step for each line; copy puts whole files there"
	}
	if l.Match != nil && l.Match.Node.Text == "" {
		d.problem(l.Match.Node, "an empty pattern matches every line").Hint = "leave match out, and the line itself is what is looked for"
	} else if l.Match != nil {
		d.pattern(l.Match.Node)
	}
	return l
}

// pattern refuses a regular expression that cannot be one, whatever the values in it.
func (d *decoder) pattern(n *source.Node) {
	pieces, problem := expression.Split(n.Text)
	if problem != nil {
		return // is told when it is compiled
	}
	text := ""
	for _, p := range pieces {
		if p.Expr != nil {
			p.Literal = "x"
			if strings.Contains(n.Text[p.Offset:p.Offset+p.Width], "raw(") {
				return // nothing is known of it
			}
		}
		text += p.Literal
	}
	if _, err := regexp.Compile(text); err != nil {
		reason := err.Error()
		if e := (*syntax.Error)(nil); errors.As(err, &e) {
			reason = string(e.Code) + ": " + e.Expr
		}
		d.problem(n, "match is not a pattern: %s", reason).Hint = `the syntax is that of RE2; \. is a dot, \( a parenthesis`
	}
}

// only is the text that consists of one of its pieces.
func (t *Text) only(piece expression.Piece) *Text {
	return &Text{Node: t.Node, Text: &expression.Text{Source: t.Source, Pieces: []expression.Piece{piece}}}
}
