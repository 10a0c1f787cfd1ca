package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// table shows steps by hosts: a column a host where they fit, else counts.
func (r *renderer) table() []string {
	label := r.labelWidth()
	if columns, header := r.columns(label); columns != nil {
		return r.byHost(label, columns, header)
	}
	return r.counted(label)
}

func (r *renderer) labelWidth() int {
	width := 8
	for _, row := range r.board.Rows {
		width = max(width, 2*row.Depth+ansi.StringWidth(r.theme.oneLine(row.Title)))
	}
	return min(width, max(8, r.width*2/5))
}

func (r *renderer) label(row *Row, width int) string {
	text := cut(strings.Repeat("  ", min(row.Depth, 8))+r.theme.oneLine(row.Title), width, r.theme.ellipsis())
	if row.Block {
		return r.theme.paint(toneBold, pad(text, width))
	}
	return pad(text, width)
}

// columns gives the width of each host's column, or nil where they do not fit.
func (r *renderer) columns(label int) (widths []int, header string) {
	total := label
	names := r.columnNames()
	widths = make([]int, len(names))
	for i, name := range names {
		widths[i] = max(ansi.StringWidth(name), 2)
		total += widths[i] + columnGap
		if total > r.width {
			return nil, ""
		}
	}
	header = strings.Repeat(" ", label)
	for i, name := range names {
		header += "  " + pad(name, widths[i])
	}
	return widths, r.theme.paint(toneFaint, header)
}

// columnNames are the hosts' names without the domain that all share, and not too long.
func (r *renderer) columnNames() []string {
	hosts := r.board.Hosts
	names := make([]string, len(hosts))
	domain := sharedDomain(hosts)
	for i, h := range hosts {
		names[i] = cut(r.theme.oneLine(strings.TrimSuffix(h, domain)), hostColumnMax, r.theme.ellipsis())
	}
	return names
}

// sharedDomain is what follows the first dot of every name, if that is the same for all.
func sharedDomain(hosts []string) string {
	domain := ""
	for i, h := range hosts {
		_, rest, found := strings.Cut(h, ".")
		if !found || strings.Trim(h, "0123456789.") == "" || i > 0 && "."+rest != domain {
			return ""
		}
		domain = "." + rest
	}
	return domain
}

func (r *renderer) byHost(label int, widths []int, header string) []string {
	lines := []string{header}
	for _, row := range r.board.Rows {
		line := r.label(row, label)
		for host, width := range widths {
			cell, shown := r.board.Cell(row, host)
			if !shown || cell.Status == Pending {
				line += strings.Repeat(" ", width+columnGap)
				continue
			}
			r.seen[cell.Status] = true
			sign := r.theme.sign(cell.Status)
			if cell.Flags&(Recovered|Tolerated) != 0 {
				sign += "*"
				r.starred = true
			}
			line += "  " + r.theme.paint(statusFaces[cell.Status].tone, pad(sign, width))
		}
		lines = append(lines, line)
	}
	return lines
}

// shownOrder is the order in which counts stand: what needs eyes first.
var shownOrder = [...]Status{
	Failed, TimedOut, Unreachable, Unknown, UndoFailed, UndoPending, Cancelled,
	Running, Waiting, Undoing, Changed, OK, Undone, Left, Skipped, Pending,
}

func (r *renderer) counted(label int) []string {
	lines := []string{r.theme.paint(toneFaint, foldWithin(r.board.Hosts, max(20, r.width-2)))}
	for _, row := range r.board.Rows {
		line := r.label(row, label) + r.counts(row, true)
		if ansi.StringWidth(line) > r.width {
			line = r.label(row, label) + r.counts(row, false)
		}
		lines = append(lines, line)
	}
	return lines
}

// counts says how many ops of a row stand how; without words the signs have to do.
func (r *renderer) counts(row *Row, words bool) string {
	text := ""
	for _, s := range shownOrder {
		n := row.counts[s]
		if n == 0 || s == Pending && (row.Block || row.steps[0].Once) {
			continue
		}
		if s == Pending && r.board.Phase == Finished {
			s = Blocked
		}
		if !words && s == Pending {
			continue
		}
		r.seen[s] = true
		part := strings.TrimSpace(fmt.Sprintf("%s %d", r.theme.sign(s), n))
		if words {
			part += " " + s.String()
		}
		text += "  " + r.theme.paint(statusFaces[s].tone, part)
	}
	return text
}

// window keeps n lines of a table: its head, and the rows around those at work.
func (r *renderer) window(lines []string, n int) []string {
	if len(lines) <= n || n < 4 {
		return r.fold(lines, n, "rows")
	}
	rows, room := lines[1:], n-1
	start := clamp(r.focus()-room/2, 0, len(rows)-room)
	end := start + room
	if start > 0 {
		start++ // what says how many are above stands in its place
	}
	if end < len(rows) {
		end--
	}
	kept := []string{lines[0]}
	if start > 0 {
		kept = append(kept, r.hidden(r.board.Rows[:start]))
	}
	kept = append(kept, rows[start:end]...)
	if end < len(rows) {
		kept = append(kept, r.hidden(r.board.Rows[end:]))
	}
	return kept
}

// focus is the first row at work, else the last one that began.
func (r *renderer) focus() int {
	last := 0
	for i, row := range r.board.Rows {
		if row.counts[Running]+row.counts[Waiting]+row.counts[Undoing] > 0 {
			return i
		}
		for s := Running; s < statusCount; s++ {
			if row.counts[s] > 0 {
				last = i
			}
		}
	}
	return last
}

// hidden sums up rows that do not fit.
func (r *renderer) hidden(rows []*Row) string {
	var sum Row
	for _, row := range rows {
		for s, n := range row.counts {
			sum.counts[s] += n
		}
	}
	sum.counts[Pending] = 0
	line := r.theme.paint(toneFaint, fmt.Sprintf("  %s %d rows", r.theme.ellipsis(), len(rows)))
	return line + r.counts(&sum, true)
}
