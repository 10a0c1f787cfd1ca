package view

import "github.com/opsctl/opsctl/pkg/run"

// Status tells where an op stands.
type Status uint8

// The statuses of an op, forward and then backward.
const (
	Pending Status = iota
	Running
	Waiting
	OK
	Changed
	Skipped
	Failed
	TimedOut
	Unreachable
	Cancelled
	Unknown
	Blocked // never started, and never will
	Undoing
	Undone
	UndoFailed
	UndoPending
	Left // in place: not taken back
	statusCount
)

type statusFace struct {
	word  string // for people
	sign  string
	ascii string
	tone  tone
}

var statusFaces = [statusCount]statusFace{
	Pending:     {"to come", " ", " ", toneFaint},
	Running:     {"running", "↻", ">", toneActive},
	Waiting:     {"waiting", "…", "~", toneActive},
	OK:          {"ok", "✓", "=", toneGood},
	Changed:     {"changed", "●", "+", toneChanged},
	Skipped:     {"skipped", "–", "-", toneFaint},
	Failed:      {"failed", "✗", "X", toneBad},
	TimedOut:    {"timed out", "⧗", "T", toneBad},
	Unreachable: {"unreachable", "!", "!", toneBad},
	Cancelled:   {"cancelled", "⊘", "C", toneWarn},
	Unknown:     {"unknown", "?", "?", toneWarn},
	Blocked:     {"not run", "·", ".", toneFaint},
	Undoing:     {"being undone", "↺", "<", toneActive},
	Undone:      {"undone", "⤺", "u", toneUndone},
	UndoFailed:  {"undo failed", "⊗", "U", toneBad},
	UndoPending: {"undo pending", "◌", "P", toneWarn},
	Left:        {"left in place", "▪", "L", toneWarn},
}

func (s Status) String() string {
	if s >= statusCount {
		return "?"
	}
	return statusFaces[s].word
}

// Bad tells whether the op did not end well.
func (s Status) Bad() bool {
	return s >= Failed && s <= Unknown || s == UndoFailed || s == UndoPending
}

// statusOf gives the status that an outcome of a do leads to.
func statusOf(o run.Outcome) Status {
	switch o {
	case run.OK:
		return OK
	case run.Changed:
		return Changed
	case run.Skipped:
		return Skipped
	case run.Failed:
		return Failed
	case run.TimedOut:
		return TimedOut
	case run.Unreachable:
		return Unreachable
	case run.Cancelled:
		return Cancelled
	default:
		return Unknown
	}
}

// undoStatusOf gives the status that an outcome of an undo leads to.
func undoStatusOf(o run.Outcome) Status {
	switch {
	case o.Good():
		return Undone
	case o == run.Unreachable:
		return UndoPending
	default:
		return UndoFailed
	}
}

// Flag tells more of an op than its status.
type Flag uint8

// The flags of an op.
const (
	Retried   Flag = 1 << iota // it took more than one try
	Recovered                  // a try failed, a later one did not
	Tolerated                  // it failed, and the run was told to live with that
)
