package executor

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/runbook"
)

// NotifyMax is how long one notice may take; the timeout of its step may be shorter.
const NotifyMax = 30 * time.Second

// notifies sends a notice from here, whatever the host of the op. Like a request it cannot be claimed
// anywhere: it is sent once, and where it cannot be told whether it was taken, its end is not learnt.
func (l *loop) notifies(a *attempt) (func(context.Context) Ending, error) {
	n, err := l.notice(a)
	if err != nil {
		return nil, err
	}
	if l.Notify == nil {
		return nil, errors.New("cannot notify " + n.To + ": there is nothing here that sends messages")
	}
	limit := NotifyMax
	if t := runbook.Inherit(a.step.Source, func(s *runbook.Step) *time.Duration { return s.Timeout }); t != nil && *t > 0 {
		limit = min(limit, *t)
	}
	return func(ctx context.Context) Ending {
		within, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		ending := l.Notify(within, n)
		if ending == (Ending{}) { // what was told is what the step printed
			a.capture.sink(Stdout, []byte(strings.TrimRight(n.Message, "\n")+"\n"))
		}
		return ending
	}, nil
}

// notice fills in what a step tells, with the facts of the run as they stand. What leaves this machine
// holds no secret.
func (l *loop) notice(a *attempt) (Notice, error) {
	n := Notice{
		Runbook: l.Plan.Runbook.Name, Run: l.Info.ID, User: l.Info.User, Started: l.Info.Started, Time: l.Now(),
		Step: a.ref.Op.Step, Host: a.host.Name, Failed: l.state.FailedHosts(),
	}
	if a.step.Finally {
		n.Outcome = l.state.Result()
	}
	render := l.scopes.renderer(a)
	var err error
	if n.To, err = render(a.step.Source.Notify.To); err != nil {
		return n, err
	}
	text, err := render(a.step.Source.Notify.Message)
	n.Message = l.Masker.String(text)
	return n, err
}

// tells is what a preview says of a notify: nothing is sent, and nothing on a host would change.
func (p *preview) tells(a *attempt, f *Forecast) {
	f.Class, a.pretend = WasRead, true
	n, err := p.loop.notice(a)
	switch {
	case err == nil:
		f.Reason = "not sent in a dry run; to " + n.To + ": " + n.Message
	case n.To == "":
		f.Reason = "not sent in a dry run: " + reasonOf(err)
	default:
		f.Reason = "not sent in a dry run; to " + n.To + ", its text " + reasonOf(err)
	}
}
