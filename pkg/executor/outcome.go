package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func asHostError(err error) (*HostError, bool) {
	var h *HostError
	ok := errors.As(err, &h)
	return h, ok
}

// finished makes the event that ends an attempt: what the host said, in the words of the runbook.
func (l *loop) finished(a *attempt, ending Ending) run.Event {
	e := run.Event{Kind: run.AttemptFinished, Op: a.ref.Op, Act: a.ref.Act, Number: a.ref.Number}
	a.capture.close()
	e.Output = a.capture.output()
	l.judge(&e, a, ending)
	l.drill(&e, a)
	if !e.Outcome.Good() && e.Message == "" {
		e.Message = describe(ending)
	}
	e.Message = l.Masker.String(e.Message)
	if !e.Outcome.Good() && a.capture.tail() != "" {
		e.Output.Tail = a.capture.tail()
	}
	l.scopes.keep(a, e)
	if a.capture != nil && a.capture.hidden {
		e.Outputs = nil
	}
	return e
}

// drill judges as failed what ended well, where the plan says so. The event says that it is no
// failure of the step.
func (l *loop) drill(e *run.Event, a *attempt) {
	if d := l.Plan.Drill; d != nil && !d.After && d.Op == a.index && e.Act == run.Do && e.Outcome == run.Changed {
		e.Outcome, e.Class, e.Message = run.Failed, run.Drilled, "it ended well and is judged as failed: this run is a drill"
	}
}

// judge finds the outcome.
func (l *loop) judge(e *run.Event, a *attempt, ending Ending) {
	acts := a.ref.Act == run.Undo || a.ref.Act == run.Do && !a.step.Read
	effects := acts && a.step.Source.Action != "notify" // whatever comes of a message, no host is changed
	e.Class = ending.Class
	e.Message = ending.Message
	switch {
	case ending.Verdict == NeverRan:
		e.Outcome = run.Unreachable
		if e.Class == "" { // the host itself said so
			e.Class = run.NeverRan
		}
		return
	case ending.Verdict == NotLearned && !acts:
		e.Outcome = run.Unreachable // a question that was not answered changed nothing
		return
	case ending.Verdict == NotLearned:
		e.Outcome, e.Effects = run.Unknown, effects
		return
	case ending.Cancelled:
		e.Outcome, e.Effects, e.Class = run.Cancelled, effects, "cancelled"
		return
	case ending.TimedOut:
		e.Outcome, e.Effects, e.Class = run.TimedOut, effects, "timeout"
		return
	case ending.Class == "action": // it broke off here, before anything was sent
		e.Outcome = run.Failed
		return
	}
	exit := ending.Exit
	e.Exit, e.Signal = &exit, ending.Signal
	switch a.ref.Act {
	case run.Check:
		judgeCheck(e, ending)
	case run.Save:
		judgeExit(e, ending)
		l.judgeSaved(e, a)
	case run.Undo:
		judgeExit(e, ending)
		e.Effects = true
	default:
		l.judgeDo(e, a, ending)
	}
}

func judgeExit(e *run.Event, ending Ending) {
	e.Outcome = run.OK
	if ending.Exit != 0 || ending.Signal != "" {
		e.Outcome, e.Class = run.Failed, classOf(ending)
	}
}

// judgeCheck reads an exit code as an answer; a check that could not be run is a failure, not a no.
func judgeCheck(e *run.Event, ending Ending) {
	e.Outcome, e.Answer = run.OK, run.No
	switch {
	case ending.Exit == 0 && ending.Signal == "":
		e.Answer = run.Yes
	case ending.Exit == 126 || ending.Exit == 127 || ending.Exit > 128 || ending.Signal != "":
		e.Outcome, e.Answer, e.Class = run.Failed, "", "check-failed"
		e.Message = "the check itself failed: " + describe(ending)
	}
}

func (l *loop) judgeSaved(e *run.Event, a *attempt) {
	if e.Outcome != run.OK {
		return
	}
	for name, value := range a.capture.saved {
		if l.Masker.Found(value) {
			e.Outcome, e.Class = run.Failed, "save"
			e.Message = fmt.Sprintf("cannot keep %q: it holds a secret, and what is kept in the journal must not", name)
			return
		}
	}
	e.Saved = a.capture.saved
}

func (l *loop) judgeDo(e *run.Event, a *attempt, ending Ending) {
	src := a.step.Source
	tells := src.Action == "notify"
	e.Effects = !a.step.Read && !tells
	failed := ending.Signal != "" || !okCode(src.OKCodes, ending.Exit)
	res := &result{stdout: a.capture.text(Stdout), stderr: a.capture.text(Stderr), exit: ending.Exit, outcome: "ok", masked: a.capture.masked()}
	if failed {
		res.outcome = string(run.Failed)
	}
	if src.FailedIf != nil && ending.Class == "" {
		yes, err := l.scopes.yes(src.FailedIf, a, res)
		if err != nil {
			e.Outcome, e.Class, e.Message = run.Failed, "expression", err.Error()
			return
		}
		if failed = yes; yes {
			e.Message = "failed_if: " + src.FailedIf.Source
		}
	}
	if failed {
		e.Outcome = run.Failed
		if e.Class == "" {
			e.Class = classOf(ending)
		}
		return
	}
	e.Outcome = run.Changed
	if a.step.Read || tells || a.probe != nil && a.probe.Same {
		e.Outcome, e.Effects = run.OK, false
	} else if src.ChangedIf != nil {
		yes, err := l.scopes.yes(src.ChangedIf, a, res)
		if err != nil {
			e.Outcome, e.Class, e.Message = run.Failed, "expression", err.Error()
			return
		}
		if !yes {
			e.Outcome, e.Effects = run.OK, false
		}
	}
	l.outputs(e, a, res)
}

// outputs evaluates what the step declares; one that cannot be computed fails the op.
func (l *loop) outputs(e *run.Event, a *attempt, res *result) {
	if len(a.step.Source.Outputs) > 0 {
		res.outcome = string(e.Outcome)
		e.Outputs = map[string]any{}
		for _, o := range a.step.Source.Outputs {
			value, err := l.scopes.value(o.Expr, a, res)
			if err != nil {
				e.Outcome, e.Class, e.Effects = run.Failed, "expression", !a.step.Read
				e.Message = fmt.Sprintf("output %q: %s", o.Name, err)
				return
			}
			if s, ok := value.(string); ok {
				value = l.Masker.String(s)
			}
			e.Outputs[o.Name] = value
		}
	}
	if a.late {
		sealed, err := l.sealWith(a, res)
		if err != nil {
			e.Outcome, e.Class, e.Message = run.Failed, "expression", "rollback: "+err.Error()
			return
		}
		e.Undo = sealed
	}
}

func okCode(codes []int, exit int) bool {
	if codes == nil {
		return exit == 0
	}
	for _, c := range codes {
		if c == exit {
			return true
		}
	}
	return false
}

func classOf(ending Ending) string {
	switch {
	case ending.Class != "":
		return ending.Class
	case ending.Signal != "":
		return "killed"
	case ending.Exit == 126:
		return "not-executable"
	case ending.Exit == 127:
		return "not-found"
	}
	return "exit"
}

// signalNames are the signals that end a command now and then, by number.
var signalNames = map[int]string{1: "HUP", 2: "INT", 3: "QUIT", 4: "ILL", 6: "ABRT", 7: "BUS", 8: "FPE", 9: "KILL", 11: "SEGV", 13: "PIPE", 14: "ALRM", 15: "TERM", 24: "XCPU", 25: "XFSZ"}

// describe says in words how a command ended.
func describe(ending Ending) string {
	switch {
	case ending.Message != "":
		return ending.Message
	case ending.Verdict == NeverRan:
		return "nothing was started on the host"
	case ending.Verdict == NotLearned:
		return "it may have started, and its end cannot be learnt"
	case ending.Cancelled:
		return "cancelled"
	case ending.TimedOut:
		return "timed out"
	case ending.Signal != "":
		return "killed by signal " + ending.Signal
	case ending.Exit == 126:
		return "exit status 126: the command was found but cannot be executed, or the step's dir is not there"
	case ending.Exit == 127:
		return "exit status 127: a command was not found"
	case ending.Exit == 137:
		return "exit status 137 (perhaps signal KILL, as sent when memory runs out)"
	case ending.Exit > 128 && signalNames[ending.Exit-128] != "":
		return fmt.Sprintf("exit status %d (perhaps signal %s)", ending.Exit, signalNames[ending.Exit-128])
	}
	return fmt.Sprintf("exit status %d", ending.Exit)
}

// immediate ends an attempt that needs no host: the entry of a block, or an assert.
func (l *loop) immediate(a *attempt) run.Event {
	e := run.Event{Kind: run.AttemptFinished, Op: a.ref.Op, Act: a.ref.Act, Number: a.ref.Number, Outcome: run.OK}
	if a.step.Entry {
		return e
	}
	assert := a.step.Source.Assert
	if assert == nil { // a step that only asked
		return e
	}
	for _, that := range assert.That {
		yes, err := l.scopes.yes(that, a, nil)
		if err == nil && yes {
			continue
		}
		e.Outcome, e.Class, e.Message = run.Failed, "assert", "not so: "+that.Source
		if err != nil {
			e.Message = err.Error()
		} else if assert.Message != nil {
			if text, err := l.scopes.renderer(a)(assert.Message); err == nil {
				e.Message = text + " (not so: " + that.Source + ")"
			}
		}
		e.Message = l.Masker.String(e.Message)
		break
	}
	return e
}

// settleOpen asks the hosts about every attempt that an earlier process started and did not see
// the end of. Questions are simply asked again.
func (l *loop) settleOpen(boots map[string]string) {
	for _, o := range l.state.OpenAttempts() {
		a := l.attemptOf(o.Index)
		a.ref.Act, a.ref.Number = o.Act, o.Number
		asked := o.Act == run.Check || o.Act == run.Save || o.Act == run.Do && (a.step.Read || a.step.Source.Action == "manual")
		if asked {
			l.emit(run.Event{Kind: run.AttemptFinished, Op: o.Op, Act: o.Act, Number: o.Number, Outcome: run.Unreachable, Class: run.NeverRan, Message: "opsctl ended before the answer came"})
			continue
		}
		if action := a.step.Source.Action; o.Act == run.Do && (action == "http" || action == "notify") { // no host has a record of it
			l.emit(run.Event{
				Kind: run.AttemptFinished, Op: o.Op, Act: o.Act, Number: o.Number, Outcome: run.Unknown, Effects: action == "http", Class: action,
				Message: "opsctl ended before the answer came; it may have been received",
			})
			continue
		}
		if l.sentBare(a) {
			l.emit(run.Event{
				Kind: run.AttemptFinished, Op: o.Op, Act: o.Act, Number: o.Number, Outcome: run.Unknown, Effects: true, Class: "link",
				Message: "opsctl ended before the answer came; a command without a shell leaves no record on its host that could be asked",
			})
			continue
		}
		if sealed := l.scopes.sealed(a); o.Act == run.Undo && sealed != nil && sealed.Place != "" {
			for _, h := range l.Plan.Hosts {
				if h.Name == sealed.Place {
					a.place = h
				}
			}
		}
		a.late = l.undoIsLate(a)
		a.capture = newCapture(l, a.ref, l.scopes.wanted(a.step))
		a.capture.hidden = a.step.Source.IsSensitive()
		ctx, settle := l.ctx, l.settles(a, boots[a.place.Name])
		l.launches = append(l.launches, func() {
			l.spawn(a, func() Ending {
				ending := settle(ctx)
				if ending.Verdict == NeverRan {
					ending.Class = run.NeverRan
				}
				return ending
			})
		})
	}
}

// sentBare tells whether what an attempt runs is sent without a shell.
func (l *loop) sentBare(a *attempt) bool {
	if a.ref.Act == run.Undo {
		sealed := l.scopes.sealed(a)
		return sealed != nil && sealed.Shell == runbook.NoShell
	}
	return a.step.Source.Action == "run" && a.step.Source.Bare()
}

// settles is how it is found out what became of an attempt. Its claim lies with the user it ran as.
func (l *loop) settles(a *attempt, boot string) func(context.Context) Ending {
	if a.ref.Act == run.Do && a.step.Source.Action == "reboot" {
		return l.settleReboot(a, boot)
	}
	user, err := l.sudo(a)
	if sealed := l.scopes.sealed(a); a.ref.Act == run.Undo && sealed != nil {
		user, err = sealed.Sudo, nil
	}
	return func(ctx context.Context) Ending {
		if err != nil {
			return Ending{Verdict: NotLearned, Class: "expression", Message: err.Error()}
		}
		return l.Host(a.place).Settle(ctx, Attempt{ID: a.id(), Command: Command{Sudo: user}}, boot, a.capture.sink)
	}
}

// renew gives attempts that start from now on a context that was not cancelled.
func (l *loop) renew() {
	l.ctx, l.cancel = context.WithCancel(context.WithoutCancel(l.ctx))
}
