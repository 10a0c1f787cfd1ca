package executor

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Results of other steps, as expressions see them: the same host's, the single one, those of all hosts,
// and, of a foreach, those of every item.

// errMasked refuses a text in which a secret was hidden: what was printed is not known any more.
var errMasked = errors.New("cannot use what it printed: a secret was masked in it; give the secret itself, or print something else")

// fixed says which item of each foreach is meant.
type fixed map[*runbook.Step]string

func itemsOf(step *plan.Step) fixed {
	f := fixed{}
	for _, item := range step.Items {
		f[item.Step] = item.Key
	}
	return f
}

func (f fixed) with(each *runbook.Step, key string) fixed {
	more := fixed{each: key}
	for k, v := range f {
		more[k] = v
	}
	return more
}

// fits tells whether an instance is of the items that are fixed; those of other foreach do not matter.
func (f fixed) fits(items []plan.Item) bool {
	for _, item := range items {
		if key, ok := f[item.Step]; ok && key != item.Key {
			return false
		}
	}
	return true
}

// step gives steps.<path> as owner, the step or a block around it, sees it.
func (s *scopes) step(a *attempt, owner *runbook.Step, path string) (any, error) {
	other := owner.Lookup(strings.Split(path, "/"))
	if other == nil {
		return nil, fmt.Errorf("there is no step %q here", path)
	}
	return s.resultsOf(a, owner, other, itemsOf(a.step))
}

// text gives steps.<path>.stdout or .stderr.
func (s *scopes) text(a *attempt, owner *runbook.Step, path, field string) (any, error) {
	value, err := s.step(a, owner, path)
	if err != nil {
		return nil, err
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("step %q has no %s", path, field)
	}
	if fields[maskedField] == true {
		return nil, fmt.Errorf("steps.%s.%s: %w", strings.ReplaceAll(path, "/", ".steps."), field, errMasked)
	}
	return fields[field], nil
}

// maskedField marks results whose texts must not be used. It is no name that an expression can write.
const maskedField = "masked!"

func (s *scopes) ownText(a *attempt, res *result, field string) (any, error) {
	switch {
	case res == nil:
		return nil, fmt.Errorf("there is no result of %s yet", a.ref.Op)
	case res.masked:
		return nil, fmt.Errorf("result.%s: %w", field, errMasked)
	}
	return res.fields()[field], nil
}

func (s *scopes) resultsOf(a *attempt, owner, other *runbook.Step, of fixed) (any, error) {
	if _, chosen := of[other]; other.ForEach != nil && !chosen {
		all := map[string]any{}
		for _, key := range s.keys(other, of) {
			value, err := s.whole(a, owner, other, of.with(other, key))
			if err != nil {
				return nil, err
			}
			all[key] = value
		}
		return all, nil
	}
	switch other.Action {
	case "steps":
		inner := map[string]any{}
		for _, kid := range other.Steps {
			value, err := s.whole(a, owner, kid, of)
			if err != nil {
				return nil, err
			}
			inner[kid.ID] = value
		}
		return map[string]any{"steps": inner}, nil
	case "runbook":
		outputs, err := s.included(a, other, of)
		return map[string]any{"outputs": outputs}, err
	}
	return s.leaf(a, owner, other, of)
}

// whole is resultsOf for one of many results: it cannot be told which of them is taken, so none may be
// masked.
func (s *scopes) whole(a *attempt, owner, other *runbook.Step, of fixed) (any, error) {
	value, err := s.resultsOf(a, owner, other, of)
	if fields, ok := value.(map[string]any); ok && fields[maskedField] == true {
		return nil, fmt.Errorf("step %s: %w", other.Path, errMasked)
	}
	return value, err
}

// keys gives the items of a foreach, in the order of the plan.
func (s *scopes) keys(each *runbook.Step, of fixed) []string {
	var keys []string
	seen := map[string]bool{}
	each.Walk(func(inner *runbook.Step) {
		for _, instance := range s.steps[inner] {
			for _, item := range instance.Items {
				if item.Step == each && of.fits(instance.Items) && !seen[item.Key] {
					seen[item.Key] = true
					keys = append(keys, item.Key)
				}
			}
		}
	})
	return keys
}

// included evaluates the outputs of an included runbook, as they are for the host of the op that asks.
func (s *scopes) included(a *attempt, include *runbook.Step, of fixed) (map[string]any, error) {
	outputs := map[string]any{}
	for _, scope := range s.loop.Plan.Scopes {
		if scope.Runbook.By != include || !of.fits(scope.Items) {
			continue
		}
		end := &attempt{
			index: -1, ref: a.ref, host: a.host, place: a.place, pretend: a.pretend,
			step: &plan.Step{Source: scope.Runbook.End(), Scope: scope, Items: scope.Items, Finally: a.step.Finally},
		}
		for _, o := range scope.Runbook.Outputs {
			value, err := s.value(o.Expr, end, nil)
			if err != nil {
				return nil, fmt.Errorf("output %q of runbook %s: %w", o.Name, scope.Runbook.Name, err)
			}
			outputs[o.Name] = value
		}
	}
	return outputs, nil
}

// leaf gives the same host's result, or the single one of a step on one host, with all hosts' results
// beside it where they are asked for.
func (s *scopes) leaf(a *attempt, owner, other *runbook.Step, of fixed) (map[string]any, error) {
	own, single, count := -1, -1, 0
	all, hosts := map[string]any{}, []any{}
	wantsAll := usesAllHosts(owner)
	for _, instance := range s.steps[other] {
		if !of.fits(instance.Items) {
			continue
		}
		for k, h := range instance.Targets.Hosts {
			i := instance.First + k
			if instance.Once && s.status(i) == run.StatusSkipped {
				continue
			}
			count++
			if single = i; s.loop.Plan.Hosts[h] == a.host {
				own = i
			}
			if !wantsAll {
				continue
			}
			listed, fields, err := s.onHost(i, s.loop.Plan.Hosts[h].Name)
			if err != nil {
				return nil, err
			}
			all[s.loop.Plan.Hosts[h].Name], hosts = fields, append(hosts, listed)
		}
	}
	fields := map[string]any{"outputs": map[string]any{}}
	var err error
	switch {
	case own >= 0:
		fields, err = s.fields(own)
	case count == 1:
		fields, err = s.fields(single)
	}
	if err != nil {
		return nil, err
	}
	if wantsAll {
		fields["on"], fields["hosts"] = all, hosts
	}
	return fields, nil
}

// onHost gives one of steps.x.hosts, and steps.x.on["host"].
func (s *scopes) onHost(i int, name string) (listed, fields map[string]any, err error) {
	if fields, err = s.fields(i); err != nil {
		return nil, nil, err
	}
	if fields[maskedField] == true { // of many results it cannot be told which one is taken
		return nil, nil, fmt.Errorf("%s: %w", s.loop.state.Name(i), errMasked)
	}
	listed = map[string]any{"host": name}
	for k, v := range fields {
		listed[k] = v
	}
	return listed, fields, nil
}

func usesAllHosts(src *runbook.Step) bool {
	for _, r := range src.Reads {
		if r.AllHosts {
			return true
		}
	}
	return false
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
		if err := s.readBack(index, r); err != nil {
			return nil, err
		}
	}
	own := r.fields()
	own["outcome"], own[maskedField] = fields["outcome"], r.masked
	if r.outputs == nil {
		own["outputs"] = map[string]any{}
	}
	return own, nil
}

// readBack reads the texts of a result that an earlier process kept.
func (s *scopes) readBack(index int, r *result) error {
	if s.loop.Plan.StepOf(index).Source.IsSensitive() {
		return fmt.Errorf("what %s printed was sensitive, so it was kept in memory only, and is gone since the run was resumed", r.ref.Op)
	}
	for stream, target := range map[Stream]*string{Stdout: &r.stdout, Stderr: &r.stderr} {
		text, err := s.loop.Journal.Output(r.ref, stream)
		if err != nil {
			return fmt.Errorf("cannot read back what %s printed: %w", r.ref.Op, err)
		}
		*target = strings.TrimRight(string(text[:min(len(text), ResultBytesMax)]), "\n")
	}
	r.stored = false
	return nil
}
