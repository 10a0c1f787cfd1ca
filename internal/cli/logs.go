package cli

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

type logOptions struct {
	app             *app
	host, step, act string
}

func newLogs(a *app) *cobra.Command {
	o := &logOptions{app: a}
	cmd := &cobra.Command{
		Use: "logs [RUN]", GroupID: "past",
		Short: "Print what the steps of a run printed",
		Long: `Print what attempts printed, in the order they began. Where one attempt is chosen and standard output is no
terminal, it is given byte for byte, each stream where it belongs. Else every line names its host and step;
lines of standard error have a ! in front.`,
		Example: "  opsctl logs\n  opsctl logs 7f3kq2 --host web3 --step switch/healthy\n  opsctl logs last --act undo\n  opsctl logs last --step report --host web1 > report.txt",
		Args:    atMost(1, "at most one run"),
		RunE:    func(_ *cobra.Command, args []string) error { return o.print(first(args, "last")) },
	}
	cmd.Flags().StringVar(&o.host, "host", "", "only of the host `HOST`; web* fits several")
	cmd.Flags().StringVar(&o.step, "step", "", "only of the step `STEP`, or of all steps of a block")
	cmd.Flags().StringVar(&o.act, "act", "", "only of `ACT`: do, check, undo or save")
	return cmd
}

// printed is what one attempt left.
type printed struct {
	journal.AttemptInfo
	stdout, stderr []byte
}

func (o *logOptions) print(ref string) error {
	if o.act != "" && !slices.Contains([]run.Act{run.Do, run.Check, run.Undo, run.Save}, run.Act(o.act)) {
		return usage(fmt.Sprintf("--act: %q is not one of do, check, undo, save", o.act), "")
	}
	if _, err := path.Match(o.host, ""); err != nil {
		return usage(fmt.Sprintf("--host: %q is not a pattern", o.host), "")
	}
	a := o.app
	store, _, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	info, err := store.Find(ref)
	if err != nil {
		return err
	}
	attempts, damage := store.Attempts(info.ID)
	if damage != nil && attempts == nil {
		return damage
	}
	chosen, err := o.choose(info, attempts)
	if err != nil {
		return err
	}
	all, err := outputs(store, info.ID, chosen)
	if err != nil {
		return err
	}
	if err := o.write(all); err != nil {
		return err
	}
	if len(all) == 0 {
		a.note("nothing was printed")
	}
	return damage
}

func (o *logOptions) choose(info journal.RunInfo, attempts []journal.AttemptInfo) ([]journal.AttemptInfo, error) {
	var chosen []journal.AttemptInfo
	var hosts, steps []string
	hostFound, stepFound := o.host == "", o.step == ""
	for _, at := range attempts {
		op := at.Ref.Op
		hosts, steps = append(hosts, op.Host), append(steps, op.Step)
		here, this := o.host == "" || matches(o.host, op.Host), o.step == "" || o.step == op.Step || strings.HasPrefix(op.Step, o.step+"/")
		hostFound, stepFound = hostFound || here, stepFound || this
		if here && this && (o.act == "" || string(at.Ref.Act) == o.act) {
			chosen = append(chosen, at)
		}
	}
	missing := func(what, name string, known []string) error {
		return usage(fmt.Sprintf("run %s made no attempt %s %s", shortID(info.ID), what, name), source.DidYouMean(name, known))
	}
	switch {
	case !hostFound:
		return nil, missing("on host", o.host, hosts)
	case !stepFound:
		return nil, missing("at step", o.step, steps)
	}
	return chosen, nil
}

func matches(pattern, name string) bool {
	ok, err := path.Match(pattern, name)
	return err == nil && ok || pattern == name
}

// outputs reads what the attempts printed, and leaves out those that printed nothing.
func outputs(store *journal.Store, id string, attempts []journal.AttemptInfo) ([]printed, error) {
	var all []printed
	for _, at := range attempts {
		if at.Stdout.Total+at.Stderr.Total == 0 {
			continue
		}
		p := printed{AttemptInfo: at}
		var err error
		if p.stdout, err = store.Output(id, at.Ref, executor.Stdout); err != nil {
			return nil, err
		}
		if p.stderr, err = store.Output(id, at.Ref, executor.Stderr); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func (o *logOptions) write(all []printed) error {
	a := o.app
	if a.settings.Output == "json" {
		return writeLogData(a, all)
	}
	if len(all) == 1 && !view.IsTerminal(a.out) {
		if _, err := a.out.Write(all[0].stdout); err != nil {
			return wrote(err)
		}
		_, err := a.err.Write(all[0].stderr)
		return err
	}
	for _, p := range all {
		name := ""
		if len(all) > 1 {
			name = p.name() + " "
		}
		for _, stream := range []struct {
			sign string
			text []byte
		}{{"| ", p.stdout}, {"! ", p.stderr}} {
			sign := stream.sign
			if name == "" && sign == "| " {
				sign = ""
			}
			if err := a.writeLines(name+sign, stream.text); err != nil {
				return err
			}
		}
	}
	return nil
}

// name tells of which attempt a line is: the act where it is not a do, the number from the second on.
func (p *printed) name() string {
	name := p.Ref.Op.Host + " " + p.Ref.Op.Step
	if p.Ref.Act != run.Do {
		name += " " + string(p.Ref.Act)
	}
	if p.Ref.Number > 1 {
		name += fmt.Sprintf(" #%d", p.Ref.Number)
	}
	return name
}

func (a *app) writeLines(prefix string, text []byte) error {
	if len(text) == 0 {
		return nil
	}
	text = bytes.TrimSuffix(text, []byte("\n"))
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if err := a.print(prefix + a.shown(strings.TrimSuffix(string(line), "\r")) + "\n"); err != nil {
			return err
		}
	}
	return nil
}

// logData is what one attempt printed, for a program.
type logData struct {
	Host    string      `json:"host"`
	Step    string      `json:"step"`
	Act     run.Act     `json:"act"`
	Number  int         `json:"number"`
	Outcome run.Outcome `json:"outcome,omitempty"`
	Exit    *int        `json:"exit,omitempty"`
	Stdout  string      `json:"stdout"`
	Stderr  string      `json:"stderr"`
	Dropped int64       `json:"dropped,omitempty"` // bytes that were not kept
}

func writeLogData(a *app, all []printed) error {
	for _, p := range all {
		err := a.printJSON(logData{
			Host: p.Ref.Op.Host, Step: p.Ref.Op.Step, Act: p.Ref.Act, Number: p.Ref.Number, Outcome: p.Outcome, Exit: p.Exit,
			Stdout: string(p.stdout), Stderr: string(p.stderr), Dropped: p.Stdout.Dropped + p.Stderr.Dropped,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
