package importer

import (
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// ansible reads a playbook of Ansible: plays, their tasks and handlers.
type ansible struct {
	draft    *draft
	results  map[string]*registered
	facts    map[string]phrase   // what set_fact said, from there on
	vars     map[string]*setting // of all plays, by their names here
	told     map[string]bool     // names that were told of once
	handlers []*handler          // of the play that is read
	given    []string            // names that are params
	at       int                 // the line that is read
	around   *step               // the block of the play that is read
	gathered map[string]*step    // the steps that find facts out for it
	prelude  []*step             // the same, in order
	ifAsked  map[string]string   // tags that run only when asked for → the param that asks
}

// registered is the result of a step under the name that a task gave it.
type registered struct {
	step   *step
	module string
}

// context is what holds for a task: of its play, and of the blocks it stands in.
type context struct {
	names    *names
	sudo     bool
	sudoUser string
	delegate string
	local    bool // the play is about this machine
}

func readAnsible(d *draft, n *source.Node, o Options) error {
	if n.Kind != source.List {
		return source.Problems{n.Problem("a playbook of Ansible is a list of plays, this is "+n.Describe(), "- hosts: all\n  tasks: …")}
	}
	r := &ansible{
		draft: d, results: map[string]*registered{}, facts: map[string]phrase{}, vars: map[string]*setting{}, told: map[string]bool{},
		ifAsked: map[string]string{}, given: o.Params,
	}
	if isTaskList(n) && len(o.Only) == 0 {
		r.taskList(n)
		return nil
	}
	var titles []string
	for _, item := range n.Items {
		titles = append(titles, firstOf(textOf(item.Get("name")), textOf(item.Get("hosts"))))
	}
	if err := chosen(n.File, "play", o.Only, titles); err != nil {
		return err
	}
	var plays []*source.Node
	for i, item := range n.Items {
		if len(o.Only) == 0 || slices.Contains(o.Only, titles[i]) {
			plays = append(plays, item)
		}
	}
	if len(plays) == 0 {
		return source.Problems{n.Problem("there are no plays in this playbook", "")}
	}
	d.comments = d.commentsAbove(plays[0].Pos.Line)
	if len(plays) == 1 && plays[0].Get("hosts") != nil {
		d.keys.set("description", titleOf(textOf(plays[0].Get("name"))))
		r.play(plays[0], d.root, &d.keys, d.remark)
		return nil
	}
	for i, item := range plays {
		s := d.add(d.root, item)
		if i == 0 {
			s.comments = nil // they stand above the whole
		}
		if what := importOf(item); item.Get("hosts") == nil {
			s.counted = true
			s.fail("%s", what)
			continue
		}
		s.block, s.name = true, titleOf(textOf(item.Get("name")))
		r.play(item, s, &s.keys, s.remark)
		if len(s.steps) == 0 {
			s.fail("there is nothing that it does")
		}
	}
	return nil
}

func importOf(n *source.Node) string {
	for _, p := range pairsOf(n) {
		if bareModule(p.Key.Text) == "import_playbook" {
			return "the playbook " + brief(textOf(p.Value)) + " is not read: import it, and say runbook: FILE"
		}
	}
	return "a play without hosts"
}

// play reads one play into a block: its keys, then its tasks in the order in which Ansible runs them.
func (r *ansible) play(n *source.Node, into *step, keys *mapping, remark func(int, string, ...any)) {
	r.at = n.Pos.Line
	r.around, r.gathered, r.prelude = into, map[string]*step{}, nil
	c := r.context()
	c.names.declare(n.Get("vars"))
	r.prompts(n.Get("vars_prompt"))
	c.names.settle()
	r.where(n, keys, &c, remark)
	for _, p := range n.Pairs {
		r.playKey(p, keys, &c, remark)
	}
	r.rollout(n, keys, &c, remark)
	c.takeBecome(n, keys, remark)
	r.readHandlers(n.Get("handlers"), c)
	for _, section := range []string{"pre_tasks", "roles", "tasks", "post_tasks"} {
		list := n.Get(section)
		if list == nil {
			continue
		}
		if section == "roles" {
			r.roles(into, list)
			continue
		}
		r.tasks(into, list, c)
		r.flush(into, c)
	}
	r.unnotified(remark)
	into.steps = append(r.prelude, into.steps...)
}

func (r *ansible) context() context {
	return context{names: &names{reader: r, vars: map[string]phrase{}, nodes: map[string]*source.Node{}}}
}

// taskList reads a file of tasks, as a role or an include has them: a runbook that another one can include.
func (r *ansible) taskList(list *source.Node) {
	into := r.draft.root
	r.around, r.gathered = into, map[string]*step{}
	r.draft.comments = r.draft.commentsAbove(list.Items[0].Pos.Line)
	r.tasks(into, list, r.context())
	if len(r.draft.comments) > 0 && len(into.steps) > 0 {
		into.steps[0].comments = nil // they stand above the whole
	}
	into.steps = append(r.prelude, into.steps...)
}

// isTaskList tells whether a list holds tasks, not plays.
func isTaskList(n *source.Node) bool {
	tasks := false
	for _, item := range n.Items {
		if item.Get("hosts") != nil || item.Get("import_playbook") != nil || item.Get("ansible.builtin.import_playbook") != nil {
			return false
		}
		for _, p := range item.Pairs {
			name := bareModule(p.Key.Text)
			tasks = tasks || modules[name] != nil || elsewhere[name] != "" || name == "block" && p.Value.Kind == source.List
		}
	}
	return tasks
}

// roles are not read: they are directories of files.
func (r *ansible) roles(into *step, list *source.Node) {
	for _, item := range itemsOf(list) {
		s := r.draft.add(into, item)
		s.counted = true
		s.fail("the role %s is not read: import its tasks/main.yml, and say runbook: FILE", brief(firstOf(textOf(item), textOf(item.Get("role")), textOf(item.Get("name")))))
	}
}

// playRemarks are keys of a play that have no counterpart.
var playRemarks = map[string]string{
	"vars_files":      "vars_files are not read: copy the vars here, or give them with --params-file",
	"remote_user":     "remote_user: say user in the inventory, or --user",
	"port":            "port: say it in the inventory",
	"collections":     "collections have no counterpart",
	"module_defaults": "module_defaults are not taken over: say them at each step",
	"strategy":        "strategy: the order here is host by host; barrier: true on a step waits for all hosts",
	"become_method":   "become_method: there is only sudo",
	"become_flags":    "become_flags have no counterpart",
	"become_exe":      "become_exe has no counterpart",
	"check_mode":      "check_mode: say --dry-run",
	"force_handlers":  "force_handlers: what shall run whatever happened stands under finally",
	"order":           "order: it is that of the inventory",
	"debugger":        "debugger has no counterpart",
	"vars":            "", "name": "", "hosts": "", "tasks": "", "pre_tasks": "", "post_tasks": "", "handlers": "", "roles": "",
	"gather_facts": "", "gather_subset": "", "gather_timeout": "", "fact_path": "", "vars_prompt": "", "serial": "",
	"max_fail_percentage": "", "any_errors_fatal": "", "become": "", "become_user": "", "connection": "", "diff": "",
}

func (r *ansible) playKey(p source.Pair, keys *mapping, c *context, remark func(int, string, ...any)) {
	text, known := playRemarks[p.Key.Text]
	switch key := p.Key.Text; {
	case text != "":
		if key != "become_method" || textOf(p.Value) != "sudo" {
			remark(p.Key.Pos.Line, "%s", text)
		}
	case known:
	case key == "environment":
		env, err := r.environment(p.Value, c.names)
		if err != nil {
			remark(p.Key.Pos.Line, "environment cannot be said: %s", err)
			return
		}
		if len(env) > 0 {
			keys.set("env", env)
		}
	case key == "tags":
		keys.set("tags", tagsOf(p.Value))
	case key == "ignore_errors":
		if isTrue(p.Value) {
			keys.set("on_failure", "ignore")
		}
	case key == "throttle":
		keys.set("max_parallel", numberOrNothing(textOf(p.Value)))
	case key == "timeout":
		keys.set("timeout", seconds(textOf(p.Value)))
	default:
		remark(p.Key.Pos.Line, "%s has no counterpart", brief(key))
	}
}

// where says the hosts of a play. Names in a pattern that the playbook does not know are params.
func (r *ansible) where(n *source.Node, keys *mapping, c *context, remark func(int, string, ...any)) {
	var list []value
	for _, item := range itemsOf(n.Get("hosts")) {
		asked := *c.names
		asked.asking = true
		text, err := sayText(item.Text, asked.look)
		if err != nil {
			remark(item.Pos.Line, "hosts cannot be said, and is a param: %s", err)
			text = "${{ " + r.param("target", mapping{{"help", "the hosts: a name or a group of the inventory"}}, item.Pos.Line) + " }}"
		}
		if by := byDefault.FindStringSubmatch(text); by != nil {
			text = r.giveDefault(text, by[1], by[2])
		}
		list = append(list, pattern(text))
	}
	if len(list) == 0 {
		return
	}
	keys.set("hosts", oneOrMany(list))
	c.local = len(list) == 1 && list[0] == "local"
	if textOf(n.Get("connection")) == "local" && !c.local {
		c.delegate = "local"
	}
}

var byDefault = regexp.MustCompile(`^\$\{\{ (\w+) \?\? "([\w.*-]+)" \}\}$`)

// giveDefault gives a param the default that stands beside its name.
func (r *ansible) giveDefault(text, name, value string) string {
	for _, p := range r.draft.params {
		m, _ := p.value.(mapping)
		if p.name == name && m.get("default") == nil {
			m.set("default", value)
			p.value = m
			return "${{ " + name + " }}"
		}
	}
	return text
}

// pattern writes one of Ansible's as ours: there, a colon joins too.
func pattern(text string) string {
	if text == "localhost" || text == "127.0.0.1" {
		return "local"
	}
	if strings.Contains(text, "${{") || strings.Contains(text, "[") {
		return text
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == ',' || r == ';' })
	for i, part := range parts {
		part = strings.TrimSpace(part)
		switch {
		case i == 0:
		case part[:min(1, len(part))] == "!", part[:min(1, len(part))] == "&":
			part = ":" + part
		default:
			part = "," + part
		}
		parts[i] = part
	}
	return strings.Join(parts, "")
}

// rollout says how many hosts at once, and how many may fail.
func (r *ansible) rollout(n *source.Node, keys *mapping, c *context, remark func(int, string, ...any)) {
	var waves []value
	for _, item := range itemsOf(n.Get("serial")) {
		if w := size(item.Text); w != nil {
			waves = append(waves, w)
		} else {
			remark(item.Pos.Line, "serial cannot be said: %s", brief(item.Text))
		}
	}
	failures := n.Get("max_fail_percentage")
	if len(waves) > 0 || failures != nil {
		m := mapping{}
		if len(waves) == 0 {
			waves = []value{bare("100%")}
		}
		m.set("waves", waves)
		if failures != nil {
			m.set("max_failures", size(strings.TrimSuffix(failures.Text, "%")+"%"))
		} else {
			remark(n.Get("serial").Pos.Line, "a host that fails stops the rollout, where Ansible goes on: max_failures says how many may fail")
		}
		keys.set("rollout", m)
		return
	}
	switch {
	case isTrue(n.Get("any_errors_fatal")):
		keys.set("on_failure", "stop")
	case !c.local && keys.get("on_failure") == nil:
		keys.set("on_failure", "continue")
	}
}

// size is a number of hosts, or a percentage of them.
func size(text string) value {
	number, _, _ := strings.Cut(strings.TrimSpace(text), "%")
	if n, ok := source.ParseScalar(number).(int); ok && n >= 0 {
		return bare(strings.TrimSpace(text))
	}
	return nil
}

// prompts are asked for at the begin of a play: here they are params.
func (r *ansible) prompts(list *source.Node) {
	for _, item := range itemsOf(list) {
		name := textOf(item.Get("name"))
		if name == "" {
			continue
		}
		m := mapping{}
		if def := item.Get("default"); def != nil {
			m.set("default", textValue(def.Text))
		}
		m.set("help", strings.Join(strings.Fields(textOf(item.Get("prompt"))), " "))
		if !isFalse(item.Get("private")) {
			m.set("secret", bare("true"))
		}
		r.param(name, m, item.Pos.Line)
	}
}

// param makes a param of a name, once, and gives its name here.
func (r *ansible) param(name string, m mapping, line int) string {
	our := ourName(name)
	for _, p := range r.draft.params {
		if p.name == our {
			return our
		}
	}
	r.draft.params = append(r.draft.params, &setting{name: our, value: m, line: line})
	return our
}

// textValue is a text that may be empty.
func textValue(s string) value {
	if s == "" {
		return blank
	}
	return s
}
