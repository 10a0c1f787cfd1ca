package cli

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// checkSources looks for the files that a plan would copy or run, and for those it would notify, before any
// host is touched. Only names made of params and vars alone can be known that early.
func (a *app) checkSources(p *plan.Plan) error {
	problems := a.checkTargets(p)
	seen := map[*runbook.Step]bool{}
	for _, s := range p.Steps {
		step := s.Source
		problems = append(problems, checkScript(s, seen)...)
		problems = append(problems, checkReboot(p, s, seen)...)
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

// checkScript reads the script that a step would send to its hosts.
func checkScript(s *plan.Step, seen map[*runbook.Step]bool) source.Problems {
	step := s.Source
	if step.Script == nil || seen[step] || len(s.Targets.Hosts) == 0 || s.Skip != "" || len(s.Items) > 0 || !known(step.Script.File, s.Scope.Values) {
		return nil
	}
	seen[step] = true
	path, err := step.Script.File.Render(s.Scope.Values)
	if err == nil && !filepath.IsAbs(path) {
		path = filepath.Join(step.In.Dir, path)
	}
	if err == nil {
		_, err = executor.ReadScript(path)
	}
	missing, hint := errors.Is(err, os.ErrNotExist), ""
	if err == nil || step.If != nil && missing {
		return nil
	}
	if missing {
		hint = "paths are relative to the runbook's file"
	}
	return source.Problems{step.Script.File.Node.Problem(err.Error(), hint)}
}

// checkReboot refuses to take down the machine that opsctl runs on.
func checkReboot(p *plan.Plan, s *plan.Step, seen map[*runbook.Step]bool) source.Problems {
	for k := range s.Targets.Hosts {
		if s.Source.Reboot != nil && s.Skip == "" && !seen[s.Source] && p.Hosts[s.Place(int32(k))].IsLocal() {
			seen[s.Source] = true
			return source.Problems{s.Source.Key.Problem("this would reboot the machine that opsctl runs on", "say on which hosts: hosts: web")}
		}
	}
	return nil
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
