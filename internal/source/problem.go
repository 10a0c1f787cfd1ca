package source

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"
)

// File is a text that somebody wrote, with the name people know it by. Once a line of it was asked for, the text stays as it is.
type File struct {
	Name string
	Text string

	split sync.Once
	lines []string
}

// Line returns the text of line n, counted from 1, without its end.
func (f *File) Line(n int) string {
	f.split.Do(func() { f.lines = strings.Split(f.Text, "\n") }) // a file may have a problem in each of its lines
	if n < 1 || n > len(f.lines) {
		return ""
	}
	return strings.TrimSuffix(f.lines[n-1], "\r")
}

// Pos is a place in a file: line and column count from 1, columns count characters.
// The zero Pos is the file as a whole.
type Pos struct {
	Line   int
	Column int
}

// Problem is one thing that is wrong with a text, said to the person who wrote it.
type Problem struct {
	File    *File
	Pos     Pos
	Width   int    // characters the caret underlines; 0 is 1
	Message string // a sentence: lowercase, no full stop
	Hint    string // the way out, where there is a likely one
	Warning bool   // does not stop anything
	Note    bool   // a warning of little weight
}

// Error gives file:line:column and the message on one line.
func (p *Problem) Error() string {
	return p.place() + ": " + p.Message
}

func (p *Problem) place() string {
	name := "input"
	if p.File != nil {
		name = p.File.Name
	}
	if p.Pos.Line == 0 {
		return name
	}
	return fmt.Sprintf("%s:%d:%d", name, p.Pos.Line, p.Pos.Column)
}

// lineWidthMax bounds how much of a long source line is shown, in characters.
const lineWidthMax = 160

// Render gives the problem with its source line, a caret under the very word, and the hint.
func (p *Problem) Render() string {
	var b strings.Builder
	kind := ""
	switch {
	case p.Warning && p.Note:
		kind = "note: "
	case p.Warning:
		kind = "warning: "
	}
	fmt.Fprintf(&b, "%s: %s%s\n", p.place(), kind, p.Message)
	if p.File != nil && p.Pos.Line > 0 {
		p.renderLine(&b)
	}
	for _, line := range strings.Split(p.Hint, "\n") {
		if line != "" {
			fmt.Fprintf(&b, "  hint: %s\n", line)
		}
	}
	return b.String()
}

func (p *Problem) renderLine(b *strings.Builder) {
	line := []rune(strings.Map(visible, p.File.Line(p.Pos.Line)))
	column := max(1, p.Pos.Column)
	start := 0
	if len(line) > lineWidthMax { // a window around the caret
		start = max(0, min(column-1-lineWidthMax/2, len(line)-lineWidthMax))
		line = line[start:min(len(line), start+lineWidthMax)]
	}
	if strings.TrimSpace(string(line)) == "" {
		return
	}
	at := max(0, min(column-1-start, len(line)))
	width := max(1, min(p.Width, len(line)-at))
	number := fmt.Sprintf("%5d", p.Pos.Line)
	fmt.Fprintf(b, "%s | %s\n", number, string(line))
	fmt.Fprintf(b, "%s | %s%s\n", strings.Repeat(" ", len(number)), strings.Repeat(" ", at), strings.Repeat("^", width))
}

// visible keeps a source line from steering the terminal it is shown on.
func visible(r rune) rune {
	switch {
	case r == '\t':
		return ' '
	case r < 0x20, r == 0x7f, r >= 0x80 && r < 0xa0, r == utf8.RuneError,
		r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
		return '\u00b7'
	}
	return r
}

// Problems is all that is wrong with a set of files. It is an error when one of them is not a warning.
type Problems []*Problem

// Add notes a problem and returns it, so that a caller can set more of it.
func (ps *Problems) Add(p *Problem) *Problem {
	*ps = append(*ps, p)
	return p
}

// Sort puts the problems into the order of their files and places, and drops repeats.
func (ps *Problems) Sort() {
	list := *ps
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.File != b.File {
			return a.File != nil && b.File != nil && a.File.Name < b.File.Name
		}
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line < b.Pos.Line
		}
		return a.Pos.Column < b.Pos.Column
	})
	kept := list[:0]
	for i, p := range list {
		if i == 0 || *p != *kept[len(kept)-1] {
			kept = append(kept, p)
		}
	}
	*ps = kept
}

// Err returns the problems as an error, or nil when nothing but warnings was found.
func (ps Problems) Err() error {
	for _, p := range ps {
		if !p.Warning {
			return ps
		}
	}
	return nil
}

// Error gives every problem, rendered, an empty line between two.
func (ps Problems) Error() string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = p.Render()
	}
	return strings.TrimRight(strings.Join(parts, "\n"), "\n")
}

// AsProblems finds the problems inside an error.
func AsProblems(err error) (Problems, bool) {
	var ps Problems
	ok := errors.As(err, &ps)
	return ps, ok
}

// Nearest returns the candidate that a person most likely meant by word, or "".
func Nearest(word string, candidates []string) string {
	best, bestDistance := "", len(word)/2+1
	if len(word) > 2 {
		bestDistance = min(bestDistance, 4)
	}
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// DidYouMean is the hint for a misspelt word; empty when nothing is near.
func DidYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return ""
}

// distance is the optimal string alignment distance: insert, delete, replace, swap neighbours.
func distance(a, b string) int {
	ra, rb := []rune(a), []rune(b)
	before, last := make([]int, len(rb)+1), make([]int, len(rb)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(ra); i++ {
		row := make([]int, len(rb)+1)
		row[0] = i
		for j := 1; j <= len(rb); j++ {
			cost := 1
			if ra[i-1] == rb[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && ra[i-1] == rb[j-2] && ra[i-2] == rb[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(rb)]
}
