package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/run"
)

// What a release is built with: -ldflags -X.
var (
	version = "dev"
	commit  = "unknown commit"
	date    = "unknown date"
)

// versionText is the version on one line, without the program's name.
func versionText() string { return fmt.Sprintf("%s (%s)", version, commit) }

type versionFacts struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	Date    string `json:"date"`
	Go      string `json:"go"`
	System  string `json:"system"`
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", GroupID: "self",
		Short:   "Show the version, and what it was built of",
		Example: "  opsctl version\n  opsctl version --output json",
		Args:    exactly(0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			v := versionFacts{Version: version, Commit: commit, Date: date, Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH}
			if a.settings.Output == "json" {
				return a.printJSON(v)
			}
			return a.print(view.Table(nil, [][]string{
				{"opsctl", v.Version}, {"commit", v.Commit}, {"date", v.Date}, {"go", v.Go}, {"system", v.System},
			}, 0))
		},
	}
}

// print writes what was asked for to standard output.
func (a *app) print(text string) error {
	_, err := fmt.Fprint(a.out, text)
	return wrote(err)
}

// printJSON writes one line of JSON for a program.
func (a *app) printJSON(value any) error { return wrote(json.NewEncoder(a.out).Encode(value)) }

// wrote says what became of a write to standard output. A reader that has read enough, such as
// head, ends the command without a word.
func wrote(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE):
		return &exitError{silent: true}
	}
	return &exitError{code: run.CodeFailed, message: "cannot write to standard output: " + reason(err)}
}
