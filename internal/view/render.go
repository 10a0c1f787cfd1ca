package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// Render gives the live screen: at most height lines, each at most width columns, none ending
// with a newline but the inner ones.
func Render(b *Board, width, height int, now time.Time, theme Theme, notes ...string) string {
	width, height = clamp(width, 1, widthMax), clamp(height, 1, heightMax)
	r := &renderer{board: b, width: width, now: now, theme: theme}
	head := r.header()
	foot := append(r.running(), r.failures()...)
	foot = append(foot, r.notes(notes)...)
	room := height - len(head)
	foot = r.fold(foot, max(room*2/3, min(room, 3)), "lines")
	table := r.window(r.table(), room-len(foot))
	if legend := r.legend(); len(head)+len(table)+len(foot) < height && len(table) > 0 {
		table = append(table, legend)
	}
	lines := append(append(head, table...), foot...)
	if len(lines) > height {
		lines = lines[:height]
	}
	for i, line := range lines {
		lines[i] = cut(strings.TrimRight(line, " "), width, theme.ellipsis())
	}
	return strings.Join(lines, "\n")
}

type renderer struct {
	board   *Board
	width   int
	now     time.Time
	theme   Theme
	seen    [statusCount]bool // signs that the table used
	starred bool
}

// header says which run this is, how long it goes on, and what it is at.
func (r *renderer) header() []string {
	b, t := r.board, r.theme
	end := r.now
	if !b.Ended.IsZero() {
		end = b.Ended
	}
	left := t.paint(toneBold, t.oneLine(b.Info.Runbook))
	if b.Info.ID != "" {
		left += "  " + t.paint(toneFaint, shortID(b.Info.ID))
	}
	if b.Info.Started.IsZero() {
		end = b.Info.Started
	}
	right := elapsed(end.Sub(b.Info.Started)) + "  " + r.phase()
	space := r.width - ansi.StringWidth(right)
	if space < 12 {
		return []string{left, right}
	}
	lines := []string{pad(cut(left, space-2, t.ellipsis()), space) + right}
	if b.Reason != "" && b.Phase != Finished {
		lines = append(lines, t.paint(toneWarn, b.Phase.String()+": "+t.oneLine(b.Reason)))
	}
	for _, w := range b.Waves {
		if w.Wave > 0 && !w.Done && b.Phase == Forward {
			lines = append(lines, r.wave(w))
		}
	}
	return lines
}

func (r *renderer) phase() string {
	switch p := r.board.Phase; p {
	case Finished:
		return r.theme.paint(resultTone(r.board.Result), resultWord(r.board.Result))
	case Preflight:
		return r.theme.paint(toneActive, fmt.Sprintf("%s %d/%d", p, r.board.reached, len(r.board.Hosts)))
	case Stopping, RollingBack:
		return r.theme.paint(toneWarn, p.String())
	default:
		return r.theme.paint(toneActive, p.String())
	}
}

func (r *renderer) wave(w *WaveFacts) string {
	line := fmt.Sprintf("wave %d of %d", w.Wave, w.Count)
	if w.Block != "" && len(r.board.Waves) > 1 {
		line = w.Block + " " + line
	}
	line += ": " + foldWithin(w.Hosts, max(12, r.width-len(line)-18))
	if rest := w.Until.Sub(r.now); rest > 0 {
		line += ", next in " + elapsed(rest)
	}
	return line
}

// running says what runs right now, the longest first; many at the same step share a line.
func (r *renderer) running() []string {
	var lines []string
	active := r.board.Active()
	if len(active) > activeListed {
		return r.runningTogether(active)
	}
	t := r.theme
	for _, a := range active {
		line := fmt.Sprintf("%s %s  %s  %s", t.mark(Running), a.Op.Host, a.what(t), elapsed(r.now.Sub(a.Since)))
		if a.Line != "" {
			line += t.paint(toneFaint, "  "+t.pick("│", "|")+" "+t.oneLine(a.Line))
		}
		lines = append(lines, line)
	}
	return lines
}

func (r *renderer) runningTogether(active []*Active) []string {
	hosts := map[string][]string{}
	var order []*Active
	t := r.theme
	for _, a := range active {
		what := a.what(t)
		if hosts[what] == nil {
			order = append(order, a)
		}
		hosts[what] = append(hosts[what], a.Op.Host)
	}
	var lines []string
	for _, a := range order {
		what := a.what(t)
		lines = append(lines, fmt.Sprintf("%s %s  %s  %s", t.mark(Running),
			foldWithin(hosts[what], max(20, r.width/3)), what, elapsed(r.now.Sub(a.Since))))
	}
	return r.fold(lines, activeListed, "more run")
}

// what says what an attempt does.
func (a *Active) what(t Theme) string {
	what := t.oneLine(a.Title)
	if word := actWord(a.Act); word != "" {
		what = word + " " + what
	}
	if a.Number > 1 {
		what += fmt.Sprintf(" (try %d)", a.Number)
	}
	return what
}

// failures says what failed so far, the last ones with their last lines.
func (r *renderer) failures() []string {
	t := r.theme
	var lines []string
	for _, g := range groupFailures(r.board.Failures) {
		head := strings.Split(ansi.Wrap(foldWithin(g.hosts, max(20, r.width/2))+"  "+g.first.said(t), max(8, r.width-2), ""), "\n")
		for i, line := range head[:min(len(head), tailLinesLive)] {
			sign := t.mark(g.first.Status)
			if i > 0 {
				sign = " "
			}
			lines = append(lines, sign+" "+t.paint(toneBad, line))
		}
		for _, line := range t.lastLines(g.first.Tail, tailLinesLive) {
			lines = append(lines, "    "+t.pick("│", "|")+" "+line)
		}
	}
	return lines
}

func (r *renderer) notes(notes []string) []string {
	var lines []string
	for _, n := range notes[max(0, len(notes)-notesMax):] {
		lines = append(lines, r.theme.paint(toneWarn, r.theme.oneLine(n)))
	}
	return lines
}

// fold keeps at most n lines: the first and the last, and between them how many are not shown.
func (r *renderer) fold(lines []string, n int, what string) []string {
	switch {
	case len(lines) <= n:
		return lines
	case n <= 0:
		return nil
	}
	last := (n - 1) / 2
	first := n - 1 - last
	folded := append([]string{}, lines[:first]...)
	folded = append(folded, r.theme.paint(toneFaint, fmt.Sprintf("  %s %d %s", r.theme.ellipsis(), len(lines)-n+1, what)))
	return append(folded, lines[len(lines)-last:]...)
}

// legend explains the signs in use.
func (r *renderer) legend() string {
	var parts []string
	for s := Pending + 1; s < statusCount; s++ {
		if r.seen[s] {
			parts = append(parts, r.theme.mark(s)+" "+r.theme.paint(toneFaint, s.String()))
		}
	}
	if r.starred {
		parts = append(parts, r.theme.paint(toneFaint, "* recovered or tolerated"))
	}
	return strings.Join(parts, "  ")
}

// shortID is the part of a run's id that people see.
func shortID(id string) string { return id[:min(len(id), 10)] }

// elapsed writes a duration for people: 0.3s, 12s, 1m04s, 2h05m.
func elapsed(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < 10*time.Second && d%time.Second != 0:
		return fmt.Sprintf("%.1fs", float64(d.Truncate(100*time.Millisecond))/float64(time.Second))
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}
