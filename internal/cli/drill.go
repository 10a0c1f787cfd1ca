package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/drill"
	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

type drillOptions struct {
	app        *app
	params     paramFlags
	steps      []string
	host       string
	watch      []string
	ignore     []string
	demo       bool
	crash      bool
	force      bool
	yesDestroy bool
}

func newDrill(a *app) *cobra.Command {
	o := &drillOptions{app: a}
	cmd := &cobra.Command{
		Use: "drill RUNBOOK", GroupID: "write",
		Short: "Prove the undo of every step, by letting a run fail at each in turn",
		Long: `Run a runbook once for each step that changes something: the step really runs, then the run fails, and
what was done is taken back. Before and after, the checks of all steps are asked and watched paths are
looked at: content, mode, owner. A step whose undo brings back the state before is proved; where something
differs, its undo is wrong; where there is none, it is missing.

It really changes the hosts: use hosts that may break. They are named by -i or -l on the command line (-l local
is this machine), or are the pretend ones of --demo. A drill stops when a host is not as it was before.

Watched are the paths that the steps name (of copy, link, line and save_files) and the directories above
them, or those of --watch with all that is in them. With --crash each step is drilled twice more: opsctl is
killed (SIGKILL) when the step has begun, and when it has ended, and resumed.

Exit code 0 when no undo is wrong or missing, 1 otherwise.`,
		Example: "  opsctl drill rolling-deploy --demo -p version=v1.0.0\n  opsctl drill patch.yaml -i staging.yaml --watch /etc/app --ignore '*.log'\n" +
			"  opsctl drill setup.yaml -l local --yes --crash\n  opsctl drill patch.yaml -i web1,web2, --step switch --host web2",
		Args: exactly(1, "one runbook"),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd.Context(), args[0]) },
	}
	o.params.declare(cmd)
	f := cmd.Flags()
	f.StringSliceVar(&o.steps, "step", nil, "only these `STEPS` or blocks, by id")
	f.StringVar(&o.host, "host", "", "let the steps fail on this `HOST` instead of their first")
	f.StringArrayVar(&o.watch, "watch", nil, "`PATH` on the hosts that must be as before, with all that is in it (repeatable)")
	f.StringArrayVar(&o.ignore, "ignore", nil, "`PATTERN` of paths or names that may differ (repeatable)")
	f.BoolVar(&o.crash, "crash", false, "kill opsctl at each step, too, and resume")
	f.BoolVar(&o.demo, "demo", false, "on the pretend hosts of opsctl demo")
	f.BoolVar(&o.force, "force", false, "go on when a host is not as before")
	f.BoolVar(&o.yesDestroy, "yes-destroy", false, "also where steps destroy something: they really do, again and again")
	return cmd
}

func (o *drillOptions) run(ctx context.Context, name string) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	quiet := o.app.settings.Output == "json" || o.app.settings.Output == "quiet"
	heard := context.AfterFunc(ctx, func() {
		if !quiet { // the view of a drilled run says nothing
			writeLine(o.app.err, "interrupted: what runs may end, nothing new starts; Ctrl-C again stops it")
		}
	})
	defer heard()
	if !o.demo {
		return o.drill(ctx, name)
	}
	d, err := newDemoHosts(ctx, o.app)
	if err != nil {
		return fmt.Errorf("cannot start the pretend hosts: %w", err)
	}
	err = o.drill(ctx, o.adopt(d, name))
	if ctx.Err() != nil {
		err = &exitError{code: run.CodeInterrupt, message: "the drill was interrupted; its hosts and files are gone"}
	}
	if stopErr := d.stop(false); err == nil {
		err = stopErr
	}
	return err
}

// adopt makes the hosts of the demo those of this invocation, and gives the runbook: that of the demo,
// where it has one of this name.
func (o *drillOptions) adopt(d *demo, name string) string {
	s := &o.app.settings
	s.Inventory, s.SSHConfig, s.StateDir = []string{filepath.Join(d.project, "inventory.yaml")}, d.fleet.SSHConfig, filepath.Join(d.project, "state")
	if path := filepath.Join(d.project, "runbooks", strings.TrimSuffix(name, ".yaml")+".yaml"); isFile(path) {
		return path
	}
	return name
}

func (o *drillOptions) drill(ctx context.Context, name string) error {
	a := o.app
	if err := o.named(); err != nil {
		return err
	}
	j, err := a.load(name, &o.params, plan.Select{})
	if err != nil {
		return err
	}
	targets, err := o.targets(j.plan)
	if err != nil {
		return err
	}
	if err := o.agreed(j, targets); err != nil {
		return err
	}
	store, dir, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	known := (&running{app: a, request: j}).masker()
	hosts, err := a.connect(j.id, nil, known.Masker)
	if err != nil {
		return err
	}
	defer hosts.close()
	if g := hosts.sudo; g != nil && g.have { // it is asked for once, not in each run
		a.sudoPassword, a.settings.AskSudoPassword = g.text, false
	}
	d := &drilling{drillOptions: o, base: j, store: store, dir: dir, asks: a.previewOf(j, known, hosts), left: drill.Leftovers{}}
	if err := d.all(ctx, targets); err != nil {
		return d.broken(err)
	}
	return d.end()
}

// named makes sure that somebody named the hosts on the command line: what a file says is too easily not
// what was meant.
func (o *drillOptions) named() error {
	origins := o.app.origins
	if o.demo || strings.HasPrefix(origins["inventory"], "--") || strings.HasPrefix(origins["limit"], "--") {
		return nil
	}
	return usage("a drill changes its hosts, so they are named on the command line: -i or -l", "-l local is this machine, --demo are pretend hosts")
}

// agreed asks whether it is meant.
func (o *drillOptions) agreed(j *request, targets []drillTarget) error {
	a := o.app
	if err := a.refuseUnasked(j.plan); err != nil {
		return err
	}
	runs := drilledCount(targets)
	if o.crash {
		runs *= 1 + len(drillKills)
	}
	for _, s := range j.plan.Steps {
		if s.Source.Effect == runbook.Destroy && s.Skip == "" && !o.yesDestroy {
			return &exitError{code: run.CodeRefused, message: s.ID + " destroys something, and a drill would really do it, in each of its runs", hint: "--yes-destroy on hosts that may be destroyed"}
		}
	}
	if o.demo {
		return nil
	}
	return a.confirm(fmt.Sprintf("drill %s: %s that really change %s, and are taken back. Go on?", j.runbook.Name, plural(runs, "one run", "%d runs"), foldPlan(j.plan)))
}

// drilling is a drill on its way.
type drilling struct {
	*drillOptions
	base   *request // the runbook as a run would plan it
	store  *journal.Store
	dir    string
	asks   executor.PreviewOptions // what hosts are asked with
	before *drill.Snapshot
	left   drill.Leftovers
	rows   []drillRow
	halted string // the step after which hosts are not as before, and no other is drilled
}

// all drills the steps, in plan order.
func (d *drilling) all(ctx context.Context, targets []drillTarget) error {
	var err error
	if d.before, err = d.look(ctx); err != nil {
		return err
	}
	count := 0
	for _, t := range targets {
		row := drillRow{Step: t.step.ID, Host: t.host, Verdict: drill.NotDrilled, Why: t.why}
		switch {
		case t.why != "":
		case d.halted != "":
			row.Verdict, row.Why, row.Host = drill.NotReached, "the drill stopped at "+d.halted, ""
		default:
			count++
			d.app.note(fmt.Sprintf("drill %d of %d: %s", count, drilledCount(targets), t.drill()))
			if err := d.one(ctx, t, &row); err != nil {
				return err
			}
		}
		d.rows = append(d.rows, row)
		if ctx.Err() != nil {
			return &exitError{code: run.CodeInterrupt, message: "the drill was interrupted; what it did is taken back"}
		}
	}
	return nil
}
