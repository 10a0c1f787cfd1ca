package executor

import (
	"context"
	"sort"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// preflight connects every host of the plan before the first change: authenticated, the
// supervisor there, sudo tried where it is used. If more are missing than the runbook tolerates,
// nothing starts.
func (l *loop) preflight() error {
	if !l.Preflight {
		return nil
	}
	needs := l.needs()
	answers := make([]run.Event, len(l.Plan.Hosts))
	limit := make(chan struct{}, max(1, min(l.Forks, PreflightAtOnce)))
	var reaching crew
	for i, h := range l.Plan.Hosts {
		need, used := needs[int32(i)]
		if !used {
			continue
		}
		reaching.do(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			answers[i] = l.reach(h, need)
		})
	}
	done := make(chan struct{})
	go func() { reaching.wg.Wait(); close(done) }()
	if stopped := l.awaitPreflight(done); stopped != "" {
		l.stop(stopped, "interrupted before anything was started")
		return nil
	}
	reaching.wait()
	missing := 0
	for _, e := range answers {
		if e.Kind == "" {
			continue
		}
		if e.Kind == run.HostUnreachable {
			missing++
		}
		l.emit(e)
	}
	goesBack := l.Resume.Scope != "" // what cannot be reached keeps its undos as pending; the others do not wait for it
	if missing > l.tolerated(answers) && !goesBack {
		l.emit(run.Event{Kind: run.RunFinished, Result: run.Unreached, Code: run.CodeUnreachable, Reason: "not every host could be reached, so nothing was started"})
		return l.commit()
	}
	return nil
}

// awaitPreflight waits for the hosts, or for a signal.
func (l *loop) awaitPreflight(done <-chan struct{}) run.StopKind {
	select {
	case <-done:
		return ""
	case kind := <-l.Interrupts:
		l.cancel()
		<-done
		l.renew()
		l.stops++
		return kind
	}
}

// need is what a place must be able to do.
type need struct {
	shell bool // for anything; else it is enough that it is reached
	acts  bool
	sudo  map[string]bool
}

// needs finds what is asked of each place, by index.
func (l *loop) needs() map[int32]*need {
	needs := map[int32]*need{}
	for _, step := range l.Plan.Steps {
		if step.Skip != "" || step.Entry && step.Undo == 0 && !step.HasCheck || !step.HasCheck && l.withoutHost(step) {
			continue
		}
		sudo := ""
		if t, owner := runbook.Said(step.Source, func(s *runbook.Step) *runbook.Text { return s.Sudo }); t != nil {
			if text, err := l.scopes.renderOf(&attempt{step: step}, owner, t); err == nil {
				sudo = sudoUser(text)
			}
		}
		for k := range step.Targets.Hosts {
			if l.state.See(step.First+k).Status == run.StatusSkipped {
				continue
			}
			place := step.Place(int32(k))
			n := needs[place]
			if n == nil {
				n = &need{sudo: map[string]bool{}}
				needs[place] = n
			}
			if step.Source.Bare() {
				continue
			}
			n.shell = true
			n.acts = n.acts || !step.Read || step.Entry
			if sudo != "" {
				n.sudo[sudo] = true
			}
		}
	}
	return needs
}

// withoutHost tells whether a step asks nothing of its hosts.
func (l *loop) withoutHost(step *plan.Step) bool {
	switch step.Source.Action {
	case "assert", "confirm":
		return true
	case "manual":
		return step.Undo == plan.NoUndo
	}
	return false
}

func (l *loop) reach(h *inventory.Host, n *need) run.Event {
	ctx, cancel := context.WithTimeout(l.ctx, preflightPerTry)
	defer cancel()
	e := run.Event{Kind: run.HostReached, Op: run.Op{Host: h.Name}}
	var users []string
	for u := range n.sudo {
		users = append(users, u)
	}
	sort.Strings(users)
	if n.acts {
		facts, err := l.Host(h).Ready(ctx, users)
		if err != nil {
			return unreached(h, err)
		}
		e.Boot = facts.Boot
		return e
	}
	if !n.shell { // no run directory, no supervisor: there is nothing that could run them
		if err := l.Host(h).Reach(ctx); err != nil {
			return unreached(h, err)
		}
		return e
	}
	ending := l.Host(h).Ask(ctx, Command{Script: ":", Shell: "sh"}, func(Stream, []byte) {})
	if ending.Verdict != Ended {
		return unreached(h, &HostError{Class: ending.Class, Message: ending.Message, Hint: ending.Hint})
	}
	return e
}

func unreached(h *inventory.Host, err error) run.Event {
	e := run.Event{Kind: run.HostUnreachable, Op: run.Op{Host: h.Name}, Class: "link", Message: err.Error()}
	if host, ok := asHostError(err); ok {
		e.Class, e.Reason = host.Class, host.Hint
	}
	return e
}

// tolerated is how many missing hosts the runbook bears: only those of a rollout that says so.
func (l *loop) tolerated(answers []run.Event) int {
	tolerated := 0
	for _, r := range l.Plan.Rollouts {
		in := map[string]bool{}
		for _, h := range r.Hosts {
			in[l.Plan.Hosts[h].Name] = true
		}
		all := true
		for _, e := range answers {
			all = all && (e.Kind != run.HostUnreachable || in[e.Host])
		}
		if all {
			tolerated = max(tolerated, r.MaxUnreachable)
		}
	}
	return tolerated
}
