package format

import (
	"strings"
	"unicode/utf8"
)

// align gives the comments behind lines their columns: those that stood below each other on
// neighbouring lines still do, the others keep their distance.
func align(lines []line) {
	for from := 0; from < len(lines); {
		to := from + 1
		if lines[from].remark.text != "" {
			for to < len(lines) && lines[to].remark.text != "" && lines[to].remark.column == lines[from].remark.column {
				to++
			}
			alignGroup(lines[from:to])
		}
		from = to
	}
}

func alignGroup(group []line) {
	width, gap := 0, 1<<30
	for _, l := range group {
		width = max(width, utf8.RuneCountInString(l.text))
		gap = min(gap, l.remark.gap)
	}
	for i := range group {
		l := &group[i]
		l.text += pad(width+max(1, gap)-utf8.RuneCountInString(l.text)) + comment(l.remark.text)
	}
}

func (w *writer) String() string {
	align(w.out)
	last := len(w.out)
	for last > 0 && w.out[last-1].text == "" && !w.out[last-1].kept {
		last--
	}
	var b strings.Builder
	for _, l := range w.out[:last] {
		text := l.text
		if !l.kept {
			text = strings.TrimRight(text, " \t")
		}
		b.WriteString(text)
		b.WriteByte('\n')
	}
	if w.open && last > 0 && w.out[last-1].kept {
		return strings.TrimSuffix(b.String(), "\n")
	}
	return b.String()
}
