package cli

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/internal/journal/lock"
	"github.com/opsctl/opsctl/internal/secret"
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Exit codes that are not those of a run (SEMANTICS 7).
const (
	codeChanges = 2
	codeLocked  = 7
	codeUsage   = 64
	codeInvalid = 65
	codeBug     = 70
	codeConfig  = 78
)

// exitError is an error with its exit code; a silent one was shown already.
type exitError struct {
	code    int
	message string
	hint    string
	silent  bool
}

func (e *exitError) Error() string { return e.message }

func usage(message, hint string) error {
	return &exitError{code: codeUsage, message: message, hint: hint}
}

func invalid(message, hint string) error {
	return &exitError{code: codeInvalid, message: message, hint: hint}
}

// ended is the exit of a command whose outcome was shown.
func ended(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code: code, silent: true}
}

// trouble maps every error to what is shown and to its exit code, in one place.
func trouble(err error) view.Trouble {
	t := view.Trouble{Code: codeUsage, Message: err.Error()}
	var exit *exitError
	var params runbook.ParamErrors
	var held *lock.HeldError
	var store *journal.Error
	var notFound *journal.NotFoundError
	var ambiguous *journal.AmbiguousError
	var corrupt *journal.CorruptError
	var owned *journal.OwnedError
	var unwritten *executor.JournalError
	var pattern *inventory.PatternError
	var unknown *inventory.UnknownError
	var config *configError
	var unfetched *secret.Error
	if errors.As(err, &config) {
		t = problemsTrouble(config.problems)
		t.Code = codeConfig
		return t
	}
	if problems, ok := source.AsProblems(err); ok {
		return problemsTrouble(problems)
	}
	switch {
	case errors.As(err, &exit):
		t.Code, t.Message, t.Hint = exit.code, exit.message, exit.hint
	case errors.As(err, &params):
		t.Code, t.Message = codeInvalid, plural(len(params), "a param is wrong or missing", "%d params are wrong or missing")
		for _, p := range params {
			t.Details = append(t.Details, p.Error())
		}
	case errors.As(err, &held):
		t.Code, t.Hint = codeLocked, "--on-locked wait waits for it"
		if held.Holder.Run != "" {
			t.Hint = "opsctl show " + shortID(held.Holder.Run) + " tells how far it is; " + t.Hint
		}
	case errors.As(err, &unwritten):
		t.Code, t.Hint = run.CodeJournal, "what was started goes on by itself on its hosts; opsctl resume asks them"
		if errors.As(err, &store) {
			t.Hint = store.Hint + "\n" + t.Hint
		}
	case errors.As(err, &store):
		t.Code, t.Hint = run.CodeJournal, store.Hint
	case errors.As(err, &corrupt):
		t.Code = run.CodeJournal
	case errors.As(err, &notFound), errors.As(err, &ambiguous):
		t.Hint = "opsctl history lists the runs"
	case errors.As(err, &owned):
		t.Code, t.Hint = codeLocked, "the run is going on; opsctl show tells how far it is"
	case errors.As(err, &pattern):
		t.Hint = pattern.Hint
	case errors.As(err, &unfetched):
		t.Hint = unfetched.Hint
	case errors.As(err, &unknown) && unknown.Nearest == "":
		t.Hint = "opsctl hosts lists them"
	}
	return t
}

func problemsTrouble(problems source.Problems) view.Trouble {
	t := view.Trouble{Code: codeInvalid, Message: plural(len(problems), "this is not right:", "%d things are not right:")}
	for _, p := range problems {
		t.Details = append(t.Details, p.Render())
	}
	return t
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return fmt.Sprintf(many, n)
}

// noCommand refuses what is no command under cmd, and offers the nearest that is.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	hint := source.DidYouMean(args[0], names)
	if hint == "" {
		hint = cmd.CommandPath() + " --help lists the commands"
	}
	return usage(fmt.Sprintf("%s has no command %q", cmd.CommandPath(), args[0]), hint)
}

var flagName = regexp.MustCompile(`unknown flag: --([A-Za-z0-9-]+)`)

// nearestFlag offers the flag that was most likely meant.
func nearestFlag(cmd *cobra.Command, err error) string {
	m := flagName.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := source.Nearest(m[1], names); near != "" {
		return fmt.Sprintf("; did you mean --%s?", near)
	}
	return ""
}

func trimRoot(cmd *cobra.Command) string {
	return strings.TrimSpace(strings.TrimPrefix(cmd.CommandPath(), "opsctl"))
}

// exactly checks the number of arguments, and says what is missing in the words of the command.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == n {
			return nil
		}
		return usage(fmt.Sprintf("opsctl %s takes %s, not %d arguments", trimRoot(cmd), what, len(args)), "opsctl "+trimRoot(cmd)+" --help")
	}
}

func atMost(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) <= n {
			return nil
		}
		return usage(fmt.Sprintf("opsctl %s takes %s, not %d arguments", trimRoot(cmd), what, len(args)), "opsctl "+trimRoot(cmd)+" --help")
	}
}
