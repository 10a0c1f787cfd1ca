package executor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Limits of a reboot.
const (
	rebootOrder = time.Minute      // for the order itself
	rebootTry   = 20 * time.Second // for one look whether the host is up
	rebootEvery = 2 * time.Second  // between looks
)

// rebootScript orders a reboot by whatever the host has for it.
const rebootScript = `PATH=$PATH:/usr/sbin:/sbin
export PATH
if [ -d /run/systemd/system ]; then exec systemctl reboot; fi
if command -v shutdown >/dev/null; then exec shutdown -r now; fi
exec reboot
`

// rebooting takes a host down, and waits until it is up again. No two boots share a boot id: it alone
// tells that the host was down, however short.
type rebooting struct {
	host  Host
	name  string
	order Attempt
	limit time.Duration
	boot  string // before; once it was rebooted, after
}

func (l *loop) rebooting(a *attempt) (*rebooting, error) {
	if a.place.IsLocal() {
		return nil, errors.New("cannot reboot this machine: opsctl runs on it, and would not see it come up again")
	}
	r := &rebooting{host: l.Host(a.place), name: a.place.Name, limit: a.step.Source.Reboot.Timeout}
	user, err := l.sudo(a)
	if err != nil {
		return nil, err
	}
	if t := a.step.Source.Reboot.TimeoutText; t != nil {
		text, err := l.scopes.renderer(a)(t)
		if err != nil {
			return nil, err
		}
		if r.limit, err = runbook.ParseDuration(text); err != nil || r.limit == 0 {
			return nil, fmt.Errorf("cannot use reboot.timeout: %q is not a duration such as 10m", text)
		}
	}
	r.order = Attempt{ID: a.id(), Command: Command{
		Script: rebootScript, Shell: "sh", Sudo: user, Timeout: min(rebootOrder, r.limit), KillAfter: runbook.KillAfterDefault,
	}}
	return r, nil
}

// reboots is the way to do it.
func (l *loop) reboots(a *attempt) (func(context.Context) Ending, error) {
	r, err := l.rebooting(a)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) Ending {
		ending := r.do(ctx, a.capture.sink)
		a.rebooted(r, ending)
		return ending
	}, nil
}

// rebooted notes the new boot id, for the attempts that come after.
func (a *attempt) rebooted(r *rebooting, ending Ending) {
	if ending == (Ending{}) {
		a.boot = r.boot
	}
}

func (r *rebooting) do(ctx context.Context, sink Sink) Ending {
	boot, err := r.look(ctx)
	if err != nil {
		return notStarted(err)
	}
	if boot == "" || boot == "-" {
		return Ending{Exit: 1, Class: "action", Message: "cannot reboot " + r.name + ": it has no boot id that would tell it was down"}
	}
	r.boot = boot
	until := time.Now().Add(r.limit)
	ending := r.host.Run(ctx, r.order, sink)
	return r.ordered(ctx, ending, until)
}

// ordered goes on from how the order ended. One that was killed, or whose end cannot be learnt, may
// have been carried out: the host went down under it.
func (r *rebooting) ordered(ctx context.Context, ending Ending, until time.Time) Ending {
	switch {
	case ending.Verdict == NeverRan || ending.Cancelled || ending.TimedOut:
		return ending
	case ending.Verdict == Ended && ending.Exit != 0 && ending.Exit <= 128 && ending.Signal == "":
		ending.Message = fmt.Sprintf("cannot reboot %s: the order ended with exit status %d", r.name, ending.Exit)
		return ending
	}
	return r.watch(ctx, until)
}

// look asks for the boot id.
func (r *rebooting) look(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, rebootTry)
	defer cancel()
	var users []string
	if r.order.Sudo != "" {
		users = []string{r.order.Sudo}
	}
	facts, err := r.host.Ready(ctx, users)
	return facts.Boot, err
}

// watch looks until the host answers from another boot.
func (r *rebooting) watch(ctx context.Context, until time.Time) Ending {
	for {
		boot, err := r.look(ctx)
		if err == nil && boot != r.boot {
			r.boot = boot
			return Ending{}
		}
		select {
		case <-ctx.Done():
			return Ending{Verdict: NotLearned, Class: "reboot", Message: "it was told to reboot, and opsctl to wait no longer for it"}
		case <-time.After(rebootEvery):
		}
		switch {
		case time.Now().Before(until):
		case err == nil:
			return Ending{Exit: 1, Class: "reboot", Message: fmt.Sprintf("%s was told to reboot and did not: its boot id is the same after %s", r.name, r.limit)}
		default:
			return Ending{Verdict: NotLearned, Class: "reboot", Message: fmt.Sprintf("%s was told to reboot and is not up again after %s: %s", r.name, r.limit, err)}
		}
	}
}

// settleReboot finds out what became of a reboot that an earlier process ordered: boot is the boot id
// noted before.
func (l *loop) settleReboot(a *attempt, boot string) func(context.Context) Ending {
	r, err := l.rebooting(a)
	if err == nil && boot == "" {
		err = errors.New("cannot tell whether " + a.place.Name + " was rebooted: its boot id was not noted before")
	}
	if err != nil {
		return func(context.Context) Ending {
			return Ending{Verdict: NotLearned, Class: "reboot", Message: err.Error()}
		}
	}
	r.boot = boot
	return func(ctx context.Context) Ending {
		until := time.Now().Add(r.limit)
		var ending Ending
		if now, err := r.look(ctx); err == nil && now == boot {
			ending = r.ordered(ctx, r.host.Settle(ctx, r.order, boot, a.capture.sink), until)
		} else {
			ending = r.watch(ctx, until)
		}
		a.rebooted(r, ending)
		return ending
	}
}

// up notes that a host is there with another boot id: what is asked of its attempts later must not
// take them for those of the boot before.
func (l *loop) up(a *attempt) {
	if a.boot != "" {
		l.emit(run.Event{Kind: run.HostReached, Op: run.Op{Host: a.place.Name}, Boot: a.boot})
	}
}
