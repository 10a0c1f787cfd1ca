package importer

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// commands makes the steps of a task.
func (r *spot) commands(into *step, list *source.Node) {
	items := itemsOf(list)
	for i, n := range items {
		if r.draft.full() {
			r.draft.leaveOut(items[i:])
			return
		}
		r.command(into, n)
	}
}

// spotActions are the keys that say what a command does.
var spotActions = []string{"script", "copy", "mcopy", "sync", "msync", "delete", "mdelete", "wait", "echo", "line"}

func (r *spot) command(into *step, n *source.Node) {
	s := r.draft.add(into, n)
	s.counted = true
	if n.Kind != source.Map {
		s.fail("a command is a map, this is %s", n.Describe())
		return
	}
	s.name = brief(textOf(n.Get("name")))
	done := false
	for _, p := range n.Pairs {
		if slices.Contains(spotActions, p.Key.Text) && !done {
			done = true
			r.action(s, n, p)
			continue
		}
		r.setting(s, n, p)
	}
	if !done {
		s.fail("it does not say what it does")
	}
	if options := n.Get("options"); options != nil {
		r.commandOptions(s, options)
	}
}

func (r *spot) action(s *step, n *source.Node, p source.Pair) {
	switch p.Key.Text {
	case "script":
		r.script(s, "run", p.Value, n)
		if exported.MatchString(p.Value.Text) && n.Get("register") == nil {
			s.remark(p.Key.Pos.Line, "variables that a script exports do not reach later steps: print the value, and say steps.<id>.stdout there")
		}
	case "echo":
		text := r.say(s, plainText(p.Value.Text), n)
		s.keys.set("run", script("echo "+echoed(text)))
		s.keys.set("effect", "read")
	case "wait":
		r.wait(s, n, p.Value)
	case "line":
		r.line(s, n, p.Value)
	default:
		r.many(s, n, p)
	}
}

// echoed is a text as one word, with the values in it.
func echoed(text string) string {
	if strings.ContainsAny(text, "\"`\\") {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return `"` + text + `"`
}

var (
	exported = regexp.MustCompile(`(^|\n|;)\s*export \w+=`)
	variable = regexp.MustCompile(`\$\{?[A-Za-z_]\w*\}?|\{[A-Za-z_]\w*\}`)
)

// many says commands that may do the same thing to several files: each is a step of its own, in a block.
func (r *spot) many(s *step, n *source.Node, p source.Pair) {
	items := itemsOf(p.Value)
	if len(items) == 1 {
		r.one(s, n, p.Key.Text, items[0])
		return
	}
	s.block = true
	for _, item := range items {
		inner := r.draft.add(s, item)
		inner.comments = nil
		r.one(inner, n, p.Key.Text, item)
	}
	if len(items) == 0 {
		s.fail("the %s is empty", p.Key.Text)
	}
}

func (r *spot) one(s *step, n *source.Node, action string, item *source.Node) {
	get := func(key string) string { return r.say(s, plainText(textOf(item.Get(key))), n) }
	for _, key := range []string{"src", "dst", "path"} {
		if found := variable.FindString(spotTemplate.ReplaceAllString(textOf(item.Get(key)), "")); found != "" {
			s.fail("the variable %s, which is not known here: make it a param, or the output of a step", found)
		}
	}
	switch strings.TrimPrefix(action, "m") {
	case "copy", "sync":
		src, dest := get("src"), get("dst")
		if src == "" || dest == "" {
			s.fail("a %s without src or dst", action)
			return
		}
		if get("direction") == "pull" {
			s.fetch(item.Pos.Line, src, dest)
			return
		}
		if strings.ContainsAny(src, "*?[") {
			s.fail("src is a pattern; copy takes a file or a directory")
			return
		}
		if !strings.HasPrefix(dest, "/") && !strings.HasPrefix(dest, "~") && !strings.HasPrefix(dest, "${{") {
			dest = "~/" + strings.TrimPrefix(dest, "./")
		}
		if strings.HasSuffix(action, "sync") && !strings.HasSuffix(src, "/") {
			src += "/"
		}
		m := mapping{{"src", src}, {"dest", dest}}
		if isTrue(item.Get("chmod+x")) {
			m.set("mode", bare("0755"))
		}
		if isTrue(item.Get("delete")) {
			m.set("delete", bare("true"))
		}
		var exclude []value
		for _, e := range itemsOf(item.Get("exclude")) {
			exclude = append(exclude, e.Text)
		}
		m.set("exclude", oneOrMany(exclude))
		s.keys.set("copy", m)
	case "delete":
		at := get("path")
		if at == "" || path.Clean(at) == "/" {
			s.fail("a delete without a path")
			return
		}
		if item.Get("exclude") != nil {
			s.fail("a delete with exclude")
			return
		}
		rm := "rm -f -- "
		if isTrue(item.Get("recur")) {
			rm = "rm -rf -- "
		}
		s.keys.set("check", script("test ! -e "+word1(at)))
		s.keys.set("run", script(rm+word1(at)))
	}
}

// word1 makes a word of a script of a text of ours.
func word1(text string) string {
	if strings.Contains(text, "${{") {
		return `"` + text + `"`
	}
	if home, ok := strings.CutPrefix(text, "~/"); ok {
		return "~/" + shellWord(home)
	}
	return shellWord(text)
}

func (r *spot) wait(s *step, n, w *source.Node) {
	cmd := w
	m := mapping{}
	if w.Kind == source.Map {
		cmd = firstNode(w.Get("cmd"), w.Get("command"))
		m.set("every", durationOf(textOf(w.Get("interval"))))
		m.set("timeout", durationOf(textOf(w.Get("timeout"))))
	}
	if textOf(cmd) == "" {
		s.fail("a wait without cmd")
		return
	}
	run := pair{"run", script(r.say(s, plainText(cmd.Text), n))}
	s.keys.set("wait", append(mapping{run}, m...))
}

func durationOf(s string) value {
	if s == "" {
		return nil
	}
	return bare(oneLine(s))
}

func (r *spot) line(s *step, n, l *source.Node) {
	get := func(key string) string { return r.say(s, plainText(textOf(l.Get(key))), n) }
	m := mapping{{"path", get("file")}}
	switch {
	case get("file") == "":
		s.fail("a line without a file")
	case isTrue(l.Get("delete")):
		m.set("match", get("match"))
		m.set("absent", bare("true"))
	case l.Get("replace") != nil:
		m.set("match", get("match"))
		m.set("line", get("replace"))
		s.remark(l.Pos.Line, "the line is added where none matches, and is the whole line; spot replaces what matches, and only where it does")
	case l.Get("append") != nil:
		m.set("match", get("match"))
		m.set("line", get("append"))
	default:
		s.fail("a line that is neither deleted, replaced nor appended")
	}
	s.keys.set("line", m)
}

// setting is a key beside the one that says what a command does.
func (r *spot) setting(s *step, n *source.Node, p source.Pair) {
	switch key := p.Key.Text; key {
	case "name", "options":
	case "env":
		var env mapping
		for _, e := range pairsOf(p.Value) {
			env = append(env, pair{e.Key.Text, r.say(s, plainText(e.Value.Text), n)})
		}
		if len(env) > 0 {
			s.keys.set("env", env)
		}
	case "cond":
		cond := strings.TrimSpace(r.say(s, plainText(p.Value.Text), n))
		if inner, negated := strings.CutPrefix(cond, "!"); negated { // done where the command fails: already so where it succeeds
			s.keys.set("check", script(strings.TrimSpace(inner)))
		} else {
			s.keys.set("check", script("! "+grouped(cond)))
		}
		s.remark(p.Key.Pos.Line, "cond has become a check, which is asked again after the step, and has to hold then")
	case "on_exit":
		f := r.draft.addFinally(s.parent, p.Value)
		f.comments = nil
		r.script(f, "run", p.Value, n)
	case "register":
		s.remark(p.Key.Pos.Line, "variables that a script sets do not reach later steps: print the value, and say steps.<id>.stdout there")
	default:
		s.remark(p.Key.Pos.Line, "%s has no counterpart", brief(key))
	}
}

// options says what holds for a task or a command.
func (r *spot) options(keys *mapping, options *source.Node, remark func(int, string, ...any)) {
	for _, p := range pairsOf(options) {
		switch p.Key.Text {
		case "sudo":
			if isTrue(p.Value) {
				keys.set("sudo", bare("true"))
			}
		case "ignore_errors":
			if isTrue(p.Value) {
				keys.set("on_failure", "ignore")
			}
		case "only_on":
			if cond := onlyOn(p.Value); cond != "" {
				keys.set("if", cond)
			}
		case "secrets":
			var names []string
			for _, item := range itemsOf(p.Value) {
				names = append(names, brief(item.Text))
			}
			remark(p.Key.Pos.Line, "secrets %s: declare them under secrets, and give them by env", strings.Join(names, ", "))
		case "local", "no_auto":
		case "sudo_password":
			remark(p.Key.Pos.Line, "sudo_password: sudo has to ask for no password here")
		default:
			remark(p.Key.Pos.Line, "%s has no counterpart", brief(p.Key.Text))
		}
	}
}

func (r *spot) commandOptions(s *step, options *source.Node) {
	r.options(&s.keys, options, s.remark)
	if isTrue(options.Get("local")) {
		s.keys.set("delegate", "local")
	}
	if isTrue(options.Get("no_auto")) { // done only when it is asked for by its name
		name := ourName("with_" + firstOf(runbook.Slug(s.name), "it"))
		for slices.ContainsFunc(r.draft.params, func(p *setting) bool { return p.name == name }) {
			name += "_"
		}
		r.draft.params = append(r.draft.params, &setting{name: name, line: options.Pos.Line, value: mapping{
			{"type", "bool"}, {"default", bare("false")}, {"help", "do this, too: " + firstOf(s.name, "a command with no_auto")},
		}})
		also(&s.keys, name)
	}
}

// onlyOn says which hosts a command is for; a name with ! in front is left out.
func onlyOn(n *source.Node) string {
	var in, out []string
	for _, item := range itemsOf(n) {
		if name, negated := strings.CutPrefix(item.Text, "!"); negated {
			out = append(out, quoteText(name))
		} else {
			in = append(in, quoteText(item.Text))
		}
	}
	one := func(list []string, equal, among string) string {
		if len(list) == 1 {
			return "host.name " + equal + " " + list[0]
		}
		return among + "[" + strings.Join(list, ", ") + "]"
	}
	var parts []string
	if len(in) > 0 {
		parts = append(parts, one(in, "==", "host.name in "))
	}
	if len(out) > 0 {
		parts = append(parts, one(out, "!=", "host.name not in "))
	}
	return strings.Join(parts, " and ")
}
