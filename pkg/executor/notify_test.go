package executor

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
)

// told is somebody who takes notices, and says each time how it went.
type told struct {
	notices []Notice
	limits  []time.Duration
	endings []Ending
}

func (t *told) notify(ctx context.Context, n Notice) Ending {
	deadline, _ := ctx.Deadline()
	t.notices, t.limits = append(t.notices, n), append(t.limits, time.Until(deadline))
	if len(t.endings) == 0 {
		return Ending{}
	}
	e := t.endings[0]
	t.endings = t.endings[1:]
	return e
}

// TestNotifyTellsFacts: what finally tells knows how the run stands, and holds no secret.
func TestNotifyTellsFacts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, who, mask := newWorld(t), &told{}, newStars()
		mask.Add("hunter2")
		w.answers["web2 a"] = []Ending{exit(1)}
		end := w.runWith(`
name: x
hosts: web
on_failure: continue
steps:
  - {id: before, once: true, timeout: 5s, notify: {to: chat, message: 'it begins, with hunter2'}}
  - {id: a, run: a}
finally:
  - {id: after, hosts: local, notify: {to: ops, message: '${{ run.outcome }} on ${{ run.failed }}'}}
`, func(o *Options) { o.Notify, o.Masker = who.notify, mask })
		if end.Code != run.CodeFailed || len(who.notices) != 2 {
			t.Fatalf("exit %d, %+v", end.Code, who.notices)
		}
		first, last := who.notices[0], who.notices[1]
		if first.To != "chat" || first.Message != "it begins, with ***" || first.Outcome != "" || first.Step != "before" || first.Host != "web1" || first.Runbook != "x" || first.Run != "R" || first.User != "ann" {
			t.Errorf("%+v", first)
		}
		if last.To != "ops" || last.Message != `failed on ["web2"]` || last.Outcome != run.RunFailed || strings.Join(last.Failed, " ") != "web2" || last.Host != "local" {
			t.Errorf("%+v", last)
		}
		if who.limits[0] != 5*time.Second || who.limits[1] != NotifyMax {
			t.Errorf("limits %v", who.limits)
		}
		if e := w.finding(run.AttemptFinished); e.Outcome != run.OK || e.Effects || !strings.Contains(w.printed(), "it begins, with ***") {
			t.Errorf("%+v\n%s", e, w.printed())
		}
	})
}

func (w *world) printed() string {
	var all strings.Builder
	for key, text := range w.outputs {
		all.WriteString(key + ": " + string(text))
	}
	return all.String()
}

// TestNotifyIsSentAtMostOnce: what was refused is tried as the step says, what may have been taken is not;
// in finally a failure fails the run; and nothing is left in place by any of it.
func TestNotifyIsSentAtMostOnce(t *testing.T) {
	text := "name: x\nsteps: [{id: a, run: a}]\nfinally: [{id: n, retry: 3, notify: {to: ops, message: m}}]\n"
	synctest.Test(t, func(t *testing.T) {
		refused := Ending{Exit: 1, Class: "notify", Message: "no"}
		for _, c := range []struct {
			endings []Ending
			sent    int
			outcome run.Outcome
			code    int
		}{
			{nil, 1, run.OK, 0},
			{[]Ending{refused, {Exit: 1, Class: "action"}}, 3, run.OK, 0},
			{[]Ending{refused, refused, refused}, 3, run.Failed, run.CodeFailed},
			{[]Ending{{Verdict: NotLearned, Class: "notify"}}, 1, run.Unknown, run.CodeFailed},
		} {
			w, who := newWorld(t), &told{endings: c.endings}
			end := w.runWith(text, func(o *Options) { o.Notify = who.notify })
			var last run.Event
			for _, e := range w.events {
				if e.Kind == run.AttemptFinished {
					last = e
				}
			}
			if end.Code != c.code || len(who.notices) != c.sent || last.Outcome != c.outcome || last.Effects {
				t.Errorf("%+v: exit %d after %d, %+v", c.endings, end.Code, len(who.notices), last)
			}
		}
	})
}

// TestNotifyIsNotSentAgainByAResume: no target has a record of what it was told.
func TestNotifyIsNotSentAgainByAResume(t *testing.T) {
	text := "name: x\nhosts: web1\nsteps: [{id: n, notify: {to: ops, message: m}}]\n"
	synctest.Test(t, func(t *testing.T) {
		w, who := newWorld(t), &told{}
		w.runWith(text, func(o *Options) { o.Notify = who.notify })
		next := newWorld(t)
		end := next.runWith(text, func(o *Options) {
			o.Notify, o.Resume = who.notify, run.Event{Kind: run.RunResumed}
			for _, e := range w.events {
				o.Events = append(o.Events, e)
				if e.Kind == run.AttemptStarted {
					break
				}
			}
		})
		if end.Code != run.CodePerson || len(who.notices) != 1 {
			t.Errorf("exit %d, told %d times", end.Code, len(who.notices))
		}
	})
}

// TestADryRunTellsNobody, also where the text is not known yet; and what comes after is still asked.
func TestADryRunTellsNobody(t *testing.T) {
	w := newWorld(t)
	o := w.options(w.plan(`
name: x
hosts: web1
secrets: {token: {env: TOKEN}}
steps:
  - {id: first, notify: {to: ops, message: 'begins ${{ secrets.token }}'}}
  - {id: ask, effect: read, run: ask}
  - {id: make, run: make}
  - {id: last, notify: {to: ops, message: '${{ steps.make.stdout }}'}}
`, nil))
	forecasts := Preview(context.Background(), PreviewOptions{
		Plan: o.Plan, Prober: func(h *inventory.Host) Prober { return scripted{w, h.Name} }, Masker: noMask{}, Forks: 1,
	})
	var got []string
	for _, f := range forecasts {
		got = append(got, f.Step.ID+" "+string(f.Class)+": "+f.Reason)
	}
	want := "first read: not sent in a dry run; to ops: begins ***\nask read: \nmake change: \nlast read: not sent in a dry run; to ops, its text needs the output of make"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
}
