package importer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// Kind is a kind of file that can be imported.
type Kind string

// The kinds of files.
const (
	Taskfile Kind = "taskfile"
	Spot     Kind = "spot"
	Ansible  Kind = "ansible"
)

// Kinds lists them, for messages.
var Kinds = []Kind{Taskfile, Spot, Ansible}

// Limits of what is made of one file. The text that goes in is bounded by package source.
const (
	stepsMax    = 8_000 // of a draft: a runbook takes no more than 10 000, and tasks that call each other multiply
	depthMax    = 20    // of tasks that call each other
	originalMax = 60    // lines of what was written, kept beneath a step that is left as a comment
)

// Options say how a file is imported.
type Options struct {
	File string // what the file is called, in problems and in the runbook's first line
	Name string // of the runbook
	Kind Kind   // empty: it is told from the content
	// Params are names that were given when the other tool was run (-e); a playbook does not tell them from vars of a host.
	Params []string
	Only   []string // tasks or plays; empty: those that a user of the other tool could ask for
}

// Remark is something that could not be said, or is said differently.
type Remark struct {
	Line int // of the file that was read; 0 is all of it
	Text string
}

// Result is what was made of a file.
type Result struct {
	Kind      Kind
	Runbook   string
	Inventory string // the hosts that the file names, empty where it names none
	Word      string // what the other tool calls its steps: task, command
	Total     int    // of them
	Imported  int    // of them; the others are left as comments
	Remarks   []Remark
}

// Import makes a runbook of a file. An error is source.Problems where the file itself is wrong.
func Import(text []byte, o Options) (*Result, error) {
	node, err := source.Parse(&source.File{Name: o.File, Text: string(text)})
	if err != nil {
		return nil, err
	}
	if o.Kind == "" {
		if o.Kind = Detect(node); o.Kind == "" {
			return nil, source.Problems{node.Problem("cannot tell what this is: neither a Taskfile, nor a spot or an Ansible playbook", "say it: --from taskfile, spot or ansible")}
		}
	}
	d := newDraft(node.File, cmp.Or(o.Name, "imported"))
	switch o.Kind {
	case Taskfile:
		err = readTaskfile(d, node, o.Only)
	case Spot:
		err = readSpot(d, node, o.Only)
	case Ansible:
		err = readAnsible(d, node, o)
	default:
		return nil, fmt.Errorf("cannot import from %q: it is one of taskfile, spot, ansible", o.Kind)
	}
	if err != nil {
		return nil, err
	}
	return d.result(o.Kind), nil
}

// Detect tells by the keys of a document what it is; "" is none of the kinds.
func Detect(n *source.Node) Kind {
	if n.Kind == source.List {
		for _, item := range n.Items {
			if item.Get("hosts") != nil || item.Get("import_playbook") != nil || item.Get("ansible.builtin.import_playbook") != nil {
				return Ansible
			}
		}
		if isTaskList(n) {
			return Ansible
		}
		return ""
	}
	tasks := n.Get("tasks")
	switch {
	case n.Get("task") != nil, n.Get("targets") != nil, tasks != nil && tasks.Kind == source.List:
		return Spot
	case tasks != nil && tasks.Kind == source.Map, n.Get("version") != nil && n.Get("includes") != nil:
		return Taskfile
	}
	return ""
}

// result settles the draft and tells what became of it.
func (d *draft) result(kind Kind) *Result {
	text := d.settle()
	r := &Result{Kind: kind, Runbook: text, Inventory: d.inventory, Word: "task"}
	if kind == Spot {
		r.Word = "command"
	}
	left := map[int]bool{} // the entries of the file of which something was left
	entries := map[int]bool{}
	d.each(func(s *step) {
		if s.counted {
			entries[s.line] = true
		}
		if s.broken != "" {
			r.Remarks = append(r.Remarks, Remark{s.line, "left as a comment: " + s.broken})
			s.spoil(left)
		}
		r.Remarks = append(r.Remarks, s.remarks...)
	})
	r.Remarks = append(r.Remarks, d.remarks...)
	for _, line := range d.done {
		entries[line] = true
	}
	for _, line := range d.lost {
		entries[line], left[line] = true, true
	}
	for line := range left {
		if entries[line] {
			r.Imported--
		}
	}
	r.Total = len(entries)
	r.Imported += r.Total
	slices.SortStableFunc(r.Remarks, func(a, b Remark) int { return cmp.Compare(a.Line, b.Line) })
	r.Remarks = slices.Compact(r.Remarks)
	return r
}

// Whole is the runbook, with the hosts that the file names as a comment at its end.
func (r *Result) Whole() string {
	if r.Inventory == "" {
		return r.Runbook
	}
	var b strings.Builder
	b.WriteString(r.Runbook + "\n# import: an inventory of the hosts that were named:\n")
	for _, line := range strings.Split(strings.TrimSuffix(r.Inventory, "\n"), "\n") {
		b.WriteString("#   " + line + "\n")
	}
	return b.String()
}

// Summary says in a line what became of the steps.
func (r *Result) Summary() string {
	s := fmt.Sprintf("%d of %d %ss imported", r.Imported, r.Total, r.Word)
	if left := r.Total - r.Imported; left > 0 {
		s += fmt.Sprintf("; %d left as comments", left)
	}
	if len(r.Remarks) > 0 {
		s += `; look for "# import:"`
	}
	return s
}

// chosen holds the names asked for against those there are.
func chosen(file *source.File, what string, only, there []string) error {
	for _, name := range only {
		if !slices.Contains(there, name) {
			p := &source.Problem{File: file, Message: fmt.Sprintf("there is no %s %q", what, name), Hint: source.DidYouMean(name, there)}
			if p.Hint == "" {
				p.Hint = "there are: " + strings.Join(there, ", ")
			}
			return source.Problems{p}
		}
	}
	return nil
}
