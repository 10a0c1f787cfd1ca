package view

import (
	"strings"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// Ledger names what became of every op that a rollback, or a failure, leaves a word to be said of.
type Ledger struct {
	Undone     []run.Op
	UndoFailed []run.Op
	Left       []run.Op // in place
	Traces     []run.Op // did not complete, and may have left traces
	Pending    []run.Op // their undo waits for the host
}

func (l Ledger) empty() bool {
	return len(l.Undone)+len(l.UndoFailed)+len(l.Left)+len(l.Traces)+len(l.Pending) == 0
}

// ledgerOf reads a ledger off a board.
func ledgerOf(b *Board) Ledger {
	var l Ledger
	for _, s := range b.plan.Steps {
		for i, host := range s.Targets.Hosts {
			op := run.Op{Step: s.ID, Host: b.Hosts[host]}
			switch b.cells[s.Op(int32(i))].Status {
			case Undone:
				l.Undone = append(l.Undone, op)
			case UndoFailed:
				l.UndoFailed = append(l.UndoFailed, op)
			case UndoPending:
				l.Pending = append(l.Pending, op)
			case Left:
				l.Left = append(l.Left, op)
			}
		}
	}
	for _, f := range b.Failures {
		if f.Effects && f.Act != run.Undo {
			l.Traces = append(l.Traces, f.Op)
		}
	}
	return l
}

// ReadLedger reads a ledger off the State of a run, which knows more than a board does.
func ReadLedger(s *run.State, p *plan.Plan) Ledger {
	var l Ledger
	for i := range p.OpCount {
		seen, op := s.See(i), s.Name(i)
		switch {
		case seen.Back == run.StatusUndone:
			l.Undone = append(l.Undone, op)
		case seen.Back == run.StatusUndoFailed:
			l.UndoFailed = append(l.UndoFailed, op)
		case seen.Back == run.StatusUndoPending, seen.Back == run.StatusUndoing:
			l.Pending = append(l.Pending, op)
		case seen.Back == run.StatusTraces, seen.Status.Bad() && seen.Effects:
			l.Traces = append(l.Traces, op)
		case seen.Back == run.StatusLeft && seen.Status == run.StatusChanged:
			l.Left = append(l.Left, op)
		}
	}
	return l
}

// byStep writes ops as "step on hosts", steps in the order of their first op.
func byStep(ops []run.Op) string {
	hosts := map[string][]string{}
	var order []string
	for _, op := range ops {
		if hosts[op.Step] == nil {
			order = append(order, op.Step)
		}
		hosts[op.Step] = append(hosts[op.Step], op.Host)
	}
	parts := make([]string, len(order))
	for i, step := range order {
		parts[i] = step + " on " + foldWithin(hosts[step], foldedHostsMax)
	}
	return strings.Join(parts, "; ")
}

// stepsAndHosts gives the distinct steps and hosts of some ops.
func stepsAndHosts(ops []run.Op) (steps, hosts []string) {
	seen := map[string]bool{}
	for _, op := range ops {
		if !seen["s"+op.Step] {
			seen["s"+op.Step] = true
			steps = append(steps, op.Step)
		}
		if !seen["h"+op.Host] {
			seen["h"+op.Host] = true
			hosts = append(hosts, op.Host)
		}
	}
	return steps, hosts
}
