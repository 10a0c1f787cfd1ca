package executor

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

const drilledSteps = `
name: x
hosts: web1
steps:
- {id: a, run: do-a, rollback: undo-a}
- {id: b, run: do-b, retry: 5, rollback: {run: undo-b, when: started}}
- {id: c, run: do-c, rollback: undo-c}
`

// drill runs the steps so that they fail at one, and gives the events.
func (w *world) drill(d plan.Drill) []run.Event {
	w.Helper()
	o := w.options(w.planOf(drilledSteps, plan.Options{Drill: &d}))
	finished, _, err := Run(context.Background(), o)
	if err != nil {
		w.Fatal(err)
	}
	if finished.Result != run.RolledBack || finished.Code != run.CodeRolledBack {
		w.Errorf("%s, exit %d", finished.Result, finished.Code)
	}
	return w.events
}

func TestADrilledStepRunsAndIsJudgedAsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		events := w.drill(plan.Drill{Step: "b"})
		if got, want := w.did(), "run web1 do-a\nrun web1 do-b\nrun web1 undo-b\nrun web1 undo-a"; got != want {
			t.Errorf("it did\n%s", got)
		}
		if events[0].Reason != "drill: b on web1 is judged as failed" {
			t.Errorf("the run begins with %q", events[0].Reason)
		}
		judged := func(e run.Event) bool {
			return e.Kind == run.AttemptFinished && e.Step == "b" && e.Outcome == run.Failed && e.Class == run.Drilled && e.Effects && *e.Exit == 0
		}
		if !slices.ContainsFunc(events, judged) {
			t.Errorf("no event says that the failure was drilled: %v", events)
		}
		if !slices.ContainsFunc(events, func(e run.Event) bool { return e.Kind == run.OpDecided && e.Reason == "drill" && e.NotBefore.IsZero() }) {
			t.Errorf("no event says that it is not tried again: %v", events)
		}
	})
}

func TestADrillGoesBackAfterAStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		events := w.drill(plan.Drill{Step: "a", After: true})
		if got, want := w.did(), "run web1 do-a\nrun web1 undo-a"; got != want {
			t.Errorf("it did\n%s", got)
		}
		const reason = "drill: the run goes back after a on web1"
		if !slices.ContainsFunc(events, func(e run.Event) bool { return e.Kind == run.RollbackStarted && e.Reason == reason }) {
			t.Errorf("the way back does not say that it is drilled: %v", events)
		}
	})
}

// TestADrilledStepThatFailsByItself is no drilled failure, and says so.
func TestADrilledStepThatFailsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["web1 do-b"] = []Ending{exit(3)}
		for _, e := range w.drill(plan.Drill{Step: "b"}) {
			if e.Kind == run.AttemptFinished && e.Step == "b" && e.Act == run.Do && e.Class != "exit" {
				t.Errorf("%v", e)
			}
		}
	})
}

func TestWhatIsAskedAndTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["web1 is-a"] = []Ending{exit(1)}
		p := w.planOf(`
name: x
hosts: web1
steps:
- {id: a, check: is-a, run: do-a, outputs: {y: result.stdout}}
- {id: b, check: is-b, run: do-b, sudo: true, save_files: [/etc/b, "/etc/${{ host.name }}"]}
- {id: c, check: is-c, run: do-c, delegate: db1, save_files: ["/etc/${{ steps.a.outputs.y }}"]}
- {id: d, check: 'is-d ${{ steps.a.stdout }}', run: do-d, delegate: db1, save_files: [/etc/d, /etc/d]}
- {id: e, run: do-e}
finally:
- {id: f, check: is-f, run: do-f, save_files: [/etc/f]}
`, plan.Options{})
		o := PreviewOptions{Plan: p, Masker: noMask{}, Forks: 2, Prober: func(h *inventory.Host) Prober { return scripted{w, h.Name} }}
		w.answers["db1 is-c"] = []Ending{exit(127)}
		got := map[string]Says{}
		for _, a := range AskChecks(context.Background(), o) {
			got[a.Op.Step] = a.Says
		}
		for step, want := range map[string]Says{"a": SaysNo, "b": SaysYes, "c": SaysNothing, "d": SaysNothing, "e": "", "finally/f": ""} {
			if got[step] != want {
				t.Errorf("%s says %q, not %q", step, got[step], want)
			}
		}
		if touches, want := Touches(o), []Touch{{"web1", "/etc/b"}, {"web1", "/etc/web1"}, {"db1", "/etc/d"}}; !slices.Equal(touches, want) {
			t.Errorf("touched: %v", touches)
		}
		if eyes := Eyes(o); eyes["web1"] != "root" || eyes["db1"] != "" {
			t.Errorf("eyes: %v", eyes)
		}
	})
}
