package runbook

import (
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// Lock is held for the whole run: two runs that hold the same one never overlap.
type Lock struct {
	Node  *source.Node
	Name  *Text
	Hosts bool // held on every host of the target as well, so that two controllers exclude each other
}

func (d *decoder) lock(n *source.Node) *Lock {
	l := &Lock{Node: n}
	if n.Kind == source.Scalar {
		d.raw(&l.Name)(n)
		return l
	}
	scope := "controller"
	if d.each(n, "lock", keys{"name": d.raw(&l.Name), "scope": d.oneOf(&scope, "controller", "hosts")}) && n.Get("name") == nil {
		d.problem(n, "lock needs a name").Hint = "lock: app-deploy"
	}
	if l.Hosts = scope == "hosts"; l.Hosts {
		d.problem(n.Get("scope"), `"scope: hosts" of a lock is not supported by this version of opsctl`)
	}
	return l
}

// stdin reads what a command reads: a text, or {file: path} for the content of a local file.
func (d *decoder) stdin(n *source.Node) *Stdin {
	s := &Stdin{}
	if n.Kind != source.Map {
		if d.raw(&s.Text)(n); s.Text == nil {
			return nil
		}
		return s
	}
	if known := d.each(n, "stdin", keys{"file": d.raw(&s.File)}); s.File == nil && known {
		d.problem(n, "stdin needs a text, or a file").Hint = "stdin: {file: path beside the runbook}"
	}
	if s.File == nil {
		return nil
	}
	return s
}

// Secret is a value that is fetched when it is first needed, and never seen.
type Secret struct {
	Name   string
	Node   *source.Node // its name
	Kind   string       // env file command age sops prompt
	Source *Text        // the variable, the path, the question; nil for a command
	Argv   []*Text      // of a command
	Key    string       // in a decrypted file: a.b; "" is all of it
	Hosts  bool         // its source uses the host: one value a host
}

var secretKinds = []string{"age", "command", "env", "file", "prompt", "sops"}

func (d *decoder) secrets(rb *Runbook, n *source.Node) {
	if n.Kind != source.Map {
		d.problem(n, "secrets is a map of names and their sources, this is %s", n.Describe())
		return
	}
	for _, p := range n.Pairs {
		if !nameText.MatchString(p.Key.Text) {
			d.problem(p.Key, "%q cannot be the name of a secret", p.Key.Text).Hint = "letters, digits and _"
			continue
		}
		if s := d.secret(p.Key, p.Value); s != nil {
			rb.Secrets = append(rb.Secrets, s)
		}
	}
}

var keyPath = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

func (d *decoder) secret(key, n *source.Node) *Secret {
	s := &Secret{Name: key.Text, Node: key}
	if n.Kind != source.Map {
		d.problem(n, "the source of a secret is a map, this is %s", n.Describe()).Hint = key.Text + ": {env: " + strings.ToUpper(key.Text) + "}; also file, command, age, sops, prompt"
		return nil
	}
	k := keys{"key": d.text(&s.Key)}
	for _, kind := range secretKinds {
		k[kind] = func(n *source.Node) {
			if s.Kind != "" {
				d.problem(n, "a secret has one source: it says %q already", s.Kind)
				return
			}
			if s.Kind = kind; kind == "command" {
				s.Argv = d.argv(n)
				return
			}
			d.raw(&s.Source)(n)
		}
	}
	if !d.each(n, "the source of a secret", k) {
		return nil
	}
	switch {
	case s.Kind == "":
		d.problem(n, "the secret %q has no source", s.Name).Hint = "one of env, file, command, age, sops, prompt"
		return nil
	case n.Get("key") != nil && s.Kind != "age" && s.Kind != "sops":
		d.problem(n.Get("key"), "key picks a value of an age or sops file; %s gives one value", s.Kind)
	case n.Get("key") != nil && !keyPath.MatchString(s.Key):
		d.problem(n.Get("key"), "%q is not a path of names such as db.password", s.Key)
	case s.Kind == "env" && s.Source != nil && !nameText.MatchString(s.Source.Node.Text):
		d.problem(s.Source.Node, "%q cannot be the name of an environment variable", s.Source.Node.Text)
	}
	if s.Source == nil && s.Argv == nil {
		return nil
	}
	return s
}

// argv reads a command that no shell is asked to read.
func (d *decoder) argv(n *source.Node) []*Text {
	if n.Kind != source.List || len(n.Items) == 0 {
		d.problem(n, "the command of a secret is a list of words, this is %s", n.Describe()).Hint = "command: [pass, show, db]"
		return nil
	}
	var words []*Text
	for _, item := range n.Items {
		var t *Text
		if d.raw(&t)(item); t != nil {
			words = append(words, t)
		}
	}
	return words
}
