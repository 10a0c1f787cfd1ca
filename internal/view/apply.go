package view

import (
	"slices"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// Apply adds an event to the facts. An event that does not fit the plan is passed over: a view
// shows what it can, the run decides what is right.
func (b *Board) Apply(e run.Event) {
	switch e.Kind {
	case run.RunStarted:
		b.started(e)
	case run.RunResumed:
		b.Resumed++
		b.asked = e.Scope != ""
		b.Phase, b.Reason, b.Result, b.Ended = Forward, "", "", time.Time{}
		clear(b.active)
	case run.RunStopping:
		b.Phase, b.Reason = Stopping, stopReason(e)
	case run.RunFinished:
		b.finish(e)
	case run.HostReached, run.HostUnreachable, run.HostLeft:
		b.applyHost(e)
	case run.WaveStarted, run.WaveFinished:
		b.applyWave(e)
	case run.RollbackStarted:
		if e.Host != "" { // a tolerated failure: that host goes back, the others go on
			e.Scope = string(plan.ScopeHosts)
		} else {
			b.Phase, b.Reason = RollingBack, e.Reason
		}
		if !slices.Contains(b.Rollbacks, e.Scope) {
			b.Rollbacks = append(b.Rollbacks, e.Scope)
		}
	default:
		if s, index, ok := b.find(e.Op); ok {
			b.applyOp(e, s, index)
		}
	}
}

func (b *Board) started(e run.Event) {
	if b.Info.Runbook == "" {
		b.Info.Runbook = e.Runbook
	}
	if b.Info.ID == "" {
		b.Info.ID = e.RunID
	}
	if b.Info.Started.IsZero() {
		b.Info.Started = e.Time
	}
}

func stopReason(e run.Event) string {
	if e.Reason != "" {
		return e.Reason
	}
	switch e.Stop {
	case run.StopInterrupt:
		return "interrupted"
	case run.StopTerm:
		return "asked to end (SIGTERM)"
	case run.StopHangup:
		return "the terminal was closed"
	case run.StopDeadline:
		return "past the deadline of the run"
	case run.StopRefused:
		return "a confirmation was refused"
	case run.StopJournal:
		return "the journal cannot be written"
	}
	return string(e.Stop)
}

func (b *Board) finish(e run.Event) {
	b.Phase, b.Result, b.Code, b.Ended = Finished, e.Result, e.Code, e.Time
	clear(b.active)
	if slices.Contains(b.Rollbacks, string(plan.ScopeRun)) {
		b.keepRest()
	}
}

// keepRest says of what was changed and not taken back that it stays, or that it waits behind an
// undo that is pending on the same host.
func (b *Board) keepRest() {
	pending := map[int32]bool{}
	for n := len(b.plan.Steps) - 1; n >= 0; n-- {
		s := b.plan.Steps[n]
		for i, host := range s.Targets.Hosts {
			index := s.Op(int32(i))
			switch status := b.cells[index].Status; {
			case status == UndoPending:
				pending[host] = true
			case status != Changed || s.Finally || s.Read && !s.Entry:
			case s.Undo != plan.NoUndo && pending[host]:
				b.set(s, index, UndoPending)
			default:
				b.set(s, index, Left)
			}
		}
	}
}

func (b *Board) applyHost(e run.Event) {
	host, ok := b.byHost[e.Host]
	if !ok {
		return
	}
	h := &b.hosts[host]
	switch e.Kind {
	case run.HostReached:
		if !h.reached {
			b.reached++
		}
		h.reached = true
		b.found(host)
	case run.HostUnreachable:
		b.found(host)
		h.missing = true
		b.Failures = append(b.Failures, &Failure{
			Op: run.Op{Host: e.Host}, Status: Unreachable, Class: e.Class, Message: e.Message, Hint: e.Reason, index: -1,
		})
	case run.HostLeft:
		h.left = true
		for _, f := range b.Failures {
			if f.Op.Host == e.Host {
				f.Tolerated = true
				b.flag(f, Tolerated)
			}
		}
	}
}

func (b *Board) flag(f *Failure, flag Flag) {
	if f.index >= 0 {
		b.cells[f.index].Flags |= flag
	}
}

func (b *Board) applyWave(e run.Event) {
	for _, w := range b.Waves {
		if w.Block != e.Step {
			continue
		}
		w.Wave = e.Wave
		if e.Kind == run.WaveStarted {
			w.Hosts, w.Until, w.Done = e.Hosts, time.Time{}, false
		} else {
			w.Until = e.NotBefore
			w.Done = e.Wave == w.Count
		}
	}
}

func (b *Board) applyOp(e run.Event, s *plan.Step, index int) {
	switch e.Kind {
	case run.OpDecided:
		if b.cells[index].Status == UndoFailed && !e.NotBefore.IsZero() {
			b.set(s, index, Undoing)
		} else if !e.NotBefore.IsZero() {
			b.cells[index].Flags |= Retried
			b.set(s, index, Waiting)
			b.hosts[b.byHost[e.Host]].badStep = b.firstBad(e.Host)
		}
	case run.PersonAnswered:
		b.answered(e, s, index)
	case run.OpSkipped:
		b.set(s, index, Skipped)
	case run.OpResolved:
		b.drop(e.Op, index)
		b.set(s, index, statusOf(e.Outcome))
		if !e.Outcome.Good() {
			b.fail(e, s, index, statusOf(e.Outcome))
		}
	case run.AttemptStarted:
		b.attemptStarted(e, s, index)
	case run.AttemptFinished:
		delete(b.active, index)
		b.attemptFinished(e, s, index)
	}
}

func (b *Board) attemptStarted(e run.Event, s *plan.Step, index int) {
	if b.Phase == Preflight {
		b.Phase = Forward
	}
	if s.Finally {
		b.Phase = Ending
	}
	cell := &b.cells[index]
	b.active[index] = &Active{Op: e.Op, Title: titleOf(s), Act: e.Act, Number: e.Number, Since: e.Time, index: index}
	switch {
	case e.Act == run.Undo:
		b.set(s, index, Undoing)
		return
	case e.Act == run.Do:
		cell.tried = true
	}
	if e.Number > 1 && e.Act == run.Do {
		cell.Flags |= Retried
	}
	b.drop(e.Op, index)
	b.set(s, index, Running)
}

func (b *Board) attemptFinished(e run.Event, s *plan.Step, index int) {
	cell := &b.cells[index]
	good := e.Outcome.Good()
	switch {
	case e.Act == run.Undo:
		b.endUndo(e, s, index)
	case !good:
		b.fail(e, s, index, statusOf(e.Outcome))
	case e.Act == run.Check && e.Answer == run.Yes:
		b.endGood(s, index, heldStatus(s, cell))
	case e.Act == run.Check && cell.tried: // the do did not bring about what the check asks for
		e.Class, e.Message = "check-failed", "the step ended, but its check does not hold"
		b.fail(e, s, index, Failed)
	case e.Act == run.Do && (!s.HasCheck || s.Entry):
		b.endGood(s, index, statusOf(e.Outcome))
	}
}

// heldStatus is what a check that holds leads to (SEMANTICS 10.7).
func heldStatus(s *plan.Step, cell *Cell) Status {
	switch {
	case s.Entry:
		return Skipped
	case cell.tried:
		return Changed
	}
	return OK
}

func (b *Board) endGood(s *plan.Step, index int, status Status) {
	if b.cells[index].failed {
		b.cells[index].Flags |= Recovered
	}
	b.set(s, index, status)
}

// answered takes what a person decided about a failed op.
func (b *Board) answered(e run.Event, s *plan.Step, index int) {
	switch e.Answer {
	case run.Retry:
		b.cells[index].Flags |= Retried
		b.set(s, index, Waiting)
		b.hosts[b.byHost[e.Host]].badStep = b.firstBad(e.Host)
	case run.AnsIgnore:
		b.cells[index].Flags |= Tolerated
		for _, f := range b.Failures {
			if f.Op == e.Op && f.Act != run.Undo {
				f.Tolerated = true
			}
		}
		b.hosts[b.byHost[e.Host]].badStep = b.firstBad(e.Host)
	}
}

func (b *Board) endUndo(e run.Event, s *plan.Step, index int) {
	status := undoStatusOf(e.Outcome)
	if e.Number > 1 {
		b.dropUndo(e.Op)
	}
	b.set(s, index, status)
	if status != Undone {
		b.addFailure(e, s, index, status)
	}
}

func (b *Board) fail(e run.Event, s *plan.Step, index int, status Status) {
	b.drop(e.Op, index)
	b.cells[index].failed = true
	b.set(s, index, status)
	b.addFailure(e, s, index, status)
	if s.OnFailure == plan.Ignore {
		b.cells[index].Flags |= Tolerated
		return
	}
	h := &b.hosts[b.byHost[e.Host]]
	if h.badStep < 0 || s.Index < h.badStep {
		h.badStep = s.Index
	}
}

func (b *Board) addFailure(e run.Event, s *plan.Step, index int, status Status) {
	f := &Failure{
		Op: e.Op, Title: titleOf(s), Act: e.Act, Number: e.Number, Status: status, Exit: e.Exit, Signal: e.Signal,
		Class: e.Class, Message: e.Message, Effects: e.Effects, Command: commandOf(s, e.Act), index: index,
		Tolerated: s.OnFailure == plan.Ignore && e.Act != run.Undo,
	}
	if e.Output != nil {
		f.Tail = e.Output.Tail
	}
	if place := s.Place(int32(index - s.First)); b.Hosts[place] != e.Host {
		f.Place = b.Hosts[place]
	}
	b.Failures = append(b.Failures, f)
}

// drop takes back what was said of an op's failure: it is tried again, or was settled.
func (b *Board) drop(op run.Op, index int) {
	if !b.cells[index].failed {
		return
	}
	b.Failures = slices.DeleteFunc(b.Failures, func(f *Failure) bool { return f.Op == op && f.Act != run.Undo })
	b.hosts[b.byHost[op.Host]].badStep = b.firstBad(op.Host)
}

// found takes back that a host was refused by the preflight.
func (b *Board) found(host int32) {
	if !b.hosts[host].missing {
		return
	}
	b.hosts[host].missing = false
	op := run.Op{Host: b.Hosts[host]}
	b.Failures = slices.DeleteFunc(b.Failures, func(f *Failure) bool { return f.Op == op })
}

func (b *Board) dropUndo(op run.Op) {
	b.Failures = slices.DeleteFunc(b.Failures, func(f *Failure) bool { return f.Op == op && f.Act == run.Undo })
}

func (b *Board) firstBad(host string) int {
	first := -1
	for _, f := range b.Failures {
		if f.Op.Host != host || f.index < 0 || f.Tolerated || f.Act == run.Undo || !b.cells[f.index].Status.Bad() {
			continue
		}
		if s := b.plan.StepOf(f.index); first < 0 || s.Index < first {
			first = s.Index
		}
	}
	return first
}

// commandOf gives what an act runs, as the runbook has it: with its expressions, not their values.
func commandOf(s *plan.Step, act run.Act) string {
	if s.Source == nil {
		return ""
	}
	script := s.Source.Run
	switch {
	case act == run.Check:
		script = s.Source.Check
	case act == run.Undo && s.Source.Rollback != nil:
		script = s.Source.Rollback.Run
	case act == run.Undo, act == run.Save:
		script = nil
	}
	return ScriptText(script)
}
