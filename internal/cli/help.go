package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/view"
)

// exitCodes are what scripts may rely on.
var exitCodes = [][]string{
	{"0", "succeeded, whether or not anything changed"},
	{"1", "failed; hosts are as the last lines say"},
	{"2", "changes are pending (only with --detailed-exitcode)"},
	{"3", "failed, and everything that declares an undo was taken back"},
	{"4", "nothing failed, but some hosts were unreachable"},
	{"5", "a person is needed: an undo failed or is pending, or an outcome is unknown"},
	{"6", "stopped: a confirmation was refused, or needed where there is no terminal"},
	{"7", "the lock is held by another run"},
	{"64", "the command line is not right"},
	{"65", "the runbook, the inventory or a param is not right"},
	{"70", "a bug in opsctl"},
	{"74", "the journal cannot be written or read"},
	{"78", "the configuration is not right"},
	{"124", "the deadline of the run passed"},
	{"129", "SIGHUP: the terminal was closed"},
	{"130", "SIGINT: interrupted with Ctrl-C"},
	{"143", "SIGTERM: asked to end"},
}

// newExitCodes is a topic of help: it has no Run.
func newExitCodes() *cobra.Command {
	var b strings.Builder
	b.WriteString("The exit codes of opsctl. They are stable: scripts may rely on them.\n\n")
	for _, line := range strings.SplitAfter(view.Table(nil, exitCodes, 0), "\n") {
		if line != "" {
			b.WriteString("  " + line)
		}
	}
	fmt.Fprint(&b, `
Where several would fit, the first of 74, 5, 130/143/129, 124, 3, 4, 1 is given. After 124, 129, 130
and 143 the journal is whole, and opsctl resume goes on with the run; after 4 too, where nothing was
started because hosts were out of reach.

  opsctl run deploy.yaml || case $? in
    3) echo "taken back" ;;
    130) opsctl resume last ;;
    5) opsctl show last ;;
  esac`)
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: b.String()}
}
