package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/internal/journal/lock"
	"github.com/opsctl/opsctl/internal/secret"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/action"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

func newRunID() string { return ulid.Make().String() }

// shortID is what people type of a run id: the part of a ULID that is its time, to the millisecond.
func shortID(id string) string {
	const shown = 10
	return id[:min(len(id), shown)]
}

// running is one run on its way: what it writes to and what it holds.
type running struct {
	app     *app
	request *request
	journal *journal.Run
	events  []run.Event // of a run that goes on
	resume  run.Event
	brief   bool // its output is all that is shown of it
	silent  bool // nothing is shown of it
}

func (a *app) openStore() (*journal.Store, string, error) {
	dir, err := a.stateDir()
	if err != nil {
		return nil, "", err
	}
	store, err := journal.Open(dir)
	return store, dir, err
}

// start makes the journal of a new run.
func (x *running) start(store *journal.Store) error {
	kept, err := x.app.keep(x.request)
	if err != nil {
		return err
	}
	x.journal, err = store.Create(journal.RunHeader{
		ID: x.request.id, Runbook: x.request.runbook.Name, Path: x.request.path, User: x.request.user, Started: x.request.started,
		Owner: journal.Self(), Source: []byte(x.request.runbook.File.Text), Inputs: kept,
	})
	return err
}

// begin makes the journal of a new run and carries it out.
func (x *running) begin(ctx context.Context, store *journal.Store) error {
	if err := x.start(store); err != nil {
		return err
	}
	defer x.journal.Close()
	code, err := x.carryOut(ctx)
	if err != nil {
		return err
	}
	return ended(code)
}

// carryOut runs the request to its end, shows it, and gives its exit code.
func (x *running) carryOut(ctx context.Context) (int, error) {
	resumed := map[string]bool{}
	for _, e := range x.events {
		if e.Kind == run.HostReached && e.Boot != "" {
			resumed[e.Host] = true
		}
	}
	known := x.masker()
	hosts, err := x.app.connect(x.request.id, resumed, known.Masker)
	if err != nil {
		return 0, err
	}
	defer hosts.close()
	options := x.app.viewOptions()
	if x.silent {
		options.Mode = view.ModeQuiet
	} else if x.brief && (options.Mode == view.ModeAuto || options.Mode == "") {
		options.Mode = view.ModeQuiet
	}
	shown := view.New(options, x.request.plan, view.RunInfo{
		ID: x.request.id, Runbook: x.request.runbook.Name, Params: summary(x.request), Started: x.request.started,
	})
	defer shown.Close()
	x.app.screen = shown
	defer func() { x.app.screen = nil }()
	shown.Observe(x.events)
	interrupts, stop := listen(shown)
	defer stop()
	notify := x.notifier(known)
	finished, state, err := executor.Run(ctx, executor.Options{
		Plan: x.request.plan, Host: hosts.Host, Actions: action.New, Keeper: action.Keep, Person: x.app.person(), Inventory: x.request.inv, Journal: x.journal, Observer: shown, Masker: known, Secrets: x.app.secrets(known.Masker), Notify: notify,
		Forks: x.app.settings.Forks, Preflight: true, Interrupts: interrupts, Events: x.events, Resume: x.resume,
		Info: executor.Info{ID: x.request.id, User: x.request.user, Started: x.request.started, Env: x.request.env, Path: x.request.path},
	})
	if x.journal.Strained() {
		shown.Note("warning: the disk of the state directory is full; not all output of this run was kept")
	}
	switch {
	case errors.Is(err, executor.ErrLeft):
		shown.Close()
		return run.CodeInterrupt, &exitError{code: run.CodeInterrupt, message: err.Error(), hint: "opsctl resume " + shortID(x.request.id)}
	case err != nil:
		return 0, err
	}
	if x.silent {
		return finished.Code, nil
	}
	if !x.brief {
		shown.Finish(view.ReadLedger(state, x.request.plan))
	}
	x.app.screen = nil // its last words are said
	x.announce(ctx, announcing{result: finished.Result, state: state, known: known, notify: notify, deafen: stop})
	return finished.Code, x.app.showResults(finished)
}

// showResults prints what the runbook says it gives, on standard output: NAME=VALUE, values as JSON
// where they are no plain text. With --output json they stand in the event that ends the run.
func (a *app) showResults(finished *run.Event) error {
	if finished.Message != "" {
		a.note("warning: " + finished.Message)
	}
	if a.settings.Output == "json" {
		return nil
	}
	names := make([]string, 0, len(finished.Outputs))
	for name := range finished.Outputs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		text, err := expression.Format(finished.Outputs[name])
		if err != nil {
			text = "null"
		}
		if err := a.print(name + "=" + a.shown(text) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// hold takes the locks of the run, for at most wait; they die with the process.
func (x *running) hold(ctx context.Context, dir string, wait time.Duration) (release func(), err error) {
	locks, err := lock.Acquire(ctx, filepath.Join(dir, "locks"), x.request.plan.Locks, lock.Holder{
		Run: x.request.id, Runbook: x.request.runbook.Name, User: x.request.user, PID: os.Getpid(), Since: time.Now(),
	}, wait)
	if err != nil {
		return nil, err
	}
	return func() { _ = locks.Release() }, nil
}

// listen turns signals into interrupts.
func listen(shown view.View) (<-chan run.StopKind, func()) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	interrupts := make(chan run.StopKind, 8)
	done := make(chan struct{})
	go func() {
		count := 0
		for {
			select {
			case s := <-signals:
				switch s {
				case syscall.SIGTERM:
					interrupts <- run.StopTerm
				case syscall.SIGHUP:
					shown.Close()
					interrupts <- run.StopHangup
				default:
					count++
					switch count {
					case 1:
						shown.Note("nothing new starts; what runs may end. Ctrl-C again stops it, a third time leaves at once")
					case 2:
						shown.Note("stopping what runs, within 20 s; Ctrl-C again leaves at once")
					}
					interrupts <- run.StopInterrupt
				}
			case <-done:
				return
			}
		}
	}()
	return interrupts, sync.OnceFunc(func() { signal.Stop(signals); close(done) })
}

func summary(j *request) string {
	var parts []string
	for _, p := range j.runbook.Params {
		text, err := expression.Format(j.values[p.Name])
		switch {
		case p.Secret:
			text = "***"
		case err != nil: // there is no value
			text = ""
		}
		parts = append(parts, p.Name+"="+text)
	}
	sort.Strings(parts)
	return strings.Join(parts, " ")
}

// masker hides the values of secret params, and of vars made of them.
func (x *running) masker() masker {
	m := secret.NewMasker()
	for _, scope := range x.request.plan.Scopes {
		for name, is := range scope.Secret {
			if is {
				hide(m, scope.Values[name])
			}
		}
	}
	if m.Short() > 0 {
		x.app.note("warning: a secret shorter than 4 characters cannot be masked")
	}
	return masker{m}
}

// hide adds every text in a value to what is masked.
func hide(m *secret.Masker, value any) {
	switch v := value.(type) {
	case string:
		m.Add(secret.New(v))
	case []any:
		for _, item := range v {
			hide(m, item)
		}
	case map[string]any:
		for _, item := range v {
			hide(m, item)
		}
	}
}

type masker struct{ *secret.Masker }

func (m masker) Add(text string) { m.Masker.Add(secret.New(text)) }

func (m masker) Stream() executor.MaskStream { return m.Masker.Stream() }
