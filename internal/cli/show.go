package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func newShow(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "show [RUN]", GroupID: "past",
		Short: "Show what happened in a run, step by step",
		Long: `Show a run: who made it of what, how every step ended on every host, what failed and why, what was taken back,
and what to type next. It also works while the run goes on, and after it was interrupted. RUN is an id, its
unique end or beginning, last, or last:NAME.`,
		Example: "  opsctl show\n  opsctl show 7f3kq2\n  opsctl show last:rolling-deploy\n  opsctl show last --output json",
		Args:    atMost(1, "at most one run"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.show(first(args, "last")) },
	}
}

func (a *app) show(ref string) error {
	store, _, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	info, err := store.Find(ref)
	if err != nil {
		return err
	}
	events, damage := store.Read(info.ID)
	if damage != nil && events == nil {
		return damage
	}
	if a.settings.Output == "json" {
		for _, e := range events {
			if err := a.printJSON(e); err != nil {
				return err
			}
		}
		return damage
	}
	raw, err := store.Inputs(info.ID)
	if err != nil {
		return err
	}
	if err := a.tell(info, raw, events); err != nil {
		return err
	}
	return damage
}

// tell writes a run for people.
func (a *app) tell(info journal.RunInfo, raw []byte, events []run.Event) error {
	var in inputs
	if err := json.Unmarshal(raw, &in); err != nil {
		return fmt.Errorf("cannot read what run %s was made of: %w", info.ID, err)
	}
	j, err := reread(info.ID, in)
	if err != nil { // written by another version: the facts can still be told
		a.note("the runbook of this run cannot be planned any more, so its events are listed: " + firstLine(err))
		return a.print(view.Sanitise(header(info, "") + "\n" + eventLines(events)))
	}
	theme := a.viewOptions().Theme(a.out)
	board := view.NewBoard(j.plan, view.RunInfo{ID: info.ID, Runbook: info.Runbook, Params: summary(j), Started: info.Started})
	for _, e := range events {
		board.Apply(e)
	}
	width := view.Width(a.out)
	text := header(info, summary(j)) + "\n" + statusTable(board, a.columns()) + "\n"
	return a.print(view.Sanitise(text) + view.Summary(board, run.Event{}, ledgerAfter(j, events), theme, width))
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// reread plans a run again from what was kept of it. The values of secret params were not: three
// stars stand for them, which no longer have to fit what the runbook asks of the param.
func reread(id string, in inputs) (*request, error) {
	rb, err := in.reload()
	if err != nil {
		return nil, err
	}
	given := map[string]runbook.Given{}
	for _, p := range rb.Params {
		if !p.Secret {
			given[p.Name] = runbook.Given{Value: in.Params[p.Name]}
			continue
		}
		stars := "***"
		p.Type, p.Enum, p.Pattern, p.Min, p.Max = "string", nil, nil, nil, nil
		given[p.Name] = runbook.Given{Text: &stars}
	}
	values, err := rb.Values(intsBack(rb, given))
	if err != nil {
		return nil, err
	}
	j := &request{
		id: id, path: in.Path, runbook: rb, inv: inventory.Restore(in.Inventory), values: values, started: in.Started,
		user: in.User, limit: in.Limit, picks: in.Select, env: in.Env,
	}
	return j, j.build()
}

// ledgerAfter folds the events into a State and reads the last words off it. Events that do not
// fit leave the ledger to the board, which passes them over.
func ledgerAfter(j *request, events []run.Event) view.Ledger {
	state := run.New(j.plan, run.Limits{})
	for _, e := range events {
		if err := state.Apply(e); err != nil {
			return view.Ledger{}
		}
	}
	return view.ReadLedger(state, j.plan)
}

func header(info journal.RunInfo, params string) string {
	started := info.Started.Local().Format("2006-01-02 15:04:05") + ", " + ago(time.Since(info.Started))
	result := resultWord(info)
	switch info.State {
	case journal.Finished:
		result += fmt.Sprintf(" (exit code %d)", info.Code)
	case journal.Interrupted:
		result += ": its process is gone; what was started on hosts goes on there by itself"
	}
	rows := [][]string{
		{"run", fmt.Sprintf("%s  (%s)", shortID(info.ID), info.ID)},
		{"runbook", info.Runbook + "  " + info.Path},
		{"params", dash(params)},
		{"who", info.User + " on " + info.Owner.Host},
		{"started", started},
		{"took", roughly(duration(info))},
		{"result", result},
	}
	return view.Table(nil, rows, 0)
}

// statusTable has a line for each step, with the hosts that fared alike together.
func statusTable(b *view.Board, width int) string {
	var rows [][]string
	for _, row := range b.Rows {
		hosts := map[string][]string{}
		var order []string
		for i, host := range b.Hosts {
			cell, shown := b.Cell(row, i)
			if !shown {
				continue
			}
			word := statusWord(cell)
			if hosts[word] == nil {
				order = append(order, word)
			}
			hosts[word] = append(hosts[word], host)
		}
		var parts []string
		for _, word := range order {
			parts = append(parts, word+" "+view.FoldHosts(hosts[word]))
		}
		rows = append(rows, []string{strings.Repeat("  ", row.Depth) + row.ID[strings.LastIndexByte(row.ID, '/')+1:], strings.Join(parts, "; ")})
	}
	return view.Table(nil, rows, width)
}

func statusWord(c view.Cell) string {
	word := c.Status.String()
	switch {
	case c.Flags&view.Tolerated != 0:
		word += " (tolerated)"
	case c.Flags&view.Recovered != 0:
		word += " (after a retry)"
	}
	return word
}

func eventLines(events []run.Event) string {
	var rows [][]string
	for _, e := range events {
		said := e.String()
		for _, more := range []string{e.Message, e.Reason} {
			if more != "" {
				said += ": " + more
			}
		}
		rows = append(rows, []string{e.Time.Local().Format(time.TimeOnly), said})
	}
	return view.Table(nil, rows, 0)
}
