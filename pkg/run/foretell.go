package run

import (
	"slices"
	"time"
)

// Fate is what a rollback would do with an op.
type Fate struct {
	Op     Op
	Undo   bool // it would be undone
	Pinned bool // it would be, did it not come before a point of no return, or before an undo that failed
	Status Status
}

// Foretell gives what a rollback asked for by a person would take back, in the order of its undoing as far
// as there is one: the last in plan order first. It works on a State that is folded for it alone: that
// State is of no use afterwards.
func (s *State) Foretell(resumed Event) ([]Fate, error) {
	resumed.Seq = s.seq + 1
	if err := s.Apply(resumed); err != nil {
		return nil, err
	}
	for _, p := range s.Next(time.Time{}) {
		if p.Kind != Fact || p.Event.Kind != RollbackStarted {
			continue
		}
		e := p.Event
		e.Seq = s.seq + 1
		if err := s.Apply(e); err != nil {
			return nil, err
		}
		break
	}
	var fates []Fate
	for _, step := range slices.Backward(s.plan.Steps) {
		for k := range step.Targets.Hosts {
			i := step.First + k
			o := &s.ops[i]
			undo := o.inBack && s.needsUndo(step, i)
			could := s.couldUndo(i) && o.back != StatusUndone
			if undo || could || o.back == StatusLeft || o.back == StatusTraces {
				fates = append(fates, Fate{Op: s.Name(i), Undo: undo, Pinned: could && !undo && o.kept, Status: o.status})
			}
		}
	}
	return fates, nil
}
