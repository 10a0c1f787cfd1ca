package importer

import (
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

func (m *moduleCall) service() {
	m.skip("daemon_reload", "use", "sleep", "arguments", "args", "pattern", "runlevel", "force", "daemon_reexec", "no_block")
	if n := m.get("scope"); n != nil && n.Text != "system" {
		m.step.fail("a service of scope %s", brief(n.Text))
		return
	}
	reload := m.is("daemon_reload")
	name := m.text("name", "service", "unit")
	if name == "" {
		if !reload {
			m.step.fail("%s without name", m.module)
		}
		m.step.keys.set("run", script("systemctl daemon-reload"))
		return
	}
	if n := m.get("masked"); n != nil {
		m.step.fail("masked; systemctl mask does it")
		return
	}
	call := mapping{{"name", name}}
	call.set("state", m.known("state"))
	if n := m.get("enabled"); n != nil {
		enabled := "false"
		if m.is("enabled") {
			enabled = "true"
		}
		call.set("enabled", bare(enabled))
	}
	if !reload {
		m.step.keys.set("service", call)
		return
	}
	first, second := m.twoSteps()
	first.keys.set("run", script("systemctl daemon-reload"))
	second.keys.set("service", call)
}

// twoSteps makes a block of a task that does two things. What is said of its result is said of the second.
func (m *moduleCall) twoSteps() (first, second *step) {
	here := &source.Node{File: m.reader.draft.file, Pos: source.Pos{Line: m.line, Column: 1}}
	m.step.block = true
	first, second = m.reader.draft.add(m.step, here), m.reader.draft.add(m.step, here)
	first.comments, second.comments = nil, nil
	m.result = second
	return first, second
}

func (m *moduleCall) reboot() {
	m.skip("connect_timeout", "pre_reboot_delay", "post_reboot_delay", "boot_time_command", "search_paths", "msg", "connect_timeout_sec")
	if n := m.get("test_command", "reboot_command"); n != nil {
		m.step.remark(n.Pos.Line, "how to reboot, and how to tell that it is done, are not asked for here")
	}
	call := mapping{}
	call.set("timeout", seconds(m.known("reboot_timeout", "reboot_timeout_sec")))
	m.step.keys.set("reboot", call)
}

// packages gives the names of packages as words of a script; more than one if there may be several.
func (m *moduleCall) packages(keys ...string) (words string, several bool) {
	n := m.get(keys...)
	if n == nil {
		return "", false
	}
	var list []string
	items := itemsOf(n)
	if n.Kind == source.Scalar && !strings.Contains(n.Text, "{{") {
		items = nil
		for _, name := range strings.FieldsFunc(n.Text, func(r rune) bool { return r == ',' || r == ' ' }) {
			one := *n
			one.Text = name
			items = append(items, &one)
		}
	}
	for _, item := range items {
		pieces := m.pieces(item)
		if len(pieces) == 1 && !pieces[0].fixed && pieces[0].sort != text && pieces[0].sort != number {
			several = true
		}
		list = append(list, wordOf(pieces))
	}
	return strings.Join(list, " "), several || len(list) > 1
}

// manager is a program that installs packages.
type manager struct {
	install, latest, remove string
	query                   string // asks for one package, named at its end
	env                     mapping
}

var (
	aptManager = manager{
		install: "apt-get install -y -- ", latest: "apt-get install -y -- ", remove: "apt-get remove -y -- ",
		query: "dpkg-query -W -f '${Status}' %s 2>/dev/null | grep -q 'ok installed'",
		env:   mapping{{"DEBIAN_FRONTEND", "noninteractive"}},
	}
	dnfManager = manager{
		install: "dnf install -y ", latest: "dnf upgrade -y ", remove: "dnf remove -y ", query: "rpm -q %s >/dev/null",
	}
)

func (m *moduleCall) apt() {
	m.skip("cache_valid_time", "install_recommends", "force", "lock_timeout", "update_cache_retries", "dpkg_options", "allow_downgrade", "only_upgrade")
	if n := m.get("deb", "default_release"); n != nil {
		m.step.fail("apt with deb or default_release")
		return
	}
	var lines []string
	if m.is("update_cache") {
		lines = append(lines, "apt-get update")
	}
	a := aptManager
	if isFalse(m.args["install_recommends"]) {
		a.install = strings.Replace(a.install, "install", "install --no-install-recommends", 1)
	}
	if m.is("purge") {
		a.remove = "apt-get purge -y -- "
	}
	switch upgrade := m.known("upgrade"); upgrade {
	case "", "no", "false":
	case "dist", "full":
		lines = append(lines, "apt-get dist-upgrade -y")
	default:
		lines = append(lines, "apt-get upgrade -y")
	}
	if m.is("autoremove") && m.args["name"] == nil && m.args["pkg"] == nil {
		lines = append(lines, "apt-get autoremove -y")
	}
	m.manage(a, lines, "name", "pkg", "package")
}

func (m *moduleCall) dnf() {
	m.skip("update_cache", "disable_gpg_check", "install_weak_deps", "lock_timeout")
	if n := m.get("enablerepo", "disablerepo", "list"); n != nil {
		m.step.fail("%s with enablerepo, disablerepo or list", m.module)
		return
	}
	d := dnfManager
	if m.module == "yum" {
		d.install, d.latest, d.remove = "yum install -y ", "yum update -y ", "yum remove -y "
	}
	m.manage(d, nil, "name", "pkg")
}

// manage installs or removes packages; a query of each is the check.
func (m *moduleCall) manage(a manager, lines []string, keys ...string) {
	state := firstOf(m.known("state"), "present")
	words, several := m.packages(keys...)
	switch {
	case words == "" && len(lines) == 0:
		m.step.fail("%s without name", m.module)
		return
	case words == "":
	case slices.Contains([]string{"present", "installed"}, state):
		lines = append(lines, a.install+words)
		m.query(a, words, several, true)
	case state == "latest":
		lines = append(lines, a.latest+words)
	case slices.Contains([]string{"absent", "removed"}, state):
		lines = append(lines, a.remove+words)
		m.query(a, words, several, false)
	default:
		m.step.fail("%s with state %s", m.module, brief(state))
	}
	if len(a.env) > 0 {
		m.step.envLate(a.env)
	}
	m.step.keys.set("run", script(strings.Join(lines, "\n")))
}

// query makes the check: all packages are there, or none is.
func (m *moduleCall) query(a manager, words string, several, there bool) {
	if strings.ContainsAny(words, "=@*/<>") { // a version, a group, a pattern: the query would not find it
		return
	}
	if !several {
		ask := strings.Replace(a.query, "%s", words, 1)
		if !there {
			ask = "! (" + ask + ")"
		}
		m.step.keys.set("check", script(ask))
		return
	}
	end := " || exit 1"
	if !there {
		end = " && exit 1"
	}
	ask := "for package in " + words + "; do\n  " + strings.Replace(a.query, "%s", `"$package"`, 1) + end + "\ndone"
	if !there {
		ask += "\ntrue"
	}
	m.step.keys.set("check", script(ask))
}

// anyPackage asks which program there is.
func (m *moduleCall) anyPackage() {
	m.skip("use")
	state := firstOf(m.known("state"), "present")
	words, several := m.packages("name")
	if words == "" {
		m.step.fail("package without name")
		return
	}
	act := map[string]string{"present": "install", "installed": "install", "latest": "install", "absent": "remove", "removed": "remove"}[state]
	if act == "" {
		m.step.fail("package with state %s", brief(state))
		return
	}
	m.step.keys.set("run", script("if command -v apt-get >/dev/null; then\n  DEBIAN_FRONTEND=noninteractive apt-get "+act+" -y -- "+words+
		"\nelif command -v dnf >/dev/null; then\n  dnf "+act+" -y "+words+"\nelse\n  yum "+act+" -y "+words+"\nfi"))
	if state != "latest" {
		both := manager{query: "{ dpkg-query -W -f '${Status}' %[1]s 2>/dev/null | grep -q 'ok installed' || rpm -q %[1]s >/dev/null 2>&1; }"}
		both.query = strings.ReplaceAll(both.query, "%[1]s", "%s")
		m.queryBoth(both, words, several, act == "install")
	}
}

// queryBoth is query for a question that names the package twice.
func (m *moduleCall) queryBoth(a manager, words string, several, there bool) {
	if !several {
		a.query = strings.ReplaceAll(a.query, "%s", words)
	} else {
		a.query = strings.ReplaceAll(a.query, "%s", `"$package"`)
	}
	m.query(a, words, several, there)
}
