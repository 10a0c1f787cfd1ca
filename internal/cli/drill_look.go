package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/opsctl/opsctl/internal/drill"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/action"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
)

// lookMax bounds the look at the paths of one host.
const lookMax = 5 * time.Minute

// previewOf gives what hosts are asked with for a request; nobody is asked where hosts is nil.
func (a *app) previewOf(j *request, known masker, hosts *roster) executor.PreviewOptions {
	o := executor.PreviewOptions{
		Plan: j.plan, Actions: action.New, Masker: known, Secrets: a.secrets(known.Masker), Forks: a.settings.Forks, Inventory: j.inv,
		Info: executor.Info{ID: j.id, User: j.user, Started: j.started, Env: j.env, Path: j.path},
	}
	if hosts != nil {
		o.Prober = func(h *inventory.Host) executor.Prober { return hosts.Host(h) }
	}
	return o
}

// look takes a snapshot: what is at the watched paths, and what the checks say. It only reads.
func (d *drilling) look(ctx context.Context) (*drill.Snapshot, error) {
	o := d.asks
	watched, err := d.watched(o)
	if err != nil {
		return nil, err
	}
	eyes := executor.Eyes(o)
	s := drill.NewSnapshot()
	errs := make([]error, len(o.Plan.Hosts))
	limit := make(chan struct{}, d.app.settings.Forks)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i, h := range o.Plan.Hosts {
		wg.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			for user, paths := range byUser(watched[h.Name], eyes[h.Name]) {
				answer, err := lookAt(ctx, o.Prober(h), h.Name, user, paths)
				mu.Lock()
				if err == nil {
					err = s.Read(h.Name, answer, d.ignore)
				}
				errs[i] = errors.Join(errs[i], err)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if err := lookedWrong(errs); err != nil {
		return nil, err
	}
	for _, answer := range executor.AskChecks(ctx, o) {
		s.Checks[drill.Place{Host: answer.Op.Host, Step: answer.Op.Step}] = string(answer.Says)
	}
	return s, nil
}

// lookedWrong gives the first error, and the way out of it.
func lookedWrong(errs []error) error {
	err := errors.Join(errs...)
	var many *drill.TooMuchError
	if errors.As(err, &many) {
		return usage(many.Error(), "--watch PATH watches that instead of what the steps name")
	}
	return err
}

// byUser parts paths by who looks at them: those of a home directory are the login user's.
func byUser(paths []string, user string) map[string][]string {
	parted := map[string][]string{}
	for _, p := range paths {
		who := user
		if strings.HasPrefix(p, "~") || !strings.HasPrefix(p, "/") {
			who = ""
		}
		parted[who] = append(parted[who], p)
	}
	return parted
}

// watched gives the paths that are watched on each host.
func (d *drilling) watched(o executor.PreviewOptions) (map[string][]string, error) {
	watched := map[string][]string{}
	if len(d.watch) > 0 {
		for _, h := range o.Plan.Hosts {
			watched[h.Name] = d.watch
		}
	} else {
		for _, t := range executor.Touches(o) {
			watched[t.Host] = append(watched[t.Host], t.Path)
		}
	}
	for _, paths := range watched {
		if _, err := drill.Watched(paths); err != nil {
			return nil, usage(err.Error(), "")
		}
	}
	return watched, nil
}

// lookAt asks one host about paths.
func lookAt(ctx context.Context, h executor.Prober, name, user string, paths []string) ([]byte, error) {
	text, err := drill.Watched(paths)
	if err != nil {
		return nil, err
	}
	var out, errs bytes.Buffer
	lost := false
	ending := h.Ask(ctx, executor.Command{
		Script: drill.LookScript, Shell: "sh", Env: drill.LookEnv(), Stdin: text, Sudo: user, Timeout: lookMax,
	}, func(stream executor.Stream, p []byte) {
		to := &out
		if stream == executor.Stderr {
			to = &errs
		}
		if lost = lost || to.Len()+len(p) > drill.AnswerMax; !lost {
			to.Write(p)
		}
	})
	switch {
	case ending.Verdict != executor.Ended:
		return nil, &exitError{code: run.CodeUnreachable, message: fmt.Sprintf("cannot look at %s: %s", name, ending.Message), hint: ending.Hint}
	case ending.TimedOut || ending.Exit != 0 || lost:
		return nil, &exitError{code: run.CodeFailed, message: fmt.Sprintf("cannot look at the watched paths on %s: exit status %d %s", name, ending.Exit, strings.TrimSpace(errs.String()))}
	}
	return out.Bytes(), nil
}
