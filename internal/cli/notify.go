package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/secret"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

func newNotify(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "notify TARGET [MESSAGE]", GroupID: "self",
		Short: "Send a message to a target, to see that it arrives",
		Long: `Send a message to one of the targets that opsctl.yaml names under notify, as a runbook would. It tells whether
the target took it. No run is started, and nothing is kept.`,
		Example: "  opsctl notify ops\n  opsctl notify chat 'does this arrive?'",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 && len(args) != 2 {
				return exactly(1, "one target, and a message if you like")(cmd, args)
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.tryTarget(cmd.Context(), args[0], first(args[1:], "A message of opsctl, sent by "+userName()+" to see that it arrives."))
		},
	}
}

func (a *app) tryTarget(ctx context.Context, to, message string) error {
	if _, ok := a.targets[to]; !ok {
		message, hint := a.noTarget(to)
		return usage(message, hint)
	}
	ctx, cancel := context.WithTimeout(ctx, executor.NotifyMax)
	defer cancel()
	now := time.Now()
	ending := a.notifier(secret.NewMasker())(ctx, executor.Notice{To: to, Message: message, User: userName(), Started: now, Time: now})
	if ending != (executor.Ending{}) {
		return &exitError{code: run.CodeFailed, message: ending.Message, hint: ending.Hint}
	}
	a.note(fmt.Sprintf("%s took the message", to))
	return nil
}
