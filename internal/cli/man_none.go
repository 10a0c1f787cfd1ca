//go:build !manpages

package cli

import "github.com/spf13/cobra"

// packaging are commands that only the program that packages opsctl has; see man.go.
func packaging() []*cobra.Command { return nil }
