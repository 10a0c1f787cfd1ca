package cli

import (
	"errors"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/lint"
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
)

// marks gathers remarks about files, for the output modes whose readers show them beside the lines.
type marks struct {
	app  *app
	list []view.Mark
}

// marked tells whether what is wrong is said as marks: github, sarif.
func (a *app) marked() bool { return a.settings.Output == "github" || a.settings.Output == "sarif" }

func (m *marks) problems(list source.Problems) {
	for _, p := range list {
		m.list = append(m.list, view.MarkOf(p))
	}
}

// err notes any error as marks, and gives the exit code it leads to.
func (m *marks) err(err error) int {
	t := trouble(err)
	var config *configError
	problems, ok := source.AsProblems(err)
	if !ok && errors.As(err, &config) {
		problems = config.problems
	}
	if len(problems) > 0 {
		m.problems(problems)
		return t.Code
	}
	m.list = append(m.list, view.Mark{Level: "error", Message: strings.Join(append([]string{t.Message}, t.Details...), "\n"), Hint: t.Hint})
	return t.Code
}

func (m *marks) findings(list []lint.Finding) {
	for _, f := range list {
		m.list = append(m.list, view.Mark{
			File: f.File.Name, Line: f.Pos.Line, Column: f.Pos.Column, EndColumn: f.EndColumn, Level: string(f.Severity), Rule: f.Rule,
			Message: f.Message, Hint: f.Hint,
		})
	}
}

// show writes all of them: one document, whatever many files were looked at.
func (m *marks) show() error {
	if m.app.settings.Output == "github" {
		return view.WriteGitHub(m.app.out, m.list)
	}
	var rules []view.MarkRule
	for _, r := range lint.Rules() {
		if slices.ContainsFunc(m.list, func(mark view.Mark) bool { return mark.Rule == r.Name }) {
			rules = append(rules, view.MarkRule{Name: r.Name, Summary: r.Summary})
		}
	}
	log, err := view.SARIF(version, rules, m.list)
	if err != nil {
		return err
	}
	return m.app.print(string(log) + "\n")
}
