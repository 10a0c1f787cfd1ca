package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/pkg/runbook"
)

// order is that of the keys of a step, as people read it: who, where, whether, what, how, and what if it fails.
var order = []string{
	"id", "name", "why", "tags", "hosts", "allow_empty", "once", "delegate", "needs", "barrier", "foreach", "max_parallel", "lock",
	"if", "check", "confirm",
	"run", "script", "copy", "link", "line", "service", "fetch", "wait", "http", "assert", "manual", "reboot",
	"env", "dir", "shell", "sudo", "stdin", "timeout", "kill_after", "retry", "ok_codes", "failed_if", "changed_if", "outputs",
	"sensitive", "effect", "save", "save_files", "rollback", "point_of_no_return", "on_failure", "rollout", "parallel",
	"steps", "finally",
}

// orderTop is that of the keys of a runbook, which come before those of a block.
var orderTop = []string{"name", "description", "owner", "tags", "docs", "params", "vars"}

func place(order []string, key string) int {
	if i := slices.Index(order, key); i >= 0 {
		return i
	}
	return len(order)
}

func sorted(m mapping, order []string) mapping {
	m = slices.Clone(m)
	slices.SortStableFunc(m, func(a, b pair) int { return place(order, a.key) - place(order, b.key) })
	return m
}

// writer writes a draft, and remembers whose every line is.
type writer struct {
	draft  *draft
	lines  []string
	owners []any // of each line: *step, *setting, or nil for the runbook's own
	owner  any
	at     *step // whose references are resolved
}

func (d *draft) write() *writer {
	w := &writer{draft: d, at: d.root}
	w.head()
	w.settings("params", d.params)
	w.settings("vars", d.vars)
	begun := len(w.lines)
	for _, p := range sorted(d.keys, order) {
		if place(orderTop, p.key) == len(orderTop) {
			if begun == len(w.lines) && len(d.params)+len(d.vars) > 0 {
				w.line(0, "")
			}
			w.pair(0, p)
		}
	}
	w.list(0, "steps", d.root.steps)
	if len(d.root.finally) > 0 {
		w.list(0, "finally", d.root.finally)
	}
	return w
}

func (w *writer) text() string { return strings.Join(w.lines, "\n") + "\n" }

func (w *writer) line(indent int, text string) {
	w.lines = append(w.lines, strings.TrimRight(strings.Repeat("  ", indent)+text, " "))
	w.owners = append(w.owners, w.owner)
}

// comment writes a text as comment lines.
func (w *writer) comment(indent int, text string) {
	for _, line := range strings.Split(text, "\n") {
		line = harmless(line)
		if !strings.HasPrefix(line, "#") {
			line = "# " + line
		}
		w.line(indent, line)
	}
}

func (w *writer) remark(indent int, r Remark) {
	if r.Line == 0 {
		w.comment(indent, "# import: "+r.Text)
		return
	}
	w.comment(indent, fmt.Sprintf("# import: line %d: %s", r.Line, r.Text))
}

func (w *writer) head() {
	for _, c := range w.draft.comments {
		w.comment(0, c)
	}
	slices.SortStableFunc(w.draft.remarks, func(a, b Remark) int { return a.Line - b.Line })
	for _, r := range w.draft.remarks {
		w.remark(0, r)
	}
	w.pair(0, pair{"name", w.draft.name})
	for _, p := range sorted(w.draft.keys, orderTop) {
		if place(orderTop, p.key) < len(orderTop) {
			w.pair(0, p)
		}
	}
}

func (w *writer) settings(key string, list []*setting) {
	if len(list) == 0 {
		return
	}
	empty := !slices.ContainsFunc(list, func(s *setting) bool { return s.broken == "" })
	w.line(0, "")
	if empty {
		w.line(0, "# "+key+":")
	} else {
		w.line(0, key+":")
	}
	for _, s := range list {
		w.owner = s
		for _, r := range s.remarks {
			w.remark(1, r)
		}
		if s.broken != "" {
			w.remark(1, Remark{s.line, s.name + " cannot be said: " + s.broken})
			for _, text := range w.draft.linesOf(s.line) {
				w.comment(1, "# "+text)
			}
		} else {
			w.pair(1, pair{s.name, s.value})
		}
		w.owner = nil
	}
}

// list writes the steps of a block. Where nothing is left of them, a step that does nothing takes their place: a block
// without steps is none.
func (w *writer) list(indent int, key string, steps []*step) {
	if indent == 0 {
		w.line(0, "")
	}
	left := slices.ContainsFunc(steps, func(s *step) bool { return s.broken == "" })
	if !left && key == "finally" {
		w.line(indent, "# finally:")
	} else {
		w.line(indent, key+":")
	}
	for i, s := range steps {
		if i > 0 && (indent == 0 || len(s.comments)+len(s.remarks) > 0 || s.broken != "" || steps[i-1].broken != "") {
			w.line(0, "")
		}
		w.step(indent+1, s)
	}
	if !left && key == "steps" {
		w.line(indent+1, "# import: nothing else is here")
		for i, text := range []string{"- name: Nothing", "  run: 'true'", "  effect: read"} {
			if i == 0 && indent > 0 {
				text = "- name: Nothing here"
			}
			w.line(indent+1, text)
		}
	}
}

func (w *writer) step(indent int, s *step) {
	outerOwner, outer := w.owner, w.at
	w.owner, w.at = s, s
	defer func() { w.owner, w.at = outerOwner, outer }()
	for _, c := range s.comments {
		w.comment(indent, c)
	}
	for _, r := range s.remarks {
		w.remark(indent, r)
	}
	for _, text := range s.quote {
		w.comment(indent, "#   "+text)
	}
	if s.broken != "" {
		w.remark(indent, Remark{s.line, "not imported: " + s.broken})
		for _, text := range s.original {
			w.comment(indent, "#   "+text)
		}
		return
	}
	keys := s.written()
	begun := len(w.lines)
	for _, p := range sorted(keys, order) {
		w.pair(indent+1, p)
	}
	if s.block {
		w.list(indent+1, "steps", s.steps)
		if len(s.finally) > 0 {
			w.list(indent+1, "finally", s.finally)
		}
	}
	w.dash(indent, begun)
}

// dash turns the first line of what was written since then into the begin of an entry of a list.
func (w *writer) dash(indent, begun int) {
	if begun < len(w.lines) {
		w.lines[begun] = strings.Repeat("  ", indent) + "- " + strings.TrimLeft(w.lines[begun], " ")
	}
}

// written gives the keys of a step with its id and name, where they have to be said.
func (s *step) written() mapping {
	keys := slices.Clone(s.keys)
	if s.name != "" {
		keys.set("name", s.name)
	}
	if s.id != "" && (s.referenced || s.name == "" || runbook.Slug(s.name) != s.id) {
		keys.set("id", s.id)
	}
	return keys
}

// pair writes a key and its value, in block style.
func (w *writer) pair(indent int, p pair) {
	key := oneLine(p.key)
	switch v := p.value.(type) {
	case string:
		w.scalar(indent, key, w.draft.resolve(v, w.at))
	case bare:
		w.line(indent, key+": "+string(v))
	case script:
		text := strings.TrimRight(w.draft.resolve(string(v), w.at), "\n")
		if strings.Contains(text, "\n") {
			text += "\n"
		}
		w.scalar(indent, key, text)
	case mapping:
		if len(v) == 0 {
			w.line(indent, key+": {}")
			return
		}
		w.line(indent, key+":")
		for _, inner := range v {
			w.pair(indent+1, inner)
		}
	case []value:
		if text, ok := w.flow(v); ok {
			w.line(indent, key+": "+text)
			return
		}
		w.line(indent, key+":")
		w.items(indent+1, v)
	}
}

// items writes a list, an entry a line.
func (w *writer) items(indent int, list []value) {
	for _, item := range list {
		begun := len(w.lines)
		switch v := item.(type) {
		case mapping:
			if len(v) == 0 {
				w.line(indent+1, "{}")
			}
			for _, p := range v {
				w.pair(indent+1, p)
			}
		case []value:
			text, ok := w.flow(v)
			if !ok {
				w.items(indent+1, v)
			} else {
				w.line(indent+1, text)
			}
		case bare:
			w.line(indent+1, string(v))
		case string:
			w.line(indent+1, oneLine(w.draft.resolve(v, w.at)))
		case script:
			w.line(indent+1, oneLine(w.draft.resolve(string(v), w.at)))
		}
		w.dash(indent, begun)
	}
}
