package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/journal/lock"
	"github.com/opsctl/opsctl/pkg/runbook"
)

type runOptions struct {
	app      *app
	params   paramFlags
	picks    selectFlags
	dryRun   bool
	onLocked string
	preview  previewOptions
}

func newRun(a *app) *cobra.Command {
	o := &runOptions{app: a}
	cmd := &cobra.Command{
		Use: "run RUNBOOK", GroupID: "run",
		Short: "Run a runbook",
		Long: `Run a runbook: a file, or the name of one in runbooks/ of the project.

Every host is connected first. If one cannot be reached, nothing starts. What fails is, where the
runbook says how, taken back. Ctrl-C lets what runs end and starts nothing new; the run can then be
resumed. Exit codes: opsctl help exit-codes.`,
		Example: "  opsctl run deploy.yaml -p version=v1.4.2\n  opsctl run deploy.yaml -p version=v1.4.2 --dry-run\n  opsctl run deploy.yaml -l 'web*:!web3' -f 10\n  opsctl run deploy.yaml -p version=v1.4.2 --from switch\n  opsctl run patch.yaml -i web1,web2, -u root",
		Args:    exactly(1, "one runbook"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.dryRun {
				o.preview.params, o.preview.picks = o.params, o.picks
				return runPlan(cmd.Context(), &o.preview, args[0])
			}
			return o.run(cmd, args[0])
		},
	}
	o.preview.app = a
	o.params.declare(cmd)
	o.picks.declare(cmd)
	o.picks.declareStep(cmd)
	cmd.Flags().BoolVarP(&o.dryRun, "dry-run", "n", false, "ask the hosts what would change, and change nothing")
	cmd.Flags().StringVar(&o.onLocked, "on-locked", "fail", "when another run holds the lock: `fail`, skip, wait or wait=10m")
	o.preview.flags(cmd)
	return cmd
}

func (o *runOptions) run(cmd *cobra.Command, name string) error {
	a := o.app
	wait, skip, err := parseOnLocked(o.onLocked)
	if err != nil {
		return err
	}
	j, err := a.load(name, &o.params, o.picks.Select)
	if err != nil {
		return err
	}
	if err := a.refuseUnasked(j.plan); err != nil {
		return err
	}
	if err := a.confirmDestroy(j); err != nil {
		return err
	}
	store, dir, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	x := &running{app: a, request: j}
	release, err := x.hold(cmd.Context(), dir, wait)
	var held *lock.HeldError
	if errors.As(err, &held) && skip {
		a.note("skipped: " + held.Error())
		return nil
	}
	if err != nil {
		return err
	}
	defer release()
	return x.begin(cmd.Context(), store)
}

// waitForever is as long as a lock is waited for when no limit is given.
const waitForever = 365 * 24 * time.Hour

func parseOnLocked(text string) (wait time.Duration, skip bool, err error) {
	switch {
	case text == "fail":
		return 0, false, nil
	case text == "skip":
		return 0, true, nil
	case text == "wait":
		return waitForever, false, nil
	}
	if limit, ok := strings.CutPrefix(text, "wait="); ok {
		if wait, err = runbook.ParseDuration(limit); err == nil {
			return wait, false, nil
		}
	}
	return 0, false, usage(fmt.Sprintf("--on-locked: %q is not one of fail, skip, wait, wait=10m", text), "")
}

// confirmDestroy asks before steps that destroy something.
func (a *app) confirmDestroy(j *request) error {
	var titles []string
	seen := map[*runbook.Step]bool{}
	for _, s := range j.plan.Steps {
		if s.Source.Effect == runbook.Destroy && s.Skip == "" && !seen[s.Source] {
			seen[s.Source] = true
			titles = append(titles, s.Source.Title)
		}
	}
	if len(titles) == 0 {
		return nil
	}
	return a.confirm(fmt.Sprintf("%s destroys something: %s. Go on?", j.runbook.Name, strings.Join(titles, ", ")))
}
