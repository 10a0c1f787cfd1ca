package graph

import "github.com/opsctl/opsctl/pkg/runbook"

// waitsPlanned answers from the plan which siblings begin on no host before all hosts are through
// the other. Waiting for a single host is no wait for all.
func (b *builder) waitsPlanned() func(before, after *runbook.Step) bool {
	found := map[[2]*runbook.Step]bool{}
	for _, p := range b.Plan.Steps {
		for _, e := range p.Before {
			other := b.Plan.Steps[e.Step]
			nextWave := other.Rollout >= 0 && other.Rollout == p.Rollout && other.Wave != p.Wave
			hosts := len(other.Targets.Hosts)
			if other.Rollout >= 0 { // to wait for the last wave is to wait for all of them
				hosts = len(b.Plan.Rollouts[other.Rollout].Hosts)
			}
			if !e.Barrier || nextWave || other.Once || hosts < 2 {
				continue
			}
			if x, y := siblings(other.Source, p.Source); x != y {
				found[[2]*runbook.Step{x, y}] = true
			}
		}
	}
	return func(before, after *runbook.Step) bool { return found[[2]*runbook.Step{before, after}] }
}

// siblings gives the steps of the innermost block around both that hold them; twice the same where
// one is inside the other.
func siblings(x, y *runbook.Step) (a, b *runbook.Step) {
	depth := func(s *runbook.Step) int {
		n := 0
		for ; s.Parent != nil; s = s.Parent {
			n++
		}
		return n
	}
	dx, dy := depth(x), depth(y)
	for ; dx > dy; dx-- {
		x = x.Parent
	}
	for ; dy > dx; dy-- {
		y = y.Parent
	}
	for x != y && x.Parent != y.Parent {
		x, y = x.Parent, y.Parent
	}
	return x, y
}

// waitsWritten answers the same from what is written alone: targets that read differently differ.
func (b *builder) waitsWritten(before, after *runbook.Step) bool {
	for _, from := range exits([]*runbook.Step{before}) {
		for _, to := range entries([]*runbook.Step{after}) {
			if from.Once || hostsWritten(from) == "" || hostsWritten(from) == "local" {
				continue
			}
			if to.Once || to.Barrier || hostsWritten(from) != hostsWritten(to) || rolloutAround(from) != rolloutAround(to) {
				return true
			}
		}
	}
	return false
}

func hostsWritten(s *runbook.Step) string {
	for ; s != nil; s = s.Parent {
		if s.Hosts != nil {
			return written(s.Hosts)
		}
	}
	return ""
}

func rolloutAround(s *runbook.Step) *runbook.Rollout {
	return runbook.Inherit(s, func(s *runbook.Step) *runbook.Rollout { return s.Rollout })
}

// entries are the steps that begin a list of siblings.
func entries(list []*runbook.Step) []*runbook.Step {
	within := map[*runbook.Step]bool{}
	for _, s := range list {
		within[s] = true
	}
	var begin []*runbook.Step
	for _, s := range list {
		waits := false
		for _, before := range s.Before {
			waits = waits || within[before]
		}
		switch {
		case waits:
		case s.IsBlock():
			begin = append(begin, entries(s.Steps)...)
		default:
			begin = append(begin, s)
		}
	}
	return begin
}

// exits are the steps that end a list of siblings.
func exits(list []*runbook.Step) []*runbook.Step {
	awaited := map[*runbook.Step]bool{}
	for _, s := range list {
		for _, before := range s.Before {
			awaited[before] = true
		}
	}
	var end []*runbook.Step
	for _, s := range list {
		switch {
		case awaited[s]:
		case s.IsBlock():
			end = append(end, exits(s.Steps)...)
		default:
			end = append(end, s)
		}
	}
	return end
}
