package run

import "github.com/opsctl/opsctl/pkg/plan"

// limitState counts the hosts that are inside the steps of a limit: from the first attempt there to
// the end of the last op. On the way back it counts those that are undoing something there.
type limitState struct {
	max     int
	open    []int32 // by host: ops that are not over
	entered []bool
	count   int
	undoing []int32
	backing int
}

func newLimits(p *plan.Plan) []limitState {
	limits := make([]limitState, len(p.Limits))
	for i, l := range p.Limits {
		limits[i] = limitState{max: l.Max, open: make([]int32, len(p.Hosts)), entered: make([]bool, len(p.Hosts)), undoing: make([]int32, len(p.Hosts))}
		for _, index := range l.Steps {
			for _, h := range p.Steps[index].Targets.Hosts {
				limits[i].open[h]++
			}
		}
	}
	return limits
}

// admits tells whether one more attempt of a step on a host keeps all its limits.
func (q *quota) admits(step *plan.Step, host int32, back bool) bool {
	for _, index := range step.Limits {
		l := &q.state.bounds[index]
		inside, count := l.entered[host], l.count
		if back {
			inside, count = l.undoing[host] > 0, l.backing
		}
		if !inside && !q.entering[limitHost{index, host}] && count+q.entries[index] >= l.max {
			return false
		}
	}
	return true
}

type limitHost struct {
	limit int
	host  int32
}

// enters notes what admits has let through.
func (q *quota) enters(step *plan.Step, host int32, back bool) {
	for _, index := range step.Limits {
		l := &q.state.bounds[index]
		inside := l.entered[host]
		if back {
			inside = l.undoing[host] > 0
		}
		if inside || q.entering[limitHost{index, host}] {
			continue
		}
		if q.entering == nil {
			q.entering, q.entries = map[limitHost]bool{}, map[int]int{}
		}
		q.entering[limitHost{index, host}] = true
		q.entries[index]++
	}
}

func (s *State) enterLimits(step *plan.Step, host int32, act Act) {
	for _, index := range step.Limits {
		l := &s.bounds[index]
		if act == Undo {
			if l.undoing[host]++; l.undoing[host] == 1 {
				l.backing++
			}
		} else if !l.entered[host] {
			l.entered[host] = true
			l.count++
		}
	}
}

// undoLeaves and opLeaves are the other side of enterLimits.
func (s *State) undoLeaves(step *plan.Step, host int32) {
	for _, index := range step.Limits {
		l := &s.bounds[index]
		if l.undoing[host]--; l.undoing[host] == 0 {
			l.backing--
		}
	}
}

func (s *State) opLeaves(step *plan.Step, host int32) {
	for _, index := range step.Limits {
		l := &s.bounds[index]
		if l.open[host]--; l.open[host] == 0 && l.entered[host] {
			l.entered[host] = false
			l.count--
		}
	}
}
