package view

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

const columnGap = 2

// Table aligns rows below headers, by display width. Where it is wider than width columns, the
// widest columns are cut; 0 is no limit. Headers may be nil. Each line ends with a newline.
func Table(headers []string, rows [][]string, width int) string {
	all := rows
	if headers != nil {
		all = append([][]string{headers}, rows...)
	}
	widths := columnWidths(all)
	if width > 0 {
		shrink(widths, width)
	}
	var b strings.Builder
	for _, row := range all {
		var line strings.Builder
		for i, cell := range row {
			cell = cut(cell, widths[i], "~")
			line.WriteString(cell)
			if i < len(row)-1 {
				line.WriteString(strings.Repeat(" ", widths[i]-ansi.StringWidth(cell)+columnGap))
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], ansi.StringWidth(cell))
		}
	}
	return widths
}

// shrink takes columns from the widest until all fit.
func shrink(widths []int, width int) {
	total := max(0, len(widths)-1) * columnGap
	for _, w := range widths {
		total += w
	}
	for ; total > width; total-- {
		widest := 0
		for i, w := range widths {
			if w > widths[widest] {
				widest = i
			}
		}
		if len(widths) == 0 || widths[widest] <= 1 {
			return
		}
		widths[widest]--
	}
}

// cut shortens s to width columns; what is missing shows as the ellipsis.
func cut(s string, width int, ellipsis string) string {
	if ansi.StringWidth(s) <= width {
		return s
	}
	if width <= 0 {
		return ""
	}
	return ansi.Truncate(s, width, ellipsis)
}

// pad fills s with spaces up to width columns.
func pad(s string, width int) string {
	if n := width - ansi.StringWidth(s); n > 0 {
		return s + strings.Repeat(" ", n)
	}
	return s
}
