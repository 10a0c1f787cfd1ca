package run

// UnknownOps lists the ops whose outcome is unknown, in plan order.
func (s *State) UnknownOps() []Op {
	var list []Op
	for i := range s.ops {
		if s.ops[i].status == StatusUnknown {
			list = append(list, s.Name(i))
		}
	}
	return list
}

// HasSettled tells whether a person settled an unknown outcome since the run ended, so that it may go on.
func HasSettled(events []Event) bool {
	settled := false
	for _, e := range events {
		switch e.Kind {
		case OpResolved:
			settled = true
		case RunResumed:
			settled = false
		}
	}
	return settled
}
