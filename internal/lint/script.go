package lint

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// script is a command of a step, read as a shell would.
type script struct {
	step   *runbook.Step
	role   string // run check save rollback wait
	name   string // as people say it: check, save.previous
	node   *source.Node
	shell  string
	text   string       // with each ${{ … }} replaced by a word of the same length
	values [][2]int     // where these stand
	file   *syntax.File // nil for a list of words, and for shells whose syntax is not known
	calls  []call
}

// call is a simple command in a script.
type call struct {
	script *script
	node   *source.Node // where it stands: of a list of words, the first word
	from   int          // offsets in the node's text
	to     int
	words  []word
}

// word is one word of a command. Its text is empty where it is not known before the script runs.
type word struct {
	text    string
	literal bool
	value   bool         // it begins with ${{ … }}, unquoted
	node    *source.Node // of a list, the word itself
	from    int
	to      int
}

// scriptsOf lists the commands of a step or block.
func scriptsOf(s *runbook.Step) []*script {
	var list []*script
	add := func(role, name string, run *runbook.Script) {
		if run != nil {
			list = append(list, newScript(s, role, name, run))
		}
	}
	add("check", "check", s.Check)
	for _, item := range s.Save {
		add("save", "save."+item.Name, item.Run)
	}
	add("run", "run", s.Run)
	if s.Rollback != nil {
		add("rollback", "rollback", s.Rollback.Run)
	}
	if s.Wait != nil {
		add("wait", "wait.run", s.Wait.Run)
	}
	return list
}

func newScript(s *runbook.Step, role, name string, run *runbook.Script) *script {
	c := &script{step: s, role: role, name: name, node: run.Node, shell: run.Shell}
	if run.Argv != nil {
		c.argv(run.Argv)
		return c
	}
	c.mask(run.Node.Text)
	lang := syntax.LangPOSIX
	switch c.shell {
	case "sh":
	case "bash":
		lang = syntax.LangBash
	default:
		return c
	}
	file, err := syntax.NewParser(syntax.Variant(lang)).Parse(strings.NewReader(c.text), "")
	if err != nil { // a value made it another script: what it is cannot be told
		return c
	}
	c.file = file
	for node := range syntax.Preorder(file) {
		if simple, ok := node.(*syntax.CallExpr); ok && len(simple.Args) > 0 {
			c.calls = append(c.calls, c.call(simple))
		}
	}
	return c
}

// mask puts a word of the same length in the place of each value, so that offsets stay true.
func (c *script) mask(text string) {
	pieces, err := expression.Split(text)
	if err != nil { // it was loaded, so it can be split
		c.text = text
		return
	}
	var b strings.Builder
	for _, p := range pieces {
		if p.Expr == nil {
			b.WriteString(p.Literal)
			continue
		}
		c.values = append(c.values, [2]int{p.Offset, p.Offset + p.Width})
		b.WriteString(strings.Repeat("V", p.Width))
	}
	c.text = b.String()
}

func (c *script) argv(words []*runbook.Text) {
	one := call{script: c, node: words[0].Node, to: len(words[0].Node.Text)}
	for _, w := range words {
		text := w.Node.Text
		literal := !strings.Contains(text, "${{")
		one.words = append(one.words, word{text: text, literal: literal, value: strings.HasPrefix(text, "${{"), node: w.Node, to: len(text)})
	}
	c.calls = []call{one}
}

func (c *script) call(simple *syntax.CallExpr) call {
	one := call{script: c, node: c.node, from: offset(simple.Args[0].Pos()), to: offset(simple.End())}
	for _, arg := range simple.Args {
		w := word{from: offset(arg.Pos()), to: offset(arg.End())}
		w.text, w.literal = c.literal(arg)
		w.value = c.isValue(w.from)
		one.words = append(one.words, w)
	}
	return one
}

func offset(p syntax.Pos) int { return int(p.Offset()) }

// literal gives the text of a word that holds no expansion, without its quotes.
func (c *script) literal(w *syntax.Word) (text string, ok bool) {
	var b strings.Builder
	for _, part := range w.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			b.WriteString(part.Value)
		case *syntax.SglQuoted:
			b.WriteString(part.Value)
		case *syntax.DblQuoted:
			for _, inner := range part.Parts {
				l, isLit := inner.(*syntax.Lit)
				if !isLit {
					return "", false
				}
				b.WriteString(l.Value)
			}
		default:
			return "", false
		}
	}
	from, to := offset(w.Pos()), offset(w.End())
	for _, v := range c.values {
		if v[0] < to && from < v[1] {
			return "", false
		}
	}
	return b.String(), true
}

func (c *script) isValue(at int) bool {
	for _, v := range c.values {
		if v[0] == at {
			return true
		}
	}
	return false
}

// runners are commands whose arguments are a command: the options they take that have a value of their own.
var runners = map[string]string{
	"sudo": "ugpCDhrtT", "doas": "uC", "env": "uS", "nice": "n", "ionice": "cnp", "nohup": "", "time": "", "command": "", "exec": "a",
	"timeout": "ks", "setsid": "", "stdbuf": "ioe", "builtin": "", "flock": "wE", "chroot": "", "xargs": "nIPLsdE", "busybox": "",
}

// peeled gives the words of the command that is really run: `sudo -u app env A=b rm x` is rm x.
func (c *call) peeled() []word {
	words := c.words
	for len(words) > 0 {
		name := words[0].name()
		valued, ok := runners[name]
		if !ok || name == "command" && len(words) > 1 && strings.HasPrefix(words[1].text, "-") {
			return words
		}
		rest := words[1:]
		for len(rest) > 0 && rest[0].literal && (strings.HasPrefix(rest[0].text, "-") || name == "env" && strings.Contains(rest[0].text, "=")) {
			option := rest[0].text
			rest = rest[1:]
			if option == "--" {
				break
			}
			if len(option) == 2 && strings.Contains(valued, option[1:]) && len(rest) > 0 {
				rest = rest[1:]
			}
		}
		if (name == "timeout" || name == "flock" || name == "chroot") && len(rest) > 0 {
			rest = rest[1:] // the duration, the file
		}
		words = rest
	}
	return words
}

// name is the word as the name of a command. What stands in a directory of the system is known by its
// name alone; bin/install is something else.
func (w word) name() string {
	if !w.literal {
		return ""
	}
	for _, dir := range []string{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/", "/usr/local/bin/", "/usr/local/sbin/"} {
		if name, ok := strings.CutPrefix(w.text, dir); ok {
			return name
		}
	}
	return w.text
}

// report notes a finding at a place in the script.
func (c *call) report(p *pass, w word, message, hint string) *Finding {
	if w.node != nil {
		return p.report(c.script.step, w.node, message, hint)
	}
	return p.reportAt(c.script.step, c.node, w.from, max(1, w.to-w.from), message, hint)
}
