package executor

import (
	"fmt"
	"sync"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// scopes gives expressions their values: of the run, of the host, and of what steps before
// printed. It learns from events, so that it knows the same after a resume.
type scopes struct {
	loop      *loop
	bases     map[*plan.Scope]map[string]any
	hosts     map[*inventory.Host]map[string]any
	reads     map[*runbook.Step]bool         // steps whose results some expression uses
	steps     map[*runbook.Step][]*plan.Step // the instances of each step
	results   map[int]*result
	secrets   map[string]secretValue
	secretsMu sync.Mutex // a preview asks for many hosts at once
	savedBy   map[int]map[string]string
	sealBy    map[int]*run.Sealed
	asking    bool                 // a plan is previewed: what run.dry_run says
	status    func(int) run.Status // of an op
	unknown   func(int) error      // why the result of an op is not known yet; nil where it is
}

// result is what an op gave, for expressions.
type result struct {
	ref     AttemptRef
	stdout  string
	stderr  string
	exit    int
	outcome string
	outputs map[string]any
	masked  bool // something was masked in the texts, so they are not what was printed
	stored  bool // the texts are in the output store, not here
}

func newScopes(l *loop) *scopes {
	s := &scopes{
		loop: l, hosts: map[*inventory.Host]map[string]any{}, reads: map[*runbook.Step]bool{}, results: map[int]*result{},
		savedBy: map[int]map[string]string{}, sealBy: map[int]*run.Sealed{}, bases: map[*plan.Scope]map[string]any{},
		steps: map[*runbook.Step][]*plan.Step{}, secrets: map[string]secretValue{},
	}
	s.status = func(i int) run.Status { return l.state.See(i).Status }
	s.unknown = func(int) error { return nil }
	env := map[string]any{}
	for k, v := range l.Info.Env {
		env[k] = v
	}
	for _, scope := range l.Plan.Scopes {
		base := map[string]any{"env": env, "runbook": map[string]any{"name": scope.Runbook.Name}}
		for k, v := range scope.Values {
			base[k] = v
		}
		if l.Inventory != nil {
			base[expression.HostsFunction] = plan.HostsOf(l.Inventory.Select)
		}
		s.bases[scope] = base
		for _, r := range scope.Runbook.End().Reads {
			s.reads[r.Step] = true
		}
	}
	for _, step := range l.Plan.Steps {
		s.steps[step.Source] = append(s.steps[step.Source], step)
		for _, r := range step.Source.Reads {
			r.Step.Walk(func(read *runbook.Step) { s.reads[read] = true }) // of a foreach over a block all of it is read
		}
	}
	return s
}

// wanted tells whether the texts of a step's attempts are used by an expression.
func (s *scopes) wanted(step *plan.Step) bool {
	src := step.Source
	return s.reads[src] || len(src.Outputs) > 0 || src.ChangedIf != nil || src.FailedIf != nil || src.Retry != nil || src.Rollback != nil
}

// learn notes what later expressions and undos need of an event.
func (s *scopes) learn(e run.Event) {
	if e.Kind != run.AttemptStarted && e.Kind != run.AttemptFinished || e.Act == run.Undo {
		return
	}
	if e.Undo == nil && e.Saved == nil && (e.Act != run.Do || e.Kind == run.AttemptStarted) {
		return
	}
	index, err := s.loop.state.Find(e.Op)
	if err != nil {
		return // State would not have taken the event
	}
	if e.Undo != nil {
		s.sealBy[index] = e.Undo
	}
	if e.Saved != nil {
		s.savedBy[index] = e.Saved
	}
	if e.Act != run.Do || e.Kind != run.AttemptFinished || !s.reads[s.loop.Plan.StepOf(index).Source] {
		return
	}
	if known := s.results[index]; known != nil && known.ref.Number == e.Number {
		known.outcome = string(e.Outcome)
		if e.Outputs != nil { // those of a sensitive step are only here
			known.outputs = e.Outputs
		}
		return
	}
	r := &result{ref: AttemptRef{Op: e.Op, Act: e.Act, Number: e.Number}, outcome: string(e.Outcome), outputs: e.Outputs, stored: e.Output != nil}
	if e.Output != nil {
		r.masked = e.Output.Masked
	}
	if e.Exit != nil {
		r.exit = *e.Exit
	}
	s.results[index] = r
}

// keep holds the texts of an attempt that has just ended, before its event is learnt.
func (s *scopes) keep(a *attempt, e run.Event) {
	if a.ref.Act != run.Do || !s.wanted(a.step) {
		return
	}
	s.results[a.index] = resultOf(a, e)
}

func resultOf(a *attempt, e run.Event) *result {
	r := &result{ref: a.ref, stdout: a.capture.text(Stdout), stderr: a.capture.text(Stderr), outcome: string(e.Outcome), outputs: e.Outputs}
	r.masked = a.capture.masked()
	if e.Exit != nil {
		r.exit = *e.Exit
	}
	return r
}

func (s *scopes) saved(a *attempt) map[string]string { return s.savedBy[a.index] }
func (s *scopes) sealed(a *attempt) *run.Sealed      { return s.sealBy[a.index] }
func (s *scopes) lastResult(index int) *result       { return s.results[index] }
func (s *scopes) goesBack(index int) bool            { return s.loop.state.See(index).Back == run.StatusUndoing }

func (s *scopes) runValues(finally bool) map[string]any {
	info := s.loop.Info
	m := map[string]any{
		"id": info.ID, "date": info.Started.Format("2006-01-02"), "started": info.Started.Format("2006-01-02T15:04:05Z07:00"),
		"user": info.User, "dry_run": s.asking,
	}
	if finally {
		m["outcome"], m["failed"] = string(s.loop.state.Result()), s.loop.state.FailedHosts()
	}
	return m
}

// env gives the names an expression of the op may use. res is the result of its own attempt.
func (s *scopes) env(a *attempt, saved map[string]string, res *result) map[string]any {
	return s.envAt(a, a.step.Source, saved, res)
}

// envAt is env for an expression that a block around the step says: it means what it means there.
func (s *scopes) envAt(a *attempt, owner *runbook.Step, saved map[string]string, res *result) map[string]any {
	base := s.bases[scopeAt(a.step, owner)]
	env := make(map[string]any, len(base)+8)
	for k, v := range base {
		env[k] = v
	}
	env["run"] = s.runValues(a.step.Finally)
	if a.host != nil {
		env["host"] = s.host(a.host)
	}
	if item, ok := itemAt(a.step, owner); ok {
		env["item"] = item
	}
	if saved != nil {
		values := make(map[string]any, len(saved))
		for k, v := range saved {
			values[k] = v
		}
		env["saved"] = values
	}
	if res != nil {
		env["result"] = res.fields()
	}
	env[expression.ResultFunction] = func(field string) (any, error) { return s.ownText(a, res, field) }
	env[expression.StepFunction] = func(path string) (any, error) { return s.step(a, owner, path) }
	env[expression.TextFunction] = func(path, field string) (any, error) { return s.text(a, owner, path, field) }
	env[expression.SecretFunction] = func(name string) (any, error) { return s.secret(a, owner, name) }
	return env
}

// scopeAt gives the scope of the document that owner is written in: that of the step, or of one that
// includes it.
func scopeAt(step *plan.Step, owner *runbook.Step) *plan.Scope {
	scope := step.Scope
	for scope.Outer != nil && scope.Runbook != owner.In {
		scope = scope.Outer
	}
	return scope
}

// itemAt gives the item of the innermost foreach around owner, in its document.
func itemAt(step *plan.Step, owner *runbook.Step) (any, bool) {
	for i := len(step.Items) - 1; i >= 0; i-- {
		each := step.Items[i].Step
		if each.In == owner.In && (each == owner || owner.Within(each)) {
			return step.Items[i].Value, true
		}
	}
	return nil, false
}

func (r *result) fields() map[string]any {
	return map[string]any{"stdout": r.stdout, "stderr": r.stderr, "exit_code": r.exit, "outcome": r.outcome, "outputs": r.outputs}
}

func (s *scopes) host(h *inventory.Host) map[string]any {
	if m := s.hosts[h]; m != nil {
		return m
	}
	m := h.Values()
	s.hosts[h] = m
	return m
}

// The questions that the executor asks of expressions.

func (s *scopes) value(c *runbook.Cond, a *attempt, res *result) (any, error) {
	return c.Eval(s.env(a, s.saved(a), res))
}

func (s *scopes) yes(c *runbook.Cond, a *attempt, res *result) (bool, error) {
	return s.yesAt(c, a, a.step.Source, res)
}

func (s *scopes) yesAt(c *runbook.Cond, a *attempt, owner *runbook.Step, res *result) (bool, error) {
	value, err := c.Eval(s.envAt(a, owner, s.saved(a), res))
	if err != nil {
		return false, err
	}
	yes, ok := value.(bool)
	if !ok {
		return false, fmt.Errorf("%q is neither true nor false", c.Source)
	}
	return yes, nil
}

// renderer gives the function that renders texts of the op.
func (s *scopes) renderer(a *attempt) func(*runbook.Text) (string, error) {
	return s.rendererAt(a, a.step.Source)
}

// rendererAt is renderer for texts that a block around the step says.
func (s *scopes) rendererAt(a *attempt, owner *runbook.Step) func(*runbook.Text) (string, error) {
	var env map[string]any
	return func(t *runbook.Text) (string, error) {
		if t == nil {
			return "", nil
		}
		if len(t.Exprs()) == 0 {
			return t.Node.Text, nil
		}
		if env == nil {
			env = s.envAt(a, owner, s.saved(a), nil)
		}
		return t.Render(env)
	}
}
