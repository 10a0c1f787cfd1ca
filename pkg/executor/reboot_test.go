package executor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
)

// mortal is a host that may go down: told to reboot, it does so after a while, and is up again later.
type mortal struct {
	scripted
	boots  *int
	away   [2]time.Duration // after the order: down, and up again; never where it is 0
	told   *time.Time
	asUser *[]string
}

func (h mortal) Ready(_ context.Context, sudo []string) (Facts, error) {
	*h.asUser = sudo
	if !h.told.IsZero() {
		since := time.Since(*h.told)
		up := h.away[1] > 0 && since >= h.away[1]
		if h.away[0] > 0 && since >= h.away[0] && !up {
			return Facts{}, &HostError{Class: "refused", Message: "connection refused"}
		}
		if up {
			*h.boots++
			*h.told = time.Time{}
		}
	}
	return Facts{Boot: fmt.Sprint("boot-", *h.boots), RunDir: "/run"}, nil
}

func (h mortal) Run(ctx context.Context, a Attempt, sink Sink) Ending {
	if a.Script == rebootScript {
		*h.told = time.Now()
		a.Script = "reboot as " + a.Sudo
	}
	return h.scripted.Run(ctx, a, sink)
}

func (h mortal) Settle(ctx context.Context, a Attempt, boot string, sink Sink) Ending {
	a.ID += " as " + a.Sudo
	return h.scripted.Settle(ctx, a, boot, sink)
}

const rebootRunbook = "name: x\nhosts: web1\nsteps:\n  - {id: down, reboot: {timeout: 5m}, sudo: true}\n  - {id: after, run: after}\n"

func TestReboot(t *testing.T) {
	for _, c := range []struct {
		name    string
		away    [2]time.Duration
		order   Ending
		outcome run.Outcome
		message string
		took    time.Duration
	}{
		{"down and up", [2]time.Duration{3 * time.Second, 90 * time.Second}, exit(0), run.Changed, "", 90 * time.Second},
		{"too quick to be seen down", [2]time.Duration{time.Second, time.Second}, exit(0), run.Changed, "", 2 * time.Second},
		{"the order dies with the host", [2]time.Duration{time.Second, 50 * time.Second}, Ending{Exit: 143}, run.Changed, "", 50 * time.Second},
		{"the end of the order is not learnt", [2]time.Duration{time.Second, 50 * time.Second}, Ending{Verdict: NotLearned, Class: "reboot"}, run.Changed, "", 50 * time.Second},
		{"never down", [2]time.Duration{}, exit(0), run.Failed, "web1 was told to reboot and did not: its boot id is the same after 5m0s", 5 * time.Minute},
		{"never up", [2]time.Duration{time.Second, 0}, exit(0), run.Unknown, "web1 was told to reboot and is not up again after 5m0s: connection refused", 5 * time.Minute},
		{"refused", [2]time.Duration{}, exit(1), run.Failed, "cannot reboot web1: the order ended with exit status 1", 0},
		{"never ran", [2]time.Duration{}, Ending{Verdict: NeverRan, Class: "link"}, run.Unreachable, "nothing was started on the host", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				w.answers["web1 reboot as root"] = []Ending{c.order}
				began := time.Now()
				e := w.reboot(c.away, nil)
				if e.Outcome != c.outcome || e.Message != c.message || e.Time.Sub(began) < c.took || e.Time.Sub(began) > c.took+3*time.Second {
					t.Errorf("%s after %v: %s", e.Outcome, e.Time.Sub(began), e.Message)
				}
				if goesOn := strings.HasSuffix(w.did(), "\nrun web1 after"); goesOn != (c.outcome == run.Changed) {
					t.Errorf("it did\n%s", w.did())
				}
			})
		})
	}
}

// reboot runs the runbook, or goes on with it, and gives the end of the reboot.
func (w *world) reboot(away [2]time.Duration, kept []run.Event) run.Event {
	o := w.options(w.plan(rebootRunbook, nil))
	boots, told, users := 1, time.Time{}, []string(nil)
	if kept != nil {
		o.Events, o.Resume, told = kept, run.Event{Kind: run.RunResumed}, time.Now().Add(-time.Nanosecond)
	}
	o.Host = func(h *inventory.Host) Host { return mortal{scripted{w, h.Name}, &boots, away, &told, &users} }
	_, state, err := Run(context.Background(), o)
	if err != nil {
		w.Fatal(err)
	}
	if len(users) != 1 || users[0] != "root" {
		w.Errorf("it looked as %q", users)
	}
	var end run.Event
	for _, e := range w.events {
		if e.Kind == run.AttemptFinished && e.Step == "down" {
			end = e
		}
	}
	if boot := state.Boot("web1"); end.Outcome == run.Changed && boot != "boot-2" {
		w.Errorf("the boot id is noted as %q", boot)
	}
	return end
}

// TestRebootIsSettled goes on after opsctl ended while a host was going down.
func TestRebootIsSettled(t *testing.T) {
	for _, c := range []struct {
		name    string
		away    [2]time.Duration
		settled Ending
		outcome run.Outcome
		did     string
	}{
		{"it is up again", [2]time.Duration{0, time.Nanosecond}, Ending{}, run.Changed, "run web1 after"},
		{"it goes down yet", [2]time.Duration{time.Second, time.Minute}, exit(0), run.Changed, "settle web1 down.do.1 as root boot-1\nrun web1 after"},
		{"it stays up", [2]time.Duration{}, exit(0), run.Failed, "settle web1 down.do.1 as root boot-1"},
		{"the order never began", [2]time.Duration{}, Ending{Verdict: NeverRan}, run.Failed, "settle web1 down.do.1 as root boot-1\nrun web1 reboot as root"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := newWorld(t)
				first.reboot([2]time.Duration{time.Second, time.Minute}, nil)
				var kept []run.Event
				for _, e := range first.events {
					kept = append(kept, e)
					if e.Kind == run.AttemptStarted {
						break
					}
				}
				w := newWorld(t)
				w.answers["settle web1"] = []Ending{c.settled}
				if e := w.reboot(c.away, kept); e.Outcome != c.outcome || w.did() != c.did {
					t.Errorf("%s: %s\n%s", e.Outcome, e.Message, w.did())
				}
			})
		})
	}
}

func TestRebootOfThisMachineIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		end := w.run("name: x\nsteps: [{reboot: {}}]")
		if end.Result == run.Succeeded || w.did() != "" {
			t.Errorf("%s\n%s", end.Result, w.did())
		}
	})
}

// TestRebootIsOrderedByWhatIsThere runs the order where all programs that could carry it out are
// stand-ins, found first.
func TestRebootIsOrderedByWhatIsThere(t *testing.T) {
	bin := t.TempDir()
	for _, name := range []string{"systemctl", "shutdown", "reboot"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\necho "+name+" \"$@\"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("/bin/sh", "-euc", rebootScript)
	cmd.Env = []string{"PATH=" + bin}
	out, err := cmd.CombinedOutput()
	want := "shutdown -r now\n"
	if _, systemd := os.Stat("/run/systemd/system"); systemd == nil {
		want = "systemctl reboot\n"
	}
	if err != nil || string(out) != want {
		t.Errorf("%v: %s", err, out)
	}
}
