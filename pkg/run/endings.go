package run

import "github.com/opsctl/opsctl/pkg/plan"

// The finally of a block runs when all that stands in the block is over, whatever became of it; if the
// run goes another way before that, it runs at the end, before the finally of the runbook.

// turn tells whether steps of this kind may start in this phase.
func (s *State) turn(step *plan.Step) bool {
	switch {
	case !step.Finally:
		return s.phase == Forward
	case step.EndOf != nil:
		return s.phase == Forward || s.phase == Ending
	}
	return s.phase == Ending && s.endsOpen == 0
}

// blockStepEnded counts, for each finally of a block, the steps of the block that are not over.
func (s *State) blockStepEnded(index int) {
	for _, last := range s.endings[index] {
		state := &s.steps[last]
		if state.endWaits == 0 {
			continue // the run's end has opened it
		}
		state.endWaits--
		state.waits--
		s.openStep(last)
	}
}

// openEndings lets run, at the end of the run, what was to run at the end of blocks that will not end.
func (s *State) openEndings() {
	for index, step := range s.plan.Steps {
		state := &s.steps[index]
		if step.EndOf == nil || state.over {
			continue
		}
		state.waits -= state.endWaits
		state.endWaits = 0
		s.openStep(index)
	}
}

// skipStrangers skips the finally of a block on hosts that never came into the block.
func (s *State) skipStrangers(step *plan.Step) {
	for k, host := range step.Targets.Hosts {
		if i := step.First + k; s.ops[i].status == StatusPending && !s.wasInside(step, host) {
			s.ops[i].status = StatusSkipped
			s.ended(step, i, true)
		}
	}
}

// wasInside tells whether anything was attempted in the block on the host; a host that has no part in
// the block, such as the controller, counts as soon as any host was there.
func (s *State) wasInside(last *plan.Step, host int32) bool {
	part, any := false, false
	for _, index := range last.EndOf {
		step := s.plan.Steps[index]
		if step.Entry {
			continue
		}
		if pos := step.Targets.Position(host); pos >= 0 {
			part = true
			if s.attempted(step.Op(pos)) {
				return true
			}
		}
		for k := 0; k < len(step.Targets.Hosts) && !any; k++ {
			any = s.attempted(step.First + k)
		}
	}
	return any && !part
}

func (s *State) attempted(i int) bool { return s.ops[i].made != [4]uint16{} }
