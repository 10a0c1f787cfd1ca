package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// facts are what a drawing says of a step, in a few words each.
func (g *graph) facts(s *runbook.Step) []string {
	facts := []string{s.Action}
	if s.Action == "steps" {
		facts[0] = "block"
	}
	add := func(is bool, fact string) {
		if is {
			facts = append(facts, fact)
		}
	}
	add(s.Name != "", `"`+s.Name+`"`)
	facts = append(facts, g.target(s)...)
	add(s.Once, "once")
	if s.Delegate != nil {
		facts = append(facts, "takes place on "+s.Delegate.Node.Text)
	}
	if s.If != nil {
		facts = append(facts, "if "+s.If.Source)
	}
	add(s.Check != nil, "check")
	add(len(s.Save) > 0, "save")
	if s.Rollout != nil {
		facts = append(facts, rolloutFacts(s.Rollout)...)
	}
	switch {
	case s.Action == "steps":
		add(s.Rollback != nil && !s.Rollback.None, "undo of the block")
	case s.Finally: // nothing is taken back after it
	case s.Read():
		facts = append(facts, "read")
	case s.HasUndo() && s.Rollback != nil && s.Rollback.When == "started":
		facts = append(facts, "undo, also when half done")
	case s.HasUndo():
		facts = append(facts, "undo")
	default:
		facts = append(facts, "no undo")
	}
	add(s.Effect == runbook.Destroy, "destroys")
	if s.OnFailure != nil {
		facts = append(facts, "on failure "+failureWords(*s.OnFailure))
	}
	return facts
}

func failureWords(f runbook.OnFailure) string {
	if f.Do == "rollback" && f.Scope != "" && f.Scope != "run" {
		return f.Do + " of the " + f.Scope
	}
	return f.Do
}

// target says who a step is for, where it is not for the same hosts as the block around it.
func (g *graph) target(s *runbook.Step) []string {
	if g.plan == nil {
		if s.Hosts == nil {
			return nil
		}
		return []string{"hosts " + written(s.Hosts)}
	}
	hosts := g.targets(s)
	if s.Parent != nil && slices.Equal(hosts, g.targets(s.Parent)) {
		return nil
	}
	return []string{hostWords(hosts)}
}

func written(texts []*runbook.Text) string {
	var parts []string
	for _, t := range texts {
		parts = append(parts, t.Node.Text)
	}
	return strings.Join(parts, ", ")
}

func hostWords(hosts []string) string {
	switch len(hosts) {
	case 0:
		return "no hosts"
	case 1:
		return hosts[0]
	}
	return fmt.Sprintf("%s (%d hosts)", view.FoldHosts(hosts), len(hosts))
}

func rolloutFacts(r *runbook.Rollout) []string {
	var waves []string
	for _, size := range r.Waves {
		waves = append(waves, sizeText(size))
	}
	facts := []string{"waves of " + strings.Join(waves, ", ")}
	if r.MaxFailures.Count > 0 {
		facts = append(facts, sizeText(r.MaxFailures)+" may fail")
	}
	if r.MaxUnreachable != nil {
		facts = append(facts, sizeText(*r.MaxUnreachable)+" may be unreachable")
	}
	if r.SoakText != nil {
		facts = append(facts, "soak "+r.SoakText.Node.Text)
	}
	if r.Soak > 0 {
		facts = append(facts, "soak "+r.Soak.String())
	}
	return facts
}

func sizeText(s runbook.Size) string {
	if s.Percent {
		return fmt.Sprintf("%d%%", s.Count)
	}
	return fmt.Sprint(s.Count)
}

// rootFacts are what a drawing says of the runbook as a whole.
func (g *graph) rootFacts() []string {
	rb := g.runbook
	var facts []string
	switch {
	case g.plan != nil:
		facts = append(facts, hostWords(g.targets(rb.Root)))
	case rb.Root.Hosts != nil:
		facts = append(facts, "hosts "+written(rb.Root.Hosts))
	}
	if rb.Root.Rollout != nil {
		facts = append(facts, rolloutFacts(rb.Root.Rollout)...)
	}
	facts = append(facts, "on failure "+failureWords(rb.Default))
	if rb.Root.Lock != nil {
		facts = append(facts, "lock "+rb.Root.Lock.Name.Node.Text)
	}
	if rb.Deadline > 0 {
		facts = append(facts, "deadline "+rb.Deadline.String())
	}
	return facts
}

// wave is one wave of a planned rollout.
type wave struct {
	number int
	hosts  []string
}

func (g *graph) waves(block *runbook.Step) []wave {
	if g.plan == nil {
		return nil
	}
	var list []wave
	for _, r := range g.plan.Rollouts {
		if r.Source != block {
			continue
		}
		for i, indices := range r.Waves {
			w := wave{number: i + 1}
			for _, h := range indices {
				w.hosts = append(w.hosts, g.plan.Hosts[h].Name)
			}
			list = append(list, w)
		}
	}
	return list
}
