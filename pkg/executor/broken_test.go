package executor

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// broken is a Work that breaks off on this machine.
type broken struct{}

func (broken) Path() string { return "/broken" }

func (broken) Probe(context.Context, Prober, Command) (Probe, error) { return Probe{}, nil }
func (broken) Files() ([]StagedFile, error)                          { return nil, errors.New("cannot copy dist: it is gone") }

func (broken) Do(string, string) Command { return Command{Script: "do"} }

func (broken) Undo(string) Command { return Command{Script: "undo"} }

func TestActionThatBreaksOffHereLeavesNoTraces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.options(w.plan("name: x\nhosts: web1\non_failure: rollback\nsteps: [{copy: {src: dist, dest: /d}, ok_codes: [0, 1]}]", nil))
		o.Actions = func(*runbook.Step, string, func(*runbook.Text) (string, error)) (Work, Question, error) {
			return broken{}, nil, nil
		}
		end, state, err := Run(context.Background(), o)
		if err != nil {
			t.Fatal(err)
		}
		if end.Code == 0 || w.did() != "" {
			t.Errorf("exit %d after %q", end.Code, w.did())
		}
		if back := state.See(0).Back; back == run.StatusTraces {
			t.Errorf("it is said to have left traces")
		}
	})
}
