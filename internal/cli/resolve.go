package cli

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/run"
)

type resolveOptions struct {
	host   string
	as     string
	reason string
}

func newResolve(a *app) *cobra.Command {
	var o resolveOptions
	cmd := &cobra.Command{
		Use: "resolve RUN [STEP]", GroupID: "run",
		Short: "Settle an unknown outcome by your own word",
		Long: `Settle what opsctl could not learn: whether a step that may have run on a host did. Look at the host first.
Your word, your name and the reason are kept in the journal. Without STEP the unknown outcomes of the run are
listed. Afterwards opsctl resume goes on with the run, or opsctl rollback takes it back.`,
		Example: "  opsctl resolve last\n  opsctl resolve 7f3kq2 switch/restart --host web3 --as ok --reason 'restarted at 12:03, seen in its log'",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usage(fmt.Sprintf("opsctl resolve takes a run and a step, not %d arguments", len(args)), "opsctl resolve --help")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return a.listUnknown(args[0])
			}
			return a.resolve(args[0], args[1], o)
		},
	}
	cmd.Flags().StringVar(&o.host, "host", "", "the `HOST`; may be left out where the step is unknown on one host only")
	cmd.Flags().StringVar(&o.as, "as", "", "what it was: `ok` or failed")
	cmd.Flags().StringVar(&o.reason, "reason", "", "`WHY` you know, for those who read it later")
	return cmd
}

// pastRun is a run of the journal, folded.
type pastRun struct {
	info   journal.RunInfo
	state  *run.State
	events []run.Event
}

// fold reads a run and folds its events on the plan that was kept of it.
func (a *app) fold(store *journal.Store, info journal.RunInfo, events []run.Event) (*pastRun, error) {
	in, err := inputsOf(store, info.ID)
	if err != nil {
		return nil, err
	}
	j, err := reread(info.ID, in)
	if err != nil {
		return nil, err
	}
	p := &pastRun{info: info, events: events, state: run.New(j.plan, run.Limits{})}
	for _, e := range events {
		if err := p.state.Apply(e); err != nil {
			return nil, fmt.Errorf("cannot fold the journal of run %s: %w", info.ID, err)
		}
	}
	return p, nil
}

func (a *app) listUnknown(ref string) error {
	store, _, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	info, events, err := readRun(store, ref)
	if err != nil {
		return err
	}
	p, err := a.fold(store, info, events)
	if err != nil {
		return err
	}
	unknown := p.state.UnknownOps()
	if a.settings.Output == "json" {
		for _, op := range unknown {
			if err := a.printJSON(op); err != nil {
				return err
			}
		}
		return nil
	}
	if len(unknown) == 0 {
		a.note("no outcome of run " + shortID(info.ID) + " is unknown")
		return nil
	}
	var rows [][]string
	for _, op := range unknown {
		rows = append(rows, []string{op.Step, op.Host, lastWord(events, op)})
	}
	return a.print(view.Table([]string{"STEP", "HOST", "WHAT IS KNOWN"}, rows, a.columns()))
}

// lastWord gives the message of the last attempt of an op.
func lastWord(events []run.Event, op run.Op) string {
	for _, e := range slices.Backward(events) {
		if e.Kind == run.AttemptFinished && e.Op == op {
			return e.Message
		}
	}
	return ""
}

func (a *app) resolve(ref, step string, o resolveOptions) error {
	outcome, ok := map[string]run.Outcome{"ok": run.OK, "failed": run.Failed}[o.as]
	if !ok {
		return usage(fmt.Sprintf("--as takes ok or failed, not %q", o.as), "look at the host, then say what became of the step there")
	}
	store, _, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	info, err := store.Find(ref)
	if err != nil {
		return err
	}
	writer, events, err := store.Reopen(info.ID, journal.Self())
	if err != nil {
		return err
	}
	defer writer.Close()
	p, err := a.fold(store, info, events)
	if err != nil {
		return err
	}
	op, err := p.unknown(step, o.host)
	if err != nil {
		return err
	}
	e := run.Event{Kind: run.OpResolved, Op: op, Outcome: outcome, User: userName(), Reason: o.reason, Seq: p.state.Seq() + 1, Time: time.Now()}
	if err := p.state.Apply(e); err != nil {
		return err
	}
	if err := writer.Append([]run.Event{e}); err != nil {
		return err
	}
	a.note(fmt.Sprintf("%s is settled as %s\nnext: opsctl resume %s goes on, opsctl rollback %s takes it back", op, o.as, shortID(info.ID), shortID(info.ID)))
	return nil
}

// unknown finds the op that is meant.
func (p *pastRun) unknown(step, host string) (run.Op, error) {
	var found []run.Op
	var names []string
	for _, op := range p.state.UnknownOps() {
		names = append(names, op.Step)
		if op.Step == step && (host == "" || op.Host == host) {
			found = append(found, op)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return run.Op{}, usage(fmt.Sprintf("%s is unknown on %d hosts", step, len(found)), "--host "+found[0].Host)
	}
	what := step
	if host != "" {
		what += " on " + host
	}
	hint := source.DidYouMean(step, names)
	if hint == "" {
		hint = "opsctl resolve " + shortID(p.info.ID) + " lists what is unknown"
	}
	return run.Op{}, usage("the outcome of "+what+" is not unknown", hint)
}
