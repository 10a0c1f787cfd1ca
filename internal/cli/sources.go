package cli

import (
	"os"
	"path/filepath"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// checkSources looks for the files that a plan would copy, before any host is touched. Only names
// made of params and vars alone can be known that early.
func checkSources(p *plan.Plan) error {
	var problems source.Problems
	seen := map[*runbook.Step]bool{}
	for _, s := range p.Steps {
		step := s.Source
		if step.Copy == nil || step.Copy.Src == nil || seen[step] || len(s.Targets.Hosts) == 0 || s.Skip != "" || len(s.Items) > 0 || !known(step.Copy.Src, s.Scope.Values) {
			continue
		}
		seen[step] = true
		path, err := step.Copy.Src.Render(s.Scope.Values)
		if err != nil {
			problems = append(problems, step.Copy.Src.Node.Problem(err.Error(), ""))
			continue
		}
		if !filepath.IsAbs(path) {
			path = filepath.Join(step.In.Dir, path)
		}
		info, err := os.Stat(path)
		switch {
		case err != nil && step.If == nil:
			problems = append(problems, step.Copy.Src.Node.Problem("cannot copy "+path+": "+reason(err), "paths are relative to the runbook's file"))
		case err == nil && step.Copy.Template && info.Mode().IsRegular() && info.Size() <= source.BytesMax:
			if text, err := os.ReadFile(path); err == nil {
				problems = append(problems, step.In.CheckTemplate(step, &source.File{Name: path, Text: string(text)})...)
			}
		}
	}
	problems.Sort()
	return problems.Err()
}

// known tells whether a text is made of values that are there already.
func known(t *runbook.Text, values map[string]any) bool {
	for _, e := range t.Exprs() {
		for _, r := range e.Refs {
			if _, ok := values[r.Path[0]]; !ok {
				return false
			}
		}
	}
	return true
}
