package language

import (
	"slices"
	"strings"
)

// Place is where keys of steps may stand: some on the runbook itself, some on blocks, some on single steps.
type Place uint8

// The places. A runbook is a block; what a block says its steps inherit.
const (
	Top Place = 1 << iota
	Block
	Single
)

const (
	entry  = Block | Single
	shared = Top | Block | Single
)

// Words names the places for people.
func (p Place) Words() []string {
	var words []string
	for _, w := range []struct {
		place Place
		word  string
	}{{Top, "runbook"}, {Block, "block"}, {Single, "step"}} {
		if p&w.place != 0 {
			words = append(words, w.word)
		}
	}
	return words
}

// Key is one key of the language at one place.
type Key struct {
	Name     string
	On       Place // of the keys of steps, blocks and the runbook; 0 elsewhere
	Type     Type
	Default  string // as written in YAML, or told in words; "" is none
	Required bool
	Text     string // Markdown; the first sentence says it all in short
	Example  Example
	See      []string // related keys, as "retry.delay", or by name alone
	Later    bool     // this version refuses it
}

// Short is the first sentence of what is said about the key, without its full stop.
func (k Key) Short() string {
	short, _, _ := strings.Cut(k.Text, ". ")
	return strings.TrimSuffix(short, ".")
}

// Object is a map of keys that stands somewhere in a runbook.
type Object struct {
	Name     string // "retry": it is the value of the key of that name, but for the runbook, step, param and secret
	Article  string // "a retry", in messages
	Text     string // Markdown, above its keys
	Keys     []Key
	OneOf    []string            // exactly one of these is given
	AnyOf    []string            // at least one of these is given
	OnlyWith map[string][]string // a key, and those of which one must be there too
	NotWith  map[string][]string // a key, and those that cannot be there too
	Later    bool                // nothing of this version leads to it
}

// Key finds a key by its name.
func (o Object) Key(name string) (Key, bool) {
	i := slices.IndexFunc(o.Keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		return Key{}, false
	}
	return o.Keys[i], true
}

// Section is a group of keys that are told of together, in the order of the reference.
type Section struct {
	Title string
	Text  string // Markdown
	Of    string // the object the keys belong to
	Keys  []Key
}

// Sections gives the keys of the runbook, of its inputs and of steps, in the order in which they are told.
func Sections() []Section {
	list := []Section{
		{Title: "Top level", Text: topText, Of: "runbook", Keys: topKeys},
		{Title: "Params", Text: paramText, Of: "param", Keys: paramKeys},
		{Title: "Secrets", Text: secretText, Of: "secret", Keys: secretKeys},
		{Title: "Notices", Text: noticeText, Of: "notice", Keys: noticeKeys},
		{Title: "Every step", Text: stepText, Of: "step", Keys: identityKeys},
		{Title: "Order and target", Text: orderText, Of: "step", Keys: orderKeys},
		{Title: "Whether", Text: whetherText, Of: "step", Keys: whetherKeys},
		{Title: "How", Text: howText, Of: "step", Keys: howKeys},
		{Title: "Result", Text: resultText, Of: "step", Keys: resultKeys},
		{Title: "Undo and failure", Text: undoText, Of: "step", Keys: undoKeys},
		{Title: "Actions", Text: actionText, Of: "step", Keys: actionKeys},
	}
	for i := range list {
		list[i].Keys = asOfNowAll(list[i].Of, list[i].Keys)
	}
	return list
}

func asOfNowAll(of string, keys []Key) []Key {
	list := make([]Key, len(keys))
	for i, k := range keys {
		list[i] = asOfNow(of, k)
	}
	return list
}

// Objects gives every map of keys of the language: the runbook, the step, and what stands inside them.
func Objects() []Object {
	var top, step []Key
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if k.On&entry != 0 {
				step = append(step, k)
			}
			if k.On&Top != 0 {
				top = append(top, k)
			}
		}
	}
	list := []Object{
		{Name: "runbook", Article: "a runbook", Text: topText, Keys: top},
		{Name: "param", Article: "a param", Text: paramText, Keys: asOfNowAll("param", paramKeys)},
		{
			Name: "secret", Article: "a secret", Text: secretText, Keys: asOfNowAll("secret", secretKeys), OneOf: secretSources,
			OnlyWith: map[string][]string{"key": {"age", "sops"}},
		},
		{Name: "notice", Article: "an entry of the runbook's notify", Text: noticeText, Keys: asOfNowAll("notice", noticeKeys)},
		{
			Name: "step", Article: "a step", Text: stepText, Keys: step, OneOf: Actions(),
			OnlyWith: map[string][]string{"with": {"runbook"}, "rollout": {"steps", "runbook"}, "finally": {"steps", "runbook"}},
			NotWith:  notBeside(),
		},
	}
	for _, o := range innerObjects {
		o.Keys = asOfNowAll(o.Name, o.Keys)
		list = append(list, o)
	}
	markLater(list)
	return list
}

// notBeside lists what a key does not stand beside. Most say something of one act, and a block has none.
func notBeside() map[string][]string {
	refused := map[string][]string{"stdin": {"steps", "runbook", "assert", "manual"}, "rollout": {"foreach"}}
	for _, name := range []string{"save", "save_files", "outputs", "ok_codes", "changed_if", "failed_if", "effect", "once"} {
		refused[name] = []string{"steps", "runbook"}
	}
	return refused
}

// markLater marks the objects that nothing of this version leads to.
func markLater(list []Object) {
	reached := map[string]bool{"runbook": true}
	for again := true; again; {
		again = false
		for _, o := range list {
			for _, k := range o.Keys {
				for _, name := range k.Type.Inners() {
					if reached[o.Name] && !k.Later && !reached[name] {
						reached[name], again = true, true
					}
				}
			}
		}
	}
	for i := range list {
		list[i].Later = !reached[list[i].Name]
	}
}

// Actions names the keys that this version takes of which a step has exactly one.
func Actions() []string {
	var names []string
	for _, k := range actionKeys {
		if k = asOfNow("step", k); k.Name != "with" && !k.Later {
			names = append(names, k.Name)
		}
	}
	return names
}

// Find gives the object of a name.
func Find(name string) (Object, bool) {
	all := Objects()
	i := slices.IndexFunc(all, func(o Object) bool { return o.Name == name })
	if i < 0 {
		return Object{}, false
	}
	return all[i], true
}

// Example shows a key at work: a whole runbook, or a list of steps.
type Example struct {
	Text  string
	Whole bool // a runbook; else steps
	Fleet bool // the steps are for the hosts of the group web, not for this machine
	Runs  bool // it succeeds on this machine, whatever is installed there
	// Beside is a runbook that stands beside it and is included, under its name and .yaml.
	Beside string
}

// Read gives the runbook beside the example, whatever its path: there is one.
func (e Example) Read(string) (string, error) { return e.Beside, nil }

// steps are for this machine, but need not succeed there.
func steps(text string) Example { return Example{Text: text} }

// fleet are steps for hosts of an inventory.
func fleet(text string) Example { return Example{Text: text, Fleet: true} }

// runs are steps that can be run anywhere.
func runs(text string) Example { return Example{Text: text, Runs: true} }

// beside are steps that include another runbook, and can be run anywhere.
func beside(other, text string) Example { return Example{Text: text, Beside: other, Runs: true} }

// Name is the file that a whole runbook is shown as.
func Name(runbook string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimLeft(runbook, "\n"), "name: "), "\n")
	return first + ".yaml"
}

// whole is a runbook.
func whole(text string) Example {
	return Example{Text: text, Whole: true, Fleet: strings.Contains(text, "hosts:")}
}

// runsWhole is a runbook that can be run anywhere.
func runsWhole(text string) Example { return Example{Text: text, Whole: true, Runs: true} }

// Runbook completes the example to a runbook.
func (e Example) Runbook() string {
	text := strings.Trim(e.Text, "\n")
	if e.Whole {
		return text + "\n"
	}
	head := "name: example\n"
	if e.Fleet {
		head += "hosts: web\n"
	}
	return head + "params: {version: {default: v1.4.2}}\nsteps:\n  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n"
}
