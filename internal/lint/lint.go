package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Severity tells how much a finding weighs.
type Severity string

// The severities. Notes do not change how a command ends.
const (
	Warning Severity = "warning"
	Note    Severity = "note"
)

// Rule is one thing that is looked for.
type Rule struct {
	Name     string
	Severity Severity // of its findings; single ones may be notes
	Summary  string   // one line: what is found
	Why      string
	Bad      string // a runbook in which it is found
	Good     string // what to write instead

	check func(*pass)
}

// Finding is one thing that was found.
type Finding struct {
	Rule      string
	Severity  Severity
	File      *source.File
	Pos       source.Pos
	EndColumn int // of the first character behind it, on the same line
	Step      string
	Message   string
	Hint      string

	lines []int // on which an exception may stand, beside the line of the finding
}

// Problem gives the finding as a problem that stops nothing, the name of its rule in brackets.
func (f *Finding) Problem() *source.Problem {
	return &source.Problem{
		File: f.File, Pos: f.Pos, Width: f.EndColumn - f.Pos.Column, Message: fmt.Sprintf("%s [%s]", f.Message, f.Rule), Hint: f.Hint,
		Warning: true, Note: f.Severity == Note,
	}
}

// Options say which rules are asked.
type Options struct {
	Only []string // no others; empty: all
	Skip []string
}

// Names lists the names of all rules, in the order of the table.
func Names() []string {
	var names []string
	for _, r := range Rules() {
		names = append(names, r.Name)
	}
	return names
}

// Find gives the rule of a name, or nil.
func Find(name string) *Rule {
	for _, r := range Rules() {
		if r.Name == name {
			return &r
		}
	}
	return nil
}

func (o Options) asks(name string) bool {
	return (len(o.Only) == 0 || slices.Contains(o.Only, name)) && !slices.Contains(o.Skip, name)
}

// Check looks at a runbook and gives what it found, in the order of the file. Exceptions that the
// runbook makes by comments are taken out, and are findings themselves where they are not right.
func Check(rb *runbook.Runbook, options Options) []Finding {
	p := newPass(rb)
	for _, r := range Rules() { // all of them: an exception may speak of a rule that is not asked
		if r.check != nil {
			p.rule = &r
			r.check(p)
		}
	}
	found := slices.DeleteFunc(p.except(), func(f Finding) bool { return !options.asks(f.Rule) })
	slices.SortStableFunc(found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column), cmp.Compare(a.Rule, b.Rule))
	})
	return slices.CompactFunc(found, func(a, b Finding) bool {
		return a.Rule == b.Rule && a.Pos == b.Pos && a.Message == b.Message
	})
}

// Worst gives the highest severity among findings, "" if there are none.
func Worst(found []Finding) Severity {
	var worst Severity
	for _, f := range found {
		if f.Severity == Warning {
			return Warning
		}
		worst = f.Severity
	}
	return worst
}
