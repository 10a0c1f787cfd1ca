package lint

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func documentRules() []Rule {
	return []Rule{
		{
			Name: "yaml-trap", Severity: Warning, Summary: "an unquoted value that is not what it looks like",
			Why:   "`yes` is a text here and `true` for other readers of YAML, `010` is the number ten, `1.10` is the number 1.1, `12:30` a text here and 750 elsewhere, `~` is nothing. Quotes make it a text for everybody. It is a note where the text arrives as written, as in env.",
			Bad:   "name: x\nvars:\n  release: 1.10\nsteps:\n  - run: bin/install ${{ release }}\n",
			Good:  "name: x\nvars:\n  release: \"1.10\"\nsteps:\n  - run: bin/install ${{ release }}\n",
			check: yamlTraps,
		},
		{
			Name: "undocumented", Severity: Note, Summary: "a runbook of the library that does not say what it is for, or whose it is",
			Why:   "A runbook in runbooks/ is run by people who did not write it. `description` says what it is for, `owner` whom to ask.",
			Bad:   "name: x\nsteps:\n  - run: bin/rotate\n",
			Good:  "name: x\ndescription: Rotate the keys of the web tier.\nowner: platform@example.com\nsteps:\n  - run: bin/rotate\n",
			check: undocumented,
		},
	}
}

func undocumented(p *pass) {
	dir := path.Dir(strings.ReplaceAll(p.rb.File.Name, `\`, "/"))
	if !slices.Contains(strings.Split(dir, "/"), "runbooks") {
		return
	}
	var lacks []string
	if strings.TrimSpace(p.rb.Description) == "" {
		lacks = append(lacks, "description")
	}
	if strings.TrimSpace(p.rb.Owner) == "" {
		lacks = append(lacks, "owner")
	}
	if len(lacks) > 0 {
		p.report(nil, key(p.rb.Root.Node, "name"), "the runbook has no "+strings.Join(lacks, " and no "), "")
	}
}

var (
	boolWord    = regexp.MustCompile(`(?i)^(?:yes|no|on|off)$`)
	leadingZero = regexp.MustCompile(`^[-+]?0[0-9]+$`)
	lostZero    = regexp.MustCompile(`^[-+]?[0-9]+\.(?:[0-9]*0|)$`)
	sexagesimal = regexp.MustCompile(`^[-+]?[0-9]{1,2}(?::[0-5][0-9])+$`)
)

func yamlTraps(p *pass) {
	root := p.rb.Root.Node
	for _, param := range p.rb.Params {
		n := root.Get("params").Get(param.Name)
		p.traps(nil, n.Get("default"), param.Type == "string" || param.Type == "host")
		p.traps(nil, n.Get("enum"), param.Type == "string" || param.Type == "host")
	}
	p.traps(nil, root.Get("vars"), false)
	for _, s := range append([]*runbook.Step{p.rb.Root}, p.steps...) {
		p.traps(s, s.Node.Get("env"), true)
		p.traps(s, s.Node.Get("with"), false)
		p.traps(s, s.Node.Get("foreach"), false)
		if undo := s.Node.Get("rollback"); undo != nil {
			p.traps(s, undo.Get("env"), true)
		}
	}
}

// traps looks at a value and all below it. Where text is kept as it is written, numbers are no trap.
func (p *pass) traps(s *runbook.Step, n *source.Node, text bool) {
	if n == nil {
		return
	}
	for _, item := range n.Items {
		p.traps(s, item, text)
	}
	for _, pair := range n.Pairs {
		p.traps(s, pair.Value, text)
	}
	if n.Kind == source.Null && p.written(n) == "~" {
		p.report(s, n, "~ is nothing, and not a text", `"~" is the text; null, or "", says what is meant`)
		return
	}
	if n.Kind != source.Scalar || n.Style != source.Plain {
		return
	}
	var message string
	switch {
	case boolWord.MatchString(n.Text):
		message = fmt.Sprintf("%s is a text here, and true or false for other readers of YAML", n.Text)
	case sexagesimal.MatchString(n.Text):
		message = fmt.Sprintf("%s is a text here, and a number to the base of 60 for other readers of YAML", n.Text)
	case !text && leadingZero.MatchString(n.Text):
		message = fmt.Sprintf("%s is the number %v here, and octal for other readers of YAML", n.Text, n.Value())
	case !text && lostZero.MatchString(n.Text):
		message = fmt.Sprintf("%s is the number %v: the zero at its end is lost", n.Text, n.Value())
	default:
		return
	}
	if f := p.report(s, n, message, `quote it: "`+n.Text+`"`); text {
		f.Severity = Note
	}
}

// written gives the first word that stands at a node's place.
func (p *pass) written(n *source.Node) string {
	line := []rune(p.line(n.Pos.Line))
	if n.Pos.Column > len(line) {
		return ""
	}
	return strings.TrimRight(strings.SplitN(string(line[n.Pos.Column-1:])+" ", " ", 2)[0], ",]}")
}
