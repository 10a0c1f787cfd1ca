package plan

import (
	"fmt"
	"slices"

	"github.com/opsctl/opsctl/internal/source"
)

// Drill makes a run fail at one op, so that it can be seen whether the undo of its step is right. The
// op really does what it does. All else that goes wrong leads back, too.
type Drill struct {
	Step  string `json:"step"`            // full id
	Host  string `json:"host,omitempty"`  // "" is the first of the step
	After bool   `json:"after,omitempty"` // the op completes, and the run goes back then; else its do is judged as failed

	Op int `json:"-"` // index of the op, found by Build
}

func (d *Drill) String() string {
	if d.After {
		return fmt.Sprintf("the run goes back after %s on %s", d.Step, d.Host)
	}
	return fmt.Sprintf("%s on %s is judged as failed", d.Step, d.Host)
}

// drill finds the op at which the run is to fail, and lets every failure lead back: of the whole run,
// without asking, and without a host that is left out. Nobody waits for a soak.
func (b *builder) drill() {
	if b.options.Drill == nil {
		return
	}
	d := *b.options.Drill
	at := b.drilled(&d)
	if at == nil {
		return
	}
	b.plan.Drill = &d
	b.holdBehind(at)
	for _, s := range b.plan.Steps {
		s.Confirm, s.Ask = false, false
		if s.Finally {
			continue
		}
		if s.OnFailure != Ignore || s == at {
			s.OnFailure = Rollback
		}
		s.Back, s.Block = ScopeRun, ""
	}
	for _, r := range b.plan.Rollouts {
		r.MaxFailures, r.MaxUnreachable, r.Soak = 0, -1, 0
	}
}

// holdBehind lets no other host run ahead of the one on which the run is to fail: what stands behind the
// step never starts, and leaves nothing that could be taken for its doing. In a block that lets few hosts
// in at once, they cannot wait for each other.
func (b *builder) holdBehind(at *Step) {
	for _, s := range b.plan.Steps[at.Index+1:] {
		if s.Finally || slices.ContainsFunc(s.Limits, func(l int) bool { return slices.Contains(at.Limits, l) }) {
			continue
		}
		join := func(edges []Edge, other int) []Edge {
			edges = slices.DeleteFunc(edges, func(e Edge) bool { return e.Step == other })
			return append(edges, Edge{Step: other, Barrier: true})
		}
		s.Before, at.After = join(s.Before, at.Index), join(at.After, s.Index)
	}
}

// drilled finds the step, in the wave of the host.
func (b *builder) drilled(d *Drill) *Step {
	var ids []string
	found := false
	for _, s := range b.plan.Steps {
		if s.Entry || s.Finally || s.Gate || len(s.Targets.Hosts) == 0 {
			continue
		}
		if s.ID != d.Step {
			ids = append(ids, s.ID)
			continue
		}
		found = true
		position := slices.IndexFunc(s.Targets.Hosts, func(h int32) bool { return d.Host == "" || b.plan.Hosts[h].Name == d.Host })
		if position >= 0 {
			d.Host, d.Op = b.plan.Hosts[s.Targets.Hosts[position]].Name, s.First+position
			return s
		}
	}
	p := &source.Problem{File: b.rb.File, Message: fmt.Sprintf("there is no step %q to drill", d.Step), Hint: source.DidYouMean(d.Step, ids)}
	if found {
		p.Message, p.Hint = fmt.Sprintf("%s is not for the host %q", d.Step, d.Host), ""
	}
	b.problems.Add(p)
	return nil
}
