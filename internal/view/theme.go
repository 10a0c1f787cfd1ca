package view

import (
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/term"
	"github.com/muesli/termenv"
)

type tone uint8

const (
	tonePlain tone = iota
	toneBold
	toneFaint
	toneActive
	toneGood
	toneChanged
	toneBad
	toneWarn
	toneUndone
	toneCount
)

// Theme decides how text looks. Its zero value is ASCII without colour.
type Theme struct {
	Colour  bool
	Unicode bool
	styles  [toneCount]lipgloss.Style
}

// NewTheme makes a theme for what is written to w. It never asks the terminal anything: the
// sixteen colours of ANSI are readable on dark and light grounds alike.
func NewTheme(w io.Writer, colour, unicode bool) Theme {
	t := Theme{Colour: colour, Unicode: unicode}
	if !colour {
		return t
	}
	r := lipgloss.NewRenderer(w, termenv.WithProfile(termenv.ANSI))
	r.SetColorProfile(termenv.ANSI)
	r.SetHasDarkBackground(true)
	style := r.NewStyle
	t.styles = [toneCount]lipgloss.Style{
		tonePlain:   style(),
		toneBold:    style().Bold(true),
		toneFaint:   style().Faint(true),
		toneActive:  style().Foreground(lipgloss.ANSIColor(6)),
		toneGood:    style().Foreground(lipgloss.ANSIColor(2)),
		toneChanged: style().Foreground(lipgloss.ANSIColor(3)),
		toneBad:     style().Foreground(lipgloss.ANSIColor(1)).Bold(true),
		toneWarn:    style().Foreground(lipgloss.ANSIColor(5)),
		toneUndone:  style().Foreground(lipgloss.ANSIColor(4)),
	}
	return t
}

func (t Theme) paint(k tone, s string) string {
	if !t.Colour || s == "" || k == tonePlain {
		return s
	}
	return t.styles[k].Render(s)
}

// sign gives the one-column sign of a status, without colour.
func (t Theme) sign(s Status) string {
	if t.Unicode {
		return statusFaces[s].sign
	}
	return statusFaces[s].ascii
}

// mark is the sign of a status in its colour.
func (t Theme) mark(s Status) string { return t.paint(statusFaces[s].tone, t.sign(s)) }

// word is the word of a status in its colour.
func (t Theme) word(s Status) string { return t.paint(statusFaces[s].tone, s.String()) }

// pick gives the first text where the terminal can show it, else the second.
func (t Theme) pick(unicode, ascii string) string {
	if t.Unicode {
		return unicode
	}
	return ascii
}

func (t Theme) ellipsis() string { return t.pick("…", "~") }

// ColorMode decides whether to colour: mode is auto, always or never; env looks up a variable.
func ColorMode(mode string, env func(string) string, isTTY bool) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	return isTTY && env("NO_COLOR") == "" && !isCI(env) && !isDumb(env)
}

// isCI tells whether a build service runs us. They set CI to true; a person may set it to false.
func isCI(env func(string) string) bool {
	v := strings.ToLower(env("CI"))
	return v != "" && v != "false" && v != "0"
}

func isDumb(env func(string) string) bool {
	v := env("TERM")
	return v == "" || v == "dumb"
}

// UnicodeMode tells whether the locale's encoding is UTF-8, as setlocale(3) finds it.
func UnicodeMode(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := env(name); v != "" {
			v = strings.ToLower(v)
			return strings.Contains(v, "utf-8") || strings.Contains(v, "utf8")
		}
	}
	return false
}

// IsTerminal tells whether w is a terminal.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && f != nil && term.IsTerminal(f.Fd())
}

// Width gives the columns of the terminal w, or 80.
func Width(w any) int {
	width, _ := size(w)
	return width
}

// size gives columns and lines of a terminal; a terminal that does not know gets the usual ones.
func size(w any) (width, height int) {
	width, height = widthDefault, heightDefault
	if f, ok := w.(*os.File); ok && f != nil {
		if cols, lines, err := term.GetSize(f.Fd()); err == nil && cols > 0 && lines > 0 {
			width, height = cols, lines
		}
	}
	return clamp(width, 1, widthMax), clamp(height, 1, heightMax)
}

func clamp(n, low, high int) int { return max(low, min(n, high)) }
