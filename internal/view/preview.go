package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// The classes of a PreviewRow.
const (
	ClassChange      = "change"
	ClassNoChange    = "no change"
	ClassUnknown     = "unknown"
	ClassSkipped     = "skipped"
	ClassUnreachable = "unreachable"
	ClassRead        = "read" // it only reads
	ClassUndo        = "undo" // of a plan of a rollback
	ClassNoUndo      = "cannot undo"
)

// Preview is what a plan would do.
type Preview struct {
	Title string // one line: the runbook, its hosts, its params
	Rows  []PreviewRow
	Notes []string // below: warnings, what was not asked

	NotDurable []string // hosts that cannot be asked later what became of a change
}

// PreviewRow is what one step would do on hosts where it is the same.
type PreviewRow struct {
	Step   string // full id
	Title  string
	Hosts  []string
	Class  string
	Reason string
	Undo   string // yes no started; "" is not said
	Diff   string
	Wave   int // 0: not in a rollout
	Block  int // depth of the blocks around it
}

type previewCounts struct {
	change, so, unknown, skipped, unreachable, read, undo, undoable, final int
}

// RenderPlan writes a plan as text, rows of the same step and class folded over hosts.
func RenderPlan(p Preview, width int, theme Theme) string {
	width = clamp(width, widthMin, widthMax)
	var b strings.Builder
	if p.Title != "" {
		b.WriteString(theme.paint(toneBold, cut(theme.oneLine(p.Title), width, theme.ellipsis())) + "\n\n")
	}
	rows := foldPreview(p.Rows)
	label := 0
	for _, r := range rows {
		label = max(label, ansi.StringWidth(r.label(theme)))
	}
	label = min(label, max(16, width/2))
	wave := 0
	var c previewCounts
	for _, r := range rows {
		if r.Wave != wave && r.Wave > 0 {
			b.WriteString(theme.paint(toneFaint, fmt.Sprintf("  wave %d", r.Wave)) + "\n")
		}
		wave = r.Wave
		c.add(r)
		b.WriteString(r.render(label, width, theme))
	}
	notes := p.Notes
	if len(p.NotDurable) > 0 {
		notes = append(notes[:len(notes):len(notes)], "durable: no on "+foldWithin(p.NotDurable, width/2)+": without a shell, a change whose connection breaks is unknown")
	}
	for i, note := range notes {
		if i == 0 {
			b.WriteByte('\n')
		}
		for _, line := range strings.Split(ansi.Wrap("note: "+theme.oneLine(note), width, ""), "\n") {
			b.WriteString(theme.paint(toneWarn, line) + "\n")
		}
	}
	b.WriteString("\n" + c.sentence() + "\n")
	return b.String()
}

// foldPreview puts the hosts of rows that say the same together, if they stand for one step.
func foldPreview(rows []PreviewRow) []PreviewRow {
	type kind struct {
		step, title, class, reason, undo, diff string
		wave                                   int
	}
	at := map[kind]int{}
	var folded []PreviewRow
	for _, r := range rows {
		k := kind{r.Step, r.Title, r.Class, r.Reason, r.Undo, r.Diff, r.Wave}
		i, seen := at[k]
		if !seen {
			at[k] = len(folded)
			r.Hosts = append([]string(nil), r.Hosts...)
			folded = append(folded, r)
			continue
		}
		folded[i].Hosts = append(folded[i].Hosts, r.Hosts...)
	}
	return folded
}

func (r PreviewRow) label(t Theme) string {
	title := r.Title
	if title == "" {
		title = r.Step
	}
	return strings.Repeat("  ", min(r.Block, 8)) + t.oneLine(title)
}

func (r PreviewRow) sign() (string, tone) {
	switch r.Class {
	case ClassChange:
		return "+", toneChanged
	case ClassNoChange, ClassRead:
		return "=", toneGood
	case ClassUndo:
		return "-", toneUndone
	case ClassNoUndo:
		return "!", toneBad
	case ClassSkipped:
		return " ", toneFaint
	}
	return "?", toneWarn
}

func (r PreviewRow) render(label, width int, t Theme) string {
	sign, tone := r.sign()
	said := r.Class
	if r.Reason != "" {
		said += ": " + t.oneLine(r.Reason)
	}
	if r.Class == ClassChange || r.Class == ClassUnknown {
		switch r.Undo {
		case "no":
			said += t.paint(toneBad, "  ! cannot be undone")
		case "started":
			said += "  (undone also if it fails)"
		}
	}
	name := pad(cut(r.label(t), label, t.ellipsis()), label)
	room := max(12, (width-label-4)/2)
	line := t.paint(tone, sign) + " " + name + "  " + foldWithin(r.Hosts, room) + "  " + t.paint(tone, said)
	var b strings.Builder
	for i, l := range strings.Split(ansi.Wrap(line, width-4, ""), "\n") { // the lines that follow stand four columns in
		if i > 0 {
			l = "    " + strings.TrimLeft(l, " ")
		}
		b.WriteString(cut(strings.TrimRight(l, " "), width, t.ellipsis()) + "\n")
	}
	b.WriteString(r.diff(t))
	return b.String()
}

// diff writes the difference in the content, with its own signs.
func (r PreviewRow) diff(t Theme) string {
	if r.Diff == "" {
		return ""
	}
	safe := (&Sanitiser{Unicode: t.Unicode}).Whole(strings.TrimRight(r.Diff, "\n"))
	lines := strings.Split(safe, "\n")
	var b strings.Builder
	for i, line := range lines {
		if i == diffLinesDefault {
			fmt.Fprintf(&b, "      %s %d more lines\n", t.ellipsis(), len(lines)-i)
			break
		}
		k := tonePlain
		switch {
		case strings.HasPrefix(line, "+"):
			k = toneGood
		case strings.HasPrefix(line, "-"):
			k = toneBad
		case strings.HasPrefix(line, "@@"):
			k = toneActive
		}
		b.WriteString("      " + t.paint(k, line) + "\n")
	}
	return b.String()
}

func (c *previewCounts) add(r PreviewRow) {
	n := max(1, len(r.Hosts))
	switch r.Class {
	case ClassChange:
		c.change += n
	case ClassNoChange:
		c.so += n
	case ClassRead:
		c.read += n
	case ClassSkipped:
		c.skipped += n
	case ClassUnreachable:
		c.unreachable += n
	case ClassUndo:
		c.undo += n
	case ClassNoUndo:
		c.final += n
	default:
		c.unknown += n
	}
	if r.Class != ClassChange && r.Class != ClassUnknown {
		return
	}
	switch r.Undo {
	case "yes", "started":
		c.undoable += n
	case "no":
		c.final += n
	}
}

// sentence sums up: Plan: 12 to change, 3 already so, 1 unknown; 9 can be undone, 3 cannot.
func (c *previewCounts) sentence() string {
	parts := []string{}
	add := func(n int, text string, always bool) {
		if n > 0 || always {
			parts = append(parts, fmt.Sprintf("%d %s", n, text))
		}
	}
	add(c.change, "to change", c.undo == 0)
	add(c.undo, "to undo", false)
	add(c.so, "already so", c.undo == 0)
	add(c.unknown, "unknown", false)
	add(c.read, "only read", false)
	add(c.skipped, "skipped", false)
	add(c.unreachable, "unreachable", false)
	text := "Plan: " + strings.Join(parts, ", ")
	switch {
	case c.undoable > 0 && c.final > 0:
		text += fmt.Sprintf("; %d can be undone, %d cannot", c.undoable, c.final)
	case c.undoable > 0:
		text += fmt.Sprintf("; %d can be undone", c.undoable)
	case c.final > 0:
		text += fmt.Sprintf("; %d cannot be undone", c.final)
	}
	return text + "."
}
