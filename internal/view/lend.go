package view

import (
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/opsctl/opsctl/pkg/runbook"
)

// What other drawings of a runbook or a run borrow, so that one thing looks the same everywhere.

// TextWidth gives the columns that a text takes; colour takes none.
func TextWidth(s string) int { return ansi.StringWidth(s) }

// Cut shortens a text to width columns; what is missing shows as the ellipsis.
func Cut(s string, width int, ellipsis string) string { return cut(s, width, ellipsis) }

// Pad fills a text with spaces up to width columns.
func Pad(s string, width int) string { return pad(s, width) }

// Elapsed says how long something took.
func Elapsed(d time.Duration) string { return elapsed(d) }

// OneLine makes a text safe for one line of a drawing: no colour, no tabs, no newlines.
func OneLine(s string, unicode bool) string { return Theme{Unicode: unicode}.oneLine(s) }

// Sign gives the sign of a status, one column wide.
func (t Theme) Sign(s Status) string { return t.sign(s) }

// Paint gives a text the colour of a status.
func (t Theme) Paint(s Status, text string) string { return t.paint(statusFaces[s].tone, text) }

// Strong makes a text stand out where there is colour.
func (t Theme) Strong(text string) string { return t.paint(toneBold, text) }

// ScriptText gives a script on one line, as the runbook has it: with its expressions, not their values.
func ScriptText(script *runbook.Script) string {
	if script == nil || script.Node == nil {
		return ""
	}
	if len(script.Node.Items) > 0 {
		words := make([]string, len(script.Node.Items))
		for i, item := range script.Node.Items {
			words[i] = item.Text
		}
		return strings.Join(words, " ")
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(script.Node.Text), "\n")
	if strings.TrimSpace(rest) != "" {
		first += " …"
	}
	return first
}
