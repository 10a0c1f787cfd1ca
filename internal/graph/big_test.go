package graph

import (
	"strings"
	"testing"
)

// TestLargestRunbookIsDrawn draws what the limits of a runbook let through.
func TestLargestRunbookIsDrawn(t *testing.T) {
	for name, step := range map[string]string{
		"one after the other": "  - {run: x, rollback: y}\n", "side by side": "  - {run: x, rollback: y, needs: []}\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := New(known(t, "name: big\nsteps:\n"+strings.Repeat(step, 2000), true))
			for _, drawn := range []string{plain(p, 80), p.SVG(), p.Mermaid(), p.DOT()} {
				if strings.Count(drawn, "run_") < 2000 {
					t.Error("steps are missing")
				}
			}
		})
	}
}
