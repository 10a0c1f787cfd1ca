package importer

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// remarksOfTask are keys of a task that have no counterpart, each with what to do instead.
var remarksOfTask = map[string]string{
	"sources":     "sources and generates are not watched here: the step always runs, unless it gets a check",
	"generates":   "sources and generates are not watched here: the step always runs, unless it gets a check",
	"dotenv":      "the files of dotenv are not read here: set the variables before opsctl is started, or under env",
	"interactive": "a step has no terminal here: confirm and manual ask a person",
	"platforms":   "platforms are not looked at here: let an if tell them apart",
	"set":         "set of the shell is not taken over: scripts have set -eu here",
	"shopt":       "shopt is not taken over",
	"watch":       "watch has no counterpart",
}

// silentOfTask are keys that say nothing about what is done.
var silentOfTask = []string{
	"desc", "summary", "cmds", "cmd", "deps", "vars", "env", "dir", "preconditions", "status", "silent", "internal", "ignore_error",
	"requires", "label", "prompt", "aliases", "method", "prefix", "run", "short",
}

// task makes a block, or a step where that is enough, of a task, at the end of a block.
func (t *taskfile) task(into *step, name string, n *source.Node, outer taskScope) {
	s := t.draft.add(into, n)
	s.block, s.id = true, name
	if key := keyOf(t.node.Get("tasks"), name); key != nil {
		s.line, s.comments, s.original = key.Pos.Line, t.draft.commentsAbove(key.Pos.Line), t.draft.linesOf(key.Pos.Line)
	}
	s.counted, t.at = true, s.line
	sc := taskScope{task: name, local: maps.Clone(outer.local), item: outer.item, into: s, calls: append(slices.Clone(outer.calls), name)}
	if sc.local == nil {
		sc.local = map[string]phrase{}
	}
	switch {
	case slices.Contains(outer.calls, name):
		s.fail("it calls itself: %s", strings.Join(sc.calls, " → "))
		return
	case len(sc.calls) > depthMax || t.draft.full():
		s.fail("tasks that call each other: more than %d, or deeper than %d", stepsMax, depthMax)
		return
	}
	if n.Kind == source.Map {
		t.settings(s, n, &sc)
		t.order(s, n, sc)
	} else {
		t.commands(s, n, sc)
	}
	t.apart(s)
	switch {
	case strings.Contains(name, "*"):
		s.fail("its name is a pattern")
	case len(s.steps) == 0:
		s.fail("there is nothing that it does")
	}
	s.collapse()
}

// apart puts the commands of a task into a block of their own, where what holds for them is made of what a step in the same
// block reads: a block does not know its own steps.
func (t *taskfile) apart(s *step) {
	own := func(number int) bool { return t.draft.steps[number].parent == s }
	if !slices.ContainsFunc(marks(s.keys, nil), own) {
		return
	}
	inner := &step{line: s.line, number: len(t.draft.steps), block: true, parent: s, id: firstOf(runbook.Slug(s.id), "task") + "_commands", original: s.original}
	t.draft.steps = append(t.draft.steps, inner)
	var reads []*step
	for _, x := range s.steps {
		if x.derived {
			reads = append(reads, x)
			continue
		}
		t.draft.place(x, inner)
	}
	for _, x := range s.finally {
		x.parent = inner
	}
	inner.finally, s.finally = s.finally, nil
	inner.keys, s.keys = s.keys, nil
	s.steps = append(reads, inner)
	inner.collapse()
}

func keyOf(m *source.Node, name string) *source.Node {
	for _, p := range pairsOf(m) {
		if p.Key.Text == name {
			return p.Key
		}
	}
	return nil
}

// settings says what holds for all commands of a task.
func (t *taskfile) settings(s *step, n *source.Node, sc *taskScope) {
	for _, p := range n.Pairs {
		if text := remarksOfTask[p.Key.Text]; text != "" && !isFalse(p.Value) {
			s.remark(p.Key.Pos.Line, "%s", text)
		} else if text == "" && !slices.Contains(silentOfTask, p.Key.Text) {
			s.remark(p.Key.Pos.Line, "%s has no counterpart", brief(p.Key.Text))
		}
	}
	s.name = firstOf(textOf(n.Get("desc")), firstLine(textOf(n.Get("summary"))), textOf(n.Get("label")))
	if strings.Contains(s.name, "{{") {
		s.name = ""
	}
	t.require(n.Get("requires"), sc)
	for _, p := range pairsOf(n.Get("vars")) {
		v, err := t.value(p.Value, *sc, p.Key.Text)
		if err != nil {
			s.remark(p.Key.Pos.Line, "the var %s cannot be said: %s", p.Key.Text, err)
			v.bad = err
		}
		sc.local[p.Key.Text] = v
	}
	var env mapping
	for _, p := range pairsOf(n.Get("env")) {
		v, err := t.value(p.Value, *sc, p.Key.Text)
		if err != nil {
			s.remark(p.Key.Pos.Line, "the environment variable %s cannot be said: %s", p.Key.Text, err)
			continue
		}
		env = append(env, pair{p.Key.Text, v.inText()})
	}
	if len(env) > 0 {
		s.keys.set("env", env)
	}
	t.text(s, n.Get("dir"), *sc, func(text string) { s.keys.set("dir", inDir(text)) })
	if prompt := n.Get("prompt"); prompt != nil && prompt.Kind == source.List && len(prompt.Items) > 0 {
		t.text(s, prompt.Items[0], *sc, func(text string) { s.keys.set("confirm", text) })
	} else {
		t.text(s, prompt, *sc, func(text string) { s.keys.set("confirm", text) })
	}
	if isTrue(n.Get("ignore_error")) {
		s.keys.set("on_failure", "ignore")
	}
}

// inDir gives a directory, which is relative to that of the Taskfile.
func inDir(dir string) string {
	if strings.HasPrefix(dir, "/") || strings.HasPrefix(dir, "~") || strings.HasPrefix(dir, "${{") {
		return dir
	}
	return path.Join(hereDir, dir)
}

// text translates a text, and tells the step what cannot be said.
func (t *taskfile) text(s *step, n *source.Node, sc taskScope, to func(string)) {
	if n == nil || n.Kind != source.Scalar {
		return
	}
	pieces, err := t.say(n.Text, sc)
	if err != nil {
		s.fail("%s", err)
		return
	}
	to(inText(pieces))
}

// require makes params of the vars that a task cannot do without.
func (t *taskfile) require(n *source.Node, sc *taskScope) {
	for _, item := range itemsOf(n.Get("vars")) {
		name, m := item.Text, mapping{}
		if item.Kind == source.Map {
			name = textOf(item.Get("name"))
			var enum []value
			for _, e := range itemsOf(item.Get("enum")) {
				enum = append(enum, e.Text)
			}
			if len(enum) > 0 {
				m.set("enum", enum)
			}
		}
		if _, given := sc.local[name]; given || t.defined[name] != nil || name == "" {
			continue
		}
		t.param(name, m, item.Pos.Line)
	}
}

// param makes a param, once.
func (t *taskfile) param(name string, m mapping, line int) *setting {
	p := t.params[name]
	if p == nil {
		p = &setting{name: ourName(name), value: m, line: line}
		t.params[name] = p
		t.draft.params = append(t.draft.params, p)
	}
	return p
}

// order says what comes before the commands of a task, and the commands. Needs come first; what is so already does not
// keep them from running.
func (t *taskfile) order(s *step, n *source.Node, sc taskScope) {
	if deps := itemsOf(n.Get("deps")); len(deps) > 0 {
		t.deps(s, n.Get("deps"), deps, sc)
	}
	for _, item := range itemsOf(n.Get("preconditions")) {
		t.precondition(s, item, sc)
	}
	body := s
	check := t.status(s, n.Get("status"), sc)
	if check != "" && len(s.steps) > 0 { // only the commands depend on it
		body = t.draft.add(s, n)
		body.block, body.comments = true, nil
		body.id = sc.task + "_commands"
		sc.into = body
	}
	if check != "" {
		body.keys.set("check", check)
		body.bash()
	}
	if cmds := firstNode(n.Get("cmds"), n.Get("cmd")); cmds != nil {
		t.commands(body, cmds, sc)
	}
	if body != s {
		body.collapse()
	}
}

// deps are tasks that run before, side by side.
func (t *taskfile) deps(s *step, n *source.Node, deps []*source.Node, sc taskScope) {
	into := s
	if len(deps) > 1 {
		into = t.draft.add(s, n)
		into.block, into.id, into.comments = true, "deps", nil
		into.keys.set("parallel", bare("true"))
		into.original = nil
	}
	for _, item := range deps {
		t.callTask(into, item, sc)
	}
}

func (t *taskfile) precondition(s *step, n *source.Node, sc taskScope) {
	p := t.draft.add(s, n)
	p.id = "precondition"
	sh, message := n, ""
	if n.Kind == source.Map {
		if sh = n.Get("sh"); sh == nil {
			p.fail("a precondition without sh")
			return
		}
		t.pieces(p, n.Get("msg"), sc, func(pieces []phrase) { message = wordOf(pieces) })
	}
	t.pieces(p, sh, sc, func(pieces []phrase) { p.keys.set("run", orSay(string(inScript(pieces)), message)) })
	p.keys.set("effect", "read")
	p.bash()
}

func (t *taskfile) pieces(s *step, n *source.Node, sc taskScope, to func([]phrase)) {
	if n == nil || n.Kind != source.Scalar {
		return
	}
	pieces, err := t.say(n.Text, sc)
	if err != nil {
		s.fail("%s", err)
		return
	}
	to(pieces)
}

// status is a check: all of its commands succeed where nothing is left to do.
func (t *taskfile) status(s *step, n *source.Node, sc taskScope) script {
	var list []string
	for _, item := range itemsOf(n) {
		pieces, err := t.say(item.Text, sc)
		if err != nil {
			s.remark(item.Pos.Line, "this status cannot be said, so the step always runs: %s", err)
			return ""
		}
		list = append(list, string(inScript(pieces)))
	}
	if len(list) == 1 {
		return script(list[0])
	}
	for i := range list {
		list[i] = grouped(list[i])
	}
	return script(strings.Join(list, " && "))
}

// collapse makes one step of a block with one step in it, where they do not say the same thing twice.
func (s *step) collapse() {
	if s.broken != "" || len(s.steps) != 1 || len(s.finally) > 0 {
		return
	}
	inner := s.steps[0]
	for _, p := range s.keys {
		if inner.keys.get(p.key) != nil {
			return
		}
	}
	if inner.referenced || inner.foreach && s.keys.get("check") != nil || inner.counted && inner.line != s.line {
		return
	}
	s.block, s.steps, s.finally = inner.block, inner.steps, inner.finally
	s.keys = append(s.keys, inner.keys...)
	s.remarks = append(s.remarks, inner.remarks...)
	s.name = firstOf(s.name, inner.name)
	s.comments = append(s.comments, inner.comments...)
	s.foreach = inner.foreach
	if inner.broken != "" {
		s.broken = inner.broken
	}
	for _, x := range slices.Concat(s.steps, s.finally) {
		x.parent = s
	}
}

func textOf(n *source.Node) string {
	if n == nil || n.Kind != source.Scalar {
		return ""
	}
	return n.Text
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}

// itemsOf gives the entries of a list; a single value is a list of one.
func itemsOf(n *source.Node) []*source.Node {
	switch {
	case n == nil || n.Kind == source.Null:
		return nil
	case n.Kind == source.List:
		return n.Items
	}
	return []*source.Node{n}
}

func firstNode(list ...*source.Node) *source.Node {
	for _, n := range list {
		if n != nil {
			return n
		}
	}
	return nil
}

func isFalse(n *source.Node) bool {
	return n != nil && n.Kind == source.Scalar && slices.Contains([]string{"false", "no", "off", "n", "0"}, strings.ToLower(n.Text))
}
