package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// A dry run has no Attempter: it can ask, and cannot act, by construction. It goes through the
// steps in plan order and says of every op what a run would do, or that it cannot know.

// PreviewOptions are what a dry run needs.
type PreviewOptions struct {
	Plan    *plan.Plan
	Info    Info
	Prober  func(*inventory.Host) Prober // nil: connect to nothing
	Actions Actions
	Masker  Masker
	Forks   int

	Secrets   Secrets
	Inventory *inventory.Inventory // for hosts() of expressions
}

// Preview asks the hosts what a run of the plan would do.
func Preview(ctx context.Context, o PreviewOptions) []Forecast {
	p := newPreview(o)
	p.reach(ctx)
	for _, step := range o.Plan.Steps {
		if !step.Gate { // it judges a wave, and there is none
			p.step(ctx, step)
		}
	}
	return p.forecasts
}

type preview struct {
	PreviewOptions
	loop      *loop // for rendering only: it never runs
	mu        sync.Mutex
	forecasts []Forecast
	class     []Class
	durable   []bool           // hosts
	down      map[int32]string // hosts that were not reached, and why
	pending   []pending        // by place
	skipped   map[string]bool  // entry and host of blocks that would be skipped
	fresh     map[int]*result  // of reads of the step that is being asked
}

func newPreview(o PreviewOptions) *preview {
	l := newLoop(context.Background(), Options{
		Plan: o.Plan, Info: o.Info, Actions: o.Actions, Masker: o.Masker, Secrets: o.Secrets, Inventory: o.Inventory,
	})
	p := &preview{
		PreviewOptions: o, loop: l, class: make([]Class, o.Plan.OpCount), forecasts: make([]Forecast, 0, o.Plan.OpCount), down: map[int32]string{},
		pending: make([]pending, len(o.Plan.Hosts)), durable: o.Plan.Durable(), skipped: map[string]bool{},
		fresh: map[int]*result{},
	}
	for _, h := range o.Plan.Hosts { // so that asking many hosts at once only reads
		l.scopes.host(h)
	}
	l.scopes.asking = true
	l.scopes.status = func(i int) run.Status {
		switch p.class[i] {
		case WouldSkip, WouldBeAskedOf:
			return run.StatusSkipped
		case WasRead, WouldNot:
			return run.StatusOK
		}
		return run.StatusPending
	}
	l.scopes.unknown = func(i int) error {
		if c := p.class[i]; c == WouldChange || c == CannotKnow || c == NotReached || c == WouldNot || c == "" {
			return &unknownError{"needs the output of " + l.state.Name(i).Step}
		}
		return nil
	}
	return p
}

// each calls do for 0 to n-1, as many at once as the forks allow; one after the other where
// nobody is asked.
func (p *preview) each(n int, do func(int)) {
	if p.Prober == nil {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var workers crew
	for range min(n, max(1, p.Forks)) {
		workers.do(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	workers.wait()
}

// step forecasts one step on all its hosts. What it would change is noted after all of them were asked.
func (p *preview) step(ctx context.Context, step *plan.Step) {
	results := make([]Forecast, len(step.Targets.Hosts))
	if step.Once {
		p.once(ctx, step, results)
	} else {
		p.each(len(results), func(k int) { results[k] = p.op(ctx, step, k) })
	}
	for i, r := range p.fresh {
		p.loop.scopes.results[i] = r
		delete(p.fresh, i)
	}
	for k, f := range results {
		p.class[step.First+k] = f.Class
		if f.Class == "" || f.Class == WouldBeAskedOf || step.Entry {
			continue
		}
		p.forecasts = append(p.forecasts, f)
		at := &p.pending[step.Place(int32(k))]
		if f.Class == WouldChange || f.Class == CannotKnow && !step.Read {
			if f.path != "" {
				at.paths = append(at.paths, f.path)
			} else {
				at.script = true
			}
		}
	}
}

// once forecasts a step that runs on the first host it can.
func (p *preview) once(ctx context.Context, step *plan.Step, results []Forecast) {
	found := false
	for k := range results {
		if found {
			results[k].Class = WouldBeAskedOf
			continue
		}
		results[k] = p.op(ctx, step, k)
		found = results[k].Class != NotReached
	}
}

func (p *preview) op(ctx context.Context, step *plan.Step, k int) Forecast {
	host := step.Targets.Hosts[k]
	place := step.Place(int32(k))
	f := Forecast{Step: step, Host: p.Plan.Hosts[host], Bare: !p.durable[place]}
	a := p.loop.attemptOf(step.First + k)
	if why, down := p.down[place]; down {
		f.Class, f.Reason = NotReached, why
		return f
	}
	p.mu.Lock()
	for _, block := range step.Blocks {
		if p.skipped[block+"\n"+f.Host.Name] {
			f.Class, f.Reason = WouldSkip, "the block "+block+" is"
		}
	}
	p.mu.Unlock()
	if f.Class == "" && step.Skip != "" {
		f.Class, f.Reason = WouldSkip, "left out by "+step.Skip
	}
	if f.Class == "" && step.HasIf {
		yes, err := p.loop.scopes.yes(step.Source.If, a, nil)
		switch {
		case err != nil:
			f.Class, f.Reason = CannotKnow, reasonOf(err)
		case !yes:
			f.Class, f.Reason = WouldSkip, "if: "+step.Source.If.Source
		}
	}
	if f.Class == "" {
		p.what(ctx, a, &f, p.pending[place])
	}
	if step.Entry && (f.Class == WouldSkip || f.Class == WouldNot) {
		p.mu.Lock()
		p.skipped[step.ID+"\n"+f.Host.Name] = true
		p.mu.Unlock()
	}
	f.Reason = p.Masker.String(f.Reason)
	f.Diff = p.Masker.String(f.Diff)
	return f
}

func reasonOf(err error) string {
	var unknown *unknownError
	if errors.As(err, &unknown) {
		return unknown.reason
	}
	return err.Error()
}

// what asks whatever may be asked, and decides.
func (p *preview) what(ctx context.Context, a *attempt, f *Forecast, before pending) {
	step := a.step
	if step.HasCheck && !p.check(ctx, a, f, before) {
		return
	}
	switch {
	case step.Entry:
		f.Class = WasRead
	case step.Source.Action == "assert":
		p.assert(a, f)
	case step.Source.Action == "confirm":
		f.Class, f.Reason = WasRead, "a person is asked"
	case step.Source.Action == "manual":
		f.Class, f.Reason = WouldChange, "a person does it"
	case step.Source.Action == "notify":
		p.tells(a, f)
	case step.Read:
		p.read(ctx, a, f, before)
	case step.Source.Action == "run" || step.Source.Action == "script":
		p.script(ctx, a, f, before)
	case step.Source.Action == "http" || step.Source.Action == "reboot":
		p.certain(a, f)
	default:
		p.work(ctx, a, f, before)
	}
}

func (p *preview) unasked(f *Forecast, before pending) bool {
	if p.Prober == nil {
		f.Class, f.Reason = CannotKnow, "offline"
	} else if before.script || len(before.paths) > 0 {
		f.Class, f.Reason = CannotKnow, "a step before it would change this host"
	}
	return f.Class != ""
}

// check asks the step's own check; it tells whether the step would go on.
func (p *preview) check(ctx context.Context, a *attempt, f *Forecast, before pending) bool {
	if p.unasked(f, before) {
		return false
	}
	c, err := p.loop.command(a, a.step.Source.Check, nil)
	if err != nil {
		f.Class, f.Reason = CannotKnow, reasonOf(err)
		return false
	}
	ending := p.Prober(a.place).Ask(ctx, c, func(Stream, []byte) {})
	e := run.Event{}
	judgeCheck(&e, ending)
	switch {
	case ending.Verdict != Ended || ending.TimedOut || e.Answer == "":
		f.Class, f.Reason = CannotKnow, "its check failed: "+describe(ending)
	case e.Answer == run.Yes:
		f.Class, f.Reason = WouldNot, "its check holds"
	}
	return f.Class == ""
}

func (p *preview) assert(a *attempt, f *Forecast) {
	for _, that := range a.step.Source.Assert.That {
		yes, err := p.loop.scopes.yes(that, a, nil)
		if err != nil {
			f.Class, f.Reason = CannotKnow, reasonOf(err)
			return
		}
		if !yes {
			f.Class, f.Reason = CannotKnow, "it would fail: not so: "+that.Source
			return
		}
	}
	f.Class = WasRead
}

// read runs a step that only reads, unless it would be asked too early.
func (p *preview) read(ctx context.Context, a *attempt, f *Forecast, before pending) {
	if p.unasked(f, before) {
		return
	}
	if _, err := p.loop.prepareDo(a); err != nil { // what it would start is asked here, through a Prober
		f.Class, f.Reason = CannotKnow, reasonOf(err)
		return
	}
	a.capture = newCapture(p.loop, a.ref, true)
	var ending Ending
	lister, lists := a.ask.(Lister)
	switch {
	case lists:
		ending = lister.List(ctx, p.Prober(a.place), a.cmd, a.capture.hear)
		f.Diff = a.capture.text(Stderr)
	case a.ask != nil:
		ending = a.ask.Ask(ctx, p.Prober(a.place), a.cmd, a.capture.hear)
	default:
		ending = p.Prober(a.place).Ask(ctx, a.cmd, a.capture.hear)
	}
	e := run.Event{}
	a.ref.Act = run.Do
	p.loop.judge(&e, a, ending)
	if !e.Outcome.Good() {
		f.Class, f.Reason = CannotKnow, "it fails now: "+describe(ending)
		return
	}
	f.Class = WasRead
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fresh[a.index] = resultOf(a, e)
}

// script looks at a step that runs something: its saves are asked, its values must be known.
func (p *preview) script(ctx context.Context, a *attempt, f *Forecast, before pending) {
	f.Class, a.pretend = WouldChange, true
	saved := map[string]string{}
	for _, item := range a.step.Source.Save {
		if p.Prober == nil || before.script || len(before.paths) > 0 {
			return // what it saves can only be read when it is its turn
		}
		a.pretend = false
		c, err := p.loop.command(a, item.Run, nil)
		a.pretend = true
		if err != nil {
			f.Class, f.Reason = CannotKnow, reasonOf(err)
			return
		}
		var value strings.Builder
		ending := p.Prober(a.place).Ask(ctx, c, func(stream Stream, b []byte) {
			if stream == Stdout && value.Len() < ResultBytesMax {
				value.Write(b)
			}
		})
		if ending.Verdict != Ended || ending.Exit != 0 {
			f.Class, f.Reason = CannotKnow, fmt.Sprintf("it would fail: save %s: %s", item.Name, describe(ending))
			return
		}
		saved[item.Name] = strings.TrimRight(value.String(), "\n")
	}
	if _, err := p.loop.program(a, saved); err != nil {
		f.Class, f.Reason = CannotKnow, reasonOf(err)
	}
}

// work asks a built-in action what it would change.
func (p *preview) work(ctx context.Context, a *attempt, f *Forecast, before pending) {
	c, err := p.loop.bare(a)
	if err != nil {
		f.Class, f.Reason = CannotKnow, reasonOf(err)
		return
	}
	work, _, err := p.Actions(a.step.Source, a.step.Source.In.Dir, p.loop.scopes.renderer(a))
	if err != nil {
		f.Class, f.Reason = CannotKnow, reasonOf(err)
		return
	}
	f.path = work.Path()
	if !before.meets(f.path) { // what other built-in actions would change is known, and is not this
		before.paths = nil
	}
	if f.Class = ""; p.unasked(f, before) {
		if p.Prober != nil && a.step.Source.Certain() {
			f.Class, f.Reason = WouldChange, "" // whatever those before it do
		}
		return
	}
	f.Class = WouldChange
	probe, err := work.Probe(ctx, p.Prober(a.place), c)
	switch {
	case err != nil:
		f.Class, f.Reason = CannotKnow, reasonOf(err)
	case probe.Same:
		f.Class, f.Reason = WouldNot, "already so"
	default:
		f.Diff = probe.Diff
	}
}
