package run

// Status tells where an op stands.
type Status uint8

// The statuses of an op: forward, then backward.
const (
	StatusPending Status = iota
	StatusRunning
	StatusWaiting // between tries
	StatusOK
	StatusChanged
	StatusSkipped
	StatusFailed
	StatusTimedOut
	StatusUnreachable
	StatusCancelled
	StatusUnknown
	StatusBlocked    // by a failure before it
	StatusUndoing    //
	StatusUndone     //
	StatusUndoFailed //
	StatusUndoPending
	StatusLeft   // in place: it declares no undo, or came before a point of no return, or after it an undo failed
	StatusTraces // did not complete, may have left traces, and its undo is only for what completed
)

var statusNames = [...]string{
	"pending", "running", "waiting", "ok", "changed", "skipped", "failed", "timed_out", "unreachable", "cancelled", "unknown", "blocked",
	"undoing", "undone", "undo_failed", "undo_pending", "left", "may_have_left_traces",
}

func (s Status) String() string { return statusNames[s] }

// Good tells whether what follows may start.
func (s Status) Good() bool { return s == StatusOK || s == StatusChanged || s == StatusSkipped }

// Bad tells whether the op did not end well by itself.
func (s Status) Bad() bool { return s >= StatusFailed && s <= StatusUnknown }

// Over tells whether the op will not go forward any more.
func (s Status) Over() bool { return s >= StatusOK }

func statusOf(o Outcome) Status {
	switch o {
	case OK:
		return StatusOK
	case Changed:
		return StatusChanged
	case Skipped:
		return StatusSkipped
	case Failed:
		return StatusFailed
	case TimedOut:
		return StatusTimedOut
	case Unreachable:
		return StatusUnreachable
	case Cancelled:
		return StatusCancelled
	}
	return StatusUnknown
}
