package cli

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// checkTargets looks up those that a plan would notify, as far as their names are known that early.
func (a *app) checkTargets(p *plan.Plan) (problems source.Problems) {
	check := func(to *runbook.Text, values map[string]any) {
		if !known(to, values) {
			return
		}
		name, err := to.Render(values)
		if err != nil {
			problems = append(problems, to.Node.Problem(err.Error(), ""))
		} else if _, ok := a.targets[name]; !ok {
			problems = append(problems, to.Node.Problem(a.noTarget(name)))
		}
	}
	seen := map[*runbook.Step]bool{}
	for _, s := range p.Steps {
		step := s.Source
		if step.Notify == nil || seen[step] || len(s.Targets.Hosts) == 0 || s.Skip != "" {
			continue
		}
		values := s.Scope.Values
		if len(s.Items) > 0 { // each item may name another one
			values = maps.Clone(values)
			values["item"] = s.Items[len(s.Items)-1].Value
		}
		seen[step] = len(s.Items) == 0
		check(step.Notify.To, values)
	}
	for _, n := range p.Runbook.Notices {
		check(n.To, p.Scopes[0].Values)
	}
	return problems
}

// notifier gives what sends the notices of this run. In a drill nobody is told: nothing happened that
// anybody should look at.
func (x *running) notifier(known masker) executor.Notify {
	if x.request.drill != nil {
		return func(context.Context, executor.Notice) executor.Ending { return executor.Ending{} }
	}
	return x.app.notifier(known.Masker)
}

// announcing is a run that has ended, and what it takes to tell so.
type announcing struct {
	result run.Result
	state  *run.State
	known  masker
	notify executor.Notify
	deafen func() // ends the listening for interrupts of the run
}

// announce tells those whom the runbook names how the run ended. It is over: what cannot be told is a
// warning, and changes nothing. An interrupt from now on means that nobody wants to wait for it.
func (x *running) announce(ctx context.Context, o announcing) {
	notices := x.notices(o)
	if len(notices) == 0 {
		return
	}
	ctx, leave := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer leave()
	o.deafen()
	ctx, cancel := context.WithTimeout(ctx, executor.NotifyMax)
	defer cancel()
	endings := make([]executor.Ending, len(notices))
	var all sync.WaitGroup
	for i, n := range notices { // one that does not answer keeps none from being told
		all.Go(func() { endings[i] = o.notify(ctx, n) })
	}
	all.Wait()
	for i, e := range endings {
		switch {
		case e.Cancelled:
			x.app.note("warning: " + notices[i].To + " was not notified: interrupted")
		case e != executor.Ending{}:
			x.app.note("warning: " + e.Message)
		}
	}
}

// notices fills in what is to be told. A text that has no value is replaced: that a run failed is worth
// telling in any words.
func (x *running) notices(o announcing) []executor.Notice {
	var list []executor.Notice
	j := x.request
	failed := o.state.FailedHosts()
	var env map[string]any
	for _, n := range j.runbook.Notices {
		if !n.Wanted(string(o.result)) {
			continue
		}
		if env == nil {
			env = x.endValues(o.result, failed)
		}
		to, err := n.To.Render(env)
		if err != nil {
			x.app.note("warning: cannot notify: " + o.known.String(err.Error()))
			continue
		}
		text := sentence(j, o.result, failed)
		if n.Message != nil {
			if said, err := n.Message.Render(env); err == nil {
				text = said
			} else {
				x.app.note("warning: the message to " + to + " is opsctl's own: " + o.known.String(err.Error()))
			}
		}
		list = append(list, executor.Notice{
			To: to, Message: o.known.String(text), Runbook: j.runbook.Name, Run: j.id, User: j.user, Outcome: o.result, Failed: failed,
			Started: j.started, Time: time.Now(),
		})
	}
	return list
}

// endValues are what the text of a notice may use when the run is over.
func (x *running) endValues(result run.Result, failed []string) map[string]any {
	j, variables := x.request, map[string]any{}
	for name, value := range j.env {
		variables[name] = value
	}
	env := maps.Clone(j.plan.Scopes[0].Values)
	env["env"], env["runbook"] = variables, map[string]any{"name": j.runbook.Name}
	env["run"] = map[string]any{
		"id": j.id, "date": j.started.Format(time.DateOnly), "started": j.started.Format(time.RFC3339), "user": j.user, "dry_run": false,
		"outcome": string(result), "failed": failed,
	}
	env[expression.HostsFunction] = plan.HostsOf(j.inv.Select)
	return env
}

// namedMax is how many hosts a sentence names.
const namedMax = 3

// sentence says how a run ended, to somebody who has never seen opsctl.
func sentence(j *request, result run.Result, failed []string) string {
	on := ""
	if len(failed) > 0 {
		on = " on " + strings.Join(failed[:min(len(failed), namedMax)], ", ")
		if more := len(failed) - namedMax; more > 0 {
			on += fmt.Sprintf(" and %d more", more)
		}
	}
	said := map[run.Result]string{
		run.Succeeded:    "went well",
		run.RunFailed:    "failed" + on,
		run.RolledBack:   "failed" + on + ", and was taken back",
		run.Unreached:    "was not carried out: not all hosts can be reached",
		run.PersonNeeded: "needs somebody to look at it: it went wrong" + on,
		run.Stopped:      "was stopped before its end",
	}[result]
	if result == run.RolledBack && on == "" {
		said = "was taken back"
	}
	return fmt.Sprintf("%s %s (run %s, started by %s)", j.runbook.Name, said, shortID(j.id), j.user)
}
