package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/view"
)

// app is one invocation: its streams, its settings, what it opened.
type app struct {
	in           io.Reader
	out, err     io.Writer
	settings     settings
	origins      map[string]string // flag → where its value came from
	targets      map[string]target // of notices, by name
	project      string            // the directory of the nearest opsctl.yaml, or ""
	sudoPassword string            // of the environment
	screen       view.View         // while a run is shown: what is said or asked goes through it
}

// Main runs one command and gives its exit code.
func Main(args []string, in io.Reader, out, errs io.Writer) (code int) {
	a := &app{in: in, out: out, err: errs, origins: map[string]string{}}
	defer func() {
		if p := recover(); p != nil { // never a stack trace, but what a report of the bug needs
			code = a.fail(&exitError{code: codeBug, message: fmt.Sprintf("a bug in opsctl: %v", p), hint: "the run can be resumed: opsctl resume last; please report this with " + crashFile(debug.Stack())})
		}
	}()
	signal.Ignore(syscall.SIGPIPE) // a closed pipe ends the view, not the run
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(context.Background())
	if err == nil {
		return 0
	}
	return a.fail(err)
}

// crashFile keeps the stack of a crash for a bug report.
func crashFile(stack []byte) string {
	f, err := os.CreateTemp("", "opsctl-crash-*.txt")
	if err != nil {
		return "what you did"
	}
	defer f.Close()
	if _, err := f.Write(stack); err != nil {
		return "what you did"
	}
	return f.Name()
}

// fail shows an error in the form asked for, and gives its exit code.
func (a *app) fail(err error) int {
	var exit *exitError
	if errors.As(err, &exit) && exit.silent {
		return exit.code
	}
	t := trouble(err)
	if a.settings.Output == "github" { // beside the lines, too
		m := marks{app: a}
		m.err(err)
		if err := view.WriteGitHub(a.err, m.list); err != nil {
			return t.Code
		}
	}
	if showErr := t.Show(a.viewOptions()); showErr != nil {
		return t.Code
	}
	return t.Code
}

func (a *app) viewOptions() view.Options {
	return view.Options{
		Out: a.out, Err: a.err, Mode: view.Mode(a.settings.Output), Color: a.settings.Color, Verbosity: a.settings.Verbose,
	}
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "opsctl",
		Short:         "Run maintenance runbooks on this machine and over SSH, with dry run and rollback",
		Long:          "opsctl runs runbooks: YAML documents that describe maintenance tasks. It plans them against the real\nhosts, runs them step by step on this machine or over SSH, and takes them back when they fail.",
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noCommand,
		Example:       "  opsctl demo                        # see a rolling deployment fail and be taken back\n  opsctl plan deploy.yaml -p version=v1.4.2\n  opsctl run deploy.yaml -p version=v1.4.2\n  opsctl history",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return cmd.Help()
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return a.configure(cmd) },
	}
	root.SetVersionTemplate("opsctl {{.Version}}\n")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usage(plainValue(err)+nearestFlag(cmd, err), "opsctl "+trimRoot(cmd)+" --help")
	})
	a.globalFlags(root)
	root.AddGroup(
		&cobra.Group{ID: "run", Title: "Run:"}, &cobra.Group{ID: "write", Title: "Write runbooks:"},
		&cobra.Group{ID: "fleet", Title: "The fleet:"}, &cobra.Group{ID: "past", Title: "What happened:"},
		&cobra.Group{ID: "self", Title: "opsctl itself:"},
	)
	root.AddCommand(
		newRun(a), newPlan(a), newResume(a), newRollback(a), newResolve(a), newDrill(a),
		newValidate(a), newLint(a), newFmt(a), newExplain(a), newSchema(a), newGraph(a), newInit(a), newImport(a), newSecret(a),
		newHosts(a), newPing(a), newSSH(a), newExec(a),
		newHistory(a), newShow(a), newLogs(a),
		newConfig(a), newNotify(a), newDemo(a), newVersion(a), newExitCodes(),
	)
	root.AddCommand(packaging()...)
	root.SetHelpCommandGroupID("self")
	root.InitDefaultHelpCmd()
	if help, _, err := root.Find([]string{"help"}); err == nil {
		help.Args = func(_ *cobra.Command, args []string) error { // or it would show the help of opsctl
			if found, _, err := root.Find(args); err != nil || found == root {
				return noCommand(root, args)
			}
			return nil
		}
	}
	root.SetCompletionCommandGroupID("self")
	return root
}
