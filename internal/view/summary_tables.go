package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/pkg/run"
)

// hostTable says for each host, or group of hosts that fared the same, how many ops ended how.
func (s *summarist) hostTable() {
	b := s.board
	type fate struct {
		counts  [statusCount]int
		reached bool
	}
	fates := make([]fate, len(b.Hosts))
	for _, row := range b.Rows {
		if row.Block && len(row.steps) == 0 {
			continue
		}
		for host := range b.Hosts {
			cell, shown := b.Cell(row, host)
			if shown && (!row.Block || cell.Status != Pending) {
				fates[host].counts[cell.Status]++
			}
		}
	}
	groups := map[fate][]string{}
	var order []fate
	for host, f := range fates {
		f.reached = !b.hosts[host].missing
		if f == (fate{reached: true}) {
			continue // only a place for the steps of others
		}
		if groups[f] == nil {
			order = append(order, f)
		}
		groups[f] = append(groups[f], b.Hosts[host])
	}
	if len(order) == 0 {
		return
	}
	var rows [][]string
	for i, f := range order {
		if i == groupsListed {
			rows = append(rows, []string{"  " + s.theme.ellipsis(), fmt.Sprintf("%d more groups of hosts", len(order)-i)})
			break
		}
		text := s.countsText(f.counts)
		if !f.reached {
			text = s.theme.word(Unreachable) + ", " + text
		}
		rows = append(rows, []string{"  " + foldWithin(groups[f], 30), text})
	}
	s.text.WriteString("\n" + Table(nil, rows, s.width))
}

func (s *summarist) countsText(c [statusCount]int) string {
	var parts []string
	for _, status := range append(shownOrder[:], Blocked) {
		if n := c[status]; n > 0 {
			parts = append(parts, s.theme.paint(statusFaces[status].tone, fmt.Sprintf("%d %s", n, status)))
		}
	}
	return strings.Join(parts, ", ")
}

// special names the ops that are more than done or not: what went back, what stays, what only
// went well in the end.
func (s *summarist) special() {
	recovered, tolerated := s.flagged()
	sections := []struct {
		word string
		ops  []run.Op
	}{
		{"taken back", s.ledger.Undone},
		{"left in place", s.ledger.Left},
		{"may have left traces", s.ledger.Traces},
		{"undo pending", s.ledger.Pending},
		{"undo failed", s.ledger.UndoFailed},
		{"recovered by a retry", recovered},
		{"tolerated", tolerated},
	}
	first := true
	for _, section := range sections {
		if len(section.ops) == 0 {
			continue
		}
		if first {
			s.text.WriteByte('\n')
			first = false
		}
		s.wrap("  "+pad(section.word+":", 22), strings.Repeat(" ", 24), byStep(section.ops))
	}
}

func (s *summarist) flagged() (recovered, tolerated []run.Op) {
	b := s.board
	for _, step := range b.plan.Steps {
		for i, host := range step.Targets.Hosts {
			cell := b.cells[step.Op(int32(i))]
			op := run.Op{Step: step.ID, Host: b.Hosts[host]}
			if cell.Flags&Recovered != 0 {
				recovered = append(recovered, op)
			}
			if cell.Flags&Tolerated != 0 {
				tolerated = append(tolerated, op)
			}
		}
	}
	return recovered, tolerated
}

// failures stand last and together, identical ones once.
func (s *summarist) failures() {
	groups := groupFailures(s.board.Failures)
	for i, g := range groups {
		s.text.WriteByte('\n')
		if i == failuresListed {
			fmt.Fprintf(&s.text, "%s %d more kinds of failure\n", s.theme.ellipsis(), len(groups)-i)
			return
		}
		s.failure(g)
	}
}

func (s *summarist) failure(g *failureGroup) {
	f, t := g.first, s.theme
	s.wrap(t.mark(f.Status)+" ", "  ", t.paint(toneBold, foldWithin(g.hosts, foldedHostsMax))+"  "+f.said(t))
	if f.Command != "" {
		s.text.WriteString(cut("    command: "+t.oneLine(f.Command), s.width, t.ellipsis()) + "\n")
	}
	for _, line := range t.lastLines(f.Tail, tailLinesMax) {
		s.text.WriteString(cut("    "+t.pick("│", "|")+" "+line, s.width, t.ellipsis()) + "\n")
	}
	if f.Effects && f.Act != run.Undo {
		s.text.WriteString("    the host may have been changed\n")
	}
	if f.Op.Step == "" {
		if f.Hint != "" {
			s.wrap("    hint: ", "      ", t.oneLine(f.Hint))
			return
		}
		fmt.Fprintf(&s.text, "    look: opsctl ping -l %s\n", f.Op.Host)
		return
	}
	fmt.Fprintf(&s.text, "    all of it: opsctl logs %s --host %s --step %s\n", shortID(s.board.Info.ID), f.Op.Host, f.Op.Step)
}

// next says what to type now.
func (s *summarist) next() {
	id := shortID(s.board.Info.ID)
	var moves [][]string
	add := func(command, why string) { moves = append(moves, []string{"  opsctl " + command, "# " + why}) }
	switch s.board.Result {
	case run.Succeeded:
		fmt.Fprintf(&s.text, "\ndetails: opsctl show %s\n", id)
		return
	case run.RunFailed:
		add("show "+id, "what happened, step by step")
		add("resume "+id+" --retry-failed", "try again what failed")
		if s.board.Count(Changed) > 0 {
			add("rollback "+id, "take back what was changed")
		}
	case run.RolledBack:
		add("show "+id, "what happened, step by step")
	case run.Unreached:
		add("ping"+s.behind()+s.missing(), "until they answer")
		if s.unbegun() {
			add("resume "+id, "then go on")
		}
		if s.board.Count(Changed) > 0 {
			add("rollback "+id, "take back what was changed")
		}
	case run.PersonNeeded:
		s.needed(id, add)
	default:
		if s.board.Count(Cancelled) > 0 {
			add("resume "+id, "end it as the runbook says; with --retry-failed what was cancelled is started again")
		} else {
			add("resume "+id, "go on")
		}
		if s.board.Count(Changed) > 0 {
			add("rollback "+id, "take back what was changed")
		}
	}
	s.text.WriteString("\nnext:\n" + Table(nil, moves, 0))
}

// unbegun tells that the run ended where its hosts were asked, so that it can be resumed.
func (s *summarist) unbegun() bool {
	return !slices.ContainsFunc(s.board.Failures, func(f *Failure) bool { return f.Op.Step != "" })
}

// missing selects the hosts that were not reached, where they are few.
func (s *summarist) missing() string {
	const few = 4
	var hosts []string
	for _, f := range s.board.Failures {
		if f.Status == Unreachable && !slices.Contains(hosts, f.Op.Host) {
			hosts = append(hosts, f.Op.Host)
		}
	}
	if len(hosts) == 0 || len(hosts) > few {
		return ""
	}
	return " -l " + strings.Join(hosts, ",")
}

// behind lets the hosts be asked behind sudo, where it was sudo that did not let us in.
func (s *summarist) behind() string {
	if slices.ContainsFunc(s.board.Failures, func(f *Failure) bool { return f.Status == Unreachable && f.Class == "sudo" }) {
		return " --sudo"
	}
	return ""
}

// needed offers a move for each thing that only a person can settle.
func (s *summarist) needed(id string, add func(command, why string)) {
	const each = 3
	unknown := 0
	for _, f := range s.board.Failures {
		if f.Status == Unknown && f.Op.Step != "" && f.Act != run.Undo {
			if unknown++; unknown <= each {
				add(fmt.Sprintf("logs %s --host %s --step %s", id, f.Op.Host, f.Op.Step), "whether it ran to its end is unknown: look there, and on the host")
			}
		}
	}
	if unknown > 0 {
		add("resolve "+id, "then say what became of it")
	}
	if len(s.ledger.UndoFailed) > 0 {
		add("show "+id, "what stays, and why")
	}
	if len(s.ledger.Pending)+len(s.ledger.UndoFailed) > 0 {
		_, hosts := stepsAndHosts(append(append([]run.Op{}, s.ledger.Pending...), s.ledger.UndoFailed...))
		add("rollback "+id, "go on taking back, on "+foldWithin(hosts, 30))
	}
	if unknown == 0 && len(s.ledger.Pending)+len(s.ledger.UndoFailed) == 0 {
		add("show "+id, "what happened, step by step")
	}
}
