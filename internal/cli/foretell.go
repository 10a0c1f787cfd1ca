package cli

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

func inputsOf(store *journal.Store, id string) (inputs, error) {
	var in inputs
	raw, err := store.Inputs(id)
	if err != nil {
		return in, err
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return in, fmt.Errorf("cannot read what run %s was made of: %w", id, err)
	}
	return in, nil
}

// fateData is what a program is told of an op that a rollback would look at.
type fateData struct {
	run.Op
	Fate    string `json:"fate"` // undo, left, pinned, traces
	Command string `json:"command,omitempty"`
}

// foretell tells what a rollback would take back. No host is asked: undos are sealed in the journal.
func (a *app) foretell(ref, limit string) error {
	store, _, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	info, events, err := readRun(store, ref)
	if err != nil {
		return err
	}
	p, err := a.fold(store, info, events)
	if err != nil {
		return err
	}
	e := run.Event{Kind: run.RunResumed, Scope: string(plan.ScopeRun)}
	if limit != "" {
		in, err := inputsOf(store, info.ID)
		if err != nil {
			return err
		}
		j, err := reread(info.ID, in)
		if err != nil {
			return err
		}
		e.Scope = string(plan.ScopeHosts)
		if e.Hosts, err = selectNames(j, limit); err != nil {
			return err
		}
	}
	if open := p.state.OpenAttempts(); len(open) > 0 {
		return &exitError{code: codeUsage, message: fmt.Sprintf("run %s has %d attempts whose end is not known yet", shortID(info.ID), len(open)), hint: "opsctl resume " + shortID(info.ID) + " asks the hosts"}
	}
	fates, err := p.state.Foretell(e)
	if err != nil {
		return err
	}
	return a.showFates(info, fates, events)
}

func (a *app) showFates(info journal.RunInfo, fates []run.Fate, events []run.Event) error {
	undos := 0
	var rows [][]string
	for _, f := range fates {
		d := fateData{Op: f.Op, Fate: fateWord(f)}
		if f.Undo {
			undos++
			d.Command = sealedText(events, f.Op)
		}
		if a.settings.Output == "json" {
			if err := a.printJSON(d); err != nil {
				return err
			}
			continue
		}
		sign := map[string]string{"undo": "-", "left in place": "!", "kept in place": "!", "may have left traces": "?"}[d.Fate]
		rows = append(rows, []string{sign, f.Op.Step, f.Op.Host, d.Fate, d.Command})
	}
	if a.settings.Output == "json" {
		return nil
	}
	text := view.Table(nil, rows, a.columns())
	if len(rows) > 0 {
		text += "\n"
	}
	text += fmt.Sprintf("Rollback of run %s: %s to take back, %d to leave. Nothing was touched.\n", shortID(info.ID), plural(undos, "1 op", "%d ops"), len(fates)-undos)
	return a.print(a.shown(text))
}

func fateWord(f run.Fate) string {
	switch {
	case f.Undo:
		return "undo"
	case f.Pinned:
		return "kept in place"
	case f.Status == run.StatusChanged:
		return "left in place"
	}
	return "may have left traces"
}

// sealedText gives the first line of what an undo would run.
func sealedText(events []run.Event, op run.Op) string {
	text := ""
	for _, e := range events {
		if e.Op != op || e.Undo == nil {
			continue
		}
		switch {
		case len(e.Undo.Argv) > 0:
			text = strings.Join(e.Undo.Argv, " ")
		case e.Undo.Restore != "" && e.Undo.Script == ":":
			text = "puts kept files back"
		case strings.Contains(e.Undo.Script, "op_keep="):
			text = "built in"
		default:
			text, _, _ = strings.Cut(strings.TrimSpace(e.Undo.Script), "\n")
		}
	}
	return text
}
