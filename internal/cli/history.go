package cli

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/run"
)

func newHistory(a *app) *cobra.Command {
	f := journal.Filter{}
	cmd := &cobra.Command{
		Use: "history", GroupID: "past",
		Short:   "List runs, newest first",
		Example: "  opsctl history\n  opsctl history -n 5 --runbook rolling-deploy\n  opsctl history --output json",
		Args:    exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			if f.Limit < 0 {
				return usage("--number must not be negative", "0 lists all runs")
			}
			return a.listRuns(f)
		},
	}
	cmd.Flags().IntVarP(&f.Limit, "number", "n", 20, "at most `N` runs; 0 is all")
	cmd.Flags().StringVar(&f.Runbook, "runbook", "", "only runs of the runbook `NAME`")
	return cmd
}

// runFacts are a run as a program is told of it.
type runFacts struct {
	ID      string        `json:"id"`
	Runbook string        `json:"runbook"`
	Path    string        `json:"path"`
	User    string        `json:"user"`
	Started time.Time     `json:"started"`
	Ended   time.Time     `json:"ended,omitzero"`
	Seconds float64       `json:"seconds"`
	State   journal.State `json:"state"`
	Result  run.Result    `json:"result,omitempty"`
	Code    int           `json:"code"`
	Hosts   int           `json:"hosts"`
	Changed int           `json:"changed"`
	Failed  int           `json:"failed"`
	Machine string        `json:"machine"`
}

func runFactsOf(r journal.RunInfo) runFacts {
	took := duration(r)
	return runFacts{
		ID: r.ID, Runbook: r.Runbook, Path: r.Path, User: r.User, Started: r.Started, Ended: r.Ended, Seconds: took.Seconds(), State: r.State,
		Result: r.Result, Code: r.Code, Hosts: r.Hosts, Changed: r.Changed, Failed: r.Failed, Machine: r.Owner.Host,
	}
}

func (a *app) listRuns(f journal.Filter) error {
	store, _, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	runs, err := store.Runs(f)
	if err != nil {
		return err
	}
	if a.settings.Output == "json" {
		for _, r := range runs {
			if err := a.printJSON(runFactsOf(r)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(runs) == 0 {
		a.note("there are no runs yet\nhint: opsctl demo shows some, opsctl run RUNBOOK makes one")
		return nil
	}
	now := time.Now()
	var rows [][]string
	for _, r := range runs {
		rows = append(rows, []string{
			shortID(r.ID), ago(now.Sub(r.Started)), r.Started.Local().Format("2006-01-02 15:04"), r.Runbook, r.User, resultWord(r),
			strconv.Itoa(r.Hosts), roughly(duration(r)),
		})
	}
	return a.print(view.Sanitise(view.Table([]string{"RUN", "WHEN", "STARTED", "RUNBOOK", "WHO", "RESULT", "HOSTS", "TOOK"}, rows, a.columns())))
}

// duration is how long a run took; of one that is interrupted, until its last sign of life.
func duration(r journal.RunInfo) time.Duration {
	switch r.State {
	case journal.Finished:
		return r.Ended.Sub(r.Started)
	case journal.Running:
		return time.Since(r.Started)
	}
	return max(0, r.Beat.Sub(r.Started))
}

var resultWords = map[run.Result]string{
	run.Succeeded: "succeeded", run.RunFailed: "failed", run.RolledBack: "rolled back", run.Unreached: "hosts unreachable",
	run.PersonNeeded: "a person is needed", run.Stopped: "stopped",
}

func resultWord(r journal.RunInfo) string {
	if r.State != journal.Finished {
		return string(r.State)
	}
	if word, ok := resultWords[r.Result]; ok {
		return word
	}
	return string(r.Result)
}

// ago says how long since, as people do.
func ago(d time.Duration) string {
	for _, unit := range []struct {
		size time.Duration
		word string
	}{{24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}} {
		if n := int(d / unit.size); n > 0 {
			return plural(n, "1 "+unit.word, "%d "+unit.word+"s") + " ago"
		}
	}
	return "just now"
}

// roughly writes a duration for a column: 0.3s, 12s, 1m04s, 2h05m.
func roughly(d time.Duration) string {
	switch d = max(d, 0); {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}
