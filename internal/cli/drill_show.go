package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/drill"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/run"
)

// drillRow is what a drill says of one step.
type drillRow struct {
	Step    string             `json:"step"`
	Host    string             `json:"host,omitempty"`
	Verdict drill.Verdict      `json:"verdict"`
	Why     string             `json:"why,omitempty"`
	After   bool               `json:"after"`                 // it completed, and the run failed behind it; else it was judged as failed
	Run     string             `json:"run,omitempty"`         // id
	Differ  []drill.Difference `json:"differences,omitempty"` // what is not as before
	Besides []string           `json:"besides,omitempty"`     // steps that left something different, as known
	Crashes []drillCrash       `json:"crashes,omitempty"`     // of --crash
}

// drillCrash is a run of which opsctl was killed.
type drillCrash struct {
	After run.Kind `json:"after"` // the event
	Run   string   `json:"run"`
	Same  bool     `json:"same"` // it ended as the run that was not killed
}

// drillDocument is a drill as data.
type drillDocument struct {
	Runbook string     `json:"runbook"`
	Hosts   []string   `json:"hosts"`
	Crash   bool       `json:"crash"`
	Steps   []drillRow `json:"steps"`
	Proved  int        `json:"proved"`
	Wrong   int        `json:"wrong"`
	Missing int        `json:"missing"`
	Error   string     `json:"error,omitempty"` // why the drill did not come to its end
}

// end shows the drill, and gives its exit code.
func (d *drilling) end() error {
	if err := d.show(""); err != nil {
		return err
	}
	for _, r := range d.rows {
		if !r.Verdict.Fine() {
			return ended(run.CodeFailed)
		}
	}
	return nil
}

// broken shows what was drilled before the drill broke off. For a program, the reason is part of it.
func (d *drilling) broken(err error) error {
	if len(d.rows) == 0 {
		return err
	}
	if showErr := d.show(err.Error()); showErr != nil {
		return errors.Join(err, showErr)
	}
	if d.app.settings.Output == "json" {
		return ended(trouble(err).Code)
	}
	return err
}

func (d *drilling) show(trouble string) error {
	a := d.app
	if a.settings.Output == "json" {
		return a.printJSON(d.document(trouble))
	}
	v := view.Drill{Title: d.base.runbook.Name + " on " + foldPlan(d.base.plan), Crash: d.crash}
	if d.halted != "" {
		v.Last = "The drill stopped: after " + d.halted + " the hosts are not as before. --force goes on."
	}
	if params := summary(d.base); params != "" {
		v.Title += "  " + params
	}
	for _, r := range d.rows {
		row := view.DrillRow{Step: r.Step, Host: r.Host, Verdict: string(r.Verdict), Why: r.Why}
		if len(r.Besides) > 0 {
			row.Why = strings.TrimPrefix(row.Why+"; apart from what "+strings.Join(r.Besides, ", ")+" leaves", "; ")
		}
		for _, difference := range r.Differ {
			row.Differ = append(row.Differ, differenceWords(difference))
		}
		v.Rows = append(v.Rows, row)
	}
	return a.print(view.RenderDrill(v, view.Width(a.out), a.viewOptions().Theme(a.out)))
}

func (d *drilling) document(trouble string) drillDocument {
	doc := drillDocument{Runbook: d.base.runbook.Name, Crash: d.crash, Steps: d.rows, Error: trouble}
	for _, h := range d.base.plan.Hosts {
		doc.Hosts = append(doc.Hosts, h.Name)
	}
	for _, r := range d.rows {
		switch r.Verdict {
		case drill.Proved:
			doc.Proved++
		case drill.Wrong:
			doc.Wrong++
		case drill.Missing:
			doc.Missing++
		}
	}
	return doc
}

// differenceWords tells a difference to people.
func differenceWords(d drill.Difference) string {
	switch d.What {
	case drill.Check:
		return fmt.Sprintf("%s: the check of %s said %s and says %s", d.Host, d.Step, or(d.Before, "nothing"), or(d.After, "nothing"))
	case drill.Appeared:
		return fmt.Sprintf("%s: %s appeared (%s)", d.Host, d.Path, d.After)
	case drill.Vanished:
		return fmt.Sprintf("%s: %s vanished (%s)", d.Host, d.Path, d.Before)
	case drill.Content:
		return fmt.Sprintf("%s: %s has another content", d.Host, d.Path)
	}
	return fmt.Sprintf("%s: %s: %s was %s and is %s", d.Host, d.Path, d.What, d.Before, d.After)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
