package importer

import (
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// say translates a text with templates of Go in it.
func (t *taskfile) say(s string, sc taskScope) ([]phrase, error) {
	parts, err := templateParts(s)
	if err != nil {
		return nil, err
	}
	var pieces []phrase
	for _, p := range parts {
		if !p.template {
			pieces = append(pieces, fixedText(p.text))
			continue
		}
		words, err := goWords(strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(p.text, "-"), "-")))
		if err != nil {
			return nil, err
		}
		g := &goTemplate{words: words, names: func(name, byDefault string) (phrase, error) { return t.named(name, byDefault, sc) }}
		q, err := g.pipe()
		if err == nil && g.at < len(g.words) {
			err = unsaid("{{%s}}", brief(p.text))
		}
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, q)
	}
	return pieces, nil
}

// name says what a var means: in the task, in the file, or to the person who runs it.
func (t *taskfile) name(name string, sc taskScope) (phrase, error) { return t.named(name, "", sc) }

func (t *taskfile) named(name, byDefault string, sc taskScope) (phrase, error) {
	if p, ok := sc.local[name]; ok {
		return p, p.bad
	}
	switch name {
	case "TASK", "ALIAS":
		return fixedText(sc.task), nil
	case "ROOT_DIR", "TASKFILE_DIR", "USER_WORKING_DIR", "TASK_DIR":
		return atom("env.PWD", text), nil
	case "TASKFILE", "ROOT_TASKFILE":
		return joined([]phrase{atom("env.PWD", text), fixedText("/Taskfile.yml")}), nil
	case "CLI_ARGS", "CLI_ARGS_LIST":
		t.param("CLI_ARGS", mapping{{"type", "list"}, {"default", []value{}}, {"help", "what stands behind -- with go-task"}}, 0)
		return atom("CLI_ARGS", list), nil
	}
	if slices.Contains([]string{"MATCH", "CHECKSUM", "TIMESTAMP", "TASK_VERSION", "EXIT_CODE", "CLI_FORCE", "CLI_SILENT", "CLI_VERBOSE"}, name) {
		return phrase{}, unsaid("{{.%s}}", name)
	}
	if t.defined[name] != nil {
		return t.global(name)
	}
	if n := t.node.Get("env").Get(name); n != nil && !t.busy["env "+name] { // the environment of the file can be named, too
		t.busy["env "+name] = true
		defer delete(t.busy, "env "+name)
		return t.value(n, taskScope{}, name)
	}
	return t.outside(name, byDefault), nil
}

// outside is a var that the file does not know: go-task takes it from the command line or the environment.
func (t *taskfile) outside(name, byDefault string) phrase {
	_, known := t.params[name]
	p := t.param(name, mapping{{"default", byDefault}}, t.at)
	if !known && byDefault == "" {
		p.value, p.derived = mapping{{"default", blank}}, true
		p.remarks = append(p.remarks, Remark{t.at, name + " is not set in the Taskfile: go-task takes it from the command line or the environment"})
	}
	return atom(p.name, text)
}

// blank is an empty text: as a text, it would stand for nothing to be said.
const blank = bare("''")

// global says what a var of the file means.
func (t *taskfile) global(name string) (phrase, error) {
	if p, ok := t.globals[name]; ok {
		return p, nil
	}
	n := t.defined[name]
	if t.busy[name] {
		return phrase{}, unsaid("the var %s is made of itself", name)
	}
	if m := ownDefault.FindStringSubmatch(textOf(n)); m != nil && m[1] == name { // {{.X | default "y"}} as the value of X
		delete(t.defined, name)
		p := t.outside(name, m[2])
		t.globals[name] = p
		t.params[name].line = n.Pos.Line
		return p, nil
	}
	t.busy[name] = true
	defer delete(t.busy, name)
	v, err := t.value(n, taskScope{}, name)
	if err != nil {
		return v, err
	}
	if !v.late {
		v = t.variable(name, n, v)
	}
	t.globals[name] = v
	return v, nil
}

var ownDefault = regexp.MustCompile(`^\{\{-?\s*\.(\w+)\s*\|\s*default\s+["` + "`" + `]([^"` + "`" + `\\{}]*)["` + "`" + `]\s*-?\}\}$`)

// variable makes a var of ours of one of the file.
func (t *taskfile) variable(name string, n *source.Node, v phrase) phrase {
	s := &setting{name: ourName(name), line: n.Pos.Line, value: value(v.inText())}
	p := atom(s.name, v.sort)
	switch {
	case n.Kind == source.Scalar && n.Style == source.Plain && v.fixed && n.Text == v.known && source.ParseScalar(n.Text) != n.Text:
		s.value = bare(n.Text) // a number or a truth
		if _, isText := source.ParseScalar(n.Text).(string); isText || source.ParseScalar(n.Text) == nil {
			s.value = v.known
		}
	case v.sort == list:
		s.value = "${{ " + v.expr + " }}"
		if items, ok := fixedItems(n); ok {
			s.value = items
		}
	}
	if s.value == "" {
		s.value = blank
	}
	if v.fixed {
		p.holds = v.known
	}
	p.code = v.code || v.fixed && manyWords.MatchString(v.known)
	t.draft.vars = append(t.draft.vars, s)
	return p
}

// fixedItems gives the texts of a list in which nothing is a template.
func fixedItems(n *source.Node) ([]value, bool) {
	var items []value
	for _, item := range n.Items {
		if item.Kind != source.Scalar || strings.Contains(item.Text, "{{") {
			return nil, false
		}
		items = append(items, item.Text)
	}
	return items, true
}

// goTemplate translates what stands between {{ and }} in a template of Go.
type goTemplate struct {
	words []word
	at    int
	names func(name, byDefault string) (phrase, error)
	depth int
}

var (
	goVar  = regexp.MustCompile(`^\.[A-Za-z_][A-Za-z0-9_]*`)
	goName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*`)
)

// goWords takes a template apart; a var keeps its dot.
func goWords(s string) ([]word, error) {
	var words []word
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimLeft(s, " \t\r\n") {
		switch {
		case goVar.MatchString(s):
			v := goVar.FindString(s)
			words, s = append(words, word{wordName, v}), s[len(v):]
			if strings.HasPrefix(s, ".") || strings.HasPrefix(s, "[") {
				return nil, unsaid("a part of %s", v)
			}
		case goName.MatchString(s):
			v := goName.FindString(s)
			words, s = append(words, word{wordName, v}), s[len(v):]
		case jinjaNumber.MatchString(s):
			v := jinjaNumber.FindString(s)
			words, s = append(words, word{wordNumber, v}), s[len(v):]
		case s[0] == '|' || s[0] == '(' || s[0] == ')':
			words, s = append(words, word{wordSign, s[:1]}), s[1:]
		case s[0] == '"' || s[0] == '`':
			v, rest, ok := jinjaString(s)
			if !ok {
				return nil, unsaid("a text that is not closed in {{ %s }}", brief(s))
			}
			words, s = append(words, word{wordString, v}), rest
		default:
			return nil, unsaid("{{ %s }}", brief(s))
		}
	}
	return words, nil
}
