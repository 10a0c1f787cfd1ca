package executor

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// scopes gives expressions their values: of the run, of the host, and of what steps before
// printed. It learns from events, so that it knows the same after a resume.
type scopes struct {
	loop    *loop
	base    map[string]any
	hosts   map[*inventory.Host]map[string]any
	reads   map[*runbook.Step]bool // steps whose results some expression uses
	results map[int]*result
	savedBy map[int]map[string]string
	sealBy  map[int]*run.Sealed
	asking  bool                 // a plan is previewed: what run.dry_run says
	status  func(int) run.Status // of an op
	unknown func(int) error      // why the result of an op is not known yet; nil where it is
}

// result is what an op gave, for expressions.
type result struct {
	ref     AttemptRef
	stdout  string
	stderr  string
	exit    int
	outcome string
	outputs map[string]any
	stored  bool // the texts are in the output store, not here
}

func newScopes(l *loop) *scopes {
	s := &scopes{
		loop: l, hosts: map[*inventory.Host]map[string]any{}, reads: map[*runbook.Step]bool{}, results: map[int]*result{},
		savedBy: map[int]map[string]string{}, sealBy: map[int]*run.Sealed{}, base: map[string]any{},
	}
	s.status = func(i int) run.Status { return l.state.See(i).Status }
	s.unknown = func(int) error { return nil }
	for k, v := range l.Plan.Values {
		s.base[k] = v
	}
	env := map[string]any{}
	for k, v := range l.Info.Env {
		env[k] = v
	}
	s.base["env"] = env
	s.base["runbook"] = map[string]any{"name": l.Plan.Runbook.Name}
	for _, step := range l.Plan.Steps {
		for _, r := range step.Source.Reads {
			s.reads[r.Step] = true
		}
	}
	for _, r := range l.Plan.Runbook.End().Reads {
		s.reads[r.Step] = true
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
		known.outcome, known.outputs = string(e.Outcome), e.Outputs
		return
	}
	r := &result{ref: AttemptRef{Op: e.Op, Act: e.Act, Number: e.Number}, outcome: string(e.Outcome), outputs: e.Outputs, stored: e.Output != nil}
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
	env := make(map[string]any, len(s.base)+6)
	for k, v := range s.base {
		env[k] = v
	}
	env["run"] = s.runValues(a.step.Finally)
	env["host"] = s.host(a.host)
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
	env[expression.StepFunction] = func(path string) (any, error) { return s.step(a, path) }
	return env
}

func (r *result) fields() map[string]any {
	return map[string]any{"stdout": r.stdout, "stderr": r.stderr, "exit_code": r.exit, "outcome": r.outcome, "outputs": r.outputs}
}

func (s *scopes) host(h *inventory.Host) map[string]any {
	if m := s.hosts[h]; m != nil {
		return m
	}
	m := HostValues(h)
	s.hosts[h] = m
	return m
}

// HostValues gives a host as expressions see it.
func HostValues(h *inventory.Host) map[string]any {
	groups := make([]any, len(h.Groups))
	for i, g := range h.Groups {
		groups[i] = g
	}
	addr := h.Addr
	if addr == "" {
		addr = h.Name
	}
	vars := h.Vars
	if vars == nil {
		vars = map[string]any{}
	}
	return map[string]any{"name": h.Name, "addr": addr, "user": h.User, "groups": groups, "vars": vars}
}

// step gives steps.<path>: the same host's result, or the single one of a step on one host, with
// all hosts' results beside it.
func (s *scopes) step(a *attempt, path string) (any, error) {
	other := a.step.Source.Lookup(strings.Split(path, "/"))
	if other == nil {
		return nil, fmt.Errorf("there is no step %q here", path)
	}
	if other.Action == "steps" {
		return nil, fmt.Errorf("step %q is a block; name the step in it", path)
	}
	var own, single *plan.Step
	var onlyHost int32
	all := map[string]any{}
	var hosts []any
	count := 0
	for _, instance := range s.loop.Plan.Steps {
		if instance.Source != other {
			continue
		}
		for k, h := range instance.Targets.Hosts {
			i := instance.First + k
			if instance.Once && s.status(i) == run.StatusSkipped {
				continue
			}
			count++
			single, onlyHost = instance, h
			if s.loop.Plan.Hosts[h] == a.host {
				own = instance
			}
			if usesAllHosts(a.step.Source) {
				fields, err := s.fields(i)
				if err != nil {
					return nil, err
				}
				name := s.loop.Plan.Hosts[h].Name
				all[name] = fields
				listed := map[string]any{"host": name}
				for k, v := range fields {
					listed[k] = v
				}
				hosts = append(hosts, listed)
			}
		}
	}
	fields := map[string]any{"outputs": map[string]any{}}
	var err error
	switch {
	case own != nil:
		fields, err = s.fields(own.Op(own.Targets.Position(s.index(a.host))))
	case count == 1:
		fields, err = s.fields(single.Op(single.Targets.Position(onlyHost)))
	}
	if err != nil {
		return nil, err
	}
	fields["on"], fields["hosts"] = all, hosts
	return fields, nil
}

func usesAllHosts(src *runbook.Step) bool {
	for _, r := range src.Reads {
		if r.AllHosts {
			return true
		}
	}
	return false
}

func (s *scopes) index(h *inventory.Host) int32 {
	for i, x := range s.loop.Plan.Hosts {
		if x == h {
			return int32(i)
		}
	}
	return -1
}

// fields gives the result of an op; those of one that was skipped, or never ran, are nothing.
func (s *scopes) fields(index int) (map[string]any, error) {
	if err := s.unknown(index); err != nil {
		return nil, err
	}
	fields := map[string]any{"outcome": s.status(index).String(), "outputs": map[string]any{}}
	r := s.results[index]
	if r == nil || s.status(index) == run.StatusSkipped {
		return fields, nil
	}
	if r.stored {
		for stream, target := range map[Stream]*string{Stdout: &r.stdout, Stderr: &r.stderr} {
			text, err := s.loop.Journal.Output(r.ref, stream)
			if err != nil {
				return nil, fmt.Errorf("cannot read back what %s printed: %w", r.ref.Op, err)
			}
			*target = strings.TrimRight(string(text[:min(len(text), ResultBytesMax)]), "\n")
		}
		r.stored = false
	}
	own := r.fields()
	own["outcome"] = fields["outcome"]
	if r.outputs == nil {
		own["outputs"] = map[string]any{}
	}
	return own, nil
}

// The questions that the executor asks of expressions.

func (s *scopes) value(c *runbook.Cond, a *attempt, res *result) (any, error) {
	return c.Eval(s.env(a, s.saved(a), res))
}

func (s *scopes) yes(c *runbook.Cond, a *attempt, res *result) (bool, error) {
	value, err := s.value(c, a, res)
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
	var env map[string]any
	return func(t *runbook.Text) (string, error) {
		if t == nil {
			return "", nil
		}
		if len(t.Exprs()) == 0 {
			return t.Node.Text, nil
		}
		if env == nil {
			env = s.env(a, s.saved(a), nil)
		}
		return t.Render(env)
	}
}
