package executor

import (
	"fmt"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// undoIsLate tells whether the undo reads its own step's result, so that it can only be sealed
// when that is known.
func (l *loop) undoIsLate(a *attempt) bool {
	r := a.step.Source.Rollback
	if r == nil || r.None || r.Run == nil {
		return false
	}
	if r.When == "started" { // all it may read is how the step ended, which is told when it is run
		return false
	}
	exprs := append([]*expression.Expression{}, r.Run.Exprs...)
	for _, t := range append(append([]*runbook.Text{r.Dir}, stdinTexts(r.Stdin)...), r.Run.Argv...) {
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

func stdinTexts(s *runbook.Stdin) []*runbook.Text {
	if s == nil {
		return nil
	}
	return []*runbook.Text{s.Text, s.File}
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
	if r.When == "started" {
		res = &result{outcome: "outcome of " + a.id()} // stands for what is known when the undo is run
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
	if c.Stdin, err = l.stdin(r.Stdin, a.step.Source.In.Dir, render); err != nil {
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
	sealed.When, sealed.Restore = r.When, a.restore
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

// refers replaces what must not be sealed as it is by the text that gives it: secrets, since the
// journal never holds them, and how the step ended, which is not known yet.
type refers struct {
	loop   *loop
	sealed *run.Sealed
	when   string
	key    string // of the digests of secrets
}

func (f *refers) note(name, text, value string, secret bool) {
	if f.sealed.Secrets == nil {
		f.sealed.Secrets, f.sealed.Digests = map[string]string{}, map[string]string{}
	}
	f.sealed.Secrets[name] = text
	if secret {
		f.sealed.Digests[name] = keyedDigest(f.key, name, value)
	}
	delete(f.sealed.Env, name)
}

// must tells whether an expression has to stay one, and whether for the sake of a secret.
func (f *refers) must(scope *plan.Scope, e *expression.Expression) (must, secret bool) {
	secret = f.loop.secret(scope, e)
	return secret || f.when == "started" && e.Uses("result"), secret
}

func (l *loop) unsecret(a *attempt, s *run.Sealed, r *runbook.Rollback, env map[string]any) error {
	f := &refers{loop: l, sealed: s, when: r.When, key: l.Info.ID}
	for _, e := range r.Run.Exprs {
		must, secret := f.must(a.step.Scope, e)
		if !must {
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
				f.note(name, "${{ "+e.Source+" }}", v, secret)
			}
		}
	}
	for _, v := range l.envOf(a.step.Source, r) {
		if must, secret := f.mustText(scopeAt(a.step, v.owner), v.Text); must {
			f.note(v.Name, v.Text.Node.Text, s.Env[v.Name], secret)
		}
	}
	for _, t := range stdinTexts(r.Stdin) {
		if must, secret := f.mustText(a.step.Scope, t); must {
			f.note(sealedStdin, t.Node.Text, s.Stdin, secret)
			s.Stdin = ""
		}
	}
	for _, word := range append([]*runbook.Text{r.Dir}, r.Run.Argv...) {
		if must, _ := f.mustText(a.step.Scope, word); must {
			return fmt.Errorf("neither a secret nor result can stand in the dir or the words of a rollback; give it by env")
		}
	}
	return nil
}

// ownedVar is a variable of the environment, with the step or block that sets it.
type ownedVar struct {
	runbook.EnvVar
	owner *runbook.Step
}

// envOf lists the variables of an undo, the innermost last.
func (l *loop) envOf(src *runbook.Step, r *runbook.Rollback) []ownedVar {
	var list []ownedVar
	for at := src; at != nil; at = at.Parent {
		for _, v := range at.Env {
			list = append([]ownedVar{{v, at}}, list...)
		}
	}
	for _, v := range r.Env {
		list = append(list, ownedVar{v, src})
	}
	return list
}

func (f *refers) mustText(scope *plan.Scope, t *runbook.Text) (must, secret bool) {
	if t == nil {
		return false, false
	}
	for _, e := range t.Exprs() {
		m, s := f.must(scope, e)
		must, secret = must || m, secret || s
	}
	return must, secret
}

// secret tells whether the value of an expression must not be seen.
func (l *loop) secret(scope *plan.Scope, e *expression.Expression) bool {
	for _, r := range e.Refs {
		if r.Path[0] == "secrets" || scope.Secret[r.Path[0]] {
			return true
		}
	}
	return false
}

// unseal makes a Command of what was sealed; secrets are fetched anew, and must be what they were.
func (l *loop) unseal(a *attempt, s *run.Sealed) (Command, error) {
	c := Command{
		Script: s.Script, Argv: s.Argv, Shell: s.Shell, Dir: s.Dir, Stdin: s.Stdin, Sudo: s.Sudo, Timeout: s.Timeout, KillAfter: s.Kill,
		Prepare: s.Restore, Env: map[string]string{},
	}
	for k, v := range s.Env {
		c.Env[k] = v
	}
	for name, text := range s.Secrets {
		value, err := l.referred(a, name, text)
		if err != nil {
			return c, err
		}
		if digest := s.Digests[name]; digest != "" && digest != keyedDigest(l.Info.ID, name, value) {
			return c, fmt.Errorf("a secret of this undo (%s) has changed since the step ran, so the undo is not run", text)
		}
		if name == sealedStdin {
			c.Stdin = value
		} else {
			c.Env[name] = value
		}
	}
	return c, nil
}

// referred evaluates the text that stands for a value of an undo, where it was written.
func (l *loop) referred(a *attempt, name, text string) (string, error) {
	t, errs := expression.CompileText(text, expression.Map{expression.Extra: expression.Any})
	if len(errs) > 0 {
		return "", fmt.Errorf("cannot read what was sealed: %s", errs[0].Message)
	}
	owner := a.step.Source
	if r := owner.Rollback; r != nil {
		for _, v := range l.envOf(owner, r) {
			if v.Name == name && v.Text.Node.Text == text {
				owner = v.owner
			}
		}
	}
	status := l.state.See(a.index).Status
	return t.Render(l.scopes.envAt(a, owner, l.scopes.saved(a), &result{outcome: status.String()}))
}
