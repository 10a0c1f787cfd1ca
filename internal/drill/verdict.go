package drill

import "slices"

// Verdict is what a drill says about the undo of a step.
type Verdict string

// The verdicts.
const (
	Proved     Verdict = "proved"      // undone, and all that is watched is as it was before
	Wrong      Verdict = "wrong"       // something is not as it was, or the undo failed
	Missing    Verdict = "missing"     // it changed something and declares no undo: left in place
	Declared   Verdict = "none"        // the same, and the runbook says so: rollback: none
	NotDrilled Verdict = "not_drilled" // there was nothing to take back
	NotReached Verdict = "not_reached" // something failed before its turn came
)

// Fine tells whether the verdict is none that somebody has to do something about.
func (v Verdict) Fine() bool { return v != Wrong && v != Missing && v != NotReached }

// Trial is what a drill of one step saw.
type Trial struct {
	Changed  bool   // the step changed something
	HasUndo  bool   // it declares an undo, or has one built in
	Declared bool   // it says rollback: none
	Undone   bool   // it was taken back
	Before   string // what failed before its turn came; "" is nothing
	Broken   string // what went wrong by itself, also with an undo; "" is nothing
	Stuck    bool   // an undo failed, or is still to come
	Nothing  string // why it changed nothing
	Differ   []Difference
}

// Leftovers are the places that a step was seen to leave different. A step that is drilled after it does
// it again, and is not blamed.
type Leftovers map[Place]string

// Note takes up what a step leaves.
func (l Leftovers) Note(step string, differ []Difference) {
	for _, d := range differ {
		if _, known := l.of(d.Place); !known {
			l[d.Place] = step
		}
	}
}

// of gives the step that leaves a place different. The same path on another host is its, too: a drill
// that fails early sees fewer hosts than one that fails late.
func (l Leftovers) of(p Place) (string, bool) {
	step, ok := l[p]
	if ok {
		return step, true
	}
	for other, step := range l {
		if other.Path == p.Path && other.Step == p.Step {
			return step, true
		}
	}
	return "", false
}

// Blame parts what differs into what a step answers for, and the other steps that leave the rest.
func (l Leftovers) Blame(step string, differ []Difference) (own []Difference, others []string) {
	for _, d := range differ {
		if other, known := l.of(d.Place); known && other != step {
			if !slices.Contains(others, other) {
				others = append(others, other)
			}
			continue
		}
		own = append(own, d)
	}
	slices.Sort(others)
	return own, others
}

// Judge gives the verdict, and the reason where it is not told by what differs.
func Judge(t Trial) (Verdict, string) {
	switch {
	case t.Broken != "":
		return Wrong, t.Broken
	case t.Before != "":
		return NotReached, t.Before
	case !t.Changed && len(t.Differ) > 0:
		return Wrong, "it changed nothing, and yet the state is not as before"
	case !t.Changed:
		return NotDrilled, t.Nothing
	case !t.HasUndo && t.Declared:
		return Declared, "it says rollback: none"
	case !t.HasUndo:
		return Missing, "it declares no undo; what it did is left in place"
	case !t.Undone:
		return Wrong, "it was not taken back"
	case len(t.Differ) > 0:
		return Wrong, "its undo ended well, and the state is not as before"
	}
	return Proved, ""
}
