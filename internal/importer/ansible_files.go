package importer

import (
	"regexp"
	"strings"
)

// rights are the mode, owner and group of a file.
func (m *moduleCall) rights(to *mapping) {
	if mode := m.mode(); mode != "" {
		to.set("mode", bare(mode))
	}
	if m.get("owner") != nil {
		to.set("owner", m.text("owner"))
	}
	if m.get("group") != nil {
		to.set("group", m.text("group"))
	}
}

var octal = regexp.MustCompile(`^(0o?)?[0-7]{3,4}$`)

// mode gives a mode in digits; other forms are told of.
func (m *moduleCall) mode() string {
	n := m.get("mode")
	if n == nil || n.Text == "preserve" {
		return ""
	}
	if !octal.MatchString(n.Text) {
		m.step.remark(n.Pos.Line, "the mode %s: it is written in digits here", brief(n.Text))
		return ""
	}
	digits := strings.TrimLeft(strings.Replace(n.Text, "o", "", 1), "0")
	return "0" + strings.Repeat("0", max(0, 3-len(digits))) + digits
}

func (m *moduleCall) dest() string {
	dest := m.text("dest", "path")
	if dest == "" {
		m.step.fail("%s without dest", m.module)
	}
	return dest
}

func (m *moduleCall) copy() {
	if m.is("remote_src") {
		m.skip("src", "dest", "mode", "owner", "group", "force", "backup", "directory_mode")
		m.step.keys.set("run", script("cp -R -- "+m.word("src")+" "+m.word("dest")))
		m.step.remark(m.line, "remote_src: it is copied every time; a check can tell whether it has to be")
		return
	}
	m.skip("backup", "directory_mode", "follow", "local_follow", "decrypt")
	call := mapping{}
	if content := m.get("content"); content != nil {
		call.set("content", textValue(m.text("content")))
	} else if call.set("src", m.text("src")); call.get("src") == nil {
		m.step.fail("copy without src")
	}
	call.set("dest", m.dest())
	m.rights(&call)
	if isFalse(m.get("force")) {
		m.step.keys.set("check", script("test -e "+m.word("dest")))
	}
	m.step.keys.set("copy", call)
}

func (m *moduleCall) template() {
	m.skip("backup", "force", "follow", "trim_blocks", "lstrip_blocks", "newline_sequence", "output_encoding")
	src := m.text("src")
	call := mapping{{"src", src}, {"dest", m.dest()}}
	m.rights(&call)
	call.set("template", bare("true"))
	m.step.keys.set("copy", call)
	m.step.remark(m.line, "translate %s by hand: {{ x }} is ${{ x }} here, and there are no {%% if %%} and {%% for %%}", brief(src))
}

// file makes, changes or removes files. A check tells whether there is anything to do.
func (m *moduleCall) file() {
	path := m.word("path", "dest", "name")
	state := m.known("state")
	m.skip("follow", "modification_time", "access_time", "modification_time_format", "access_time_format", "unsafe_writes")
	if path == "" {
		m.step.fail("file without path")
		return
	}
	switch state {
	case "absent":
		m.skip("mode", "owner", "group", "recurse", "force")
		m.step.keys.set("check", script("test ! -e "+path+" && test ! -L "+path))
		m.step.keys.set("run", script("rm -rf -- "+path))
	case "link":
		m.skip("force", "mode", "owner", "group")
		m.step.keys.set("link", mapping{{"path", m.text("path", "dest", "name")}, {"to", m.text("src")}})
	case "directory":
		m.changed(path, "d", "mkdir -p -- "+path)
	case "touch":
		m.changed(path, "", "touch -- "+path)
		m.step.keys.remove("check")
	case "", "file":
		m.changed(path, "", "")
	default:
		m.step.fail("file with state %s", brief(state))
	}
}

// changed makes a file and gives it its rights; find tells by its exit whether all is so.
func (m *moduleCall) changed(path, kind, first string) {
	var lines []string
	if first != "" {
		lines = append(lines, first)
	}
	all := ""
	if m.is("recurse") {
		all = "-R "
	}
	find := "find " + path + " -prune"
	if kind != "" {
		find += " -type " + kind
	}
	rights := ""
	if n := m.get("mode"); n != nil && octal.MatchString(n.Text) {
		rights += " -perm " + m.mode()
		lines = append(lines, "chmod "+all+m.mode()+" "+path)
	} else if n != nil {
		lines = append(lines, "chmod "+all+m.word("mode")+" "+path)
	}
	for _, who := range [][2]string{{"owner", "chown"}, {"group", "chgrp"}} {
		if m.get(who[0]) == nil {
			continue
		}
		flag := " -user "
		if who[0] == "group" {
			flag = " -group "
		}
		rights += flag + m.word(who[0])
		lines = append(lines, who[1]+" "+all+m.word(who[0])+" "+path)
	}
	if len(lines) == 0 {
		lines = append(lines, "test -e "+path)
		m.step.keys.set("effect", "read")
	}
	m.step.keys.set("run", script(strings.Join(lines, "\n")))
	switch {
	case all != "" || len(lines) == 1 && m.step.keys.get("effect") != nil:
	case rights != "":
		m.step.keys.set("check", script(find+rights+" | grep -q ."))
	case kind == "d":
		m.step.keys.set("check", script("test -d "+path))
	}
}

func (m *moduleCall) lineinfile() {
	m.skip("backup")
	for _, key := range []string{"insertafter", "insertbefore"} {
		if n := m.get(key); n != nil && n.Text != "EOF" {
			m.step.remark(n.Pos.Line, "%s: a new line goes to the end", key)
		}
	}
	if n := m.get("backrefs"); isTrue(n) {
		m.step.fail("lineinfile with backrefs")
	}
	call := mapping{{"path", m.text("path", "dest", "name")}}
	if call.get("path") == "" {
		m.step.fail("lineinfile without path")
	}
	match := m.get("regexp", "regex")
	if match != nil {
		call.set("match", m.text("regexp", "regex"))
	}
	line := m.get("line")
	if m.known("state") == "absent" {
		if match == nil && line != nil {
			call.set("match", "^"+regexp.QuoteMeta(m.known("line"))+"$")
		}
		call.set("absent", bare("true"))
	} else {
		if match == nil && m.get("search_string") != nil {
			call.set("match", regexp.QuoteMeta(m.known("search_string")))
		}
		call.set("line", m.text("line", "value"))
	}
	if !m.is("create") {
		m.step.keys.set("line", call)
		return
	}
	path := m.word("path", "dest", "name")
	first, second := m.twoSteps()
	lines := []string{"touch -- " + path}
	if mode := m.mode(); mode != "" {
		lines = append(lines, "chmod "+mode+" "+path)
	}
	for _, who := range [][2]string{{"owner", "chown "}, {"group", "chgrp "}} {
		if m.get(who[0]) != nil {
			lines = append(lines, who[1]+m.word(who[0])+" "+path)
		}
	}
	first.keys.set("check", script("test -e "+path))
	first.keys.set("run", script(strings.Join(lines, "\n")))
	second.keys.set("line", call)
}

func (m *moduleCall) fetch() {
	if m.is("flat") {
		m.step.remark(m.line, "flat: a file goes to DEST/HOST/… here, so that no host overwrites that of another")
	}
	m.skip("fail_on_missing", "validate_checksum")
	m.step.fetch(m.line, m.text("src"), m.text("dest"))
}

// fetch brings a file here: below the directory of the runbook, and nowhere else.
func (s *step) fetch(line int, src, dest string) {
	if below := strings.TrimLeft(dest, "/~"); below != dest {
		s.remark(line, "%s: what is fetched goes below the directory of the runbook", brief(dest))
		dest = firstOf(below, "fetched")
	}
	s.keys.set("fetch", mapping{{"src", src}, {"dest", dest}})
}

var shaSum = regexp.MustCompile(`^sha(1|224|256|384|512)$`)

// getURL fetches with curl, unless the file is there.
func (m *moduleCall) getURL() {
	url, dest := m.word("url"), m.word("dest")
	m.skip("force", "timeout", "backup", "force_basic_auth", "http_agent", "use_proxy", "tmp_dest", "validate_certs")
	if url == "" || dest == "" {
		m.step.fail("get_url without url or dest")
		return
	}
	if isFalse(m.get("validate_certs")) || m.args["url_username"] != nil {
		m.step.fail("get_url with validate_certs or a user")
		return
	}
	curl := "curl -fsSL -o " + dest
	if headers := m.get("headers"); headers != nil {
		for _, p := range pairsOf(headers) {
			curl += " -H " + shellWord(p.Key.Text+": ") + wordOf(m.pieces(p.Value))
		}
	}
	lines := []string{curl + " -- " + url}
	check := "test -e " + dest
	if sum := m.get("checksum"); sum != nil {
		kind, digest, found := strings.Cut(sum.Text, ":")
		if !found || strings.Contains(digest, "://") || !shaSum.MatchString(kind) {
			m.step.fail("the checksum %s", brief(sum.Text))
			return
		}
		one := *sum
		one.Text = digest
		check = `printf '%s  %s\n' ` + wordOf(m.pieces(&one)) + " " + dest + " | " + kind + "sum -c -"
		lines = append(lines, check)
	}
	if isTrue(m.args["force"]) && m.args["checksum"] == nil {
		check = ""
	}
	if mode := m.mode(); mode != "" {
		lines = append(lines, "chmod "+mode+" "+dest)
	}
	for _, who := range [][2]string{{"owner", "chown "}, {"group", "chgrp "}} {
		if m.get(who[0]) != nil {
			lines = append(lines, who[1]+m.word(who[0])+" "+dest)
		}
	}
	if check != "" {
		m.step.keys.set("check", script(check))
	}
	m.step.keys.set("run", script(strings.Join(lines, "\n")))
}

// stat tells by the exit code whether a file is there.
func (m *moduleCall) stat() {
	m.skip("follow", "get_checksum", "get_mime", "get_attributes", "checksum_algorithm", "get_md5")
	path := m.word("path", "dest", "name")
	if path == "" {
		m.step.fail("stat without path")
		return
	}
	m.step.keys.set("run", script("test -e "+path+" || test -L "+path))
	m.step.keys.set("ok_codes", []value{bare("0"), bare("1")})
	m.step.keys.set("effect", "read")
}
