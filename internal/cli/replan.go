package cli

import (
	"fmt"
	"reflect"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// replan makes the request of a run anew, from the runbook and the inventory as they are now. Params stay
// as they were.
func (a *app) replan(j *request, in *inputs) (*request, error) {
	rb, path, err := a.loadRunbook(in.Path)
	if err != nil {
		return nil, err
	}
	inv, err := a.loadInventory(path)
	if err != nil {
		return nil, err
	}
	given := map[string]runbook.Given{}
	for _, p := range rb.Params {
		if value, ok := j.values[p.Name]; ok {
			given[p.Name] = runbook.Given{Value: value}
		}
	}
	values, err := rb.Values(intsBack(rb, given))
	if err != nil {
		return nil, err
	}
	next := *j
	next.runbook, next.inv, next.values, next.env, next.before = rb, inv, values, usedEnv(rb), j.plan
	if err := next.build(); err != nil {
		return nil, err
	}
	return &next, a.checkSources(next.plan)
}

// replanned holds a new plan against what has happened, and keeps what it is made of: nothing that has
// started may have changed.
func (a *app) replanned(x *running, info journal.RunInfo) error {
	if err := unchangedSteps(x.request.before, x.request.plan, x.events); err != nil {
		return err
	}
	state := run.New(x.request.plan, run.Limits{})
	for _, e := range x.events {
		if err := state.Apply(e); err != nil {
			return invalid("what has happened does not fit the changed runbook: "+err.Error(), "put it back, or take the run back: opsctl rollback "+shortID(info.ID))
		}
	}
	kept, err := a.keep(x.request)
	if err != nil {
		return err
	}
	return x.journal.Replace([]byte(x.request.runbook.File.Text), kept)
}

// unchangedSteps refuses a change of a step that was started on any host.
func unchangedSteps(before, now *plan.Plan, events []run.Event) error {
	old, changed := sources(before), sources(now)
	for _, e := range events {
		if e.Kind != run.AttemptStarted {
			continue
		}
		was, is := old[e.Step], changed[e.Step]
		switch {
		case is == nil:
			return invalid(fmt.Sprintf("step %s has started, and the runbook has it no more", e.Step), "only what never started may change")
		case was != nil && !reflect.DeepEqual(was.Node.Value(), is.Node.Value()) && !was.IsBlock():
			return invalid(fmt.Sprintf("step %s has started, and it was changed since", e.Step), "only what never started may change")
		}
	}
	return nil
}

func sources(p *plan.Plan) map[string]*runbook.Step {
	m := map[string]*runbook.Step{}
	for _, s := range p.Steps {
		m[s.ID] = s.Source
	}
	return m
}
