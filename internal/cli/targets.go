package cli

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/notice"
	"github.com/opsctl/opsctl/internal/secret"
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/executor"
)

// target is somebody who can be told something, as a configuration file says it.
type target struct {
	kind  notice.Kind
	words []word // the URL, or the words of a command
	file  string // that names it
}

// word is a text, or the source of a secret one.
type word struct {
	text   string
	secret *secret.Source
}

// targetName is how a target may be called.
var targetName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// readTargets reads the key notify of a configuration file: names, and what they stand for.
func readTargets(file string, n *source.Node) (map[string]target, source.Problems) {
	var problems source.Problems
	if n.Kind != source.Map {
		problems.Add(n.Problem("notify is a map of names and targets, this is "+n.Describe(), "notify: {ops: {webhook: 'https://…'}}"))
		return nil, problems
	}
	targets := map[string]target{}
	for _, p := range n.Pairs {
		if !targetName.MatchString(p.Key.Text) {
			problems.Add(p.Key.Problem(fmt.Sprintf("%q cannot be the name of a target", p.Key.Text), "a lowercase letter, then lowercase letters, digits, - and _"))
			continue
		}
		t, wrong := readTarget(p.Value)
		t.file = file
		targets[p.Key.Text] = t
		problems = append(problems, wrong...)
	}
	return targets, problems
}

func readTarget(n *source.Node) (t target, problems source.Problems) {
	const way = "one of webhook, slack, teams: a URL; or command: a list of words"
	if n.Kind != source.Map || len(n.Pairs) == 0 {
		problems.Add(n.Problem("a target is a map of its kind and its URL or command, this is "+n.Describe(), way))
		return t, problems
	}
	for i, p := range n.Pairs {
		kind := notice.Kind(p.Key.Text)
		switch {
		case !slices.Contains(notice.Kinds(), kind):
			hint := source.DidYouMean(p.Key.Text, []string{"webhook", "slack", "teams", "command"})
			if hint == "" {
				hint = way
			}
			problems.Add(p.Key.Problem(fmt.Sprintf("unknown key %q in a target", p.Key.Text), hint))
			continue
		case i > 0:
			problems.Add(p.Key.Problem(fmt.Sprintf("a target is one thing: it says %q already", n.Pairs[0].Key.Text), "make two targets of it"))
			continue
		}
		t.kind = kind
		items := []*source.Node{p.Value}
		if kind == notice.Command {
			items = p.Value.Items
			if p.Value.Kind != source.List || len(items) == 0 {
				problems.Add(p.Value.Problem("the command of a target is a list of words, this is "+p.Value.Describe(), "command: [mail, -s, opsctl, ops@example.com]"))
			}
		}
		for _, item := range items {
			w, wrong := readWord(item)
			t.words = append(t.words, w)
			problems = append(problems, wrong...)
			if kind == notice.Command || w.secret != nil || len(wrong) > 0 {
				continue
			}
			if err := notice.CheckURL(w.text); err != nil {
				problems.Add(item.Problem("this cannot be the URL of a target: "+err.Error(), "https://…, or {secret: {env: NAME}}"))
			}
		}
	}
	return t, problems
}

// readWord reads a text, or {secret: {env: NAME}} and the other sources of a secret.
func readWord(n *source.Node) (w word, problems source.Problems) {
	const way = "{secret: {env: NAME}}; also file, command, age and sops"
	from := n.Get("secret")
	switch {
	case n.Kind == source.Scalar:
		return word{text: n.Text}, nil
	case n.Kind != source.Map || from == nil || len(n.Pairs) > 1:
		problems.Add(n.Problem("a text or the source of a secret is needed here, this is "+n.Describe(), way))
		return w, problems
	case from.Kind != source.Map:
		problems.Add(from.Problem("the source of a secret is a map, this is "+from.Describe(), way))
		return w, problems
	}
	w.secret = &secret.Source{}
	for _, p := range from.Pairs {
		switch kind := p.Key.Text; kind {
		case secret.Env, secret.File, secret.Age, secret.Sops:
			problems = append(problems, w.from(p)...)
			w.secret.Name = p.Value.Text
		case secret.Command:
			problems = append(problems, w.from(p)...)
			for _, item := range p.Value.Items {
				w.secret.Argv = append(w.secret.Argv, item.Text)
			}
		case "key":
			w.secret.Key = p.Value.Text
		default:
			problems.Add(p.Key.Problem(fmt.Sprintf("unknown key %q in the source of a secret", kind), way))
		}
	}
	if w.secret.Kind == "" && len(problems) == 0 {
		problems.Add(from.Problem("this secret has no source", way))
	}
	return w, problems
}

// from notes the kind of a source, and holds its value against it.
func (w *word) from(p source.Pair) (problems source.Problems) {
	if w.secret.Kind != "" {
		problems.Add(p.Key.Problem(fmt.Sprintf("a secret has one source: it says %q already", w.secret.Kind), ""))
	}
	w.secret.Kind = p.Key.Text
	wanted, way := source.Scalar, "a text is needed here, this is "
	if w.secret.Kind == secret.Command {
		wanted, way = source.List, "the command of a secret is a list of words, this is "
	}
	if p.Value.Kind != wanted || wanted == source.Scalar && p.Value.Text == "" || wanted == source.List && len(p.Value.Items) == 0 {
		problems.Add(p.Value.Problem(way+p.Value.Describe(), ""))
	}
	return problems
}

// told names a target for people: what follows the host of a URL lets whoever knows it send messages.
func (t target) told() string {
	first := t.words[0]
	switch {
	case first.secret != nil:
		return string(t.kind) + " from " + first.secret.String()
	case t.kind == notice.Command:
		return "command " + first.text
	}
	u, err := url.Parse(first.text)
	if err != nil {
		return string(t.kind) + " " + secret.Mask
	}
	return fmt.Sprintf("%s %s://%s/%s", t.kind, u.Scheme, u.Host, secret.Mask)
}

// targetNames lists the targets of the configuration.
func (a *app) targetNames() []string { return slices.Sorted(maps.Keys(a.targets)) }

// noTarget says that a target is not known, and what to do about it.
func (a *app) noTarget(name string) (message, hint string) {
	names := a.targetNames()
	switch hint = source.DidYouMean(name, names); {
	case hint != "":
	case len(names) > 0:
		hint = "opsctl.yaml names " + strings.Join(names, ", ")
	default:
		hint = "name it in opsctl.yaml: notify: {ops: {webhook: 'https://…'}}"
	}
	return fmt.Sprintf("there is no target %q to notify", name), hint
}

// notifier gives what sends the notices of a run. URLs, and what comes from secret sources, are masked from
// then on.
func (a *app) notifier(known *secret.Masker) executor.Notify {
	fetch := a.secrets(known)
	return func(ctx context.Context, n executor.Notice) executor.Ending {
		t, ok := a.targets[n.To]
		if !ok {
			message, hint := a.noTarget(n.To)
			return executor.Ending{Exit: 1, Class: "action", Message: message, Hint: hint}
		}
		filled, err := t.fill(ctx, fetch)
		if err != nil {
			return executor.Ending{Exit: 1, Class: "action", Message: "cannot notify " + n.To + ": " + err.Error()}
		}
		if filled.URL != "" {
			known.Add(secret.New(filled.URL))
		}
		ending := notice.Send(ctx, filled, n)
		ending.Message = known.String(ending.Message)
		return ending
	}
}

// fill gets the words of a target.
func (t target) fill(ctx context.Context, fetch executor.Secrets) (notice.Target, error) {
	dir := filepath.Dir(t.file)
	var words []string
	for _, w := range t.words {
		text := w.text
		if s := w.secret; s != nil {
			var err error
			if text, err = fetch(ctx, executor.SecretSource{Kind: s.Kind, Name: s.Name, Argv: s.Argv, Key: s.Key, Dir: dir}); err != nil {
				return notice.Target{}, err
			}
		}
		words = append(words, text)
	}
	if t.kind == notice.Command {
		return notice.Target{Kind: t.kind, Argv: words, Dir: dir}, nil
	}
	return notice.Target{Kind: t.kind, URL: words[0]}, nil
}

// adoptTargets takes over the targets of a file; those of a stronger one stay.
func (a *app) adoptTargets(weaker map[string]target) {
	if a.targets == nil {
		a.targets = map[string]target{}
	}
	for name, t := range weaker {
		if _, known := a.targets[name]; !known {
			a.targets[name] = t
		}
	}
}
