package executor

import (
	"fmt"
	"time"

	"github.com/opsctl/opsctl/pkg/run"
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
	if s.Parsed == nil || len(s.Exprs) == 0 {
		return s.Node.Text, nil, nil, nil
	}
	values := make([]shell.Value, len(s.Exprs))
	for i, e := range s.Exprs {
		value, err := e.Eval(env())
		if err != nil {
			return "", nil, nil, err
		}
		words, list, err := expression.Words(value)
		if err != nil {
			return "", nil, nil, fmt.Errorf("cannot use %q in a command: %w", e.Source, err)
		}
		values[i] = shell.Value{Words: words, List: list}
	}
	text, vars, err = s.Parsed.Render(values)
	return text, nil, vars, err
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
	render := l.scopes.renderer(a)
	var err error
	if c.Dir, err = render(runbook.Inherit(src, func(s *runbook.Step) *runbook.Text { return s.Dir })); err != nil {
		return c, err
	}
	sudo, err := render(runbook.Inherit(src, func(s *runbook.Step) *runbook.Text { return s.Sudo }))
	if err != nil {
		return c, err
	}
	c.Sudo = sudoUser(sudo)
	var chain []*runbook.Step
	for at := src; at != nil; at = at.Parent {
		chain = append(chain, at)
	}
	for i := len(chain) - 1; i >= 0; i-- { // the innermost word wins
		if err := l.addEnv(&c, chain[i].Env, render); err != nil {
			return c, err
		}
	}
	return c, nil
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
	c.Stdin, err = l.scopes.renderer(a)(a.step.Source.Stdin)
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

// undoIsLate tells whether the undo reads its own step's result, so that it can only be sealed
// when that is known.
func (l *loop) undoIsLate(a *attempt) bool {
	r := a.step.Source.Rollback
	if r == nil || r.None || r.Run == nil {
		return false
	}
	exprs := append([]*expression.Expression{}, r.Run.Exprs...)
	for _, t := range append([]*runbook.Text{r.Stdin, r.Dir}, r.Run.Argv...) {
		if t != nil {
			exprs = append(exprs, t.Exprs()...)
		}
	}
	for _, v := range r.Env {
		exprs = append(exprs, v.Text.Exprs()...)
	}
	for _, e := range exprs {
		if e.Uses("result") {
			return true
		}
	}
	return false
}

// seal decides what the undo of the op will run, before its do starts.
func (l *loop) seal(a *attempt) error {
	if r := a.step.Source.Rollback; a.step.Undo == 0 || r == nil || r.None {
		return nil
	}
	if a.late = l.undoIsLate(a); a.late {
		return nil
	}
	var err error
	a.sealed, err = l.sealWith(a, nil)
	return err
}

func (l *loop) sealWith(a *attempt, res *result) (*run.Sealed, error) {
	r := a.step.Source.Rollback
	c, err := l.bare(a)
	if err != nil {
		return nil, err
	}
	env := once(func() map[string]any { return l.scopes.env(a, l.scopes.saved(a), res) })
	render := func(t *runbook.Text) (string, error) {
		if t == nil {
			return "", nil
		}
		return t.Render(env())
	}
	if err := l.addEnv(&c, r.Env, render); err != nil {
		return nil, err
	}
	if err := l.fill(&c, r.Run, env); err != nil {
		return nil, err
	}
	if r.Timeout != nil {
		c.Timeout = *r.Timeout
	}
	if c.Stdin, err = render(r.Stdin); err != nil {
		return nil, err
	}
	if r.Dir != nil {
		if c.Dir, err = render(r.Dir); err != nil {
			return nil, err
		}
	}
	if r.Sudo != nil {
		sudo, err := render(r.Sudo)
		if err != nil {
			return nil, err
		}
		c.Sudo = sudoUser(sudo)
	}
	sealed := sealCommand(a, c)
	sealed.When = r.When
	return sealed, l.unsecret(a, sealed, r, env())
}

func sealCommand(a *attempt, c Command) *run.Sealed {
	s := &run.Sealed{
		Script: c.Script, Argv: c.Argv, Shell: c.Shell, Dir: c.Dir, Stdin: c.Stdin, Sudo: c.Sudo, Timeout: c.Timeout, Kill: c.KillAfter,
	}
	if len(c.Env) > 0 {
		s.Env = map[string]string{}
		for k, v := range c.Env {
			s.Env[k] = v
		}
	}
	if a.place != a.host {
		s.Place = a.place.Name
	}
	return s
}

const sealedStdin = "<stdin>"

// unsecret replaces secrets in what is sealed by the texts they come from: the journal never
// holds them. The texts are evaluated again when the undo is run.
func (l *loop) unsecret(a *attempt, s *run.Sealed, r *runbook.Rollback, env map[string]any) error {
	refer := func(name, text string) {
		if s.Secrets == nil {
			s.Secrets = map[string]string{}
		}
		s.Secrets[name] = text
		delete(s.Env, name)
	}
	for _, e := range r.Run.Exprs {
		if !l.secret(e) {
			continue
		}
		value, err := e.Eval(env)
		if err != nil {
			return err
		}
		words, list, err := expression.Words(value)
		if err != nil || list {
			return fmt.Errorf("a list of secrets cannot go into a rollback; give them one by one")
		}
		for name, v := range s.Env {
			if v == words[0] {
				refer(name, "${{ "+e.Source+" }}")
			}
		}
	}
	var vars []runbook.EnvVar
	for at := a.step.Source; at != nil; at = at.Parent {
		vars = append(vars, at.Env...)
	}
	for _, v := range append(vars, r.Env...) {
		if l.secretText(v.Text) {
			refer(v.Name, v.Text.Node.Text)
		}
	}
	if l.secretText(r.Stdin) {
		refer(sealedStdin, r.Stdin.Node.Text)
		s.Stdin = ""
	}
	for _, word := range r.Run.Argv {
		if l.secretText(word) {
			return fmt.Errorf("a secret cannot stand in the words of a rollback; give it by env")
		}
	}
	return nil
}

func (l *loop) secretText(t *runbook.Text) bool {
	if t == nil {
		return false
	}
	for _, e := range t.Exprs() {
		if l.secret(e) {
			return true
		}
	}
	return false
}

func (l *loop) secret(e *expression.Expression) bool {
	for _, r := range e.Refs {
		if l.Plan.Secret[r.Path[0]] {
			return true
		}
	}
	return false
}

// unseal makes a Command of what was sealed; secrets are fetched anew.
func (l *loop) unseal(a *attempt, s *run.Sealed) (Command, error) {
	c := Command{
		Script: s.Script, Argv: s.Argv, Shell: s.Shell, Dir: s.Dir, Stdin: s.Stdin, Sudo: s.Sudo, Timeout: s.Timeout, KillAfter: s.Kill,
		Env: map[string]string{},
	}
	for k, v := range s.Env {
		c.Env[k] = v
	}
	for name, text := range s.Secrets {
		t, errs := expression.CompileText(text, expression.Map{expression.Extra: expression.Any})
		if len(errs) > 0 {
			return c, fmt.Errorf("cannot read what was sealed: %s", errs[0].Message)
		}
		value, err := t.Render(l.scopes.env(a, l.scopes.saved(a), nil))
		if err != nil {
			return c, err
		}
		if name == sealedStdin {
			c.Stdin = value
		} else {
			c.Env[name] = value
		}
	}
	return c, nil
}
