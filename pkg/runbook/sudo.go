package runbook

import (
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// SudoByDefault makes every step run as root that is not told otherwise, as if the runbook said sudo: true.
func (rb *Runbook) SudoByDefault() {
	if rb.Root.Sudo == nil {
		said := *rb.Root.Node // where the runbook begins
		said.Kind, said.Text = source.Scalar, "true"
		text, _ := expression.CompileText(said.Text, nil) // it has no expressions that could be wrong
		rb.Root.Sudo = &Text{Node: &said, Text: text}
	}
}
