package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/drill"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// told is what the journal says of a drilled run.
type told struct {
	request *request
	events  []run.Event
	state   *run.State
}

// one drills one step: a run that fails there, and what is left of it.
func (d *drilling) one(ctx context.Context, t drillTarget, row *drillRow) error {
	j, err := d.request(t)
	if err != nil {
		return err
	}
	row.Run, row.After = j.id, j.drill.After
	if err := d.aim(ctx, j); err != nil {
		return err
	}
	seen, err := d.carry(ctx, j)
	if err != nil {
		return err
	}
	trial := seen.trial(t.step)
	if err := d.compare(ctx, t, seen, &trial, row); err != nil {
		return err
	}
	if d.crash && trial.Changed && row.Verdict != drill.Wrong {
		for _, kill := range drillKills {
			if err := d.killed(ctx, t, kill, seen, row); err != nil || d.halted != "" {
				return err
			}
		}
	}
	return nil
}

// request plans the runbook anew, so that the run fails at the step.
func (d *drilling) request(t drillTarget) (*request, error) {
	j := *d.base
	j.id, j.started, j.drill = newRunID(), time.Now(), t.drill()
	return &j, j.build()
}

// aim lets the looks before and after a run mean the same: what expressions make of run.id, or of its
// start, is another in each run.
func (d *drilling) aim(ctx context.Context, j *request) (err error) {
	texts := j.runbook.File.Text
	for _, text := range j.runbook.Files() {
		texts += text
	}
	if !strings.Contains(texts, "run.") {
		return nil
	}
	d.asks.Plan, d.asks.Info.ID, d.asks.Info.Started = j.plan, j.id, j.started
	d.before, err = d.look(ctx)
	return err
}

// carry carries a run out in this process.
func (d *drilling) carry(ctx context.Context, j *request) (told, error) {
	x := &running{app: d.app, request: j, silent: d.app.settings.Verbose == 0 || d.app.settings.Output == "json"}
	release, err := x.hold(ctx, d.dir, 0)
	if err != nil {
		return told{}, err
	}
	defer release()
	if err := x.start(d.store); err != nil {
		return told{}, err
	}
	defer x.journal.Close()
	// The run answers signals by itself: it lets what runs end.
	if _, err := x.carryOut(context.WithoutCancel(ctx)); err != nil {
		return told{}, err
	}
	return d.read(j)
}

// read folds the journal of a run that was to end.
func (d *drilling) read(j *request) (told, error) {
	seen := told{request: j, state: run.New(j.plan, run.Limits{})}
	var err error
	if seen.events, err = d.store.Read(j.id); err != nil {
		return seen, err
	}
	for _, e := range seen.events {
		if err := seen.state.Apply(e); err != nil {
			return seen, fmt.Errorf("cannot fold the journal of run %s: %w", j.id, err)
		}
	}
	end := seen.state.Finished()
	switch {
	case end == nil:
		return seen, &exitError{code: run.CodePerson, message: "the drilled run " + shortID(j.id) + " did not end", hint: "opsctl resume " + shortID(j.id)}
	case end.Result == run.Stopped:
		return seen, &exitError{
			code: end.Code, message: "the drilled run " + shortID(j.id) + " was stopped before all of it was taken back", hint: "opsctl resume " + shortID(j.id) + " takes it back",
		}
	}
	for _, e := range seen.events {
		if e.Kind == run.HostUnreachable {
			return seen, &exitError{code: run.CodeUnreachable, message: fmt.Sprintf("%s cannot be reached: %s", e.Host, e.Message), hint: e.Reason}
		}
	}
	return seen, nil
}

// trial reads off what became of the step, and of what was done before it.
func (s told) trial(step *plan.Step) drill.Trial {
	v := s.state.See(s.request.plan.Drill.Op)
	op := s.state.Name(s.request.plan.Drill.Op)
	rollback := step.Source.Rollback
	t := drill.Trial{HasUndo: step.Undo != plan.NoUndo, Declared: rollback != nil && rollback.None, Undone: v.Back == run.StatusUndone}
	drilled := false
	for _, e := range s.events {
		own := e.Op == op && e.Act != run.Undo
		switch {
		case e.Kind == run.OpSkipped && own:
			t.Nothing = "it was skipped: " + e.Reason
		case e.Kind != run.AttemptFinished || e.Act == run.Undo || e.Outcome.Good() || e.Class == run.NeverRan:
		case e.Class == run.Drilled:
			drilled = true
		case own && v.Status.Bad():
			t.Broken = "it failed by itself: " + oneReason(e)
		case !own && t.Before == "" && (v.Status == run.StatusBlocked || !v.Status.Over()):
			t.Before = fmt.Sprintf("%s on %s failed: %s", e.Step, e.Host, oneReason(e))
		}
	}
	t.Changed = v.Status == run.StatusChanged || drilled && v.Status == run.StatusFailed
	if drilled {
		t.Broken = ""
	}
	switch {
	case t.Changed || t.Nothing != "":
	case step.HasCheck && v.Status == run.StatusOK:
		t.Nothing = "its check holds already"
	case v.Status.Good():
		t.Nothing = "it changed nothing"
	case t.Broken == "" && t.Before == "":
		t.Before = "its turn did not come"
	}
	if why := s.undoFailed(); why != "" {
		t.Broken, t.Stuck = why, true
	}
	return t
}

// undoFailed tells which undo failed, or is still to come, and why.
func (s told) undoFailed() string {
	for i := range s.request.plan.OpCount {
		if back := s.state.See(i).Back; back != run.StatusUndoFailed && back != run.StatusUndoPending {
			continue
		}
		op, why := s.state.Name(i), "its host cannot be reached"
		for _, e := range s.events {
			if e.Kind == run.AttemptFinished && e.Op == op && e.Act == run.Undo && !e.Outcome.Good() {
				why = oneReason(e)
			}
		}
		return fmt.Sprintf("the undo of %s on %s failed: %s", op.Step, op.Host, why)
	}
	return ""
}

// oneReason is why an attempt ended badly, on one line.
func oneReason(e run.Event) string {
	reason := e.Message
	if e.Output != nil && e.Output.Tail != "" {
		lines := strings.Split(strings.TrimSpace(e.Output.Tail), "\n")
		reason += " (" + lines[len(lines)-1] + ")"
	}
	return reason
}

// compare looks at the hosts after a run and gives the verdict. What a step without an undo leaves is
// noted, so that the steps after it are not blamed for it.
func (d *drilling) compare(ctx context.Context, t drillTarget, seen told, trial *drill.Trial, row *drillRow) error {
	after, err := d.look(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	trial.Differ, row.Besides = d.left.Blame(t.step.ID, drill.Compare(d.before, after))
	d.before = after
	row.Verdict, row.Why = drill.Judge(*trial)
	row.Differ = trial.Differ
	if last := seen.lastChanged(trial.Differ); row.Verdict == drill.Wrong && last != "" {
		row.Why += "; perhaps by " + last + ", which is not taken back (--ignore)"
	}
	d.left.Note(t.step.ID, trial.Differ)
	failed := row.Verdict == drill.Wrong || row.Verdict == drill.NotReached
	if failed && (len(trial.Differ) > 0 || trial.Stuck) && !d.force && !d.demo {
		d.halted = t.step.ID
	}
	return nil
}

// lastChanged names a step of finally that changed something where something differs: that stays.
func (s told) lastChanged(differ []drill.Difference) string {
	for _, step := range s.request.plan.Steps {
		for k := range step.Targets.Hosts {
			place := s.request.plan.Hosts[step.Place(int32(k))].Name
			differs := slices.ContainsFunc(differ, func(d drill.Difference) bool { return d.Host == place })
			if step.Finally && differs && s.state.See(step.First+k).Status == run.StatusChanged {
				return step.ID
			}
		}
	}
	return ""
}
