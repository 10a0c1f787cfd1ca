package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/language"
)

func newSchema(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "schema [runbook|inventory]", GroupID: "write",
		Short: "Print the JSON Schema of runbooks or inventories, for editors",
		Long: `Print the JSON Schema (draft 2020-12) of runbooks, or of inventories. With it an editor completes keys, shows what they
mean, and marks what is wrong while it is written. What a schema cannot see is left to opsctl validate: expressions, the
order of steps, the syntax of scripts.`,
		Example:   "  opsctl schema > runbook.schema.json\n  opsctl schema inventory > inventory.schema.json",
		Args:      atMost(1, "runbook or inventory"),
		ValidArgs: []string{"runbook", "inventory"},
		RunE: func(_ *cobra.Command, args []string) error {
			switch what := first(args, "runbook"); what {
			case "runbook":
				return a.print(string(language.Schema()))
			case "inventory":
				return a.print(string(language.InventorySchema()))
			default:
				return usage(fmt.Sprintf("there is no schema of %q", what), source.DidYouMean(what, []string{"runbook", "inventory"}))
			}
		},
	}
}
