package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func newValidate(a *app) *cobra.Command {
	var params paramFlags
	cmd := &cobra.Command{
		Use: "validate RUNBOOK…", GroupID: "write",
		Short: "Check runbooks without connecting anything; all problems at once",
		Long: `Check runbooks: keys, types, ids, order, expressions, the quoting of values in shell. Where there is an
inventory, and the params are known, the hosts of every step are checked too. Nothing is connected.

--output json is for programs; github annotates the lines in GitHub Actions; sarif is what code hosts read.`,
		Example: "  opsctl validate deploy.yaml\n  opsctl validate runbooks/*.yaml --output json\n  opsctl validate runbooks/*.yaml --output sarif > opsctl.sarif\n  opsctl validate deploy.yaml -i staging.yaml -p version=v1.4.2",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("opsctl validate takes at least one runbook", "opsctl validate deploy.yaml")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			code, m := 0, &marks{app: a}
			for _, name := range args {
				bad, err := a.validate(name, &params, m)
				if err != nil {
					return err
				}
				code = max(code, bad)
			}
			if a.marked() {
				if err := m.show(); err != nil {
					return err
				}
			}
			return ended(code)
		},
	}
	params.declare(cmd)
	return cmd
}

// verdict is what validate says of one runbook to a program.
type verdict struct {
	File     string        `json:"file"`
	OK       bool          `json:"ok"`
	Steps    int           `json:"steps"`
	Planned  bool          `json:"planned"` // the hosts were checked too
	Problems []problemData `json:"problems"`
}

type problemData struct {
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Warning bool   `json:"warning,omitempty"`
}

// validate checks one runbook, says what it found, and gives its exit code.
func (a *app) validate(name string, params *paramFlags, m *marks) (code int, err error) {
	v := verdict{File: name, Problems: []problemData{}}
	path, warnings, failed := a.examine(name, params, &v)
	if path != "" {
		v.File = path
	}
	v.OK = failed == nil
	if a.marked() {
		if m.problems(warnings); failed != nil {
			code = m.err(failed)
		}
		return code, nil
	}
	if a.settings.Output == "json" {
		v.add(warnings)
		if failed != nil {
			code = v.addError(failed)
		}
		return code, a.printJSON(v)
	}
	for _, w := range warnings {
		a.note(w.Render())
	}
	if failed != nil {
		return a.fail(failed), nil
	}
	if a.settings.Output == "quiet" {
		return 0, nil
	}
	return 0, a.print(fmt.Sprintf("ok  %s (%s)\n", v.File, plural(v.Steps, "1 step", "%d steps")))
}

func (a *app) examine(name string, params *paramFlags, v *verdict) (path string, warnings source.Problems, err error) {
	if path, err = a.findRunbook(name); err != nil {
		return "", nil, err
	}
	rb, warnings, err := a.loader(path).Load(path)
	if err != nil {
		if _, ok := source.AsProblems(err); !ok {
			err = invalid("cannot read "+path+": "+reason(err), "")
		}
		return path, warnings, err
	}
	v.Steps = countSteps(rb)
	j, why, err := a.planIfKnown(rb, path, params)
	if err != nil {
		return path, warnings, err
	}
	v.Planned = j != nil
	if j == nil && a.settings.Verbose > 0 {
		a.note(path + ": its hosts were not checked: " + why)
	}
	return path, warnings, nil
}

func countSteps(rb *runbook.Runbook) int {
	count := 0
	visit := func(s *runbook.Step) {
		if !s.IsBlock() && s != rb.Root {
			count++
		}
	}
	rb.Root.Walk(visit)
	for _, s := range rb.Finally {
		s.Walk(visit)
	}
	return count
}

// planIfKnown plans a runbook as far as inventory and params are at hand; where they are not, it
// says why there is no plan.
func (a *app) planIfKnown(rb *runbook.Runbook, path string, params *paramFlags) (j *request, why string, err error) {
	values, missing, err := valuesIfKnown(rb, params)
	if err != nil {
		return nil, "", err
	}
	inv, err := a.loadInventory(path)
	if err != nil {
		return nil, "", err
	}
	switch {
	case len(missing) > 0:
		return nil, plural(len(missing), "param "+missing[0]+" is not given", "%d params are not given, "+missing[0]+" the first"), nil
	case len(inv.Hosts) == 0 && len(a.settings.Inventory) == 0 && namesHosts(rb):
		return nil, "there is no inventory", nil
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	j = &request{
		id: newRunID(), path: path, runbook: rb, inv: inv, values: values, started: time.Now(), user: userName(),
		limit: a.settings.Limit, env: usedEnv(rb),
	}
	return j, "", j.build()
}

// valuesIfKnown checks the params that are given; required ones that are not are only named.
func valuesIfKnown(rb *runbook.Runbook, params *paramFlags) (values map[string]any, missing []string, err error) {
	given, err := params.given(rb, false)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range rb.Params {
		if _, ok := given[p.Name]; !ok && !p.Given {
			missing = append(missing, p.Name)
		}
	}
	values, err = rb.Values(given)
	var wrong runbook.ParamErrors
	if errors.As(err, &wrong) {
		wrong = slices.DeleteFunc(slices.Clone(wrong), func(e *runbook.ParamError) bool { return slices.Contains(missing, e.Name) })
		if err = nil; len(wrong) > 0 {
			err = wrong
		}
	}
	return values, missing, err
}

// namesHosts tells whether a runbook needs an inventory: one that does not runs on this machine.
func namesHosts(rb *runbook.Runbook) bool {
	found := false
	visit := func(s *runbook.Step) {
		for _, t := range append(slices.Clone(s.Hosts), s.Delegate) {
			found = found || t != nil && t.Node != nil && t.Node.Text != inventory.Local
		}
	}
	rb.Root.Walk(visit)
	for _, s := range rb.Finally {
		s.Walk(visit)
	}
	return found
}

func (v *verdict) add(problems source.Problems) {
	for _, p := range problems {
		d := problemData{Line: p.Pos.Line, Column: p.Pos.Column, Message: p.Message, Hint: p.Hint, Warning: p.Warning}
		if p.File != nil {
			d.File = p.File.Name
		}
		v.Problems = append(v.Problems, d)
	}
}

// addError puts any error among the problems, and gives the exit code it leads to.
func (v *verdict) addError(err error) int {
	t := trouble(err)
	problems, ok := source.AsProblems(err)
	v.add(problems)
	switch {
	case ok:
	case len(t.Details) > 0:
		for _, d := range t.Details {
			v.Problems = append(v.Problems, problemData{Message: d})
		}
	default:
		v.Problems = append(v.Problems, problemData{Message: t.Message, Hint: t.Hint})
	}
	return t.Code
}
