package importer

import (
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// taskfile reads a Taskfile of go-task, version 3.
type taskfile struct {
	draft   *draft
	node    *source.Node
	names   []string // of the tasks, in the order written
	tasks   map[string]*source.Node
	globals map[string]phrase       // what the vars of the file mean
	defined map[string]*source.Node // the vars of the file
	busy    map[string]bool         // whose meaning is being found out: a var may lead to itself
	params  map[string]*setting
	prelude []*step // steps that read what vars are made of
	choose  string  // the param that chooses among tasks
	at      int     // the line that is read
	lateEnv mapping // of the file, of what only steps know
}

// scope is what names mean within one task.
type taskScope struct {
	task  string
	local map[string]phrase
	item  string   // the name of the item of a loop
	into  *step    // where steps that read vars go; nil: at the begin of the runbook
	calls []string // the tasks that led here
}

const hereDir = "${{ env.PWD }}"

// taskfileRemarks are the keys of a Taskfile, with what is to be said of those that have no counterpart.
var taskfileRemarks = map[string]string{
	"dotenv":   "the files of dotenv are not read here: set the variables before opsctl is started, or under env",
	"includes": "the Taskfiles that are included are not read: import each of them, and say runbook: FILE",
	"set":      "set of the shell is not taken over: scripts have set -eu here",
	"shopt":    "shopt is not taken over",
	"version":  "", "tasks": "", "vars": "", "env": "", "output": "", "silent": "", "method": "", "run": "", "interval": "",
}

func readTaskfile(d *draft, n *source.Node, only []string) error {
	if n.Kind != source.Map {
		return source.Problems{n.Problem("a Taskfile is a map with tasks, this is "+n.Describe(), "")}
	}
	t := &taskfile{
		draft: d, node: n, tasks: map[string]*source.Node{}, globals: map[string]phrase{}, defined: map[string]*source.Node{},
		busy: map[string]bool{}, params: map[string]*setting{},
	}
	tasks := n.Get("tasks")
	if tasks == nil || tasks.Kind != source.Map || len(tasks.Pairs) == 0 {
		return source.Problems{n.Problem("there are no tasks in this Taskfile", "tasks: is a map of names and tasks")}
	}
	for _, p := range tasks.Pairs {
		t.names, t.tasks[p.Key.Text] = append(t.names, p.Key.Text), p.Value
	}
	if err := chosen(n.File, "task", only, t.names); err != nil {
		return err
	}
	d.comments = d.commentsAbove(n.Pos.Line)
	for _, p := range n.Pairs {
		text, known := taskfileRemarks[p.Key.Text]
		switch {
		case text != "":
			d.remark(p.Key.Pos.Line, "%s", text)
		case !known:
			d.remark(p.Key.Pos.Line, "%s has no counterpart", brief(p.Key.Text))
		}
	}
	for _, p := range pairsOf(n.Get("vars")) {
		t.defined[p.Key.Text] = p.Value
	}
	d.keys.set("dir", hereDir)
	t.env()
	for _, p := range pairsOf(n.Get("vars")) { // in the order written, though a task may ask for them in another
		if value := p.Value.Get("sh"); value == nil {
			_, _ = t.global(p.Key.Text) // what cannot be said is told where it is used
		}
	}
	t.entries(only)
	t.draft.root.steps = append(t.prelude, t.draft.root.steps...)
	return nil
}

func pairsOf(n *source.Node) []source.Pair {
	if n == nil || n.Kind != source.Map {
		return nil
	}
	return n.Pairs
}

// entries makes a block of every task that can be asked for. Where there are several, a param chooses.
func (t *taskfile) entries(only []string) {
	list := only
	if len(list) == 0 {
		for _, name := range t.names {
			if n := t.tasks[name]; !isTrue(n.Get("internal")) {
				list = append(list, name)
			}
		}
	}
	if len(list) == 0 {
		list = t.names
	}
	if len(list) > 1 {
		t.chooser(list)
	}
	root := t.draft.root
	for _, name := range list {
		before := len(root.steps)
		t.task(root, name, t.tasks[name], taskScope{})
		for _, s := range root.steps[before:] {
			s.envLate(t.lateEnv)
			if len(list) > 1 {
				also(&s.keys, t.choose+" == "+quoteText(name))
			}
		}
	}
	if len(list) == 1 && len(root.steps) == 1 {
		t.unwrap(root)
	}
}

// unwrap lets the steps of the only block stand at the top.
func (t *taskfile) unwrap(root *step) {
	s := root.steps[0]
	if !s.block || len(s.keys) > 0 || len(s.steps) == 0 {
		return
	}
	if s.name != "" {
		t.draft.keys.set("description", s.name)
	}
	t.draft.comments = append(t.draft.comments, s.comments...)
	t.draft.remarks = append(t.draft.remarks, s.remarks...)
	root.steps, root.finally = s.steps, s.finally
	for _, inner := range slices.Concat(root.steps, root.finally) {
		inner.parent = root
	}
	root.line, root.counted = s.line, s.counted
}

func (t *taskfile) chooser(list []string) {
	t.choose = "task"
	for t.defined[t.choose] != nil {
		t.choose += "_"
	}
	var enum []value
	for _, name := range list {
		if !strings.Contains(name, "*") {
			enum = append(enum, name)
		}
	}
	m := mapping{{"enum", enum}}
	if slices.Contains(list, "default") {
		m = append(m, pair{"default", "default"})
	}
	m = append(m, pair{"help", "the task to run"})
	t.draft.params = append(t.draft.params, &setting{name: t.choose, value: m})
}

// also adds a condition to those of a step.
func also(m *mapping, cond string) {
	if old, ok := m.get("if").(string); ok {
		cond = phrase{expr: cond, strength: comparison}.at(conjunction) + " and (" + old + ")"
	}
	m.set("if", expression(cond))
}

func (s *step) envLate(late mapping) {
	if len(late) == 0 {
		return
	}
	env, _ := s.keys.get("env").(mapping)
	env = slices.Clone(env)
	for _, p := range late {
		if env.get(p.key) == nil {
			env = append(env, p)
		}
	}
	s.keys.set("env", env)
}

// env says the environment of the file. What only steps know goes to the tasks.
func (t *taskfile) env() {
	var env mapping
	for _, p := range pairsOf(t.node.Get("env")) {
		v, err := t.value(p.Value, taskScope{}, p.Key.Text)
		switch {
		case err != nil:
			t.draft.remark(p.Key.Pos.Line, "the environment variable %s cannot be said: %s", p.Key.Text, err)
		case v.late:
			t.lateEnv = append(t.lateEnv, pair{p.Key.Text, v.inText()})
		default:
			env = append(env, pair{p.Key.Text, v.inText()})
		}
	}
	if len(env) > 0 {
		t.draft.keys.set("env", env)
	}
}

// value gives the meaning of a value of vars or env: a text, or a command whose output it is.
func (t *taskfile) value(n *source.Node, sc taskScope, name string) (phrase, error) {
	if sh := n.Get("sh"); sh != nil {
		return t.read(sh, sc, name)
	}
	switch n.Kind {
	case source.Scalar:
		pieces, err := t.say(n.Text, sc)
		return joined(pieces), err
	case source.Null:
		return fixedText(""), nil
	case source.List:
		p := phrase{strength: tight, sort: list}
		var items []string
		for _, item := range n.Items {
			q, err := t.value(item, sc, name)
			if err != nil {
				return p, err
			}
			items, p.late = append(items, q.expr), p.late || q.late
		}
		p.expr = "[" + strings.Join(items, ", ") + "]"
		return p, nil
	}
	return phrase{}, unsaid("%s is a map", name)
}

// read makes a step that reads what a command prints, and gives its output.
func (t *taskfile) read(sh *source.Node, sc taskScope, name string) (phrase, error) {
	pieces, err := t.say(sh.Text, sc)
	if err != nil {
		return phrase{}, err
	}
	s := t.draft.loose(sh)
	s.comments = nil
	s.id, s.derived = strings.ToLower(name), true
	s.keys.set("run", inScript(pieces))
	s.keys.set("effect", "read")
	s.bash()
	if sc.into != nil {
		t.draft.place(s, sc.into)
	} else {
		s.parent = t.draft.root
		t.prelude = append(t.prelude, s)
	}
	return phrase{expr: reference(s) + ".stdout", strength: tight, sort: text, late: true}, nil
}

// bash says so where a script is one of bash.
func (s *step) bash() {
	for _, key := range []string{"run", "check"} {
		if text, ok := s.keys.get(key).(script); ok && bashism.MatchString(string(text)) {
			s.keys.set("shell", "bash")
		}
	}
}

func isTrue(n *source.Node) bool {
	return n != nil && n.Kind == source.Scalar && slices.Contains([]string{"true", "yes", "on", "y", "1"}, strings.ToLower(n.Text))
}
