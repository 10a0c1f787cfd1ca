package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func orderRules() []Rule {
	return []Rule{
		{
			Name: "unreachable-step", Severity: Warning, Summary: "a step that can never run",
			Why:   "A condition that is always false, an assertion before it that always fails, or hosts that cannot be among those of its block: the step is dead, and most likely somebody believes in it.",
			Bad:   "name: x\nsteps:\n  - run: bin/cleanup\n    if: false\n",
			Good:  "name: x\nparams:\n  cleanup: {type: bool, default: false}\nsteps:\n  - run: bin/cleanup\n    if: cleanup\n",
			check: unreachable,
		},
		{
			Name: "runs-beside", Severity: Note, Summary: "a step with needs, and the steps that may run at the same time",
			Why:   "A step with `needs` waits for those alone, and not for all that is written above it. That is what needs is for; it is also easily forgotten when a step is put in between.",
			Bad:   "name: x\nsteps:\n  - id: fetch\n    run: bin/fetch\n  - id: index\n    run: bin/index\n  - id: scan\n    run: bin/scan\n    needs: [fetch]\n",
			Good:  "name: x\nsteps:\n  - id: fetch\n    run: bin/fetch\n  - id: index\n    run: bin/index\n  - id: scan\n    run: bin/scan\n",
			check: runsBeside,
		},
		{
			Name: "no-timeout", Severity: Warning, Summary: "a step or a wait without a limit of time",
			Why:   "`timeout: none` lets the run wait for ever on one host that hangs, and it holds its locks as long. A generous limit is better than none.",
			Bad:   "name: x\nsteps:\n  - wait: {tcp: localhost:5432, timeout: none}\n",
			Good:  "name: x\nsteps:\n  - wait: {tcp: localhost:5432, timeout: 10m}\n",
			check: noTimeout,
		},
		{
			Name: "wait-default-timeout", Severity: Note, Summary: "a wait for a command that does not say how long",
			Why:   "It ends after five minutes, which is opsctl's guess. How long a command of yours may take until it says yes is known to you.",
			Bad:   "name: x\nsteps:\n  - wait: {run: bin/ready}\n",
			Good:  "name: x\nsteps:\n  - wait: {run: bin/ready, timeout: 90s}\n",
			check: waitDefault,
		},
		{
			Name: "notify-each-host", Severity: Note, Summary: "a message that is sent once for each host",
			Why:   "A step runs on every host of its target, and a `notify` is no exception: forty hosts are forty messages. `hosts: local` sends one, and so does `once: true`; what is told of each host, `run.failed` tells in one message.",
			Bad:   "name: x\nhosts: web\nsteps:\n  - run: bin/deploy\nfinally:\n  - notify: {to: ops, message: \"${{ run.outcome }}\"}\n",
			Good:  "name: x\nhosts: web\nsteps:\n  - run: bin/deploy\nfinally:\n  - hosts: local\n    notify: {to: ops, message: \"${{ run.outcome }}: ${{ run.failed }}\"}\n",
			check: notifyEachHost,
		},
	}
}

// never gives the value of a condition that is false whatever happens.
func never(c *runbook.Cond) bool {
	if c == nil || c.Expression == nil || len(c.Refs) > 0 {
		return false
	}
	value, err := c.Eval(map[string]any{})
	return err == nil && value == false
}

func unreachable(p *pass) {
	var closed []*runbook.Step // assertions that never hold
	for _, s := range p.steps {
		if s.Assert == nil {
			continue
		}
		for _, that := range s.Assert.That {
			if never(that) {
				closed = append(closed, s)
				break
			}
		}
	}
	for _, s := range p.steps {
		if never(s.If) {
			p.report(s, s.If.Node, fmt.Sprintf("%s never runs: its condition is always false", quote(s)), "take the step away, or let a param decide")
			continue
		}
		for _, gate := range closed {
			if p.after(s, gate) && gate.If == nil && !s.Finally {
				p.report(s, head(s), fmt.Sprintf("%s never runs: what %q asserts before it is never true", quote(s), gate.Path), "take one of them away")
				break
			}
		}
		p.nowhere(s)
	}
}

// nowhere finds steps whose hosts are none: by their own pattern, or because their block has other ones.
func (p *pass) nowhere(s *runbook.Step) {
	if len(s.Hosts) != 1 {
		return
	}
	pattern := strings.TrimSpace(s.Hosts[0].Node.Text)
	if name, without, ok := strings.Cut(pattern, ":!"); ok && name == without {
		p.report(s, s.Hosts[0].Node, fmt.Sprintf("%s never runs: %s is no host", quote(s), pattern), "")
		return
	}
	if pattern != "local" {
		return
	}
	for at := s.Parent; at != nil; at = at.Parent {
		if at.Rollout != nil && len(at.Hosts) == 1 && at.Hosts[0].Node.Text == "all" && s.Delegate == nil && !s.Once {
			p.report(s, s.Hosts[0].Node, fmt.Sprintf("%s never runs: local is not among the hosts of its block", quote(s)), "delegate: local runs it here, for each host of the block")
			return
		}
	}
}

func runsBeside(p *pass) {
	for _, s := range p.steps {
		if !s.NeedsGiven || s.Parent == nil {
			continue
		}
		var beside []string
		for _, other := range siblings(p.rb, s) {
			if other != s && !p.earlier(s).has(p.index[other]) && !p.earlier(other).has(p.index[s]) {
				beside = append(beside, other.ID)
			}
		}
		if len(beside) > 0 {
			p.report(s, key(s.Node, "needs"), fmt.Sprintf("%s runs beside %s", quote(s), few(beside)), "without needs it waits for all steps written before it")
		}
	}
}

// few lists names, and counts those that are too many to be read.
func few(names []string) string {
	const told = 6
	if len(names) > told+1 {
		return fmt.Sprintf("%s and %d others", strings.Join(names[:told], ", "), len(names)-told)
	}
	return strings.Join(names, ", ")
}

func siblings(rb *runbook.Runbook, s *runbook.Step) []*runbook.Step {
	for _, list := range [][]*runbook.Step{s.Parent.Steps, s.Parent.Always, rb.Finally} {
		if slices.Contains(list, s) {
			return list
		}
	}
	return nil // a gate stands alone
}

func noTimeout(p *pass) {
	visit := func(s *runbook.Step, n *source.Node) {
		if limit := n.Get("timeout"); limit != nil && limit.Kind == source.Scalar && limit.Text == "none" {
			p.report(s, limit, "nothing ends this if it hangs", "timeout: a time that is surely enough")
		}
	}
	visit(p.rb.Root, p.rb.Root.Node)
	for _, s := range p.steps {
		visit(s, s.Node)
		for _, k := range []string{"wait", "reboot", "http", "rollback"} {
			if n := s.Node.Get(k); n != nil && n.Kind == source.Map {
				visit(s, n)
			}
		}
	}
}

func waitDefault(p *pass) {
	for _, s := range p.steps {
		if s.Wait != nil && s.Wait.Run != nil && s.Node.Get("wait").Get("timeout") == nil {
			p.report(s, key(s.Node.Get("wait"), "run"), fmt.Sprintf("%s waits for a command, and does not say how long", quote(s)), "timeout: 90s; without it, 5m")
		}
	}
}

// oneHost is a pattern that means one host at most.
var oneHost = regexp.MustCompile(`^local$|^[^\[\]*,~:]+\[-?[0-9]+\]$`)

// isGate tells whether a step judges the waves of its block: it runs here where it does not say hosts.
func isGate(s *runbook.Step) bool {
	return s.Parent != nil && s.Parent.Rollout != nil && s.Parent.Gate == s
}

func notifyEachHost(p *pass) {
	for _, s := range p.steps {
		if s.Notify == nil || s.Once {
			continue
		}
		at := s
		for at.Hosts == nil && at.Parent != nil && !isGate(at) {
			at = at.Parent
		}
		if len(at.Hosts) == 0 || len(at.Hosts) == 1 && oneHost.MatchString(at.Hosts[0].Node.Text) {
			continue
		}
		p.report(s, head(s), fmt.Sprintf("%s is sent once for each host of its target", quote(s)), "hosts: local, or once: true")
	}
}
