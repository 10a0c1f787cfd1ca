package run

import (
	"fmt"
	"strings"
	"time"
)

// trace tells all events, and where every op stands at the end.
func (p *player) trace() string {
	var b strings.Builder
	for i := range p.events {
		fmt.Fprintln(&b, p.told(i))
	}
	return b.String() + p.ledger()
}

// told tells an event as a line.
func (p *player) told(i int) string {
	e := p.events[i]
	attempt := fmt.Sprintf("%s %s %d", e.Op, e.Act, e.Number)
	switch e.Kind {
	case AttemptStarted:
		return "> " + attempt
	case AttemptFinished:
		return "< " + attempt + " " + ending(e)
	case OpSkipped:
		return e.Op.String() + " skipped"
	case OpDecided:
		if e.NotBefore.IsZero() {
			return e.Op.String() + " is not tried again"
		}
		return fmt.Sprintf("%s tried again after %s", e.Op, since(e.NotBefore))
	case PersonAsked:
		return "asked about " + strings.TrimPrefix(e.Op.String(), "/")
	case PersonAnswered:
		return fmt.Sprintf("answered about %s: %s", strings.TrimPrefix(e.Op.String(), "/"), e.Answer)
	case OpResolved:
		return fmt.Sprintf("%s resolved as %s", e.Op, e.Outcome)
	case WaveStarted:
		return fmt.Sprintf("wave %d of %s: %s", e.Wave, e.Step, strings.Join(e.Hosts, " "))
	case WaveFinished:
		if e.NotBefore.IsZero() {
			return fmt.Sprintf("wave %d of %s is over", e.Wave, e.Step)
		}
		return fmt.Sprintf("wave %d of %s is over, the next not before %s", e.Wave, e.Step, since(e.NotBefore))
	case HostLeft:
		return fmt.Sprintf("%s leaves %s: %s", e.Host, e.Step, e.Reason)
	case HostUnreachable:
		return e.Host + " cannot be reached"
	case RollbackStarted:
		return "rollback " + scope(e) + ": " + e.Reason
	case RunStopping:
		return "stopping: " + string(e.Stop)
	case RunResumed:
		if e.Again {
			return "resumed, and what failed is tried again"
		}
		return strings.TrimSpace("resumed " + scope(e))
	case RunFinished:
		return fmt.Sprintf("finished: %s, exit %d", e.Result, e.Code)
	}
	return string(e.Kind)
}

func since(t time.Time) string { return t.Sub(time.Unix(0, 0)).String() }

func ending(e Event) string {
	switch {
	case e.Answer != "":
		return string(e.Answer)
	case e.Class == NeverRan:
		return "never ran"
	case e.Effects && e.Outcome != Changed && e.Outcome != Unknown:
		return string(e.Outcome) + ", may have left traces"
	}
	return string(e.Outcome)
}

func scope(e Event) string {
	switch {
	case e.Scope == "":
		return ""
	case e.Op.Host != "":
		return fmt.Sprintf("of %s alone, scope %s", e.Op.Host, e.Scope)
	case e.Scope == "block":
		return "of block " + e.Step
	case e.Scope == "wave":
		return fmt.Sprintf("of wave %d of %s", e.Wave, e.Step)
	case e.Scope == "hosts":
		return strings.TrimSuffix("of "+strings.Join(e.Hosts, " ")+", in block "+e.Step, ", in block ")
	}
	return "of the run"
}

// ledger tells where every op stands.
func (p *player) ledger() string {
	var b strings.Builder
	for _, step := range p.world.plan.Steps {
		var words []string
		for k, host := range step.Targets.Hosts {
			v := p.state.See(step.First + k)
			word := p.world.plan.Hosts[host].Name + " " + v.Status.String()
			if v.Ignored {
				word += " (tolerated)"
			}
			if v.Recovered {
				word += " (recovered)"
			}
			if v.Back != StatusPending {
				word += " → " + v.Back.String()
			}
			words = append(words, word)
		}
		name := step.ID
		if step.Entry {
			name += " (entry)"
		}
		if len(words) == 0 {
			words = append(words, "no host")
		}
		fmt.Fprintf(&b, "  %s: %s\n", name, strings.Join(words, ", "))
	}
	return b.String()
}
