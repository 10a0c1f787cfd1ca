package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/plan"
)

// drillTarget is a step that is to be drilled, or why it is not.
type drillTarget struct {
	step *plan.Step
	host string
	why  string
}

// drill gives where the run is to fail. A step that may be undone half-done fails itself; any other
// completes, as its undo is only for that.
func (t drillTarget) drill() *plan.Drill {
	return &plan.Drill{Step: t.step.ID, Host: t.host, After: t.step.Undo != plan.UndoStarted}
}

func drilledCount(list []drillTarget) int {
	count := 0
	for _, t := range list {
		if t.why == "" {
			count++
		}
	}
	return count
}

// targets lists the steps, each once: entries of blocks, and gates, are no steps of their own.
func (o *drillOptions) targets(p *plan.Plan) ([]drillTarget, error) {
	behind, seen := behindNoReturn(p), map[string]bool{}
	var list []drillTarget
	var ids []string
	for _, s := range p.Steps {
		if s.Entry || s.Gate || seen[s.ID] {
			continue
		}
		ids = append(ids, s.ID)
		instance, host := o.instance(p, s.ID)
		if seen[s.ID] = true; len(o.steps) > 0 && !s.Named(o.steps...) {
			continue
		}
		t := drillTarget{step: s, host: host}
		if instance != nil {
			t.step = instance
		}
		if t.why = o.undrillable(t, behind[t.step.Index]); t.why != "" {
			t.host = ""
		}
		list = append(list, t)
	}
	for _, name := range o.steps {
		if !slices.ContainsFunc(p.Steps, func(s *plan.Step) bool { return !s.Entry && s.Named(name) }) {
			return nil, usage(fmt.Sprintf("--step: %s has no step %q", p.Runbook.Name, name), source.DidYouMean(name, ids))
		}
	}
	if o.host != "" && !slices.ContainsFunc(list, func(t drillTarget) bool { return t.host == o.host }) {
		return nil, usage(fmt.Sprintf("--host: no step that could be drilled is for the host %q", o.host), "opsctl plan shows the hosts of each step")
	}
	return list, nil
}

// instance finds the step among its waves: where the host asked for is, or the first.
func (o *drillOptions) instance(p *plan.Plan, id string) (*plan.Step, string) {
	for _, s := range p.Steps {
		if s.ID != id {
			continue
		}
		for _, h := range s.Targets.Hosts {
			if name := p.Hosts[h].Name; o.host == "" || name == o.host {
				return s, name
			}
		}
	}
	return nil, ""
}

// undrillable tells why there is nothing to drill about a step.
func (o *drillOptions) undrillable(t drillTarget, behind string) string {
	s := t.step
	switch {
	case s.Finally:
		return "it runs at the end, whatever happened"
	case s.Source.Action == "manual":
		return "a person does it"
	case s.Source.Action == "notify":
		return "it only tells, and in a drill nobody is told"
	case s.Source.Action == "confirm":
		return "it only asks"
	case s.Read:
		return "it only reads"
	case s.NoReturn:
		return "it is a point of no return"
	case behind != "":
		return "it comes after the point of no return " + behind
	case t.host == "" && o.host != "":
		return "it is not for " + o.host
	case t.host == "":
		return "it has no hosts"
	}
	return ""
}

// behindNoReturn gives the steps that come after a point of no return, and which. What they have behind
// them stays, so nothing can be proved there.
func behindNoReturn(p *plan.Plan) map[int]string {
	behind := map[int]string{}
	for _, s := range p.Steps {
		for _, e := range s.Before {
			before := p.Steps[e.Step]
			if before.NoReturn {
				behind[s.Index] = before.ID
			} else if id := behind[before.Index]; id != "" {
				behind[s.Index] = id
			}
		}
	}
	return behind
}

// foldPlan names the hosts of a plan shortly.
func foldPlan(p *plan.Plan) string {
	var names []string
	for _, h := range p.Hosts {
		names = append(names, h.Name)
	}
	return strings.ReplaceAll(view.FoldHosts(names), "local", "this machine")
}
