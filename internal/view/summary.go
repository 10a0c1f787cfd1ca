package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"github.com/opsctl/opsctl/pkg/run"
)

// Summary says in plain words what became of a run: first what happened, last what failed and
// what to type next. A zero Ledger is read off the board. finished may be zero where the board
// has seen the end.
func Summary(b *Board, finished run.Event, ledger Ledger, theme Theme, width int) string {
	if finished.Kind == run.RunFinished && b.Phase != Finished {
		b.Apply(finished)
	}
	return summary(b, ledger, theme, width)
}

func summary(b *Board, ledger Ledger, theme Theme, width int) string {
	if ledger.empty() {
		ledger = ledgerOf(b)
	}
	s := &summarist{board: b, ledger: ledger, theme: theme, width: clamp(width, widthMin, 100)}
	s.sentence()
	s.hostTable()
	s.special()
	s.failures()
	s.next()
	return s.text.String()
}

type summarist struct {
	board  *Board
	ledger Ledger
	theme  Theme
	width  int
	text   strings.Builder
}

// wrap writes a paragraph; lines after the first stand below its indent.
func (s *summarist) wrap(first, indent, text string) {
	width := max(widthMin, s.width-ansi.StringWidth(first))
	for i, line := range strings.Split(ansi.Wrap(text, width, ""), "\n") {
		if i == 0 {
			s.text.WriteString(first)
		} else {
			s.text.WriteString(indent)
		}
		s.text.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func (s *summarist) sentence() {
	b := s.board
	name := s.theme.oneLine(b.Info.Runbook)
	took := ""
	if !b.Ended.IsZero() && b.Resumed == 0 {
		took = " after " + elapsed(b.Ended.Sub(b.Info.Started).Round(1e8))
	}
	var said string
	switch b.Result {
	case run.Succeeded:
		said = name + " succeeded" + took + " on " + foldWithin(b.Hosts, foldedHostsMax) + ": " + s.amount() + "."
	case run.RunFailed:
		said = name + " failed" + took + ": " + s.cause() + "." + s.takenBack()
	case run.RolledBack:
		said = name + " was rolled back" + took + because(s.whyBack()) + ". Everything that declares an undo was taken back."
	case run.Unreached:
		said = name + " could not reach every host: " + s.cause() + "." + s.untouched()
	case run.PersonNeeded:
		said = name + " needs a person" + took + ": " + s.need() + "."
	case run.Stopped:
		said = name + " was stopped" + took + because(s.theme.oneLine(b.Reason)) + ". " + s.progress()
	default:
		said = name + " has not ended. " + s.progress()
	}
	sign, tone := s.theme.sign(Failed), resultTone(b.Result)
	switch b.Result {
	case run.Succeeded:
		sign = s.theme.sign(OK)
	case run.RolledBack:
		sign = s.theme.sign(Undone)
	case run.Stopped, run.PersonNeeded:
		sign = s.theme.sign(Unreachable)
	}
	s.wrap(s.theme.paint(tone, sign)+" ", "  ", said)
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func (s *summarist) amount() string {
	changed, ok := s.board.Count(Changed), s.board.Count(OK)
	switch {
	case changed == 0 && ok == 0:
		return "nothing had to be done"
	case changed == 0:
		return fmt.Sprintf("nothing had to be changed, %d ok", ok)
	}
	return fmt.Sprintf("%d changed, %d ok", changed, ok)
}

// whyBack says why the run went back: a person may have asked for it.
func (s *summarist) whyBack() string {
	if s.board.asked {
		return "as asked"
	}
	return s.cause()
}

// cause names the first failure that was not tolerated, and counts the others.
func (s *summarist) cause() string {
	groups := groupFailures(slices.DeleteFunc(slices.Clone(s.board.Failures), func(f *Failure) bool { return f.Tolerated || f.Act == run.Undo }))
	if len(groups) == 0 { // nothing but hosts that were left out of a rollout
		groups = groupFailures(slices.DeleteFunc(slices.Clone(s.board.Failures), func(f *Failure) bool { return f.Act == run.Undo }))
	}
	if len(groups) == 0 {
		if s.board.Reason != "" {
			return s.theme.oneLine(s.board.Reason)
		}
		return "no step says why"
	}
	g := groups[0]
	hosts := foldWithin(g.hosts, foldedHostsMax)
	what := fmt.Sprintf("%s %s on %s", g.first.Op.Step, verb(g.first.Status), hosts)
	if g.first.Op.Step == "" {
		what = hosts + because(s.theme.oneLine(g.first.Class+": "+g.first.Message))
	}
	if n := len(groups) - 1; n > 0 {
		what += fmt.Sprintf(", and %d more %s", n, plural(n, "failure", "failures"))
	}
	return what
}

func verb(s Status) string {
	switch s {
	case Unreachable, Unknown:
		return "is " + s.String()
	case Cancelled:
		return "was cancelled"
	}
	return s.String()
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

func (s *summarist) takenBack() string {
	switch {
	case len(s.board.Rollbacks) == 0 && s.board.Count(Changed) == 0 && len(s.ledger.Traces) > 0:
		return " Nothing is known to be changed; what broke off may have left traces."
	case len(s.board.Rollbacks) == 0 && s.board.Count(Changed) == 0:
		return " Nothing was changed."
	case len(s.board.Rollbacks) == 0:
		return " Nothing was taken back: what was changed before it stays."
	}
	return fmt.Sprintf(" Part of it was taken back (%s); the rest stays.", strings.Join(s.board.Rollbacks, ", "))
}

func (s *summarist) untouched() string {
	if s.board.Count(Pending) == s.board.plan.OpCount {
		return " Nothing was started on any host."
	}
	return ""
}

func (s *summarist) need() string {
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, plural(n, one, many)))
		}
	}
	add(len(s.ledger.UndoFailed), "undo failed", "undos failed")
	add(len(s.ledger.Pending), "undo is pending", "undos are pending")
	add(s.board.Count(Unknown), "outcome is unknown", "outcomes are unknown")
	if len(parts) == 0 {
		return s.cause()
	}
	return strings.Join(parts, ", ")
}

func (s *summarist) progress() string {
	done := s.board.Count(Changed) + s.board.Count(OK) + s.board.Count(Skipped)
	return fmt.Sprintf("%d done, %d not begun.", done, s.board.Count(Pending))
}
