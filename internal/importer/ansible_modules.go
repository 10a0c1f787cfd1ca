package importer

import (
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// moduleCall is one use of a module.
type moduleCall struct {
	reader *ansible
	step   *step
	names  *names
	module string
	args   map[string]*source.Node
	order  []string
	free   *source.Node // what is given without a name: the command
	used   map[string]bool
	result *step // whose result it is, where that is not the step's own
	local  bool
	line   int
}

// freeModules take text that is no key=value.
var freeModules = []string{"command", "shell", "raw", "script", "meta"}

// read takes the arguments of a module apart: a map, key=value, or a command with key=value in it.
func (m *moduleCall) read(n, more *source.Node) {
	m.args, m.used = map[string]*source.Node{}, map[string]bool{}
	if n != nil && n.Kind == source.Scalar && strings.TrimSpace(n.Text) != "" {
		m.readFree(n)
	}
	for _, p := range append(pairsOf(n), pairsOf(more)...) {
		if p.Key.Text == "module" {
			continue
		}
		m.set(p.Key.Text, p.Value)
	}
	if m.free == nil {
		m.free = firstNode(m.args["cmd"], m.args["_raw_params"])
		m.used["cmd"], m.used["_raw_params"] = true, true
	}
}

func (m *moduleCall) set(key string, n *source.Node) {
	if m.args[key] == nil {
		m.order = append(m.order, key)
	}
	m.args[key] = n
}

var freeArg = regexp.MustCompile(`(^|\s)(creates|removes|chdir|executable|warn|stdin)=("[^"]*"|'[^']*'|(?:\{\{.*?\}\}|[^\s"'])+)`)

func (m *moduleCall) readFree(n *source.Node) {
	if slices.Contains(freeModules, m.module) {
		free := *n
		free.Text = freeArg.ReplaceAllStringFunc(n.Text, func(found string) string {
			parts := freeArg.FindStringSubmatch(found)
			arg := *n
			arg.Text, arg.Style = strings.Trim(parts[3], `"'`), source.Quoted
			m.set(parts[2], &arg)
			return parts[1]
		})
		free.Text = strings.TrimSpace(free.Text)
		m.free = &free
		return
	}
	if modules[m.module] == nil {
		return
	}
	words, err := shellWords(n.Text)
	if err != nil {
		m.step.fail("%s", err)
		return
	}
	for _, w := range words {
		key, value, found := strings.Cut(w, "=")
		if !found || !dataName.MatchString(key) {
			m.step.fail("%q is no key=value of %s", brief(w), brief(m.module))
			return
		}
		arg := *n
		arg.Text, arg.Style = value, source.Plain
		m.set(key, &arg)
	}
}

// modules are those that have a counterpart.
var modules = map[string]func(*moduleCall){
	"command": (*moduleCall).command, "shell": (*moduleCall).shell, "raw": (*moduleCall).shell, "script": (*moduleCall).script,
	"copy": (*moduleCall).copy, "template": (*moduleCall).template, "file": (*moduleCall).file, "lineinfile": (*moduleCall).lineinfile,
	"fetch": (*moduleCall).fetch, "get_url": (*moduleCall).getURL, "stat": (*moduleCall).stat,
	"service": (*moduleCall).service, "systemd": (*moduleCall).service, "systemd_service": (*moduleCall).service,
	"reboot": (*moduleCall).reboot, "wait_for": (*moduleCall).waitFor, "wait_for_connection": (*moduleCall).waitForConnection,
	"uri": (*moduleCall).uri, "assert": (*moduleCall).assert, "fail": (*moduleCall).failing, "pause": (*moduleCall).pause,
	"debug": (*moduleCall).debug, "ping": (*moduleCall).ping, "set_fact": (*moduleCall).setFact,
	"apt": (*moduleCall).apt, "yum": (*moduleCall).dnf, "dnf": (*moduleCall).dnf, "package": (*moduleCall).anyPackage,
}

// elsewhere says of modules without a counterpart what to do instead.
var elsewhere = map[string]string{
	"include_tasks": "what it includes is not read: import that file, and say runbook: FILE",
	"import_tasks":  "what it imports is not read: import that file, and say runbook: FILE",
	"include_role":  "the role is not read: import its tasks/main.yml, and say runbook: FILE",
	"import_role":   "the role is not read: import its tasks/main.yml, and say runbook: FILE",
	"include_vars":  "vars are not read from files here: copy them, or give them with --params-file",
	"include":       "what it includes is not read: import that file, and say runbook: FILE",
	"setup":         "facts are not gathered here: a step of effect read finds out what is needed",
	"gather_facts":  "facts are not gathered here: a step of effect read finds out what is needed",
	"meta":          "meta has a counterpart for flush_handlers only",
	"add_host":      "hosts cannot be added during a run",
	"group_by":      "groups cannot be made during a run",
}

// say says what the module does, and tells of arguments that were not looked at.
func (m *moduleCall) say() {
	do := modules[m.module]
	if do == nil {
		m.step.fail("%s", firstOf(elsewhere[m.module], "the module "+brief(m.module)+" has no counterpart"))
		return
	}
	do(m)
	for _, key := range m.order {
		if !m.used[key] && m.step.broken == "" {
			m.step.remark(m.args[key].Pos.Line, "%s of %s has no counterpart", brief(key), m.module)
		}
	}
}

func (m *moduleCall) get(keys ...string) *source.Node {
	var found *source.Node
	for _, key := range keys {
		m.used[key] = true
		if n := m.args[key]; n != nil && n.Kind != source.Null && found == nil {
			found = n
		}
	}
	return found
}

// skip marks arguments that say nothing about what is done.
func (m *moduleCall) skip(keys ...string) { m.get(keys...) }

// pieces translates the text of an argument.
func (m *moduleCall) pieces(n *source.Node) []phrase {
	if n == nil {
		return nil
	}
	if n.Kind != source.Scalar {
		m.step.fail("a text is needed, this is %s", n.Describe())
		return nil
	}
	pieces, err := sayPieces(n.Text, m.names.look)
	if err != nil {
		m.step.fail("%s", err)
	}
	return pieces
}

// text gives an argument as a text of ours.
func (m *moduleCall) text(keys ...string) string { return inText(m.pieces(m.get(keys...))) }

// word gives an argument as one word of a script.
func (m *moduleCall) word(keys ...string) string {
	if n := m.get(keys...); n != nil {
		return wordOf(m.pieces(n))
	}
	return ""
}

// known gives an argument that has to be known now.
func (m *moduleCall) known(keys ...string) string {
	n := m.get(keys...)
	if n == nil {
		return ""
	}
	p := joined(m.pieces(n))
	if !p.fixed && n.Kind == source.Scalar {
		m.step.fail("%s is known only during the run: %s", keys[0], brief(n.Text))
	}
	return p.known
}

// is tells whether an argument is true.
func (m *moduleCall) is(key string) bool {
	n := m.get(key)
	if n != nil && !isTrue(n) && !isFalse(n) {
		m.step.remark(n.Pos.Line, "%s: it is true or false here", key)
	}
	return isTrue(n)
}

// command runs without a shell with Ansible; here it runs with one where that makes no difference.
func (m *moduleCall) command() {
	m.surroundings()
	if argv := m.get("argv"); argv != nil {
		var words []value
		for _, item := range itemsOf(argv) {
			words = append(words, inText(m.pieces(item)))
		}
		m.step.keys.set("run", words)
		return
	}
	if m.free == nil || m.free.Kind != source.Scalar || m.free.Text == "" {
		m.step.fail("there is no command")
		return
	}
	if !shellSign.MatchString(template.ReplaceAllString(m.free.Text, "x")) && !strings.Contains(m.free.Text, "~") {
		m.step.keys.set("run", inScript(m.pieces(m.free)))
		return
	}
	list, err := shellWords(m.free.Text)
	if err != nil {
		m.step.fail("%s", err)
		return
	}
	var words []value
	for _, w := range list {
		one := *m.free
		one.Text = w
		words = append(words, inText(m.pieces(&one)))
	}
	m.step.keys.set("run", words)
}

func (m *moduleCall) shell() {
	m.surroundings()
	if m.free == nil || m.free.Kind != source.Scalar || strings.TrimSpace(m.free.Text) == "" {
		m.step.fail("there is no command")
		return
	}
	if executable := m.known("executable"); executable != "" {
		m.step.keys.set("shell", shellName(executable))
	}
	text := inScript(m.pieces(m.free))
	if lines := strings.TrimSpace(string(text)); strings.ContainsAny(lines, "\n;") && m.module != "raw" && !strings.HasPrefix(lines, "set -e") {
		m.reader.once("set -eu", m.line, "scripts stop at the first command that fails, and at variables that are not set (set -eu), which Ansible's do not")
	}
	m.step.keys.set("run", text)
	m.step.bash()
}

// surroundings are where a command runs, and whether it has to.
func (m *moduleCall) surroundings() {
	m.skip("warn", "strip_empty_ends", "stdin_add_newline", "expand_argument_vars")
	if m.get("chdir") != nil {
		m.step.keys.set("dir", m.text("chdir"))
	}
	if m.get("stdin") != nil {
		m.step.keys.set("stdin", m.text("stdin"))
	}
	var checks []string
	if m.get("creates") != nil {
		checks = append(checks, "test -e "+m.word("creates"))
	}
	if m.get("removes") != nil {
		checks = append(checks, "test ! -e "+m.word("removes"))
	}
	if len(checks) > 0 {
		m.step.keys.set("check", script(strings.Join(checks, " || ")))
	}
}

// script sends a script of this machine to the host.
func (m *moduleCall) script() {
	m.surroundings()
	m.skip("decrypt")
	if m.free == nil || m.free.Kind != source.Scalar {
		m.step.fail("there is no script")
		return
	}
	list, err := shellWords(m.free.Text)
	if err != nil || len(list) == 0 {
		m.step.fail("which script it is cannot be told")
		return
	}
	var words []value
	for _, w := range list {
		one := *m.free
		one.Text = w
		words = append(words, inText(m.pieces(&one)))
	}
	call := mapping{{"file", words[0]}}
	if len(words) > 1 {
		call.set("args", words[1:])
	}
	m.step.keys.set("script", call)
	if executable := m.known("executable"); executable != "" {
		m.step.remark(m.line, "executable: the first line of the script says what runs it")
	}
}
