package importer

import (
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
)

// spot reads a playbook of spot, in its full or its simplified form.
type spot struct {
	draft   *draft
	node    *source.Node
	targets []string // the names of its targets
	param   string   // the param that chooses the target, where there are several
	hosts   *inventoryDraft
	single  bool
}

// spotRemarks are the keys of a playbook, with what is to be said of those that have no counterpart.
var spotRemarks = map[string]string{
	"inventory": "the inventory of spot is not read: opsctl has its own, see -i",
	"ssh_key":   "ssh_key: say identity in the inventory, or --identity",
	"ssh_temp":  "ssh_temp has no counterpart",
	"user":      "", "ssh_shell": "", "local_shell": "", "targets": "", "target": "", "options": "", "task": "", "tasks": "",
}

func readSpot(d *draft, n *source.Node, only []string) error {
	if n.Kind != source.Map {
		return source.Problems{n.Problem("a playbook of spot is a map with tasks, this is "+n.Describe(), "")}
	}
	r := &spot{draft: d, node: n, hosts: newInventoryDraft()}
	tasks := n.Get("tasks")
	if task := n.Get("task"); tasks == nil && task != nil {
		r.single = true
	} else if tasks == nil || tasks.Kind != source.List {
		return source.Problems{n.Problem("there are no tasks in this playbook", "tasks: is a list; task: in the simplified form")}
	}
	d.comments = d.commentsAbove(n.Pos.Line)
	for _, p := range n.Pairs {
		text, known := spotRemarks[p.Key.Text]
		switch {
		case text != "":
			d.remark(p.Key.Pos.Line, "%s", text)
		case !known:
			d.remark(p.Key.Pos.Line, "%s has no counterpart", brief(p.Key.Text))
		}
	}
	if shell := textOf(n.Get("ssh_shell")); shell != "" {
		d.keys.set("shell", shellName(shell))
	}
	r.readTargets()
	if r.single {
		r.where(&d.keys, nil)
		r.options(&d.keys, n.Get("options"), d.remark)
		r.commands(d.root, n.Get("task"))
	} else if err := r.tasks(tasks, only); err != nil {
		return err
	}
	d.inventory = r.hosts.text(textOf(n.Get("user")))
	if why := refusal(d.inventory); why != "" {
		d.inventory = ""
		d.remark(n.Pos.Line, "the hosts that are named make no inventory: %s", why)
	}
	if d.inventory == "" && n.Get("user") != nil {
		d.remark(n.Get("user").Pos.Line, "user: say it in the inventory, or --user %s", brief(textOf(n.Get("user"))))
	}
	return nil
}

// refusal is why a text is no inventory of ours; none for one that is, and for no text.
func refusal(text string) string {
	if text == "" {
		return ""
	}
	n, err := source.Parse(&source.File{Name: "inventory", Text: text})
	if err == nil {
		_, err = inventory.Decode(n)
	}
	if problems, ok := source.AsProblems(err); ok && len(problems) > 0 {
		return reason(problems[0])
	} else if err != nil {
		return err.Error()
	}
	return ""
}

// shellName gives the name of a shell for its path.
func shellName(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// tasks makes a block of each task; the only one stands at the top. Without a choice, spot runs them all, in order.
func (r *spot) tasks(tasks *source.Node, only []string) error {
	var names []string
	for _, item := range tasks.Items {
		names = append(names, textOf(item.Get("name")))
	}
	if err := chosen(r.node.File, "task", only, names); err != nil {
		return err
	}
	var list []*source.Node
	for i, item := range tasks.Items {
		if len(only) == 0 || slices.Contains(only, names[i]) {
			list = append(list, item)
		}
	}
	if len(list) == 1 && list[0].Get("import") == nil {
		n := list[0]
		r.where(&r.draft.keys, n)
		r.draft.keys.set("description", brief(textOf(n.Get("name"))))
		r.taskSettings(n, r.draft.root, &r.draft.keys, r.draft.remark)
		r.commands(r.draft.root, n.Get("commands"))
		return nil
	}
	for _, n := range list {
		s := r.draft.add(r.draft.root, n)
		if file := n.Get("import"); file != nil {
			s.counted = true
			s.fail("%s is not read: import it, and say runbook: FILE", brief(textOf(file)))
			continue
		}
		s.block, s.name = true, brief(textOf(n.Get("name")))
		s.id = s.name
		r.where(&s.keys, n)
		r.taskSettings(n, s, &s.keys, s.remark)
		r.commands(s, n.Get("commands"))
		if len(s.steps) == 0 {
			s.fail("there are no commands in it")
		}
	}
	return nil
}

// where says on which hosts a task runs.
func (r *spot) where(keys *mapping, task *source.Node) {
	if targets := itemsOf(task.Get("targets")); len(targets) > 0 {
		var list []value
		for _, item := range targets {
			list = append(list, r.target(item))
		}
		keys.set("hosts", oneOrMany(list))
		return
	}
	switch {
	case r.single:
		var list []value
		for _, item := range append(itemsOf(r.node.Get("targets")), itemsOf(r.node.Get("target"))...) {
			list = append(list, r.target(item))
		}
		keys.set("hosts", oneOrMany(list))
	case len(r.targets) == 1:
		keys.set("hosts", r.targets[0])
	case len(r.targets) > 1:
		r.chooser()
		keys.set("hosts", "${{ "+r.param+" }}")
	default:
		r.param = "target"
		if len(r.draft.params) == 0 {
			r.draft.params = append(r.draft.params, &setting{name: "target", value: mapping{{"help", "the hosts: a name or a group of the inventory"}}})
		}
		keys.set("hosts", "${{ target }}")
	}
}

func oneOrMany(list []value) value {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return list
}

// chooser makes the param that says which target it is.
func (r *spot) chooser() {
	if r.param != "" {
		return
	}
	r.param = "target"
	enum := make([]value, len(r.targets))
	for i, name := range r.targets {
		enum[i] = name
	}
	m := mapping{{"enum", enum}}
	if slices.Contains(r.targets, "default") {
		m = append(m, pair{"default", "default"})
	}
	r.draft.params = append(r.draft.params, &setting{name: r.param, value: append(m, pair{"help", "the hosts to run on"})})
}

// target gives a pattern for a target that is named, or a host that is written out.
func (r *spot) target(n *source.Node) string {
	name := textOf(n)
	if slices.Contains(r.targets, groupName(name)) {
		return groupName(name)
	}
	if m := spotVar.FindStringSubmatch(name); m != nil {
		return "${{ env." + m[1] + " }}"
	}
	if name == "localhost" || name == "127.0.0.1" {
		return "local"
	}
	return r.hosts.host(name, n)
}

var spotVar = regexp.MustCompile(`^\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?$`)

// taskSettings says what holds for all commands of a task.
func (r *spot) taskSettings(n *source.Node, s *step, keys *mapping, remark func(int, string, ...any)) {
	for _, p := range n.Pairs {
		switch p.Key.Text {
		case "name", "targets", "commands", "user", "tags":
			if p.Key.Text == "user" {
				remark(p.Key.Pos.Line, "user: say it in the inventory, or --user %s", brief(textOf(p.Value)))
			}
		case "on_error":
			r.onError(n, p, s)
		case "options":
			r.options(keys, p.Value, remark)
		default:
			remark(p.Key.Pos.Line, "%s has no counterpart", brief(p.Key.Text))
		}
	}
}

// onError runs here after a failure: spot does so at once, opsctl at the end, when it is known what became of the run.
func (r *spot) onError(task *source.Node, p source.Pair, s *step) {
	f := r.draft.addFinally(s, p.Value)
	f.line, f.comments = p.Key.Pos.Line, nil
	f.name = "After a failure"
	f.keys.set("hosts", "local")
	f.keys.set("if", `run.outcome != "succeeded"`)
	r.script(f, "run", p.Value, nil)
	if text, ok := f.keys.get("run").(script); ok {
		f.keys.set("run", script(strings.NewReplacer("{SPOT_ERROR}", "${{ run.outcome }}", "${SPOT_ERROR}", "${{ run.outcome }}", "$SPOT_ERROR", "${{ run.outcome }}",
			"{SPOT_TASK}", plainText(textOf(task.Get("name")))).Replace(string(text))))
	}
}

// names are what spot calls hosts and itself, and what we do.
var spotNames = map[string]string{
	"SPOT_REMOTE_HOST": "host.addr", "SPOT_REMOTE_ADDR": "host.addr", "SPOT_REMOTE_NAME": "host.name", "SPOT_REMOTE_USER": "host.user",
}

var spotTemplate = regexp.MustCompile(`\$?\{(SPOT_[A-Z_]+)(:[^}]*)?\}|\$(SPOT_[A-Z_]+)`)

// script translates a script: its templates stand in braces.
func (r *spot) script(s *step, key string, n *source.Node, command *source.Node) {
	if n == nil || n.Kind != source.Scalar || strings.TrimSpace(n.Text) == "" {
		s.fail("the %s is empty", key)
		return
	}
	s.keys.set(key, script(r.say(s, plainText(n.Text), command)))
	s.bash()
}

func (r *spot) say(s *step, text string, command *source.Node) string {
	return spotTemplate.ReplaceAllStringFunc(text, func(found string) string {
		m := spotTemplate.FindStringSubmatch(found)
		name := firstOf(m[1], m[3])
		switch {
		case spotNames[name] != "":
			return "${{ " + spotNames[name] + " }}"
		case name == "SPOT_COMMAND" && command != nil:
			return plainText(textOf(command.Get("name")))
		case name == "SPOT_ERROR", name == "SPOT_TASK":
			return found
		}
		s.fail("the template %s", found)
		return found
	})
}

// inventoryDraft is what a playbook of spot knows about hosts.
type inventoryDraft struct {
	hosts  mapping
	groups mapping
}

func newInventoryDraft() *inventoryDraft { return &inventoryDraft{} }

// host notes a host written as [user@]name[:port], and gives its name.
func (i *inventoryDraft) host(text string, n *source.Node) string {
	user, name, found := strings.Cut(text, "@")
	if !found {
		user, name = "", text
	}
	var port string
	if strings.Count(name, ":") == 1 {
		name, port, _ = strings.Cut(name, ":")
	}
	name = hostName(name)
	m := mapping{}
	m.set("port", numberOrNothing(port))
	m.set("user", user)
	i.note(name, m)
	return name
}

func (i *inventoryDraft) note(name string, m mapping) {
	if i.hosts.get(name) == nil {
		i.hosts = append(i.hosts, pair{name, m})
	}
}

func numberOrNothing(s string) value {
	if _, isInt := source.ParseScalar(s).(int); isInt {
		return bare(s)
	}
	return nil
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9._:-]+`)

func hostName(s string) string {
	if s = strings.Trim(notInName.ReplaceAllString(s, "-"), "-."); s == "" || s == "all" || s == "local" {
		return "host-" + s
	}
	return s
}

// text writes an inventory of ours.
func (i *inventoryDraft) text(user string) string {
	if len(i.hosts) == 0 {
		return ""
	}
	w := &writer{draft: &draft{}}
	hosts := slices.Clone(i.hosts)
	for k := range hosts {
		m := slices.Clone(hosts[k].value.(mapping))
		if m.get("user") == nil && user != "" {
			m.set("user", user)
		}
		hosts[k].value = m
	}
	w.pair(0, pair{"hosts", hosts})
	if len(i.groups) > 0 {
		w.pair(0, pair{"groups", i.groups})
	}
	return w.text()
}

func groupName(s string) string { return hostName(strings.ReplaceAll(s, ":", "-")) }
