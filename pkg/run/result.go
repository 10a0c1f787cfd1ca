package run

import "fmt"

// The exit codes of a run (SEMANTICS 7).
const (
	CodeOK          = 0
	CodeFailed      = 1
	CodeRolledBack  = 3
	CodeUnreachable = 4
	CodePerson      = 5
	CodeRefused     = 6
	CodeJournal     = 74
	CodeDeadline    = 124
	CodeHangup      = 129
	CodeInterrupt   = 130
	CodeTerm        = 143
)

// Count tells how many ops ended in which way.
type Count struct {
	Failed, Unreachable, Unknown, Blocked, NotRun int
	Changed, OK, Skipped, Tolerated, Recovered    int
	Undone, UndoFailed, UndoPending, Left, Traces int
	LeftWithUndo                                  int // changed, declares an undo, and is not taken back
	FinallyFailed                                 int
}

// Count goes over all ops.
func (s *State) Count() Count {
	var c Count
	for _, step := range s.plan.Steps {
		for k := range step.Targets.Hosts {
			i := step.First + k
			o := &s.ops[i]
			if step.Finally && o.status.Bad() && !o.ignored {
				c.FinallyFailed++
				continue
			}
			c.forward(o)
			c.backward(o)
			if s.wentBack && o.back != StatusUndone && s.couldUndo(i) {
				c.LeftWithUndo++
			}
		}
	}
	return c
}

// couldUndo tells whether the op changed something and declares an undo, kept or not.
func (s *State) couldUndo(i int) bool {
	step := s.plan.StepOf(i)
	kept := s.ops[i].kept
	s.ops[i].kept = false
	could := s.needsUndo(step, i)
	s.ops[i].kept = kept
	return could
}

func (c *Count) forward(o *op) {
	switch o.status {
	case StatusOK:
		c.OK++
	case StatusChanged:
		c.Changed++
	case StatusSkipped:
		c.Skipped++
	case StatusUnknown:
		c.Unknown++
	case StatusUnreachable:
		if !o.ignored {
			c.Unreachable++
		}
	case StatusFailed, StatusTimedOut, StatusCancelled:
		if !o.ignored {
			c.Failed++
		}
	case StatusBlocked:
		c.Blocked++
	case StatusPending, StatusRunning, StatusWaiting:
		c.NotRun++
	}
	if o.ignored {
		c.Tolerated++
	}
	if o.recovered {
		c.Recovered++
	}
}

func (c *Count) backward(o *op) {
	switch o.back {
	case StatusUndone:
		c.Undone++
	case StatusUndoFailed:
		c.UndoFailed++
	case StatusUndoPending:
		c.UndoPending++
	case StatusLeft:
		c.Left++
	case StatusTraces:
		c.Traces++
	case StatusPending, StatusUndoing:
		if o.inBack {
			c.UndoPending++
		}
	}
}

var stopCodes = map[StopKind]int{
	StopInterrupt: CodeInterrupt, StopTerm: CodeTerm, StopHangup: CodeHangup, StopDeadline: CodeDeadline, StopRefused: CodeRefused, StopJournal: CodeJournal,
}

// result is the fact that ends the run. Codes met together rank 74 > 5 > 130/143/129 > 124 > 3 > 4 > 1.
func (s *State) result() Event {
	c := s.Count()
	e := Event{Kind: RunFinished, Result: Succeeded}
	bad := c.Failed + c.Unknown + c.Unreachable
	switch {
	case s.stop == StopJournal:
		e.Result, e.Code = Stopped, CodeJournal
	case c.Unknown+c.UndoFailed+c.UndoPending > 0:
		e.Result, e.Code = PersonNeeded, CodePerson
	case s.stop != "" && s.stop != StopDeadline:
		e.Result, e.Code = Stopped, stopCodes[s.stop]
	case s.stop == StopDeadline:
		e.Result, e.Code = Stopped, CodeDeadline
	case s.asked:
		e.Result, e.Code = RolledBack, CodeOK
	case s.wentBack && c.LeftWithUndo == 0:
		e.Result, e.Code = RolledBack, CodeRolledBack
	case c.Failed == 0 && c.Unreachable > 0 && !s.wentBack:
		e.Result, e.Code = Unreached, CodeUnreachable
	case bad > 0 || c.Blocked > 0, s.plan.Drill != nil && s.wentBack:
		e.Result, e.Code = RunFailed, CodeFailed
	case c.FinallyFailed > 0:
		e.Result, e.Code = RunFailed, CodeFailed
	}
	e.Reason = fmt.Sprintf("changed %d, ok %d, failed %d, undone %d", c.Changed, c.OK, c.Failed, c.Undone)
	return e
}

// Result gives what run.outcome is while finally runs: the result as it stands.
func (s *State) Result() Result {
	return s.result().Result
}

// FailedHosts lists the hosts on which something went wrong and was not ignored, in plan order.
func (s *State) FailedHosts() []string {
	bad := map[int32]bool{}
	for _, step := range s.plan.Steps {
		for k, h := range step.Targets.Hosts {
			if o := &s.ops[step.First+k]; o.status.Bad() && !o.ignored && !step.Finally {
				bad[h] = true
			}
		}
	}
	var names []string
	for i, h := range s.plan.Hosts {
		if bad[int32(i)] {
			names = append(names, h.Name)
		}
	}
	return names
}
