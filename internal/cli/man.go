//go:build manpages

package cli

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// packaging are commands for those who package opsctl, in a program built for that alone: what
// writes the pages costs every start of a program that holds it. SOURCE_DATE_EPOCH makes the
// pages reproducible.
func packaging() []*cobra.Command {
	return []*cobra.Command{{
		Use: "man DIR", Hidden: true,
		Short:   "Write the man pages of all commands into a directory",
		Example: "  opsctl man manpages",
		Args:    exactly(1, "one directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return usage("cannot make "+args[0]+": "+reason(err), "")
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true
			header := &doc.GenManHeader{Section: "1", Source: "opsctl " + version, Manual: "opsctl"}
			if err := doc.GenManTree(root, header, args[0]); err != nil {
				return usage("cannot write the man pages: "+err.Error(), "SOURCE_DATE_EPOCH, where it is set, is a number of seconds")
			}
			return nil
		},
	}}
}
