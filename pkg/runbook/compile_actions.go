package runbook

import (
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// builtin compiles what the built-in actions are made of; sc knows what the step saved.
func (c *compiler) builtin(s *Step, sc *scope) {
	var texts []*Text
	if a := s.Line; a != nil {
		texts = append(texts, a.Path, a.Match, a.Line)
	}
	if a := s.Service; a != nil {
		texts = append(texts, a.Name)
	}
	if a := s.Script; a != nil {
		texts = append(texts, a.File)
		c.script(a.Args, s.ShellName(), sc)
	}
	if a := s.HTTP; a != nil {
		texts = append(texts, a.URL, a.Body)
		for _, h := range a.Headers {
			texts = append(texts, h.Text)
		}
		if a.JSON != nil {
			c.json(a.JSON, a.JSON.Node, sc)
		}
	}
	if a := s.Fetch; a != nil {
		texts = append(texts, a.Src, a.Dest)
	}
	if a := s.Reboot; a != nil {
		texts = append(texts, a.TimeoutText)
	}
	if a := s.Notify; a != nil {
		c.text(a.To, c.early(s))
		texts = append(texts, a.Message)
	}
	for _, t := range texts {
		c.text(t, sc)
	}
}

// json compiles the expressions inside a value. One that is a whole text gives its value as JSON, so
// that a number stays a number.
func (c *compiler) json(j *JSON, n *source.Node, sc *scope) {
	for _, item := range n.Items {
		c.json(j, item, sc)
	}
	for _, p := range n.Pairs {
		c.json(j, p.Value, sc)
	}
	if n.Kind != source.Scalar || !strings.Contains(n.Text, "${{") {
		return
	}
	t := &Text{Node: n}
	c.text(t, sc)
	if t.Text == nil {
		return
	}
	if t.Whole() {
		inner := t.Pieces[0].Expr.Source
		encoded, errs := expression.CompileText("${{ toJSON("+inner+") }}", sc.typesFor(inner, true))
		if len(errs) > 0 {
			c.note(n, errs[0])
			return
		}
		encoded.Pieces[0].Expr.Refs = t.Pieces[0].Expr.Refs
		t.Text = encoded
	}
	j.Scalar[n] = t
}
