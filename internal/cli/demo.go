package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/fleet"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/run"
)

// demoWebs is how many web hosts the demo has; there is one db beside them.
const demoWebs = 5

// The scenarios of the demo. Without one it tells good, then bad.
const (
	scenarioGood  = "good"
	scenarioBad   = "bad"
	scenarioCrash = "crash-and-resume"
)

type demoOptions struct {
	app      *app
	scenario string
	keep     bool
}

func newDemo(a *app) *cobra.Command {
	o := &demoOptions{app: a}
	cmd := &cobra.Command{
		Use: "demo", GroupID: "self",
		Short: "See a rolling deployment succeed, another one fail, and be taken back",
		Long: `Start six SSH servers in this process, five web hosts and a db, each with a directory of its own and a
real shell, and run the shipped runbook rolling-deploy on them: a good release goes through, then a bad
one fails its health check in the second wave and is taken back. Nothing leaves this machine, nothing
needs root, and what was made is removed at the end.`,
		Example: "  opsctl demo\n  opsctl demo --keep                         # and try things yourself\n  opsctl demo --scenario crash-and-resume    # opsctl is killed in the middle, and goes on",
		Args:    exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&o.scenario, "scenario", "", "only this: `good`, bad, crash-and-resume")
	cmd.Flags().BoolVar(&o.keep, "keep", false, "leave the hosts up until Ctrl-C, and say what to try")
	return cmd
}

// scenes are what a scenario plays, in order.
func (o *demoOptions) scenes() ([]func(*demo, context.Context) error, error) {
	if o.app.settings.Output == "json" {
		return nil, usage("--output json: the demo is told to people", "opsctl run … --output json is for programs")
	}
	switch o.scenario {
	case "":
		return []func(*demo, context.Context) error{(*demo).good, (*demo).bad, (*demo).history, (*demo).listing}, nil
	case scenarioGood:
		return []func(*demo, context.Context) error{(*demo).good, (*demo).history, (*demo).listing}, nil
	case scenarioBad:
		return []func(*demo, context.Context) error{(*demo).before, (*demo).bad, (*demo).history, (*demo).listing}, nil
	case scenarioCrash:
		return []func(*demo, context.Context) error{(*demo).crash, (*demo).resume, (*demo).listing, (*demo).counts}, nil
	}
	return nil, usage(fmt.Sprintf("--scenario: %q is not one of %s, %s, %s", o.scenario, scenarioGood, scenarioBad, scenarioCrash), "")
}

func (o *demoOptions) run(ctx context.Context) error {
	scenes, err := o.scenes()
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	d, err := newDemoHosts(ctx, o.app)
	if err != nil {
		return fmt.Errorf("cannot start the demo: %w", err)
	}
	err = d.play(ctx, scenes)
	if err == nil && o.keep {
		d.invite()
		<-ctx.Done()
	}
	interrupted := ctx.Err() != nil
	keep := err != nil && !interrupted
	if stopErr := d.stop(keep); stopErr != nil && (err == nil || interrupted) {
		return stopErr
	}
	switch {
	case interrupted && o.keep && err == nil:
		return nil // which is how it ends
	case interrupted:
		return &exitError{code: run.CodeInterrupt, message: "the demo was interrupted; its hosts and files are gone"}
	case err != nil:
		return &exitError{code: 1, message: "the demo did not go as it should: " + err.Error(), hint: "its files are left in " + d.dir}
	}
	return nil
}

// demo is a running one: its files, its hosts, and what they serve.
type demo struct {
	app     *app
	dir     string // holds all the rest
	project string // where opsctl runs
	program string // opsctl itself
	fleet   *fleet.Fleet
	sites   []*site
	theme   view.Theme
}

func (d *demo) play(ctx context.Context, scenes []func(*demo, context.Context) error) error {
	d.say(fmt.Sprintf("Six hosts are up, each an SSH server in this process with a directory and a shell of its own:\nweb1 to web%d, and db1. The project is %s.", demoWebs, d.project))
	for _, scene := range scenes {
		if err := scene(d, ctx); err != nil {
			return err
		}
	}
	return nil
}

// stop ends the hosts, and removes all files unless somebody is to look at them.
func (d *demo) stop(keep bool) error {
	errs := []error{closeSites(d.sites)}
	if d.fleet != nil {
		errs = append(errs, d.fleet.Stop())
	}
	if !keep {
		errs = append(errs, os.RemoveAll(d.dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cannot clean up after the demo: %w", err)
	}
	return nil
}
