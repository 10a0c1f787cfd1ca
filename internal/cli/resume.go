package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

type resumeOptions struct {
	params paramFlags
	retry  bool
	accept bool
}

func newResume(a *app) *cobra.Command {
	var o resumeOptions
	cmd := &cobra.Command{
		Use: "resume [RUN]", GroupID: "run",
		Short: "Go on with a run that was interrupted, crashed or was stopped",
		Long: `Go on with a run. Each host is asked what became of the attempts that were open: what ran is not run
again, what never began is started now. RUN is an id, its unique end or beginning, last, or last:NAME.`,
		Example: "  opsctl resume\n  opsctl resume 7f3kq2\n  opsctl resume last:rolling-deploy",
		Args:    atMost(1, "at most one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.goOn(cmd.Context(), first(args, "last"), &o, func(info journal.RunInfo, events []run.Event) (run.Event, error) {
				return run.Event{Kind: run.RunResumed, User: userName(), Reason: "resume", Again: o.retry}, mayResume(info, events, o.retry)
			})
		},
	}
	o.params.declare(cmd)
	cmd.Flags().BoolVar(&o.retry, "retry-failed", false, "try again what failed")
	cmd.Flags().BoolVar(&o.accept, "accept-changes", false, "plan anew, from the files as they are now, what never started")
	return cmd
}

// mayResume tells why a run that has ended does not go on.
func mayResume(info journal.RunInfo, events []run.Event, retry bool) error {
	if info.State != journal.Finished || info.Result == run.Stopped || run.HasSettled(events) {
		return nil
	}
	switch {
	case info.Result == run.Unreached && (retry || unbegun(events)):
		return nil
	case (info.Result == run.RunFailed || info.Result == run.PersonNeeded) && retry:
		return nil
	case info.Result == run.RunFailed:
		return &exitError{code: codeUsage, message: "run " + shortID(info.ID) + " is over: it failed", hint: "opsctl resume " + shortID(info.ID) + " --retry-failed tries again what failed; opsctl rollback " + shortID(info.ID) + " takes it back"}
	case info.Result == run.PersonNeeded:
		return &exitError{code: codeUsage, message: "run " + shortID(info.ID) + " is over, and a person is needed", hint: "opsctl resolve " + shortID(info.ID) + " lists unknown outcomes; opsctl rollback " + shortID(info.ID) + " goes on with pending undos"}
	}
	return over(info)
}

func newRollback(a *app) *cobra.Command {
	var o resumeOptions
	dryRun := false
	cmd := &cobra.Command{
		Use: "rollback [RUN]", GroupID: "run",
		Short: "Take back what a run did, also a successful one",
		Long: `Take a run back: every step that changed something and knows its undo, in the reverse order, as it was
sealed when the step ran. What was taken back already stays so. --limit takes back some hosts only.`,
		Example: "  opsctl rollback\n  opsctl rollback 7f3kq2 --dry-run\n  opsctl rollback 7f3kq2 --limit web3",
		Args:    atMost(1, "at most one run"),
		RunE: func(cmd *cobra.Command, args []string) error {
			limit := a.settings.Limit
			a.settings.Limit = ""
			if dryRun {
				return a.foretell(first(args, "last"), limit)
			}
			return a.goOn(cmd.Context(), first(args, "last"), &o, func(info journal.RunInfo, _ []run.Event) (run.Event, error) {
				if err := a.confirm("take back run " + shortID(info.ID) + " of " + info.Runbook + "?"); err != nil {
					return run.Event{}, err
				}
				e := run.Event{Kind: run.RunResumed, User: userName(), Scope: string(plan.ScopeRun), Reason: "rollback asked for by " + userName()}
				if limit != "" {
					e.Scope, e.Hosts = string(plan.ScopeHosts), []string{limit}
				}
				return e, nil
			})
		},
	}
	o.params.declare(cmd)
	cmd.Flags().BoolVarP(&dryRun, "dry-run", "n", false, "tell what would be taken back, and touch nothing")
	return cmd
}

func over(info journal.RunInfo) error {
	return &exitError{code: codeUsage, message: "run " + shortID(info.ID) + " is over: " + string(info.Result), hint: "opsctl rollback " + shortID(info.ID) + " takes it back"}
}

// unbegun tells whether a run ended at the asking of its hosts.
func unbegun(events []run.Event) bool {
	for len(events) > 0 && !run.EndedByPreflight(events) {
		events = events[1:]
	}
	return len(events) > 1
}

func first(args []string, otherwise string) string {
	if len(args) > 0 {
		return args[0]
	}
	return otherwise
}

// readRun finds a run, and gives all that happened in it.
func readRun(store *journal.Store, ref string) (journal.RunInfo, []run.Event, error) {
	info, err := store.Find(ref)
	if err != nil {
		return info, nil, err
	}
	events, err := store.Read(info.ID)
	return info, events, err
}

// goOn takes up a run that is in the journal; decide says in which direction.
func (a *app) goOn(ctx context.Context, ref string, o *resumeOptions, decide func(journal.RunInfo, []run.Event) (run.Event, error)) error {
	store, dir, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	info, events, err := readRun(store, ref)
	if err != nil {
		return err
	}
	event, err := decide(info, events)
	if err != nil {
		return err
	}
	j, err := a.takeUp(store, info, &event, o)
	if err != nil {
		return err
	}
	if event.Scope == string(plan.ScopeHosts) {
		if event.Hosts, err = selectNames(j, event.Hosts[0]); err != nil {
			return err
		}
	}
	x := &running{app: a, request: j, resume: event}
	release, err := x.hold(ctx, dir, 0)
	if err != nil {
		return err
	}
	defer release()
	if x.journal, x.events, err = store.Reopen(info.ID, journal.Self()); err != nil {
		return err
	}
	defer x.journal.Close()
	if o.accept {
		if err := a.replanned(x, info); err != nil {
			return err
		}
	}
	code, err := x.carryOut(ctx)
	if err != nil {
		return err
	}
	return ended(code)
}

// takeUp makes the request of a run again: of what was kept of it, or, where a person accepts what has
// changed since, of the files as they are now.
func (a *app) takeUp(store *journal.Store, info journal.RunInfo, event *run.Event, o *resumeOptions) (*request, error) {
	raw, err := store.Inputs(info.ID)
	if err != nil {
		return nil, err
	}
	j, in, err := a.restore(info.ID, raw, &o.params)
	if err != nil {
		return nil, err
	}
	if o.accept {
		return a.replan(j, in)
	}
	if change := in.changed(); change != "" && event.Scope == "" {
		return nil, invalid(in.Path+" was changed since run "+shortID(info.ID)+" began: "+change,
			"put it back, or take the run back (opsctl rollback) and start a new one;\n--accept-changes plans anew what never started")
	}
	return j, nil
}

// selectNames gives the hosts of the plan that a pattern names.
func selectNames(j *request, pattern string) ([]string, error) {
	hosts, err := j.inv.Select(pattern)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, h := range hosts {
		for _, planned := range j.plan.Hosts {
			if planned == h {
				names = append(names, h.Name)
			}
		}
	}
	if len(names) == 0 {
		return nil, usage("--limit "+pattern+" matches no host of this run", "")
	}
	return names, nil
}
