package runbook

import "github.com/opsctl/opsctl/pkg/runbook/expression"

func (c *compiler) step(s *Step) {
	sc := c.at(s)
	c.shared(s, sc)
	c.stdin(s.Stdin, sc)
	c.loop(s)
	withSaved := *sc
	if s.Save != nil {
		withSaved.saved = s.Save
	}
	for _, item := range s.Save {
		c.script(item.Run, s.ShellName(), sc)
	}
	for _, t := range s.SaveFiles {
		c.text(t, sc)
	}
	c.script(s.Run, s.ShellName(), &withSaved)
	withResult := withSaved
	withResult.result = true
	c.cond(s.ChangedIf, &withResult, expression.WantBool)
	c.cond(s.FailedIf, &withResult, expression.WantBool)
	for _, o := range s.Outputs {
		c.cond(o.Expr, &withResult, expression.WantAny)
	}
	c.action(s, sc)
	c.builtin(s, &withSaved)
	c.bareAction(s)
	if len(s.Save) > 0 && s.IsSensitive() {
		c.problem(s.Node.Get("save"), "what a sensitive step saves would be kept in the journal").Hint = "save_files keeps copies on the host itself"
	}
}

// loop compiles what makes several steps of one: the list, and the params of an include.
func (c *compiler) loop(s *Step) {
	if s.ForEach != nil {
		list := c.early(s)
		list.item = s.Parent.loops()
		c.varTexts(s.ForEach.List, s.ForEach.Node, list)
	}
	if s.Include == nil {
		return
	}
	for _, v := range s.Include.With {
		c.varTexts(v, v.Node, c.early(s))
		for _, e := range v.exprs() {
			v.Secret = v.Secret || c.isSecret(e)
		}
	}
	c.checkWith(s)
}

func (c *compiler) stdin(s *Stdin, sc *scope) {
	if s != nil {
		c.text(s.Text, sc)
		c.text(s.File, sc)
	}
}

// shared compiles what steps, blocks and the runbook have in common.
func (c *compiler) shared(s *Step, sc *scope) {
	early := c.early(s)
	for _, t := range s.Hosts {
		c.text(t, early)
	}
	for _, v := range s.Env {
		c.text(v.Text, sc)
	}
	c.text(s.Dir, sc)
	c.text(s.Sudo, early)
	c.text(s.Delegate, early)
	c.text(s.Confirm, early)
	if s.Lock != nil {
		c.text(s.Lock.Name, early)
	}
	if s.Rollout != nil {
		c.text(s.Rollout.SoakText, early)
		if s.Rollout.Spread != nil {
			c.cond(s.Rollout.Spread.By, &scope{base: c.base, item: s.loops(), hosted: true}, expression.WantAny)
		}
	}
	c.cond(s.If, sc, expression.WantBool)
	c.script(s.Check, s.ShellName(), sc)
	withResult := *sc
	withResult.result = true
	if s.Retry != nil {
		c.cond(s.Retry.If, &withResult, expression.WantBool)
	}
	if s.Rollback != nil && !s.Rollback.None {
		c.undo(s, sc)
	}
	c.bareKeys(s)
}

// undo compiles a rollback. One of a step that may be half done cannot wait for the step's output.
func (c *compiler) undo(s *Step, sc *scope) {
	undo, early := *sc, c.early(s)
	undo.saved = s.Save
	undo.result, undo.outcome = s.Rollback.When != "started", true
	c.script(s.Rollback.Run, s.ShellName(), &undo)
	for _, v := range s.Rollback.Env {
		c.text(v.Text, &undo)
	}
	c.text(s.Rollback.Sudo, early)
	c.stdin(s.Rollback.Stdin, &undo)
	c.text(s.Rollback.Dir, &undo)
	if s.Rollback.Retry != nil {
		c.cond(s.Rollback.Retry.If, &undo, expression.WantBool)
	}
}

func (c *compiler) action(s *Step, sc *scope) {
	if a := s.Copy; a != nil {
		for _, t := range []*Text{a.Src, a.Content, a.Dest, a.Owner, a.Group} {
			c.text(t, sc)
		}
	}
	if a := s.Link; a != nil {
		c.text(a.Path, sc)
		c.text(a.To, sc)
	}
	if a := s.Wait; a != nil {
		for _, t := range []*Text{a.TCP, a.HTTP, a.File, a.Body, a.TimeoutText} {
			c.text(t, sc)
		}
		c.script(a.Run, s.ShellName(), sc)
	}
	c.text(s.Manual, sc)
	if a := s.Assert; a != nil {
		for _, that := range a.That {
			c.cond(that, sc, expression.WantBool)
		}
		c.text(a.Message, sc)
	}
}
