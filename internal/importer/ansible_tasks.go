package importer

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// tasks makes the steps of a list of tasks.
func (r *ansible) tasks(into *step, list *source.Node, c context) {
	items := itemsOf(list)
	for i, n := range items {
		if r.draft.full() {
			r.draft.leaveOut(items[i:])
			return
		}
		r.at = n.Pos.Line
		r.task(into, n, c)
	}
}

// task makes a step of a task, or a block of a block.
func (r *ansible) task(into *step, n *source.Node, c context) {
	if n.Kind != source.Map {
		r.draft.add(into, n).fail("a task is a map, this is %s", n.Describe())
		return
	}
	if n.Get("block") != nil {
		r.block(into, n, c)
		return
	}
	module, args := moduleOf(n)
	if module == "meta" && textOf(firstNode(args, n)) == "flush_handlers" {
		r.flush(into, c)
		return
	}
	s := r.draft.add(into, n)
	s.counted = true
	s.name = titleOf(textOf(n.Get("name")))
	if module == "" {
		s.fail("it does not say what it does")
		return
	}
	if other := secondModule(n); other != "" {
		s.fail("it does two things, or %s is a keyword that is not known here", brief(other))
		return
	}
	r.fill(s, n, module, args, c)
}

// fill says what a task says, in its step.
func (r *ansible) fill(s *step, n *source.Node, module string, args *source.Node, c context) {
	c.names = c.names.inner()
	c.names.declare(n.Get("vars"))
	r.loop(s, n, &c)
	s.module = module
	r.keywords(s, n, &c)
	m := &moduleCall{reader: r, step: s, names: c.names, module: module, local: c.local, line: n.Pos.Line}
	m.read(args, n.Get("args"))
	m.say()
	if m.result != nil {
		m.result.module = module
		s = m.result
	}
	r.after(s, n, module, c)
}

// block makes a block; what its tasks do in the end goes to finally.
func (r *ansible) block(into *step, n *source.Node, c context) {
	s := r.draft.add(into, n)
	s.block, s.name = true, titleOf(textOf(n.Get("name")))
	c.names = c.names.inner()
	c.names.declare(n.Get("vars"))
	r.keywords(s, n, &c)
	r.tasks(s, n.Get("block"), c)
	if rescue := n.Get("rescue"); rescue != nil {
		key := keyOf(n, "rescue")
		s.remark(key.Pos.Line, "rescue is not imported: say rollback at the steps that have to be taken back, or at the block; it was:")
		for _, line := range r.draft.linesOf(key.Pos.Line) {
			s.quote = append(s.quote, line)
		}
		for _, item := range itemsOf(rescue) {
			r.draft.lost = append(r.draft.lost, item.Pos.Line)
		}
	}
	for _, item := range itemsOf(n.Get("always")) {
		holder := &step{block: true, parent: s}
		r.task(holder, item, c)
		for _, inner := range holder.steps {
			inner.parent = s
			s.finally = append(s.finally, inner)
		}
	}
	if len(s.steps) == 0 {
		s.fail("there is nothing that it does")
	}
}

// taskKeys are those of a task or a block that are no module.
var taskKeys = []string{
	"name", "when", "register", "loop", "loop_control", "become", "become_user", "become_method", "become_flags", "become_exe",
	"delegate_to", "delegate_facts", "run_once", "notify", "tags", "vars", "environment", "ignore_errors", "ignore_unreachable",
	"changed_when", "failed_when", "until", "retries", "delay", "no_log", "check_mode", "diff", "throttle", "timeout", "async", "poll",
	"any_errors_fatal", "args", "listen", "connection", "remote_user", "port", "debugger", "collections", "module_defaults",
	"block", "rescue", "always", "action", "local_action",
}

// moduleOf finds the module of a task and what it is given.
func moduleOf(n *source.Node) (string, *source.Node) {
	for _, p := range n.Pairs {
		key := p.Key.Text
		switch {
		case key == "action" || key == "local_action":
			if p.Value.Kind == source.Map {
				return bareModule(textOf(p.Value.Get("module"))), p.Value
			}
			name, rest, _ := strings.Cut(strings.TrimSpace(p.Value.Text), " ")
			free := *p.Value
			free.Text = strings.TrimSpace(rest)
			return bareModule(name), &free
		case !slices.Contains(taskKeys, key) && !strings.HasPrefix(key, "with_"):
			return bareModule(key), p.Value
		}
	}
	return "", nil
}

// secondModule finds a key that could be a module beside the one there is.
func secondModule(n *source.Node) string {
	found := false
	for _, p := range n.Pairs {
		key := p.Key.Text
		isModule := key == "action" || key == "local_action" || !slices.Contains(taskKeys, key) && !strings.HasPrefix(key, "with_")
		if isModule && found {
			return key
		}
		found = found || isModule
	}
	return ""
}

// bareModule takes the name of Ansible's own collection off.
func bareModule(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "ansible.builtin."), "ansible.legacy.")
}

var template = regexp.MustCompile(`\{\{-?\s*(.*?)\s*-?\}\}`)

// titleOf makes a title of a name: no values can stand in one.
func titleOf(name string) string { return brief(template.ReplaceAllString(name, "<$1>")) }

func tagsOf(n *source.Node) value {
	var tags []value
	for _, item := range itemsOf(n) {
		for _, tag := range strings.Split(item.Text, ",") {
			if tag = strings.TrimSpace(tag); tag != "" && !strings.Contains(tag, "{{") {
				tags = append(tags, tag)
			}
		}
	}
	if len(tags) == 0 {
		return nil
	}
	return tags
}

func seconds(text string) value {
	if n, ok := source.ParseScalar(strings.TrimSpace(text)).(int); ok && n > 0 {
		if n%60 == 0 {
			return bare(fmt.Sprintf("%dm", n/60))
		}
		return bare(fmt.Sprintf("%ds", n))
	}
	return nil
}

// loop says over what a task is repeated.
func (r *ansible) loop(s *step, n *source.Node, c *context) {
	for _, p := range n.Pairs {
		switch key := p.Key.Text; {
		case key == "loop", key == "with_items", key == "with_list":
			control := n.Get("loop_control")
			c.names.loop = firstOf(textOf(control.Get("loop_var")), "item")
			if index := textOf(control.Get("index_var")); index != "" {
				c.names.vars[index] = phrase{bad: unsaid("the index of a loop")}
			}
			items, err := r.items(p.Value, c.names.around)
			if err != nil {
				s.fail("the loop: %s", err)
			}
			s.keys.set("foreach", items)
			c.names.items = sortOf(items)
			s.foreach, s.items = true, r.draft.itemNames(items)
		case strings.HasPrefix(key, "with_"):
			c.names.loop = "item"
			s.fail("%s has no counterpart; foreach takes a list", key)
		}
	}
}

// items gives what is looped over: it has to be known before the run.
func (r *ansible) items(n *source.Node, look *names) (value, error) {
	if n.Kind == source.Scalar {
		text := n.Text
		if !strings.Contains(text, "{{") {
			text = "{{ " + text + " }}" // with_items: list
		}
		pieces, err := sayPieces(text, look.look)
		p := joined(pieces)
		if err == nil && p.late {
			err = unsaid("it is known only during the run; loop over it in a script")
		}
		return p.inText(), err
	}
	p, v, err := look.value(n)
	if err == nil && p.late {
		err = unsaid("it is known only during the run; loop over it in a script")
	}
	if list, ok := v.([]value); ok { // with_items takes lists in a list apart
		var flat []value
		for _, item := range list {
			if inner, isList := item.([]value); isList {
				flat = append(flat, inner...)
			} else {
				flat = append(flat, item)
			}
		}
		if err == nil {
			err = noneTwice(flat)
		}
		return flat, err
	}
	return nil, unsaid("%s", n.Describe())
}

// sortOf tells what the items of a loop are.
func sortOf(items value) sort {
	list, _ := items.([]value)
	for _, item := range list {
		if _, isText := item.(string); !isText {
			return anything
		}
	}
	if len(list) == 0 {
		return anything
	}
	return text
}

// noneTwice holds the items of a loop apart: each step is called by its item.
func noneTwice(items []value) error {
	seen := map[value]bool{}
	for _, item := range items {
		switch item.(type) {
		case string, bare:
			if seen[item] {
				return unsaid("the item %s is there twice", item)
			}
			seen[item] = true
		}
	}
	return nil
}

// itemNames gives the names of the items of a loop as an expression: texts are named by themselves, maps by their place.
func (d *draft) itemNames(items value) string {
	if text, ok := items.(string); ok {
		name := strings.TrimSuffix(strings.TrimPrefix(text, "${{ "), " }}")
		for _, s := range d.vars {
			list, isList := s.value.([]value)
			if s.name == name && isList {
				names := d.itemNames(list)
				if names != "" && !isMaps(list) {
					return name
				}
				return names
			}
		}
		return ""
	}
	list, _ := items.([]value)
	var names []string
	for i, item := range list {
		switch v := item.(type) {
		case string:
			if strings.Contains(v, "${{") {
				return ""
			}
			names = append(names, quoteText(v))
		case bare:
			names = append(names, quoteText(string(v)))
		default:
			names = append(names, fmt.Sprintf("%q", fmt.Sprint(i+1)))
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "[" + strings.Join(names, ", ") + "]"
}

func isMaps(list []value) bool {
	_, is := list[0].(mapping)
	return is
}
