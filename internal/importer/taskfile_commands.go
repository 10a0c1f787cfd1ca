package importer

import (
	"maps"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// commands makes a step of each command: each has a shell of its own, as with go-task.
func (t *taskfile) commands(into *step, n *source.Node, sc taskScope) {
	items := itemsOf(n)
	for i, item := range items {
		if t.draft.full() {
			t.draft.leaveOut(items[i:])
			return
		}
		t.at = item.Pos.Line
		t.command(into, item, sc)
	}
}

func (t *taskfile) command(into *step, n *source.Node, sc taskScope) {
	switch {
	case n.Kind == source.Scalar:
		t.shell(t.draft.add(into, n), n, n, sc)
	case n.Kind != source.Map:
		t.draft.add(into, n).fail("a command is a text or a map, this is %s", n.Describe())
	case n.Get("for") != nil:
		t.loop(into, n, sc)
	case n.Get("defer") != nil:
		t.deferred(into, n.Get("defer"), sc)
	case n.Get("task") != nil:
		t.callTask(into, n, sc)
	case n.Get("cmd") != nil:
		t.shell(t.draft.add(into, n), n.Get("cmd"), n, sc)
	default:
		t.draft.add(into, n).fail("it is neither a command nor a task")
	}
}

// shell is a step that runs a command; all is what stands beside the command.
func (t *taskfile) shell(s *step, cmd, all *source.Node, sc taskScope) {
	t.pieces(s, cmd, sc, func(pieces []phrase) { s.keys.set("run", inScript(pieces)) })
	if s.keys.get("run") == nil {
		s.fail("the command is empty")
	}
	for _, p := range pairsOf(all) {
		switch key := p.Key.Text; key {
		case "cmd", "for", "silent", "task", "vars":
		case "ignore_error":
			if isTrue(p.Value) {
				s.keys.set("on_failure", "ignore")
			}
		case "platforms", "set", "shopt":
			s.remark(p.Key.Pos.Line, "%s", remarksOfTask[key])
		default:
			s.remark(p.Key.Pos.Line, "%s has no counterpart", brief(key))
		}
	}
	s.bash()
}

// deferred is what runs at the end of the task, whatever happened: the last first.
func (t *taskfile) deferred(into *step, n *source.Node, sc taskScope) {
	before := len(into.finally)
	if n.Kind == source.Map {
		holder := &step{block: true, parent: into}
		t.callTask(holder, n, sc)
		for _, s := range holder.steps {
			s.parent = into
			into.finally = append(into.finally, s)
		}
	} else {
		t.shell(t.draft.addFinally(into, n), n, n, sc)
	}
	added := slices.Clone(into.finally[before:])
	into.finally = append(added, into.finally[:before]...)
}

// callTask puts another task here, with the vars it is given.
func (t *taskfile) callTask(into *step, n *source.Node, sc taskScope) {
	name := n.Text
	inner := sc
	if n.Kind == source.Map {
		name = textOf(n.Get("task"))
	}
	inner.local = map[string]phrase{}
	if sc.item != "" {
		inner.local[sc.item] = phrase{expr: "item", strength: tight, late: true}
	}
	for _, p := range pairsOf(n.Get("vars")) {
		v, err := t.value(p.Value, sc, p.Key.Text)
		if err != nil {
			s := t.draft.add(into, n)
			s.fail("the var %s cannot be said: %s", p.Key.Text, err)
			return
		}
		inner.local[p.Key.Text] = v
	}
	name = strings.TrimPrefix(name, ":")
	called := t.tasks[name]
	if called == nil {
		s := t.draft.add(into, n)
		s.fail("there is no task %q in this file", brief(name))
		if strings.Contains(name, "{{") {
			s.broken = "which task it is, is known only when it runs"
		} else if strings.Contains(name, ":") {
			s.broken = "the task " + brief(name) + " is in a Taskfile that is included; import that, and say runbook: FILE"
		}
		return
	}
	before := len(into.steps)
	t.task(into, name, called, inner)
	for _, s := range into.steps[before:] {
		if isTrue(n.Get("ignore_error")) {
			s.keys.set("on_failure", "ignore")
		}
	}
}

// loop runs a command or a task once for each item.
func (t *taskfile) loop(into *step, n *source.Node, sc taskScope) {
	items, name, err := t.items(n.Get("for"), sc)
	if err != nil {
		t.draft.add(into, n).fail("%s", err)
		return
	}
	inner := sc
	inner.local = maps.Clone(sc.local)
	inner.local[name] = phrase{expr: "item", strength: tight, late: true}
	inner.item = name
	before := len(into.steps)
	if n.Get("task") != nil {
		t.callTask(into, n, inner)
	} else {
		s := t.draft.add(into, n)
		t.shell(s, firstNode(n.Get("cmd"), n), n, inner)
	}
	for _, s := range into.steps[before:] {
		if s.keys.get("foreach") != nil {
			s.fail("a loop in a loop")
		}
		s.keys.set("foreach", items)
		s.foreach = true
	}
}

// items gives what is looped over, and the name of an item.
func (t *taskfile) items(n *source.Node, sc taskScope) (value, string, error) {
	name := firstOf(textOf(n.Get("as")), "ITEM")
	switch {
	case n.Kind == source.List:
		var items []value
		for _, item := range n.Items {
			if item.Kind != source.Scalar {
				return nil, "", unsaid("a loop over lists or maps")
			}
			p, err := t.value(item, sc, "item")
			if err != nil {
				return nil, "", err
			}
			items = append(items, p.inText())
		}
		return items, name, noneTwice(items)
	case n.Get("var") != nil:
		p, err := t.name(textOf(n.Get("var")), sc)
		if err != nil {
			return nil, "", err
		}
		split := textOf(n.Get("split"))
		if known := p.known + p.holds; p.fixed || known != "" {
			var items []value
			for _, item := range splitItems(known, split) {
				items = append(items, plainText(item))
			}
			return items, name, noneTwice(items)
		}
		if p.late {
			return nil, "", unsaid("a loop over what is known only during the run")
		}
		if p.sort == text {
			p = call("split", list, p, fixedText(firstOf(split, " ")))
		}
		return p.inText(), name, nil
	}
	return nil, "", unsaid("a loop over %s", firstOf(textOf(n), "a matrix"))
}

func splitItems(s, by string) []string {
	if by == "" {
		return strings.Fields(s)
	}
	return strings.Split(s, by)
}
