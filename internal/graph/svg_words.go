package graph

import (
	"strings"

	"github.com/opsctl/opsctl/internal/view"
)

// Sizes of letters, in pixels. Widths are those of DejaVu Sans, the widest of the fonts that a browser will choose, so that
// a text fits into its box whichever it is.
const (
	titleSize = 18.0
	nameSize  = 13.0
	factSize  = 11.0
	lineStep  = 15.0
)

// letterWidths are in parts of the size of a letter. What is not in here is as wide as the widest that is usual.
var letterWidths = map[string]float64{
	"ijl|'":                  0.29,
	" !,./:;I[]\\f":          0.41,
	"()r\"-t`{}":             0.50,
	"Jszcxkvy*?_":            0.60,
	"abdeghnopqu0123456789$": 0.64,
	"EFLPSTYZABXKRCV":        0.72,
	"UHNDGOQ~#+<>=^":         0.84,
	"wMm@W%&—…→↺●○◆◇≈✓✗⤺·": 1.02,
}

func letterWidth(r rune) float64 {
	for letters, width := range letterWidths {
		if strings.ContainsRune(letters, r) {
			return width
		}
	}
	if r > 0x7f && view.TextWidth(string(r)) == 0 {
		return 0
	}
	return 1.1
}

// width gives how much room a text takes at most.
func width(text string, size float64, bold bool) float64 {
	sum := 0.0
	for _, r := range text {
		sum += letterWidth(r)
	}
	if bold {
		sum *= 1.12
	}
	return sum * size
}

// cutTo shortens a text to what fits.
func cutTo(text string, size float64, bold bool, room float64) string {
	if width(text, size, bold) <= room {
		return text
	}
	kept := ""
	for _, r := range text {
		if width(kept+string(r)+"…", size, bold) > room {
			break
		}
		kept += string(r)
	}
	return kept + "…"
}

// wrapTo parts texts into lines that fit: between two of them where that is possible, else between words.
func wrapTo(texts []string, between string, size, room float64) []string {
	var lines []string
	now := ""
	add := func(glue, s string) {
		if now != "" && width(now+glue+s, size, false) <= room {
			now += glue + s
			return
		}
		if now != "" {
			lines = append(lines, now)
		}
		now = s
	}
	for _, text := range texts {
		if width(text, size, false) <= room {
			add(between, text)
			continue
		}
		glue := between
		for _, word := range strings.Fields(text) {
			add(glue, cutTo(word, size, false, room))
			glue = " "
		}
	}
	if now != "" {
		lines = append(lines, now)
	}
	return lines
}
