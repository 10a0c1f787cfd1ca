package action

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// waiting asks again and again, from the host's point of view, until it is so.
type waiting struct {
	tcp, http, file, body string
	run                   *runbook.Script
	pause                 time.Duration
	status                int
	every                 time.Duration
	stable                int
	limit                 time.Duration // 0: none
}

func newWaiting(c *runbook.Wait, render func(*runbook.Text) (string, error)) (*waiting, error) {
	w := &waiting{run: c.Run, pause: c.Pause, status: c.Status, every: c.Every, stable: max(c.Stable, 1), limit: c.Timeout}
	if w.every <= 0 {
		w.every = runbook.WaitEvery
	}
	var err error
	for _, v := range []struct {
		to   *string
		text *runbook.Text
	}{{&w.tcp, c.TCP}, {&w.http, c.HTTP}, {&w.file, c.File}, {&w.body, c.Body}} {
		if *v.to, err = render(v.text); err != nil {
			return nil, err
		}
	}
	if c.TimeoutText != nil {
		text, err := render(c.TimeoutText)
		if err != nil {
			return nil, err
		}
		if w.limit, err = runbook.ParseDuration(text); err != nil {
			return nil, fmt.Errorf("cannot use wait.timeout: %w", err)
		}
	}
	switch {
	case c.TCP != nil:
		if host, port, err := net.SplitHostPort(w.tcp); err != nil || host == "" || port == "" {
			return nil, fmt.Errorf("cannot use wait.tcp: %q is not host:port", w.tcp)
		}
	case c.HTTP != nil:
		u, err := url.Parse(w.http)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, fmt.Errorf("cannot use wait.http: %q is not a URL that starts with http:// or https://", w.http)
		}
	case c.File != nil:
		if w.file, err = hostPath("wait.file", w.file); err != nil {
			return nil, err
		}
	}
	return w, nil
}

// sight is what one try saw.
type sight struct {
	yes   bool
	said  string
	final *executor.Ending // no use in trying again
}

// Ask tries until it was so often enough in a row. The limits are those of the wait: c.Timeout
// bounds one try of a command.
func (w *waiting) Ask(ctx context.Context, h executor.Prober, c executor.Command, sink executor.Sink) executor.Ending {
	if w.pause > 0 {
		if sleep(ctx, w.pause) != nil {
			return executor.Ending{Cancelled: true}
		}
		return executor.Ending{}
	}
	command, err := w.command(c)
	if err != nil {
		return executor.Ending{Exit: 1, Class: "action", Message: err.Error()}
	}
	began := time.Now()
	limited := ctx
	if w.limit > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, w.limit)
		defer cancel()
	}
	last := "it could not be asked in time"
	for row := 0; ; {
		s := w.try(limited, h, command)
		switch {
		case ctx.Err() != nil:
			return executor.Ending{Cancelled: true}
		case s.final != nil:
			return *s.final
		case past(limited) && !s.yes:
			return w.late(last, s, began)
		}
		if s.said != last && sink != nil {
			sink(executor.Stdout, []byte(s.said+"\n"))
		}
		last = s.said
		if s.yes {
			row++
		} else {
			row = 0
		}
		if row >= w.stable {
			return executor.Ending{}
		}
		if sleep(limited, w.every) != nil {
			if ctx.Err() != nil {
				return executor.Ending{Cancelled: true}
			}
			return w.late(last, s, began)
		}
	}
}

// past tells whether the limit is over. The network may notice that a little before ctx does.
func past(ctx context.Context) bool {
	deadline, limited := ctx.Deadline()
	return ctx.Err() != nil || limited && !time.Now().Before(deadline)
}

// late is the end of a wait in vain. What a try saw that was cut short by the limit tells nothing.
func (w *waiting) late(last string, s sight, began time.Time) executor.Ending {
	if last == "" {
		last = s.said
	}
	wanted := w.wanted()
	if s.yes {
		wanted = fmt.Sprintf("%d times in a row", w.stable)
	}
	if wanted != "" {
		wanted = " (wanted " + wanted + ")"
	}
	return executor.Ending{
		Exit: 1, Class: "timeout",
		Message: fmt.Sprintf("%s: %s after %s%s", w.what(), last, time.Since(began).Round(time.Second), wanted),
	}
}

// what names it for people.
func (w *waiting) what() string {
	for _, s := range []string{w.tcp, w.http, w.file} {
		if s != "" {
			return s
		}
	}
	return "the command"
}

func (w *waiting) wanted() string {
	switch {
	case w.tcp != "":
		return "a connection"
	case w.http != "" && w.body != "":
		return fmt.Sprintf("%d and %q in the body", w.status, w.body)
	case w.http != "":
		return fmt.Sprint(w.status)
	case w.run != nil:
		return "exit status 0"
	}
	return ""
}

// command is what is run on the host, if anything is: of a wait.run, what c holds already, or else
// the script as it is written.
func (w *waiting) command(c executor.Command) (executor.Command, error) {
	switch {
	case w.file != "":
		return executor.Command{Shell: "sh", Sudo: c.Sudo, Script: "[ -e " + word(w.file) + " ]"}, nil
	case w.run == nil || c.Script != "" || len(c.Argv) > 0:
		return c, nil
	case len(w.run.Exprs) == 0 && w.run.Argv == nil:
		c.Script = w.run.Node.Text
		return c, nil
	}
	return c, errors.New("cannot run the command of wait: its values were not filled in")
}

func (w *waiting) try(ctx context.Context, h executor.Prober, c executor.Command) sight {
	switch {
	case w.tcp != "":
		ctx, cancel := context.WithTimeout(ctx, tryTime)
		defer cancel()
		conn, err := h.Dial(ctx, "tcp", w.tcp)
		if err != nil {
			return unreached(err)
		}
		if err := conn.Close(); err != nil {
			return sight{said: err.Error()}
		}
		return sight{yes: true, said: "connected"}
	case w.http != "":
		ctx, cancel := context.WithTimeout(ctx, tryTime)
		defer cancel()
		return w.get(ctx, h)
	case w.file != "":
		ctx, cancel := context.WithTimeout(ctx, tryTime)
		defer cancel()
		return asked(h.Ask(ctx, c, nil), "it is there", "it is not there")
	}
	tail := &strings.Builder{}
	ending := h.Ask(ctx, c, func(_ executor.Stream, p []byte) {
		tail.Write(p[:min(len(p), complainMax-min(complainMax, tail.Len()))])
	})
	said := fmt.Sprintf("exit status %d", ending.Exit)
	if line, _, _ := strings.Cut(strings.TrimSpace(tail.String()), "\n"); line != "" {
		said += ": " + line
	}
	return asked(ending, said, said)
}

func asked(e executor.Ending, yes, no string) sight {
	switch {
	case e.Verdict != executor.Ended || e.Class != "":
		if e.Message == "" {
			e.Message = "the host did not answer"
		}
		return sight{said: e.Message}
	case e.TimedOut:
		return sight{said: "it took too long"}
	case e.Exit != 0 || e.Cancelled || e.Signal != "":
		return sight{said: no}
	}
	return sight{yes: true, said: yes}
}

// unreached reads why an address could not be reached. A server that forbids forwarding will go on
// to do so; anything else may pass.
func unreached(err error) sight {
	var he *executor.HostError
	if errors.As(err, &he) && he.Class == "forwarding" {
		return sight{final: &executor.Ending{
			Exit: 1, Class: he.Class,
			Message: he.Message + "; ask from here with delegate: local, or by a command with wait: {run: …}",
		}}
	}
	var op *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return sight{said: "no answer"}
	case errors.As(err, &op) && op.Err != nil:
		text := op.Err.Error()
		if i := strings.LastIndex(text, ": "); i >= 0 && strings.HasPrefix(text, "connect") {
			text = text[i+2:]
		}
		return sight{said: text}
	}
	return sight{said: err.Error()}
}

// sleep waits, unless ctx ends before.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
