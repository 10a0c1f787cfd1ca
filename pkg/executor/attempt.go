package executor

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// attempt is one try of one act, on its way.
type attempt struct {
	index   int
	ref     AttemptRef
	step    *plan.Step
	host    *inventory.Host // the op's
	place   *inventory.Host // where it takes place
	cmd     Command
	saves   []Command // of a save, one a value
	work    Work
	ask     Question
	probe   *Probe
	capture *capture
	sealed  *run.Sealed
	late    bool   // the undo is sealed at the outcome
	boot    string // of the place, once it was rebooted
	restore string // what an undo does first: it puts kept files back
	pretend bool   // nothing will be sent: secrets are not fetched for it
}

// intend makes an attempt of a proposal: its intent becomes an event, what it does a launch. What
// cannot even be rendered is an attempt that failed before anything was sent.
func (l *loop) intend(p run.Proposal) {
	step := l.Plan.StepOf(p.Index)
	pos := int32(p.Index - step.First)
	a := &attempt{
		index: p.Index, step: step, ref: AttemptRef{Op: p.Op, Act: p.Act, Number: p.Number},
		host: l.Plan.Hosts[step.Targets.Hosts[pos]], place: l.Plan.Hosts[step.Place(pos)],
	}
	if p.Act != run.Undo && l.first(p.Index) && step.Skip != "" {
		l.emit(run.Event{Kind: run.OpSkipped, Op: p.Op, Reason: "left out by " + step.Skip})
		return
	}
	if p.Act != run.Undo && l.first(p.Index) && l.state.LeftOut(p.Index) {
		l.emit(run.Event{Kind: run.OpSkipped, Op: p.Op, Reason: "left out by a person"})
		return
	}
	if p.Act != run.Undo && l.first(p.Index) && step.HasIf {
		yes, err := l.scopes.yes(step.Source.If, a, nil)
		if err != nil {
			l.refuse(a, err)
			return
		}
		if !yes {
			l.emit(run.Event{Kind: run.OpSkipped, Op: p.Op, Reason: "if: " + step.Source.If.Source})
			return
		}
	}
	if l.needsPerson(a) {
		l.stop(run.StopRefused, p.Op.String()+" is done by hand, and nobody is there to do it")
		return
	}
	start, err := l.prepare(a)
	if err != nil {
		l.refuse(a, err)
		return
	}
	l.emit(run.Event{Kind: run.AttemptStarted, Op: p.Op, Act: p.Act, Number: p.Number, Undo: a.sealed})
	if start == nil { // the entry of a block, an assert: nothing goes to a host
		l.emit(l.immediate(a))
		return
	}
	a.capture = newCapture(l, a.ref, l.scopes.wanted(step))
	a.capture.hidden = step.Source.IsSensitive()
	ctx := l.ctx
	l.launches = append(l.launches, func() { l.spawn(a, func() Ending { return start(ctx) }) })
}

// first tells whether nothing of the op was attempted yet.
func (l *loop) first(index int) bool {
	v := l.state.See(index)
	return v.Status == run.StatusPending
}

// refuse ends an op whose values cannot be rendered: nothing was sent.
func (l *loop) refuse(a *attempt, err error) {
	l.emit(run.Event{Kind: run.AttemptStarted, Op: a.ref.Op, Act: a.ref.Act, Number: a.ref.Number})
	l.emit(run.Event{
		Kind: run.AttemptFinished, Op: a.ref.Op, Act: a.ref.Act, Number: a.ref.Number,
		Outcome: run.Failed, Class: "expression", Message: l.Masker.String(err.Error()),
	})
}

// prepare renders what the attempt will do; the function it gives does it, in its own goroutine.
func (l *loop) prepare(a *attempt) (func(context.Context) Ending, error) {
	var err error
	src := a.step.Source
	switch a.ref.Act {
	case run.Check:
		a.cmd, err = l.command(a, src.Check, nil)
		return l.asks(a), err
	case run.Save:
		for _, item := range src.Save {
			c, err := l.command(a, item.Run, nil)
			if err != nil {
				return nil, err
			}
			a.saves = append(a.saves, c)
		}
		return l.saves(a), nil
	case run.Undo:
		return l.undoes(a)
	}
	return l.prepareDo(a)
}

func (l *loop) prepareDo(a *attempt) (func(context.Context) Ending, error) {
	src := a.step.Source
	if err := l.seal(a); err != nil {
		return nil, err
	}
	if a.step.Entry || src.Action == "assert" || src.Action == "confirm" {
		return nil, nil
	}
	var err error
	if src.Action == "manual" {
		text, err := l.scopes.renderer(a)(src.Manual)
		return l.byHand(a, l.Masker.String(text)), err
	}
	if src.Action == "run" || src.Action == "script" {
		if a.cmd, err = l.program(a, l.scopes.saved(a)); err != nil {
			return nil, err
		}
		if src.Read() {
			return l.asks(a), nil
		}
		return l.acts(a), l.keepFiles(a)
	}
	if src.Action == "reboot" {
		return l.reboots(a)
	}
	if src.Action == "notify" {
		return l.notifies(a)
	}
	if src.Wait != nil && src.Wait.Run != nil { // its values are filled in here: only we know them
		a.cmd, err = l.command(a, src.Wait.Run, nil)
	} else {
		a.cmd, err = l.bare(a)
	}
	if err != nil {
		return nil, err
	}
	a.work, a.ask, err = l.Actions(src, src.In.Dir, l.scopes.renderer(a))
	if err != nil {
		return nil, err
	}
	if a.ask != nil {
		return l.questions(a), nil
	}
	if err := l.keepFiles(a); err != nil {
		return nil, err
	}
	if (a.sealed == nil || a.sealed.Script == nothing) && src.BuiltinUndo() {
		restore := ""
		if a.sealed != nil {
			restore = a.sealed.Restore
		}
		a.sealed = sealCommand(a, overlay(a.cmd, a.work.Undo(a.key())))
		a.sealed.When, a.sealed.Restore = "completed", restore
	}
	return l.works(a), nil
}

// overlay puts the command of a built-in action onto what the step says about sudo and time.
func overlay(base, c Command) Command {
	c.Sudo, c.Timeout, c.KillAfter, c.Shell, c.Prepare = base.Sudo, base.Timeout, base.KillAfter, "sh", base.Prepare
	return c
}

// key names the op within the run, as part of a file name.
func (a *attempt) key() string {
	key := strings.ReplaceAll(a.ref.Op.Step, "/", ".")
	if a.place != a.host {
		key += "@" + a.host.Name
	}
	return fileName(key)
}

// id is the deterministic id of the attempt: its claim on the host also guards against a lost intent.
func (a *attempt) id() string {
	return fmt.Sprintf("%s.%s.%d", a.key(), a.ref.Act, a.ref.Number)
}

const idMax = 150

// fileName makes a text safe and short enough for a file name, and keeps different ones different.
func fileName(s string) string {
	safe := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, s)
	if safe == s && len(s) <= idMax {
		return s
	}
	h := fnv.New64a()
	h.Write([]byte(s))
	return fmt.Sprintf("%s-%x", safe[:min(len(safe), idMax)], h.Sum64())
}

// The ways to do an attempt. Each runs in its own goroutine and owns no State.

func (l *loop) asks(a *attempt) func(context.Context) Ending {
	return func(ctx context.Context) Ending { return l.Host(a.place).Ask(ctx, a.cmd, a.capture.sink) }
}

func (l *loop) acts(a *attempt) func(context.Context) Ending {
	return func(ctx context.Context) Ending {
		return l.Host(a.place).Run(ctx, Attempt{ID: a.id(), Command: a.cmd}, a.capture.sink)
	}
}

func (l *loop) questions(a *attempt) func(context.Context) Ending {
	return func(ctx context.Context) Ending { return a.ask.Ask(ctx, l.Host(a.place), a.cmd, a.capture.sink) }
}

// saves reads the values one after the other; the first that fails is the ending.
func (l *loop) saves(a *attempt) func(context.Context) Ending {
	return func(ctx context.Context) Ending {
		a.capture.saved = map[string]string{}
		for i, c := range a.saves {
			value := &strings.Builder{}
			ending := l.Host(a.place).Ask(ctx, c, func(stream Stream, p []byte) {
				if stream == Stdout && value.Len() < ResultBytesMax {
					value.Write(p)
				}
				a.capture.sink(stream, p)
			})
			if ending.Verdict != Ended || ending.Exit != 0 || ending.TimedOut {
				return ending
			}
			a.capture.saved[a.step.Source.Save[i].Name] = strings.TrimRight(value.String(), "\n")
		}
		return Ending{}
	}
}

// works asks whether there is anything to do, stages files, and does it.
func (l *loop) works(a *attempt) func(context.Context) Ending {
	return func(ctx context.Context) Ending {
		host := l.Host(a.place)
		probe, err := a.work.Probe(ctx, host, a.cmd)
		if err != nil {
			return notStarted(err)
		}
		a.probe = &probe
		if probe.Same {
			return Ending{}
		}
		files, err := a.work.Files()
		if err != nil {
			return notStarted(err)
		}
		staged := ""
		if len(files) > 0 {
			if staged, err = host.Stage(ctx, a.cmd.Sudo, a.key(), files); err != nil {
				return notStarted(err)
			}
		}
		c := overlay(a.cmd, a.work.Do(a.key(), staged))
		return host.Run(ctx, Attempt{ID: a.id(), Command: c}, a.capture.sink)
	}
}

// notStarted is the ending of an attempt that broke off before its command was sent.
func notStarted(err error) Ending {
	e := Ending{Verdict: NeverRan, Class: "link", Message: err.Error()}
	if host, ok := asHostError(err); ok {
		e.Class = host.Class
	} else {
		e.Verdict, e.Exit, e.Class = Ended, 1, "action"
	}
	return e
}

// undoes runs what was sealed.
func (l *loop) undoes(a *attempt) (func(context.Context) Ending, error) {
	sealed := l.scopes.sealed(a)
	if sealed == nil {
		return nil, fmt.Errorf("what was sealed for the undo of %s is not in the journal", a.ref.Op)
	}
	if sealed.Place != "" {
		for _, h := range l.Plan.Hosts {
			if h.Name == sealed.Place {
				a.place = h
			}
		}
	}
	var err error
	if a.cmd, err = l.unseal(a, sealed); err != nil {
		return nil, err
	}
	return l.acts(a), nil
}

// decide evaluates whether, and when, an op is tried again.
func (l *loop) decide(p run.Proposal) run.Event {
	e := run.Event{Kind: run.OpDecided, Op: p.Op}
	step := l.Plan.StepOf(p.Index)
	if d := l.Plan.Drill; d != nil && !d.After && d.Op == p.Index && l.state.Phase() == run.Forward {
		e.Reason = "drill"
		return e
	}
	retry, owner := runbook.Said(step.Source, func(s *runbook.Step) *runbook.Retry { return s.Retry })
	tries := l.state.See(p.Index).Tries
	if l.state.Phase() == run.Backward || l.scopes.goesBack(p.Index) {
		retry, owner = step.Source.Rollback.Retry, step.Source
	}
	if retry == nil {
		return e
	}
	if retry.If != nil {
		a := l.attemptOf(p.Index)
		if yes, err := l.scopes.yesAt(retry.If, a, owner, l.scopes.lastResult(p.Index)); err != nil || !yes {
			e.Reason = "retry.if: " + retry.If.Source
			return e
		}
	}
	delay := float64(retry.Delay) * math.Pow(retry.Backoff, float64(max(0, tries-1)))
	delay = min(delay, float64(retry.MaxDelay), float64(runbook.RetryDelayMax))
	delay *= 1 + 0.1*(l.Rand.Float64()*2-1)
	e.NotBefore = l.Now().Add(time.Duration(delay))
	return e
}

func (l *loop) attemptOf(index int) *attempt {
	step := l.Plan.StepOf(index)
	pos := int32(index - step.First)
	return &attempt{
		index: index, step: step, ref: AttemptRef{Op: l.state.Name(index)},
		host: l.Plan.Hosts[step.Targets.Hosts[pos]], place: l.Plan.Hosts[step.Place(pos)],
	}
}
