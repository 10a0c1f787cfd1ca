package executor

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

const bareChange = "name: x\nhosts: web1\nshell: none\nsteps:\n- {id: set, save: {old: show old}, run: 'set ${{ 4 + 5 }}', rollback: 'set ${{ saved.old }}'}\n- {run: boom}\n"

// A host without a shell is connected to and nothing more; commands, checks and undos go as they stand.
func TestNoShell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.prints["web1 show old"] = "vlan7\n"
		w.answers["web1 boom"] = []Ending{exit(1)}
		end := w.run(bareChange)
		want := "reach web1\nask web1 show old\nrun web1 set 9\nrun web1 boom\nrun web1 set vlan7"
		if end.Code != 3 || w.did() != want {
			t.Errorf("exit %d after\n%s\nwant\n%s", end.Code, w.did(), want)
		}
		for key, c := range w.commands {
			if c.Shell != runbook.NoShell || c.Sudo != "" || c.Dir != "" || len(c.Env) > 0 {
				t.Errorf("%s was sent with %+v", key, c)
			}
		}
	})
}

// What a host said is not taken for a word of a command unless it is plainly one.
func TestNoShellTakesPlainValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.prints["web1 show old"] = "vlan7; reload\n"
		end := w.run(bareChange)
		if end.Code == 0 || strings.Contains(w.did(), "set") || strings.Contains(w.did(), "reload") {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
		at := slices.IndexFunc(w.events, func(e run.Event) bool { return e.Outcome == run.Failed })
		if at < 0 || !strings.Contains(w.events[at].Message, `cannot put "vlan7; reload" into a command that no shell reads`) {
			t.Errorf("%+v", w.events)
		}
	})
}

func TestNoShellPreflight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["reach web1"] = []Ending{{Verdict: NeverRan, Class: "auth", Message: "no"}}
		if end := w.run(bareChange); end.Code != 4 || len(w.ran) != 0 {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
		w = newWorld(t) // a shell beside it makes the host what others are
		if end := w.run("name: x\nhosts: web1\nsteps: [{shell: none, run: a}, {run: b}]"); end.Code != 0 || w.did() != "run web1 a\nrun web1 b" {
			t.Errorf("exit %d after\n%s", end.Code, w.did())
		}
	})
}

// A change whose end an earlier process did not see is unknown: the host is not asked, and nothing is sent again.
func TestNoShellResumes(t *testing.T) {
	for _, which := range []run.Act{run.Do, run.Undo} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.prints["web1 show old"] = "vlan7\n"
			w.answers["web1 boom"] = []Ending{exit(1)}
			w.run(bareChange)
			cut := slices.IndexFunc(w.events, func(e run.Event) bool { return e.Kind == run.AttemptStarted && e.Step == "set" && e.Act == which })
			if cut < 0 {
				t.Fatal("it was not started")
			}
			again := newWorld(t)
			o := again.options(again.plan(bareChange, nil))
			o.Events, o.Resume = w.events[:cut+1], run.Event{Kind: run.RunResumed}
			finished, _, err := Run(context.Background(), o)
			if err != nil {
				t.Fatal(err)
			}
			at := slices.IndexFunc(again.events, func(e run.Event) bool { return e.Kind == run.AttemptFinished && e.Step == "set" && e.Act == which })
			if at < 0 || again.events[at].Outcome != run.Unknown || !strings.Contains(again.events[at].Message, "leaves no record") {
				t.Errorf("%s: code %d, %+v", which, finished.Code, again.events)
			}
			if strings.Contains(again.did(), "settle") || strings.Contains(again.did(), "set 9") {
				t.Errorf("%s: it did\n%s", which, again.did())
			}
		})
	}
}

func TestNoShellPreview(t *testing.T) {
	w := newWorld(t)
	p := w.plan("name: x\nhosts: web\nshell: none\nsteps: [{effect: read, run: show}, {run: change}]", nil)
	w.answers["reach web2"] = []Ending{{Verdict: NeverRan, Class: "auth", Message: "no"}}
	list := Preview(context.Background(), PreviewOptions{
		Plan: p, Masker: noMask{}, Forks: 1, Prober: func(h *inventory.Host) Prober { return scripted{w, h.Name} },
	})
	if want := "reach web1\nreach web3\nask web1 show\nask web3 show"; w.did() != want {
		t.Errorf("it did\n%s\nwant\n%s", w.did(), want)
	}
	for _, f := range list {
		if down := f.Host.Name == "web2"; !f.Bare || down != (f.Class == NotReached) || down && f.Reason != "auth: no" {
			t.Errorf("%s on %s: %+v", f.Step.ID, f.Host.Name, f)
		}
	}
}
