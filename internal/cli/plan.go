package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

type previewOptions struct {
	app      *app
	params   paramFlags
	picks    selectFlags
	offline  bool
	diff     bool
	detailed bool
}

func (o *previewOptions) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&o.offline, "offline", false, "with a dry run: connect to nothing")
	cmd.Flags().BoolVarP(&o.diff, "diff", "D", false, "with a dry run: show what would differ")
	cmd.Flags().BoolVar(&o.detailed, "detailed-exitcode", false, "with a dry run: exit 2 when changes are pending")
}

func newPlan(a *app) *cobra.Command {
	o := &previewOptions{app: a}
	cmd := &cobra.Command{
		Use: "plan RUNBOOK", GroupID: "run",
		Short: "Ask the hosts what a run would do, and change nothing",
		Long: `Go through a runbook without changing anything: checks, saves, steps of effect read and the state of files are
asked on the real hosts, nothing else is executed. What cannot be known before a change is unknown, never guessed.`,
		Example: "  opsctl plan deploy.yaml -p version=v1.4.2\n  opsctl plan deploy.yaml -p version=v1.4.2 --diff\n  opsctl plan deploy.yaml -p version=v1.4.2 --offline",
		Args:    exactly(1, "one runbook"),
		RunE:    func(cmd *cobra.Command, args []string) error { return runPlan(cmd.Context(), o, args[0]) },
	}
	o.params.declare(cmd)
	o.picks.declare(cmd)
	o.flags(cmd)
	return cmd
}

func runPlan(ctx context.Context, o *previewOptions, name string) error {
	a := o.app
	j, err := a.load(name, &o.params, o.picks.Select)
	if err != nil {
		return err
	}
	known := (&running{app: a, request: j}).masker()
	var hosts *roster
	if !o.offline {
		if hosts, err = a.connect(j.id, nil, known.Masker); err != nil {
			return err
		}
		defer hosts.close()
	}
	return o.show(j, executor.Preview(ctx, a.previewOf(j, known, hosts)))
}

// forecast is one line of the plan as data.
type forecast struct {
	Step   string `json:"step"`
	Host   string `json:"host"`
	Wave   int    `json:"wave,omitempty"`
	Class  string `json:"class"`
	Reason string `json:"reason,omitempty"`
	Undo   bool   `json:"undo"`
	Diff   string `json:"diff,omitempty"`

	Durable *bool `json:"durable,omitempty"` // said where it is false
}

func (o *previewOptions) show(j *request, list []executor.Forecast) error {
	a := o.app
	changes, missing := 0, 0
	for _, f := range list {
		switch f.Class {
		case executor.WouldChange, executor.CannotKnow:
			changes++
		case executor.NotReached:
			missing++
		}
	}
	var err error
	if a.settings.Output == "json" {
		err = showForecasts(a, list)
	} else {
		err = o.render(j, list)
	}
	switch {
	case err != nil:
		return err
	case missing > 0 && o.detailed:
		return ended(run.CodeFailed)
	case missing > 0:
		return ended(run.CodeUnreachable)
	case changes > 0 && o.detailed:
		return ended(codeChanges)
	}
	return nil
}

func showForecasts(a *app, list []executor.Forecast) error {
	enc := json.NewEncoder(a.out)
	for _, f := range list {
		line := forecast{
			Step: f.Step.ID, Host: f.Host.Name, Wave: f.Step.Wave, Class: string(f.Class), Reason: f.Reason, Undo: f.Step.Undo != plan.NoUndo, Diff: f.Diff,
		}
		if f.Bare {
			line.Durable = new(bool)
		}
		if err := enc.Encode(line); err != nil {
			return err
		}
	}
	return nil
}

// render shows the plan for people; hosts with the same forecast are one row.
func (o *previewOptions) render(j *request, list []executor.Forecast) error {
	a := o.app
	title := j.runbook.Name + " on " + plural(len(j.plan.Hosts), j.plan.Hosts[0].Name, "%d hosts")
	if params := summary(j); params != "" {
		title += "  " + params
	}
	p := view.Preview{Title: title}
	if o.offline {
		p.Notes = append(p.Notes, "offline: no host was asked")
	}
	for i, durable := range j.plan.Durable() {
		if !durable {
			p.NotDurable = append(p.NotDurable, j.plan.Hosts[i].Name)
		}
	}
	for len(list) > 0 {
		var rows []view.PreviewRow
		rows, list = o.stepRows(list)
		p.Rows = append(p.Rows, rows...)
	}
	theme := view.NewTheme(a.out, view.ColorMode(a.settings.Color, os.Getenv, view.IsTerminal(a.out)), view.UnicodeMode(os.Getenv))
	_, err := fmt.Fprintln(a.out, strings.TrimRight(view.RenderPlan(p, view.Width(a.out), theme), "\n"))
	return err
}

// stepRows makes the rows of the first step of the list, hosts with the same forecast in one.
func (o *previewOptions) stepRows(list []executor.Forecast) (rows []view.PreviewRow, rest []executor.Forecast) {
	step := list[0].Step
	for len(list) > 0 && list[0].Step == step {
		f := list[0]
		list = list[1:]
		if !o.diff {
			f.Diff = ""
		}
		at := -1
		for i := range rows {
			if rows[i].Class == string(f.Class) && rows[i].Reason == f.Reason && rows[i].Diff == f.Diff {
				at = i
			}
		}
		if at < 0 {
			row := view.PreviewRow{
				Step: step.ID, Title: step.Title(), Class: string(f.Class), Reason: f.Reason, Diff: f.Diff, Wave: step.Wave, Block: len(step.Blocks),
			}
			if !step.Read && (f.Class == executor.WouldChange || f.Class == executor.CannotKnow) {
				row.Undo = undoWord(step)
			}
			at, rows = len(rows), append(rows, row)
		}
		rows[at].Hosts = append(rows[at].Hosts, f.Host.Name)
	}
	return rows, list
}

func undoWord(s *plan.Step) string {
	switch s.Undo {
	case plan.UndoCompleted:
		return "yes"
	case plan.UndoStarted:
		return "started"
	}
	return "no"
}
