package executor

import (
	"fmt"
	"time"

	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// renderScript fills the values into a script: its text, and variables that go with it.
func renderScript(s *runbook.Script, env func() map[string]any) (text string, argv []string, vars map[string]string, err error) {
	if s.Argv != nil {
		for _, word := range s.Argv {
			value, err := word.Value(env())
			if err != nil {
				return "", nil, nil, err
			}
			words, _, err := expression.Words(value)
			if err != nil {
				return "", nil, nil, fmt.Errorf("cannot use %q as words: %w", word.Source, err)
			}
			argv = append(argv, words...)
		}
		return "", argv, nil, nil
	}
	if s.Plain == nil && (s.Parsed == nil || len(s.Exprs) == 0) {
		return s.Node.Text, nil, nil, nil
	}
	values, err := scriptValues(s.Exprs, env)
	if err != nil {
		return "", nil, nil, err
	}
	if s.Plain != nil {
		text, err = s.Plain.Render(values)
		return text, nil, nil, err
	}
	text, vars, err = s.Parsed.Render(values)
	return text, nil, vars, err
}

func scriptValues(exprs []*expression.Expression, env func() map[string]any) ([]shell.Value, error) {
	values := make([]shell.Value, len(exprs))
	for i, e := range exprs {
		value, err := e.Eval(env())
		if err != nil {
			return nil, err
		}
		words, list, err := expression.Words(value)
		if err != nil {
			return nil, fmt.Errorf("cannot use %q in a command: %w", e.Source, err)
		}
		values[i] = shell.Value{Words: words, List: list}
	}
	return values, nil
}

// bare gives what the step says about how, without what.

func (l *loop) bare(a *attempt) (Command, error) {
	src := a.step.Source
	c := Command{Shell: src.ShellName(), Timeout: runbook.TimeoutDefault, KillAfter: runbook.KillAfterDefault}
	if t := runbook.Inherit(src, func(s *runbook.Step) *time.Duration { return s.Timeout }); t != nil {
		c.Timeout = *t
	}
	if t := runbook.Inherit(src, func(s *runbook.Step) *time.Duration { return s.KillAfter }); t != nil {
		c.KillAfter = *t
	}
	var err error
	dir, owner := runbook.Said(src, func(s *runbook.Step) *runbook.Text { return s.Dir })
	if c.Dir, err = l.scopes.renderOf(a, owner, dir); err != nil {
		return c, err
	}
	if c.Sudo, err = l.sudo(a); err != nil {
		return c, err
	}
	var chain []*runbook.Step
	for at := src; at != nil; at = at.Parent {
		if len(at.Env) > 0 {
			chain = append(chain, at)
		}
	}
	for i := len(chain) - 1; i >= 0; i-- { // the innermost word wins
		if err := l.addEnv(&c, chain[i].Env, l.scopes.rendererAt(a, chain[i])); err != nil {
			return c, err
		}
	}
	return c, nil
}

// renderOf renders a text that owner says; nil is the empty text.
func (s *scopes) renderOf(a *attempt, owner *runbook.Step, t *runbook.Text) (string, error) {
	if t == nil {
		return "", nil
	}
	return s.rendererAt(a, owner)(t)
}

func (l *loop) addEnv(c *Command, vars []runbook.EnvVar, render func(*runbook.Text) (string, error)) error {
	for _, v := range vars {
		value, err := render(v.Text)
		if err != nil {
			return err
		}
		if c.Env == nil {
			c.Env = map[string]string{}
		}
		c.Env[v.Name] = value
	}
	return nil
}

// sudo gives the user that the step runs as; "" is the login user.
func (l *loop) sudo(a *attempt) (string, error) {
	text, owner := runbook.Said(a.step.Source, func(s *runbook.Step) *runbook.Text { return s.Sudo })
	sudo, err := l.scopes.renderOf(a, owner, text)
	return sudoUser(sudo), err
}

// sudoUser reads sudo: true, false or a user.
func sudoUser(text string) string {
	switch text {
	case "", "false":
		return ""
	case "true":
		return "root"
	}
	return text
}

// command gives a script of the step as a Command.
func (l *loop) command(a *attempt, s *runbook.Script, saved map[string]string) (Command, error) {
	c, err := l.bare(a)
	if err != nil {
		return c, err
	}
	if saved == nil {
		saved = l.scopes.saved(a)
	}
	if err := l.fill(&c, s, func() map[string]any { return l.scopes.env(a, saved, nil) }); err != nil {
		return c, err
	}
	c.Stdin, err = l.stdin(a.step.Source.Stdin, a.step.Source.In.Dir, l.scopes.renderer(a))
	return c, err
}

func (l *loop) fill(c *Command, s *runbook.Script, env func() map[string]any) error {
	text, argv, vars, err := renderScript(s, once(env))
	if err != nil {
		return err
	}
	c.Script, c.Argv = text, argv
	for k, v := range vars {
		if c.Env == nil {
			c.Env = map[string]string{}
		}
		c.Env[k] = v
	}
	return nil
}

func once(env func() map[string]any) func() map[string]any {
	var made map[string]any
	return func() map[string]any {
		if made == nil {
			made = env()
		}
		return made
	}
}
