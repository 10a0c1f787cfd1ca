package cli

import (
	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/pkg/plan"
)

// selectFlags say which steps of a runbook are meant.
type selectFlags struct{ plan.Select }

func (f *selectFlags) declare(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringSliceVar(&f.Tags, "tags", nil, "only steps with one of these `TAGS`, and steps of blocks with one")
	flags.StringSliceVar(&f.SkipTags, "skip-tags", nil, "not the steps with one of these `TAGS`")
	flags.StringSliceVar(&f.Only, "only", nil, "only these `STEPS` or blocks, by id")
	flags.StringSliceVar(&f.Skip, "skip", nil, "not these `STEPS` or blocks")
	flags.StringVar(&f.From, "from", "", "this `STEP` and what is written after it")
}

// declareStep adds the flag that only makes sense where something is done.
func (f *selectFlags) declareStep(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&f.Step, "step", false, "ask before every step: yes, no, skip")
}
