package importer

import (
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// names is what names mean at one place of a playbook; what it does not know, the place around it may.
type names struct {
	reader *ansible
	around *names
	vars   map[string]phrase
	nodes  map[string]*source.Node // vars whose meaning is not known yet
	order  []string                // of those vars, as written
	busy   map[string]bool
	loop   string // the name of the item of a loop
	items  sort   // what its items are
	own    string // the name under which the step registers its result: it is there already
	module string // of the step that registers
	asking bool   // names that nobody knows are params, not vars of a host
}

// inner is a place within.
func (n *names) inner() *names {
	return &names{reader: n.reader, around: n, vars: map[string]phrase{}, nodes: map[string]*source.Node{}, asking: n.asking}
}

// declare notes vars, whose meaning is found out when somebody asks.
func (n *names) declare(vars *source.Node) {
	for _, p := range pairsOf(vars) {
		n.nodes[p.Key.Text] = p.Value
		n.order = append(n.order, p.Key.Text)
	}
}

// settle makes vars of the runbook of those of a play. What is made of results, or of a host, is put where it is used.
func (n *names) settle() {
	for _, name := range n.order {
		switch node := n.nodes[name]; {
		case node == nil: // found out on the way
		case node.Kind == source.Null:
			n.vars[name] = fixedText("")
			delete(n.nodes, name)
		default:
			n.resolve(name) // what cannot be said is told where it is used
		}
	}
}

// resolve finds out what a declared var means.
func (n *names) resolve(name string) phrase {
	node := n.nodes[name]
	if n.busy[name] {
		return phrase{bad: unsaid("the var %s is made of itself", name)}
	}
	if n.busy == nil {
		n.busy = map[string]bool{}
	}
	n.busy[name] = true
	defer delete(n.busy, name)
	p, v, err := n.value(node)
	p.bad = err
	if err == nil && !p.late && n.around == nil {
		p = n.reader.variable(name, node, p, v)
	}
	if err != nil {
		p.bad = unsaid("the var %s: %s", name, err)
	}
	n.vars[name] = p
	delete(n.nodes, name)
	return p
}

// value gives the meaning of a value of vars, and how it is written.
func (n *names) value(node *source.Node) (phrase, value, error) {
	switch node.Kind {
	case source.List:
		p := phrase{strength: tight, sort: list}
		var items []value
		var exprs []string
		for _, item := range node.Items {
			q, v, err := n.value(item)
			if err != nil {
				return p, nil, err
			}
			items, exprs, p.late = append(items, v), append(exprs, q.expr), p.late || q.late
		}
		p.expr = "[" + strings.Join(exprs, ", ") + "]"
		if items == nil {
			items = []value{}
		}
		return p, items, nil
	case source.Map:
		p := phrase{strength: tight}
		m := mapping{}
		var exprs []string
		for _, pair := range node.Pairs {
			q, v, err := n.value(pair.Value)
			if err != nil {
				return p, nil, err
			}
			m.set(pair.Key.Text, v)
			exprs, p.late = append(exprs, quoteText(pair.Key.Text)+": "+q.expr), p.late || q.late
		}
		p.expr = "{" + strings.Join(exprs, ", ") + "}"
		return p, m, nil
	case source.Null:
		return atom("nil", anything), bare("null"), nil
	}
	if strings.HasPrefix(node.Tag, "!vault") {
		return phrase{}, nil, unsaid("a value sealed by ansible-vault: declare it under secrets")
	}
	if p, v := scalarValue(node); v != nil {
		return p, v, nil
	}
	pieces, err := sayPieces(node.Text, n.look)
	p := joined(pieces)
	return p, textValue(p.inText()), err
}

// scalarValue reads what is no text: by YAML 1.1, as Ansible does.
func scalarValue(node *source.Node) (phrase, value) {
	if node.Style != source.Plain || node.Tag == "!unsafe" {
		return phrase{}, nil
	}
	switch strings.ToLower(node.Text) {
	case "true", "yes", "on":
		return atom("true", truth), bare("true")
	case "false", "no", "off":
		return atom("false", truth), bare("false")
	}
	switch source.ParseScalar(node.Text).(type) {
	case int, float64:
		if p := strings.TrimLeft(node.Text, "-"); len(p) == 1 || p[0] != '0' || strings.Contains(p, ".") {
			return atom(strings.TrimPrefix(node.Text, "+"), number), bare(node.Text)
		}
	}
	return phrase{}, nil
}

// variable makes a var of the runbook. Two plays may call different things by one name.
func (r *ansible) variable(name string, node *source.Node, p phrase, v value) phrase {
	our := ourName(name)
	for r.vars[our] != nil {
		if written(r.vars[our].value) == written(v) {
			break
		}
		our += "_"
	}
	if r.vars[our] == nil {
		s := &setting{name: our, value: v, line: node.Pos.Line}
		r.vars[our] = s
		r.draft.vars = append(r.draft.vars, s)
	}
	q := atom(our, p.sort)
	q.code = p.code || p.fixed && manyWords.MatchString(p.known)
	return q
}

// written is a value as it would stand in a runbook, to compare.
func written(v value) string {
	w := &writer{draft: &draft{}}
	w.pair(0, pair{"v", v})
	return w.text()
}

// look says what a name of a playbook means.
func (n *names) look(path []string) (phrase, int, error) {
	name := path[0]
	for at := n; at != nil; at = at.around {
		if at.loop == name {
			return phrase{expr: "item", strength: tight, sort: at.items, late: true}, 1, nil
		}
		if at.own != "" && at.own == name {
			return resultField("result", at.module, path)
		}
		if at.around == nil { // what a task found out is stronger than the vars of a play
			if p, taken, err := n.reader.found(path); taken > 0 {
				return p, taken, err
			}
		}
		p, ok := at.vars[name]
		if !ok && at.nodes[name] != nil {
			p, ok = at.resolve(name), true
		}
		if ok {
			return p, 1, p.bad
		}
	}
	if p, taken := n.reader.fact(path); taken > 0 {
		return p, taken, nil
	}
	if p, taken, err := magic(path); taken > 0 {
		return p, taken, err
	}
	return n.unknown(name)
}

// knows tells whether the playbook gives a name a meaning.
func (n *names) knows(name string) bool {
	for at := n; at != nil; at = at.around {
		if _, ok := at.vars[name]; ok || at.nodes[name] != nil {
			return true
		}
	}
	_, fact := n.reader.facts[name]
	return fact || n.reader.results[name] != nil
}

// found are the facts that tasks set, and the results they registered.
func (r *ansible) found(path []string) (phrase, int, error) {
	if p, ok := r.facts[path[0]]; ok {
		return p, 1, p.bad
	}
	if known := r.results[path[0]]; known != nil {
		if known.step.foreach {
			return phrase{}, 1, unsaid("the results of a loop, in %s", path[0])
		}
		return resultField(reference(known.step), known.module, path)
	}
	return phrase{}, 0, nil
}

// once tells of something where it comes up first.
func (r *ansible) once(what string, line int, format string, args ...any) {
	if !r.told[what] {
		r.told[what] = true
		r.draft.remark(line, format, args...)
	}
}

// unknown is a name that the playbook does not know: a var of a host, or given with -e.
func (n *names) unknown(name string) (phrase, int, error) {
	r := n.reader
	our := ourName(name)
	for _, p := range r.draft.params {
		if p.name == our {
			return atom(our, text), 1, nil
		}
	}
	if n.asking || slices.Contains(r.given, name) {
		return atom(r.param(name, mapping{}, 0), text), 1, nil
	}
	r.once(name, r.at, "%s is not set in the playbook: it is taken from the inventory; if it was given with -e, import with --param %[1]s", name)
	return phrase{expr: "host.vars." + name, strength: tight, late: true}, 1, nil
}

var magicNames = map[string]phrase{
	"inventory_hostname":       {expr: "host.name", strength: tight, sort: text, late: true},
	"ansible_host":             {expr: "host.addr", strength: tight, sort: text, late: true},
	"ansible_user":             {expr: "host.user", strength: tight, sort: text, late: true},
	"group_names":              {expr: "host.groups", strength: tight, sort: list, late: true},
	"inventory_hostname_short": {expr: `split(host.name, ".")[0]`, strength: tight, sort: text, late: true},
	"ansible_check_mode":       {expr: "run.dry_run", strength: tight, sort: truth},
	"omit":                     {expr: omitted, strength: tight},
}

// magic are names that Ansible itself gives a meaning.
func magic(path []string) (phrase, int, error) {
	name := path[0]
	if p, ok := magicNames[name]; ok {
		return p, 1, nil
	}
	switch {
	case name == "groups" && len(path) > 1:
		p := atom("map(hosts("+quoteText(path[1])+"), .name)", list)
		p.groups = path[1]
		return p, 2, nil
	case name == "hostvars" && len(path) > 2 && path[1] == "inventory_hostname":
		if p, ok := magicNames[path[2]]; ok {
			return p, 3, nil
		}
		return phrase{expr: "host.vars." + path[2], strength: tight, late: true}, 3, nil
	case name == "ansible_date_time" && len(path) > 1 && path[1] == "date":
		return atom("run.date", text), 2, nil
	case name == "ansible_date_time" && len(path) > 1 && path[1] == "iso8601":
		return atom("run.started", text), 2, nil
	case name == "ansible_env" && len(path) > 1, strings.HasPrefix(name, "ansible_"), name == "hostvars", name == "groups",
		name == "role_path", name == "playbook_dir", name == "inventory_dir", name == "play_hosts", name == "vars":
		return phrase{}, 1, unsaid("%s: a step of effect read can find it out, as steps.<id>.stdout", strings.Join(path, "."))
	}
	return phrase{}, 0, nil
}

// resultField says what is taken from a result.
func resultField(of, module string, path []string) (phrase, int, error) {
	late := func(expr string, s sort, strength int) (phrase, int, error) {
		return phrase{expr: of + expr, strength: strength, sort: s, late: true}, 2, nil
	}
	if len(path) == 1 {
		return phrase{expr: of + wholeResult, strength: tight, late: true}, 1, nil
	}
	field := path[1]
	switch field {
	case "stdout", "stderr":
		return late("."+field, text, tight)
	case "rc":
		return late(".exit_code", number, tight)
	case "stdout_lines", "stderr_lines":
		return phrase{expr: "split(" + of + "." + strings.TrimSuffix(field, "_lines") + `, "\n")`, strength: tight, sort: list, late: true}, 2, nil
	case "changed", "failed", "skipped":
		p, err := testedResult(of, field)
		return p, 2, err
	case "content":
		if module == "uri" {
			return late(".stdout", text, tight)
		}
	case "json":
		if module == "uri" {
			return phrase{expr: "fromJSON(" + of + ".stdout)", strength: tight, late: true}, 2, nil
		}
	case "status":
		if module == "uri" {
			return late(statusMark, number, tight)
		}
	case "stat":
		if module == "stat" && len(path) > 2 && path[2] == "exists" {
			p, _, err := late(".exit_code == 0", truth, comparison)
			return p, 3, err
		}
	}
	return phrase{}, 1, unsaid("%s of a result", strings.Join(path[1:], "."))
}
