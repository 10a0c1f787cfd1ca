package lint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

func secretRules() []Rule {
	return []Rule{
		{
			Name: "secret-shown", Severity: Warning, Summary: "a secret in a text that is shown to people",
			Why:   "Titles, reasons and messages are read on screens, in reports and in chats. Where a secret stands in one, people see *** at best.",
			Bad:   "name: x\nparams:\n  token: {secret: true}\n  version: {type: string}\nsteps:\n  - assert: {that: version != \"\", message: \"no version for ${{ token }}\"}\n  - run: bin/install ${{ version }}\n    env: {TOKEN: \"${{ token }}\"}\n",
			Good:  "name: x\nparams:\n  token: {secret: true}\n  version: {type: string}\nsteps:\n  - assert: {that: version != \"\", message: no version}\n  - run: bin/install ${{ version }}\n    env: {TOKEN: \"${{ token }}\"}\n",
			check: secretShown,
		},
		{
			Name: "literal-password", Severity: Warning, Summary: "what looks like a password, a token or a key in the text",
			Why:   "A runbook is read by more people than may know its secrets, and its history keeps what was taken out. What stands below `secrets`, and a param with `secret: true`, is never shown and never stored.",
			Bad:   "name: x\nsteps:\n  - run: mysqladmin --password=hunter2secret reload\n",
			Good:  "name: x\nsecrets:\n  mysql: {command: [pass, show, mysql]}\nsteps:\n  - run: mysqladmin reload\n    env: {MYSQL_PWD: \"${{ secrets.mysql }}\"}\n",
			check: literalPassword,
		},
	}
}

// shownKeys hold texts for people.
var shownKeys = map[string]bool{"name": true, "why": true, "description": true, "message": true, "confirm": true, "manual": true}

func secretShown(p *pass) {
	root := p.rb.Root.Node
	for _, k := range []string{"name", "description", "confirm"} {
		p.shown(nil, root.Get(k))
	}
	for _, n := range p.rb.Notices {
		if n.Message != nil {
			p.shown(nil, n.Message.Node)
		}
	}
	for _, s := range p.steps {
		for _, pair := range s.Node.Pairs {
			if shownKeys[pair.Key.Text] {
				p.shown(s, pair.Value)
			}
			if pair.Value.Kind == source.Map && (pair.Key.Text == "assert" || pair.Key.Text == "notify") {
				p.shown(s, pair.Value.Get("message"))
			}
		}
	}
}

func (p *pass) shown(s *runbook.Step, n *source.Node) {
	if n == nil {
		return
	}
	for _, at := range usesIn(n, func(name string) bool { return p.secrets[name] }) {
		p.reportAt(s, at.node, at.offset, at.width, "a secret in a text that is shown to people", "say it without the value")
	}
}

var (
	// A word that means a secret, what gives it a value, and the value.
	passwordText = regexp.MustCompile(`(?i)(?:\b|_|-)(?:passw(?:or)?d|pwd|passphrase|secret(?:[_-]?key)?|(?:api|access|auth|private)[_-]?(?:key|token)|token)["']?\s*(?:=|:\s)\s*["']?([^\s"'$<>{}();|&,]{6,})`)
	// What the issuers of keys made easy to tell.
	keyText    = regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,}|\bglpat-[A-Za-z0-9_-]{20}|\bxox[baprs]-[0-9A-Za-z-]{10,}|\bAGE-SECRET-KEY-1[0-9A-Z]{50,}|://[^/\s:@$]+:[^/\s@${]{4,}@`)
	secretName = regexp.MustCompile(`(?i)(?:^|_|-)(?:passw(?:or)?d|passphrase|secret|token|(?:api|access|private)_?key)$`)
	plainValue = regexp.MustCompile(`(?i)^(?:change_?me|example|none|null|true|false|x+|\*+|\.+|redacted|/.*|~/.*|env:.*|file:.*|[a-z_.]+\(.*)$`)
)

func literalPassword(p *pass) {
	for _, s := range append([]*runbook.Step{p.rb.Root}, p.steps...) {
		for _, c := range p.scripts {
			if c.step == s {
				p.passwords(s, c.node)
			}
		}
		if env := s.Node.Get("env"); env != nil {
			p.named(s, env)
		}
		for _, k := range []string{"stdin", "copy", "http"} {
			if n := s.Node.Get(k); n != nil {
				p.passwords(s, n)
			}
		}
	}
	p.named(nil, p.rb.Root.Node.Get("vars"))
	if n := p.rb.Root.Node.Get("secrets"); n != nil {
		p.passwords(nil, n)
	}
	for _, param := range p.rb.Params {
		given := p.rb.Root.Node.Get("params").Get(param.Name).Get("default")
		if (param.Secret || secretName.MatchString(param.Name)) && given != nil && looksSecret(given) {
			p.report(nil, given, fmt.Sprintf("the default of %q looks like the secret itself", param.Name), "leave the default out: it is asked for, or OPSCTL_PARAM_"+strings.ToUpper(param.Name)+" gives it; secrets: says where one comes from")
		}
	}
}

// named looks at the values of a map whose keys say that they are secrets.
func (p *pass) named(s *runbook.Step, n *source.Node) {
	if n == nil || n.Kind != source.Map {
		return
	}
	for _, pair := range n.Pairs {
		if secretName.MatchString(pair.Key.Text) && looksSecret(pair.Value) {
			p.report(s, pair.Value, fmt.Sprintf("the value of %q looks like a secret", pair.Key.Text), "secrets: says where it comes from")
			continue
		}
		p.passwords(s, pair.Value)
	}
}

func looksSecret(n *source.Node) bool {
	return n.Kind == source.Scalar && len(n.Text) >= 4 && !strings.Contains(n.Text, "${{") && !strings.HasPrefix(n.Text, "$") && !plainValue.MatchString(n.Text)
}

// passwords looks for them inside of a text, and in all texts below it.
func (p *pass) passwords(s *runbook.Step, n *source.Node) {
	for _, item := range n.Items {
		p.passwords(s, item)
	}
	for _, pair := range n.Pairs {
		p.passwords(s, pair.Value)
	}
	if n.Kind != source.Scalar {
		return
	}
	const hint = "secrets: says where it comes from; give it by env or stdin"
	for _, m := range passwordText.FindAllStringSubmatchIndex(n.Text, -1) {
		if value := n.Text[m[2]:m[3]]; !plainValue.MatchString(value) {
			p.reportAt(s, n, m[2], m[3]-m[2], "this looks like a password", hint)
		}
	}
	for _, m := range keyText.FindAllStringIndex(n.Text, -1) {
		p.reportAt(s, n, m[0], len(firstLine(n.Text[m[0]:m[1]])), "this looks like a key or a password", hint)
	}
}
