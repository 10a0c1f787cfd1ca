package executor

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// asking is a request whose answer is given.
type asking struct {
	w      *world
	ending Ending
}

func (q asking) Ask(context.Context, Prober, Command, Sink) Ending {
	q.w.ran = append(q.w.ran, "request")
	return q.ending
}

func (q asking) String() string { return "POST http://x" }

func (w *world) requests(text string, ending Ending) Options {
	o := w.options(w.plan(text, nil))
	o.Actions = func(*runbook.Step, string, func(*runbook.Text) (string, error)) (Work, Question, error) {
		return nil, asking{w, ending}, nil
	}
	return o
}

// TestARequestIsMadeAtMostOnce: neither a retry nor a resume makes one again that may have been received.
func TestARequestIsMadeAtMostOnce(t *testing.T) {
	text := "name: x\nhosts: web1\nsteps:\n  - {id: a, retry: 3, http: {url: 'http://x', method: POST}, rollback: take back}\n  - {id: b, run: b}\n"
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			ending Ending
			did    string
			code   int
		}{
			{Ending{}, "request\nrun web1 b", 0},
			{Ending{Verdict: NotLearned, Class: "http"}, "request", run.CodePerson},
			{Ending{Exit: 1, Class: "http"}, "request\nrequest\nrequest", run.CodeFailed},
			{Ending{Exit: 1, Class: "action"}, "request\nrequest\nrequest", run.CodeFailed},
		} {
			w := newWorld(t)
			end, _, err := Run(context.Background(), w.requests(text, c.ending))
			if err != nil || w.did() != c.did || (end.Code == 0) != (c.code == 0) || c.code == run.CodePerson && end.Code != c.code {
				t.Errorf("%+v: %v, exit %d after\n%s", c.ending, err, end.Code, w.did())
			}
			if c.code != 0 {
				continue
			}
			next := newWorld(t)
			o := next.requests(text, c.ending)
			o.Resume = run.Event{Kind: run.RunResumed}
			for _, e := range w.events {
				o.Events = append(o.Events, e)
				if e.Kind == run.AttemptStarted {
					break
				}
			}
			end, _, err = Run(context.Background(), o)
			if err != nil || end.Code != run.CodePerson || next.did() != "" {
				t.Errorf("resumed: %v, exit %d after\n%s", err, end.Code, next.did())
			}
		}
		w := newWorld(t)
		o := w.requests(text, Ending{})
		forecasts := Preview(context.Background(), PreviewOptions{
			Plan: o.Plan, Actions: o.Actions, Prober: func(h *inventory.Host) Prober { return scripted{w, h.Name} }, Masker: noMask{}, Forks: 1,
		})
		if f := forecasts[0]; f.Class != WouldChange || f.Reason != "POST http://x" || w.did() != "" {
			t.Errorf("%+v\n%s", f, w.did())
		}
	})
}

// TestSettleAsksTheUserThatItRanAs: the claim of an attempt lies in the directory of that user.
func TestSettleAsksTheUserThatItRanAs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		text := "name: x\nhosts: web1\nsudo: true\nsteps:\n  - {id: a, sudo: app, run: a, rollback: {run: back, sudo: other}}\n  - {id: b, run: b}\n"
		for act, want := range map[run.Act]string{run.Do: "a.do.1 as app", run.Undo: "a.undo.1 as other"} {
			w := newWorld(t)
			w.answers["web1 b"] = []Ending{exit(1)}
			w.run(text)
			next := newWorld(t)
			o := next.options(next.plan(text, nil))
			o.Resume = run.Event{Kind: run.RunResumed}
			for _, e := range w.events {
				o.Events = append(o.Events, e)
				if e.Kind == run.AttemptStarted && e.Act == act {
					break
				}
			}
			users := []string{}
			o.Host = func(h *inventory.Host) Host {
				return mortal{scripted: scripted{next, h.Name}, boots: new(int), told: &time.Time{}, asUser: &users}
			}
			if _, _, err := Run(context.Background(), o); err != nil || !strings.Contains(next.did(), "settle web1 "+want+" ") {
				t.Errorf("%s: %v\n%s", act, err, next.did())
			}
		}
	})
}
