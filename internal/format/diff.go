package format

import (
	"fmt"
	"slices"
	"strings"
)

const (
	diffContext = 3
	diffCells   = 4 << 20 // more, and all between the first and the last difference is shown as replaced
)

// Diff shows what becomes of a text, in the unified form; "" where nothing does.
func Diff(name, before, after string) string {
	if before == after {
		return ""
	}
	edits := compare(splitLines(before), splitLines(after))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s (formatted)\n", name, name)
	for from := 0; from < len(edits); {
		if edits[from].sign == ' ' {
			from++
			continue
		}
		begin, end := max(0, from-diffContext), from
		for kept := 0; end < len(edits) && kept <= 2*diffContext; end++ {
			if kept++; edits[end].sign != ' ' {
				kept = 0
			}
		}
		for end > from && edits[end-1].sign == ' ' {
			end--
		}
		from = min(len(edits), end+diffContext)
		hunk(&b, edits, begin, from)
	}
	return b.String()
}

type edit struct {
	sign byte
	text string
}

func splitLines(text string) []string {
	return strings.SplitAfter(strings.TrimSuffix(text, "\n"), "\n")
}

func hunk(b *strings.Builder, edits []edit, from, to int) {
	var lines, counts [2]int // of the text before, of the text after
	for i, e := range edits[:to] {
		into := &lines
		if i >= from {
			into = &counts
		}
		if e.sign != '+' {
			into[0]++
		}
		if e.sign != '-' {
			into[1]++
		}
	}
	fmt.Fprintf(b, "@@ -%d,%d +%d,%d @@\n", lines[0]+1, counts[0], lines[1]+1, counts[1])
	for _, e := range edits[from:to] {
		b.WriteByte(e.sign)
		b.WriteString(strings.TrimSuffix(e.text, "\n"))
		b.WriteByte('\n')
	}
}

// compare gives the lines of both texts with what becomes of them, by their longest common subsequence.
func compare(a, b []string) []edit {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var edits []edit
	add := func(sign byte, lines ...string) {
		for _, text := range lines {
			edits = append(edits, edit{sign, text})
		}
	}
	add(' ', a[:head]...)
	x, y := a[head:len(a)-tail], b[head:len(b)-tail]
	if len(x)*len(y) > diffCells {
		add('-', x...)
		add('+', y...)
	} else {
		edits = slices.Concat(edits, middle(x, y))
	}
	add(' ', a[len(a)-tail:]...)
	return edits
}

func middle(x, y []string) (edits []edit) {
	common := make([][]int32, len(x)+1) // the length of the longest common subsequence of x[i:] and y[j:]
	for i := range common {
		common[i] = make([]int32, len(y)+1)
	}
	for i := len(x) - 1; i >= 0; i-- {
		for j := len(y) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); x[i] == y[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	i, j := 0, 0
	for i < len(x) || j < len(y) {
		switch {
		case i < len(x) && j < len(y) && x[i] == y[j]:
			edits = append(edits, edit{' ', x[i]})
			i, j = i+1, j+1
		case j == len(y) || i < len(x) && common[i+1][j] >= common[i][j+1]:
			edits = append(edits, edit{'-', x[i]})
			i++
		default:
			edits = append(edits, edit{'+', y[j]})
			j++
		}
	}
	return edits
}
