package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// draft is a runbook in the making: what a reader of one kind of file puts together, and the writer writes.
type draft struct {
	file      *source.File
	lines     []string // of the file: looking a line up in its text costs a walk
	name      string
	comments  []string // above everything, of the file that was read
	remarks   []Remark // about the whole
	keys      mapping  // of the runbook, but for params, vars, steps and finally
	params    []*setting
	vars      []*setting
	root      *step // holds steps and finally
	steps     []*step
	inventory string
	lost      []int // entries that were not imported, of which there is no step
	done      []int // entries that were imported, of which there is no step
}

// setting is a param or a var.
type setting struct {
	name    string
	value   value
	line    int
	remarks []Remark
	broken  string // why it is left as a comment
	derived bool   // it is there only for what uses it
}

// step is one entry of a list of steps. A block holds others.
type step struct {
	line     int // in the file that was read
	number   int // stands for the step in references, until all ids are known
	id       string
	name     string
	keys     mapping
	block    bool
	steps    []*step
	finally  []*step
	parent   *step
	comments []string
	remarks  []Remark
	original []string
	broken   string // why the step is left as a comment
	// counted says that the entry of the other file that stands in this line counts in the summary.
	counted    bool
	referenced bool
	foreach    bool
	items      string   // the names of the items of a loop, as an expression: steps.x["item"]
	module     string   // what the other tool calls what it does
	derived    bool     // it is there only for what uses it
	quote      []string // of the other file, shown beneath the remarks
	said       bool     // it is no step: what it says stands where it is used
}

// value is what a key can hold: a string, bare, script, []value or mapping.
type value any

// bare is written as it stands: a number, true, a duration.
type bare string

// script is a text for a shell.
type script string

type pair struct {
	key   string
	value value
}

// mapping is a map in the order in which it is written.
type mapping []pair

func (m mapping) get(key string) value {
	for _, p := range m {
		if p.key == key {
			return p.value
		}
	}
	return nil
}

// set puts a value under a key, in place of one that is there. Nothing sets nothing.
func (m *mapping) set(key string, v value) {
	if v == nil || v == "" {
		return
	}
	for i := range *m {
		if (*m)[i].key == key {
			(*m)[i].value = v
			return
		}
	}
	*m = append(*m, pair{key, v})
}

func (m *mapping) remove(key string) {
	*m = slices.DeleteFunc(*m, func(p pair) bool { return p.key == key })
}

func newDraft(file *source.File, name string) *draft {
	d := &draft{file: file, lines: strings.Split(strings.ReplaceAll(file.Text, "\r\n", "\n"), "\n"), name: name}
	d.root = &step{block: true}
	return d
}

// add makes a step of what stands at a node, in a block.
func (d *draft) add(block *step, n *source.Node) *step {
	s := d.loose(n)
	s.parent = block
	block.steps = append(block.steps, s)
	return s
}

// addFinally makes a step that runs at the end of the block, whatever happened.
func (d *draft) addFinally(block *step, n *source.Node) *step {
	s := d.loose(n)
	s.parent = block
	block.finally = append(block.finally, s)
	return s
}

// loose makes a step that stands nowhere yet.
func (d *draft) loose(n *source.Node) *step {
	s := &step{line: n.Pos.Line, number: len(d.steps)}
	s.comments = d.commentsAbove(n.Pos.Line)
	s.original = d.linesOf(n.Pos.Line)
	d.steps = append(d.steps, s)
	return s
}

func (d *draft) full() bool { return len(d.steps) >= stepsMax }

// leaveOut tells that a list is too long to be imported from here on.
func (d *draft) leaveOut(rest []*source.Node) {
	d.remark(rest[0].Pos.Line, "more than %d steps: what stands from here on is not imported", stepsMax)
	for _, n := range rest {
		d.lost = append(d.lost, n.Pos.Line)
	}
}

// place puts a loose step, or one that stands elsewhere, at the end of a block.
func (d *draft) place(s, block *step) {
	s.parent = block
	block.steps = append(block.steps, s)
}

// remark notes what could not be said about a step.
func (s *step) remark(line int, format string, args ...any) {
	r := Remark{line, fmt.Sprintf(format, args...)}
	if !slices.Contains(s.remarks, r) {
		s.remarks = append(s.remarks, r)
	}
}

// fail leaves the step as a comment. The first reason is the one told.
func (s *step) fail(format string, args ...any) {
	if s.broken == "" {
		s.broken = fmt.Sprintf(format, args...)
	}
}

// remark notes what could not be said about the whole.
func (d *draft) remark(line int, format string, args ...any) {
	r := Remark{line, fmt.Sprintf(format, args...)}
	if !slices.Contains(d.remarks, r) {
		d.remarks = append(d.remarks, r)
	}
}

// each visits the steps in the order written; those inside a step that is left as a comment are a part of it.
func (d *draft) each(visit func(*step)) { d.root.each(visit) }

func (s *step) each(visit func(*step)) {
	for _, inner := range slices.Concat(s.steps, s.finally) {
		visit(inner)
		inner.each(visit)
	}
}

// spoil marks the entries of which something is missing when the step is left out: the one it was made of, and all inside.
func (s *step) spoil(left map[int]bool) {
	for at := s; at != nil; at = at.parent {
		if at.counted {
			left[at.line] = true
			break
		}
	}
	s.each(func(inner *step) { left[inner.line] = left[inner.line] || inner.counted })
}

// reference stands for steps.<id> of a step until ids are known; written resolves it.
func reference(s *step) string {
	s.referenced = true
	return fmt.Sprintf("\x02%d\x03", s.number)
}

// resolve replaces references in a text that stands in a step by what they are called there.
func (d *draft) resolve(text string, at *step) string {
	if !strings.Contains(text, "\x02") {
		return text
	}
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "\x02")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		number, after, _ := strings.Cut(rest, "\x03")
		var n int
		if _, err := fmt.Sscanf(number, "%d", &n); err == nil && n < len(d.steps) {
			b.WriteString(pathTo(d.steps[n], at))
		}
		text = after
	}
}

// pathTo names a step as seen from another: from the innermost block that holds both, downwards.
func pathTo(s, from *step) string {
	around := map[*step]bool{}
	for at := from; at != nil; at = at.parent {
		around[at] = true
	}
	path := "steps." + s.id
	for at := s.parent; at != nil && !around[at] && at.parent != nil; at = at.parent {
		path = "steps." + at.id + "." + path
	}
	return path
}

// lineAt gives line n, counted from 1; there is nothing in lines that are not there.
func (d *draft) lineAt(n int) string {
	if n < 1 || n > len(d.lines) {
		return ""
	}
	return d.lines[n-1]
}

// commentsAbove gives the comment lines directly above a line.
func (d *draft) commentsAbove(line int) []string {
	var list []string
	for n := line - 1; n > 0; n-- {
		text := strings.TrimSpace(d.lineAt(n))
		if text == "---" { // the begin of the document
			continue
		}
		if !strings.HasPrefix(text, "#") {
			break
		}
		list = append(list, text)
	}
	slices.Reverse(list)
	return list
}

// linesOf gives the lines of an entry of a list or map: it ends before the next line that is indented no deeper.
func (d *draft) linesOf(line int) []string {
	first := d.lineAt(line)
	indent := len(first) - len(strings.TrimLeft(first, " "))
	list := []string{first[indent:]}
	for n := line + 1; n < line+2000; n++ {
		text := strings.TrimRight(d.lineAt(n), " \r")
		if text == "" {
			if d.lineAt(n+1) == "" { // the end, or a wide gap
				break
			}
			list = append(list, "")
			continue
		}
		if inner := len(text) - len(strings.TrimLeft(text, " ")); inner <= indent {
			break
		}
		list = append(list, text[indent:])
	}
	for len(list) > 1 && (list[len(list)-1] == "" || strings.HasPrefix(strings.TrimSpace(list[len(list)-1]), "#")) {
		list = list[:len(list)-1]
	}
	if len(list) > originalMax {
		list = append(list[:originalMax], fmt.Sprintf("(and %d lines more)", len(list)-originalMax))
	}
	return list
}
