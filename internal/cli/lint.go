package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/lint"
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

type lintOptions struct {
	only    []string
	skip    []string
	list    bool
	explain string
}

func newLint(a *app) *cobra.Command {
	var o lintOptions
	cmd := &cobra.Command{
		Use: "lint RUNBOOK…", GroupID: "write",
		Short: "Find what is allowed in a runbook and likely not meant",
		Long: `Look for what opsctl accepts and a careful reader would not: changes that nobody can take back, checks that
write, secrets in titles, scripts for sh that need bash. RUNBOOK is a file, the name of a runbook of the
project, or a directory. It exits 1 if there are warnings; notes alone do not matter. A comment on the
line, or above it, makes an exception, with a reason:

  # opsctl:ignore sudo-in-script this host knows sudo for one command only`,
		Example: "  opsctl lint deploy.yaml\n  opsctl lint runbooks --skip-rule runs-beside,missing-effect\n  opsctl lint --list\n  opsctl lint --explain missing-rollback\n  opsctl lint runbooks --output json",
		Args: func(_ *cobra.Command, args []string) error {
			switch asking := o.list || o.explain != ""; {
			case asking && len(args) > 0:
				return usage("--list and --explain take no runbook", "opsctl lint --help")
			case !asking && len(args) == 0:
				return usage("opsctl lint takes at least one runbook", "opsctl lint deploy.yaml")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return a.lint(args, o) },
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.only, "rule", nil, "only these `RULE`s, with commas")
	f.StringSliceVar(&o.skip, "skip-rule", nil, "all but these `RULE`s, with commas")
	f.BoolVar(&o.list, "list", false, "list the rules")
	f.StringVar(&o.explain, "explain", "", "tell why a `RULE` is there, what it finds, and what to write instead")
	for _, name := range []string{"rule", "skip-rule", "explain"} {
		complete := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return lint.Names(), cobra.ShellCompDirectiveNoFileComp
		}
		if err := cmd.RegisterFlagCompletionFunc(name, complete); err != nil {
			panic(err) // the flag was declared above
		}
	}
	return cmd
}

func (a *app) lint(args []string, o lintOptions) error {
	for _, name := range append(append([]string{}, o.only...), o.skip...) {
		if err := knownRule(name); err != nil {
			return err
		}
	}
	switch {
	case o.list:
		return a.listRules()
	case o.explain != "":
		return a.explainRule(o.explain)
	}
	code, m := 0, &marks{app: a}
	for _, arg := range args {
		names, err := runbooksAmong(arg)
		if err != nil {
			return err
		}
		for _, name := range names {
			bad, err := a.lintOne(name, lint.Options{Only: o.only, Skip: o.skip}, m)
			if err != nil {
				return err
			}
			code = max(code, bad)
		}
	}
	if a.marked() {
		if err := m.show(); err != nil {
			return err
		}
	}
	return ended(code)
}

func knownRule(name string) error {
	if lint.Find(name) != nil {
		return nil
	}
	hint := source.DidYouMean(name, lint.Names())
	if hint == "" {
		hint = "opsctl lint --list lists the rules"
	}
	return usage(fmt.Sprintf("there is no rule %q", name), hint)
}

// runbooksAmong gives the runbooks of a directory, or the name as it is where it is none. Other YAML
// files of the directory, such as an inventory, are left out; those that cannot be read are not.
func runbooksAmong(name string) ([]string, error) {
	if info, _ := os.Stat(name); info == nil || !info.IsDir() { // what is not there is said where it is looked for
		return []string{name}, nil
	}
	files, err := yamlFiles([]string{name})
	if err != nil {
		return nil, err
	}
	var found []string
	for _, file := range files {
		if node, err := source.ReadFile(file, file); err != nil || node.Get("steps") != nil {
			found = append(found, file)
		}
	}
	if len(found) == 0 {
		return nil, invalid("there are no runbooks in "+filepath.Clean(name), "a runbook is a YAML file with steps")
	}
	return found, nil
}

// lintVerdict is what lint says of one runbook to a program.
type lintVerdict struct {
	File     string        `json:"file"`
	OK       bool          `json:"ok"` // it loads, and there are no warnings
	Findings []findingData `json:"findings"`
	Problems []problemData `json:"problems"` // that keep it from being loaded
}

type findingData struct {
	Rule      string        `json:"rule"`
	Severity  lint.Severity `json:"severity"`
	File      string        `json:"file"`
	Line      int           `json:"line"`
	Column    int           `json:"column"`
	EndColumn int           `json:"end_column"`
	Step      string        `json:"step,omitempty"`
	Message   string        `json:"message"`
	Hint      string        `json:"hint,omitempty"`
}

// lintOne looks at one runbook, says what was found, and gives its exit code.
func (a *app) lintOne(name string, options lint.Options, m *marks) (code int, err error) {
	path, rb, warnings, err := a.readRunbook(name)
	if err != nil {
		if a.marked() {
			return m.err(err), nil
		}
		if a.settings.Output == "json" {
			v := verdict{File: name, Problems: []problemData{}}
			code = v.addError(err)
			return code, a.printJSON(lintVerdict{File: path, Findings: []findingData{}, Problems: v.Problems})
		}
		return a.fail(err), nil
	}
	found := lint.Check(rb, options)
	if lint.Worst(found) == lint.Warning {
		code = run.CodeFailed
	}
	if a.marked() {
		m.problems(warnings)
		m.findings(found)
		return code, nil
	}
	for _, w := range warnings {
		a.note(w.Render())
	}
	if a.settings.Output == "json" {
		return code, a.printJSON(lintVerdict{File: path, OK: code == 0, Findings: findingsData(found), Problems: []problemData{}})
	}
	return code, a.print(a.lintText(path, found))
}

// readRunbook finds and loads a runbook; its path is known, as it was given at least, also where it does not load.
func (a *app) readRunbook(name string) (path string, rb *runbook.Runbook, warnings source.Problems, err error) {
	if path, err = a.findRunbook(name); err != nil {
		return name, nil, nil, err
	}
	rb, warnings, err = a.loader(path).Load(path)
	if err != nil {
		if _, ok := source.AsProblems(err); !ok {
			err = invalid("cannot read "+path+": "+reason(err), "")
		}
	}
	return path, rb, warnings, err
}

func findingsData(found []lint.Finding) []findingData {
	list := []findingData{}
	for _, f := range found {
		list = append(list, findingData{
			Rule: f.Rule, Severity: f.Severity, File: f.File.Name, Line: f.Pos.Line, Column: f.Pos.Column, EndColumn: f.EndColumn,
			Step: f.Step, Message: f.Message, Hint: f.Hint,
		})
	}
	return list
}

func (a *app) lintText(path string, found []lint.Finding) string {
	quiet := a.settings.Output == "quiet"
	var b strings.Builder
	warnings, notes := 0, 0
	for i := range found {
		if found[i].Severity == lint.Note {
			if notes++; quiet {
				continue
			}
		} else {
			warnings++
		}
		b.WriteString(found[i].Problem().Render() + "\n")
	}
	if quiet {
		return b.String()
	}
	sign := "ok"
	if warnings > 0 {
		sign = "!!"
	}
	b.WriteString(sign + "  " + path)
	var counts []string
	if warnings > 0 {
		counts = append(counts, plural(warnings, "1 warning", "%d warnings"))
	}
	if notes > 0 {
		counts = append(counts, plural(notes, "1 note", "%d notes"))
	}
	if len(counts) > 0 {
		b.WriteString(" (" + strings.Join(counts, ", ") + ")")
	}
	return b.String() + "\n"
}

type ruleData struct {
	Rule     string        `json:"rule"`
	Severity lint.Severity `json:"severity"`
	Summary  string        `json:"summary"`
	Why      string        `json:"why"`
	Bad      string        `json:"bad"`
	Good     string        `json:"good"`
}

func (a *app) listRules() error {
	var rows [][]string
	var list []ruleData
	for _, r := range lint.Rules() {
		rows = append(rows, []string{r.Name, string(r.Severity), r.Summary})
		list = append(list, ruleData{r.Name, r.Severity, r.Summary, r.Why, r.Bad, r.Good})
	}
	if a.settings.Output == "json" {
		return a.printJSON(list)
	}
	return a.print(view.Table(nil, rows, 0))
}

func (a *app) explainRule(name string) error {
	if err := knownRule(name); err != nil {
		return err
	}
	r := lint.Find(name)
	if a.settings.Output == "json" {
		return a.printJSON(ruleData{r.Name, r.Severity, r.Summary, r.Why, r.Bad, r.Good})
	}
	const width = 100
	return a.print(fmt.Sprintf("%s (%s): %s\n\n%s\nFound in:\n\n%s\nInstead:\n\n%s\nAn exception is a comment on the line, or above it:\n\n    # opsctl:ignore %s the reason\n",
		r.Name, r.Severity, r.Summary, filled(r.Why, width), inset(r.Bad), inset(r.Good), r.Name))
}

func inset(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n    ") + "\n"
}

// filled breaks a text into lines of at most width characters, where its words allow it.
func filled(text string, width int) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		if column > 0 && column+1+len(word) > width {
			b.WriteByte('\n')
			column = 0
		}
		if column > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String() + "\n"
}
