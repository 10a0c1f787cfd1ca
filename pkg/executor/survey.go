package executor

import (
	"context"
	"slices"

	"github.com/opsctl/opsctl/pkg/run"
)

// Answer is what an op says of its host before anything is done: its check, or, where it has none, its
// built-in action.
type Answer struct {
	Op   run.Op
	Says Says
	Why  string // of what could not be asked or answered
}

// Says is what an op was answered.
type Says string

// The answers of ops.
const (
	SaysYes     Says = "yes"     // already so
	SaysNo      Says = "no"      // something is to be done
	SaysNothing Says = "nothing" // it could not be asked, or not be answered
)

// AskChecks asks every op that has a check, or a built-in action that changes something, whether there is
// anything to do. Other than a preview it does not care for the order of steps: it asks for how the hosts
// are now. What depends on the output of another step cannot be asked. The answers are in plan order.
func AskChecks(ctx context.Context, o PreviewOptions) []Answer {
	p := newPreview(o)
	answers := make([]Answer, o.Plan.OpCount)
	p.each(o.Plan.OpCount, func(i int) { answers[i] = p.ask(ctx, i) })
	return slices.DeleteFunc(answers, func(a Answer) bool { return a.Says == "" })
}

func (p *preview) ask(ctx context.Context, index int) Answer {
	a := p.loop.attemptOf(index)
	src := a.step.Source
	answer := Answer{Op: a.ref.Op}
	if a.step.Skip != "" || a.step.Finally {
		return answer
	}
	f := Forecast{}
	switch {
	case a.step.HasCheck:
		p.check(ctx, a, &f, pending{})
	case src.BuiltinUndo() && !a.step.Entry:
		p.work(ctx, a, &f, pending{})
	default:
		return answer
	}
	switch f.Class {
	case WouldNot:
		answer.Says = SaysYes
	case "", WouldChange:
		answer.Says = SaysNo
	default:
		answer.Says, answer.Why = SaysNothing, p.Masker.String(f.Reason)
	}
	return answer
}

// Touch is a path on a host that the runbook names as what it changes.
type Touch struct {
	Host string // the place
	Path string
}

// Touches lists the paths that built-in actions change and that save_files keeps, as far as they are known
// before the run, in plan order and each once.
func Touches(o PreviewOptions) []Touch {
	p := newPreview(o)
	var list []Touch
	seen := map[Touch]bool{}
	for i := range o.Plan.OpCount {
		a := p.loop.attemptOf(i)
		if a.step.Entry || a.step.Skip != "" || a.step.Finally {
			continue
		}
		for _, path := range p.touched(a) {
			if t := (Touch{Host: a.place.Name, Path: path}); !seen[t] {
				seen[t] = true
				list = append(list, t)
			}
		}
	}
	return list
}

// touched gives what one op touches; what cannot be rendered yet is not known.
func (p *preview) touched(a *attempt) []string {
	var paths []string
	render := p.loop.scopes.renderer(a)
	for _, text := range a.step.Source.SaveFiles {
		if path, err := render(text); err == nil {
			paths = append(paths, path)
		}
	}
	if !a.step.Source.BuiltinUndo() {
		return paths
	}
	work, _, err := p.Actions(a.step.Source, a.step.Source.In.Dir, render)
	if err == nil && work != nil && isPath(work.Path()) {
		paths = append(paths, work.Path())
	}
	return paths
}

// Eyes gives as whom each host of a plan is best looked at: as root where some step is root there, else
// as the login user, which is "".
func Eyes(o PreviewOptions) map[string]string {
	p := newPreview(o)
	users := map[string]string{}
	for place, need := range p.loop.needs() {
		users[o.Plan.Hosts[place].Name] = ""
		if need.sudo["root"] {
			users[o.Plan.Hosts[place].Name] = "root"
		}
	}
	return users
}
