package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func bashRules() []Rule {
	return []Rule{{
		Name: "bashism", Severity: Warning, Summary: "a feature of bash in a script for sh",
		Why:   "`sh` is dash on Debian, busybox on Alpine, bash on RHEL: what only bash knows works on one host and fails, or silently does something else, on the next. Constructs that sh cannot even read are refused when the runbook is loaded; this rule finds those that it reads as something else.",
		Bad:   "name: x\nsteps:\n  - run: |\n      source /etc/app.env\n      mkdir -p /srv/app/{bin,lib}\n",
		Good:  "name: x\nsteps:\n  - run: |\n      . /etc/app.env\n      mkdir -p /srv/app/bin /srv/app/lib\n",
		check: bashisms,
	}}
}

// bashCommands are builtins of bash that sh does not have, and what to write instead.
var bashCommands = map[string]string{
	"source": "write . FILE", "declare": "write name=value", "typeset": "write name=value", "let": "write n=$((n + 1))",
	"pushd": "write (cd DIR && …)", "popd": "write (cd DIR && …)", "shopt": "shell: bash", "mapfile": "read lines in a while loop",
	"readarray": "read lines in a while loop", "coproc": "shell: bash", "disown": "", "function": "write name() { …; }",
	"select": "shell: bash", "enable": "", "caller": "", "compgen": "", "complete": "",
}

var bashVariables = []string{
	"RANDOM", "BASH_SOURCE", "BASH_VERSION", "BASH_REMATCH", "PIPESTATUS", "FUNCNAME", "SECONDS", "EUID", "DIRSTACK", "BASHPID", "EPOCHSECONDS", "SRANDOM", "MAPFILE",
}

var appends = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*\+=`)

func bashisms(p *pass) {
	for _, c := range p.scripts {
		if c.shell != "sh" || c.file == nil {
			continue
		}
		say := func(from, to int, what, hint string) {
			if hint == "" {
				hint = "shell: bash"
			}
			p.reportAt(c.step, c.node, from, to-from, what+" is bash, and this script is for sh", hint)
		}
		for node := range syntax.Preorder(c.file) {
			c.bashNode(node, say)
		}
	}
}

func (c *script) bashNode(node syntax.Node, say func(from, to int, what, hint string)) {
	switch n := node.(type) {
	case *syntax.CallExpr:
		if len(n.Args) > 0 {
			c.bashCall(c.call(n), say)
		}
	case *syntax.ParamExp:
		if n.Param != nil && slices.Contains(bashVariables, n.Param.Value) && !c.assigns(n.Param.Value) {
			say(offset(n.Pos()), offset(n.End()), "$"+n.Param.Value, "")
		}
	case *syntax.Subshell:
		if text := c.text[offset(n.Pos()):]; strings.HasPrefix(text, "((") {
			say(offset(n.Pos()), offset(n.Pos())+2, "(( ))", "write [ … ] or : $((…))")
		}
	case *syntax.ArithmCmd:
		say(offset(n.Pos()), offset(n.Pos())+2, "(( ))", "write [ … ] or : $((…))")
	case *syntax.Redirect:
		if (n.Op == syntax.DplOut || n.Op == syntax.DplIn) && !strings.ContainsAny(c.text[offset(n.Word.Pos()):offset(n.Word.Pos())+1], "0123456789-$V\"'") {
			say(offset(n.Pos()), offset(n.End()), n.Op.String()+" with a file", "write >FILE 2>&1")
		}
	case *syntax.Word:
		c.bashWord(n, say)
	}
}

func (c *script) assigns(name string) bool {
	return strings.Contains(c.text, name+"=") || strings.Contains(c.text, "read "+name) || strings.Contains(c.text, "read -r "+name)
}

func (c *script) bashWord(w *syntax.Word, say func(from, to int, what, hint string)) {
	from, to := offset(w.Pos()), offset(w.End())
	for i, part := range w.Parts {
		lit, ok := part.(*syntax.Lit)
		if !ok {
			continue
		}
		if strings.HasSuffix(lit.Value, "$") && i+1 < len(w.Parts) && !strings.HasSuffix(lit.Value, `\$`) {
			switch w.Parts[i+1].(type) {
			case *syntax.SglQuoted:
				say(from, to, "$'…'", `write "$(printf '…')"`)
			case *syntax.DblQuoted:
				say(from, to, `$"…"`, `write "…"`)
			}
		}
	}
	if len(w.Parts) == 1 {
		if lit, ok := w.Parts[0].(*syntax.Lit); ok && braces(lit.Value) {
			say(from, to, "{a,b}", "write the words out, or a for loop")
		}
	}
}

// braces tells whether bash would make several words of this one.
func braces(text string) bool {
	open := strings.IndexByte(text, '{')
	if open < 0 || strings.Contains(text, `\`) {
		return false
	}
	end := strings.IndexByte(text[open:], '}')
	if end < 0 {
		return false
	}
	inner := text[open+1 : open+end]
	return strings.Contains(inner, ",") || strings.Contains(inner, "..")
}

func (c *script) bashCall(one call, say func(from, to int, what, hint string)) {
	first := one.words[0]
	name := first.name()
	if hint, ok := bashCommands[name]; ok && !strings.Contains(first.text, "/") {
		say(first.from, first.to, name, hint)
		return
	}
	if appends.MatchString(first.text) { // sh reads it as the name of a command
		say(first.from, first.to, "+=", "write name=\"$name…\"")
		return
	}
	for i, w := range one.words[1:] {
		option := len(w.text) > 1 && w.text[0] == '-'
		switch {
		case name == "[" && w.text == "==", name == "test" && w.text == "==":
			say(w.from, w.to, "==", "write =")
		case name == "echo" && i == 0 && option && strings.Trim(w.text[1:], "neE") == "":
			say(w.from, w.to, "echo "+w.text, "write printf '%s' …")
		case name == "read" && option && strings.ContainsAny(w.text[1:], "patnsdiuN"):
			say(w.from, w.to, "read "+w.text, "read takes only -r")
		case name == "printf" && i == 0 && strings.Contains(w.text, "%q"):
			say(w.from, w.to, "%q of printf", "")
		case name == "export" && w.text == "-f":
			say(w.from, w.to, "export -f", "")
		case name == "type" && option:
			say(w.from, w.to, "type "+w.text, "write command -v")
		case name == "trap" && slices.Contains([]string{"ERR", "DEBUG", "RETURN"}, w.text):
			say(w.from, w.to, "trap "+w.text, "")
		case name == "set" && w.text == "pipefail":
			say(w.from, w.to, "pipefail", fmt.Sprintf("%s, which has it set", "shell: bash"))
		}
	}
}
