package view

import (
	"fmt"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// Drill is what became of a drill: whether the undo of each step of a runbook is right.
type Drill struct {
	Title string
	Rows  []DrillRow
	Crash bool // the program was killed on the way, too
	Last  string
}

// DrillRow is one step.
type DrillRow struct {
	Step    string
	Host    string
	Verdict string // proved wrong missing none not_drilled not_reached
	Why     string
	Differ  []string // what is not as it was, a line each
}

// drillDifferMax is how many differences of a step are shown.
const drillDifferMax = 10

// drillFace is how a verdict looks.
type drillFace struct {
	word, sign, ascii string
	tone              tone
}

var drillFaces = map[string]drillFace{
	"proved":      {"proved", "✓", "=", toneGood},
	"wrong":       {"wrong", "✗", "X", toneBad},
	"missing":     {"missing", "!", "!", toneBad},
	"none":        {"left", "▪", "L", toneWarn},
	"not_drilled": {"not drilled", "–", "-", toneFaint},
	"not_reached": {"not reached", "·", ".", toneBad},
}

// RenderDrill writes a drill as a table, what differs below its step.
func RenderDrill(d Drill, width int, theme Theme) string {
	width = clamp(width, widthMin, widthMax)
	var b strings.Builder
	b.WriteString(theme.paint(toneBold, cut(theme.oneLine(d.Title), width, theme.ellipsis())) + "\n\n")
	label, host := 0, 0
	for _, r := range d.Rows {
		label, host = max(label, ansi.StringWidth(theme.oneLine(r.Step))), max(host, ansi.StringWidth(theme.oneLine(r.Host)))
	}
	label, host = min(label, max(16, width/2)), min(host, max(8, width/5))
	counts := map[string]int{}
	for _, r := range d.Rows {
		counts[r.Verdict]++
		b.WriteString(r.render(label, host, width, theme))
	}
	b.WriteString("\n" + ansi.Wrap(d.sentence(counts), width, "") + "\n")
	if d.Last != "" {
		b.WriteString(ansi.Wrap(theme.oneLine(d.Last), width, "") + "\n")
	}
	return b.String()
}

func (r DrillRow) render(label, host, width int, theme Theme) string {
	face := drillFaces[r.Verdict]
	line := "  " + theme.paint(face.tone, theme.pick(face.sign, face.ascii)) + " " + pad(cut(theme.oneLine(r.Step), label, theme.ellipsis()), label) +
		"  " + pad(cut(theme.oneLine(r.Host), host, theme.ellipsis()), host) + "  " + theme.paint(face.tone, face.word)
	var b strings.Builder
	why := theme.oneLine(r.Why)
	switch {
	case why == "":
		b.WriteString(line + "\n")
	case ansi.StringWidth(line)+2+ansi.StringWidth(why) <= width:
		b.WriteString(line + ": " + why + "\n")
	default:
		b.WriteString(line + "\n")
		r.indented(&b, why, width)
	}
	for i, d := range r.Differ {
		if i == drillDifferMax {
			r.indented(&b, fmt.Sprintf("and %d more; --output json tells all", len(r.Differ)-i), width)
			break
		}
		r.indented(&b, theme.oneLine(d), width)
	}
	return b.String()
}

func (r DrillRow) indented(b *strings.Builder, text string, width int) {
	const indent = "      "
	for _, line := range strings.Split(ansi.Wrap(text, width-len(indent), ""), "\n") {
		b.WriteString(indent + line + "\n")
	}
}

// sentence counts the verdicts.
func (d Drill) sentence(counts map[string]int) string {
	var parts []string
	for _, verdict := range []string{"proved", "wrong", "missing", "not_reached", "none", "not_drilled"} {
		if n := counts[verdict]; n > 0 {
			part := fmt.Sprintf("%d %s", n, drillFaces[verdict].word)
			if verdict == "proved" && d.Crash {
				part += ", also with opsctl killed and resumed"
			}
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ", ")
}
