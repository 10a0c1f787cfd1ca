package cli

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/runbook/language"
)

func newExplain(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "explain [KEY]", GroupID: "write",
		Short: "Tell what a key of a runbook means, with an example",
		Long: `Tell what a key of a runbook takes, where it may stand, what it means, and show an example. KEY is the name of a
key, with what it stands in before it where that matters: retry.backoff, copy.dest, step.if. Of a name that stands in several
places all are told. Without KEY, all keys are listed.`,
		Example: "  opsctl explain\n  opsctl explain retry\n  opsctl explain copy.dest\n  opsctl explain step.if --output json",
		Args:    atMost(1, "at most one key"),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var words []string
			for _, m := range everyKey() {
				words = append(words, m.Path())
			}
			return words, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.explainAll()
			}
			return a.explain(args[0])
		},
	}
}

// textWidthMax is how wide a text is at most, on however wide a terminal: longer lines are hard to read.
const textWidthMax = 100

func (a *app) textWidth() int {
	if columns := a.columns(); columns > 0 {
		return min(columns, textWidthMax)
	}
	return textWidthMax
}

func (a *app) explain(word string) error {
	found, candidates := language.Lookup(word)
	object, isObject := placeNamed(word)
	if slices.Contains(language.Planned(), word) {
		return a.printText(fmt.Sprintf("%s\n\n  This version of opsctl refuses it: it is planned, and there is nothing to tell yet.\n", word))
	}
	if len(found) == 0 && !isObject {
		hint := source.DidYouMean(word, candidates)
		if hint == "" {
			hint = "opsctl explain lists all keys"
		}
		return usage(fmt.Sprintf("there is no key %q in a runbook", word), hint)
	}
	if a.settings.Output == "json" {
		if isObject {
			found = append(found, keysOf(object)...)
		}
		return a.printKeys(found)
	}
	var parts []string
	for _, m := range found {
		parts = append(parts, explained(m, a.textWidth()))
	}
	if isObject {
		parts = append(parts, "The keys of "+object.Article+":\n\n"+listed(keysOf(object), "  ", a.textWidth()))
	}
	return a.printText(strings.Join(parts, "\n"))
}

// printText writes what may hold characters that the terminal does not have.
func (a *app) printText(text string) error {
	safe := view.Sanitiser{Unicode: a.viewOptions().Theme(a.out).Unicode}
	return a.print(safe.Whole(text))
}

// placeNamed gives the object that a word names which is no value of a key of that name.
func placeNamed(word string) (language.Object, bool) {
	if !slices.Contains([]string{"runbook", "step", "param", "secret"}, word) {
		return language.Object{}, false
	}
	return language.Find(word)
}

func keysOf(o language.Object) []language.Match {
	var list []language.Match
	for _, k := range o.Keys {
		list = append(list, language.Match{Object: o, Key: k})
	}
	return list
}

// everyKey gives each key once, in the order in which they are told.
func everyKey() []language.Match {
	var list []language.Match
	told := map[string]bool{}
	for _, s := range language.Sections() {
		o, ok := language.Find(s.Of)
		for _, k := range s.Keys {
			if !ok || told[language.Path(s.Of, k.Name)] {
				continue
			}
			told[language.Path(s.Of, k.Name)] = true
			list = append(list, language.Match{Object: o, Key: k})
			for _, name := range k.Type.Inners() {
				list = append(list, innerKeys(name, told)...)
			}
		}
	}
	return list
}

// innerKeys gives the keys of an object that stands inside a step, and of what stands inside it.
func innerKeys(name string, told map[string]bool) (list []language.Match) {
	o, ok := language.Find(name)
	if _, place := placeNamed(name); !ok || place || told[name+"."] {
		return nil
	}
	told[name+"."] = true
	for _, m := range keysOf(o) {
		list = append(list, m)
		for _, inner := range m.Key.Type.Inners() {
			list = append(list, innerKeys(inner, told)...)
		}
	}
	return list
}

func (a *app) explainAll() error {
	if a.settings.Output == "json" {
		return a.printKeys(everyKey())
	}
	var b strings.Builder
	for _, s := range language.Sections() {
		o, _ := language.Find(s.Of)
		o.Keys = s.Keys
		b.WriteString(a.place(s.Title, o))
	}
	for _, o := range language.Objects() {
		if _, told := placeNamed(o.Name); !told {
			b.WriteString(a.place(o.Name, o))
		}
	}
	b.WriteString("opsctl explain KEY tells more; of a key of copy: opsctl explain copy.dest\n")
	return a.printText(b.String())
}

// place lists the keys of one place that this version takes.
func (a *app) place(title string, o language.Object) string {
	keys := slices.DeleteFunc(keysOf(o), language.Match.Later)
	if len(keys) == 0 {
		return ""
	}
	return title + ":\n" + listed(keys, "  ", a.textWidth()) + "\n"
}

// keyData is a key as it is told to a program.
type keyData struct {
	Key      string   `json:"key"`
	Object   string   `json:"object"`
	On       []string `json:"on,omitempty"`
	Type     string   `json:"type"`
	Default  string   `json:"default,omitempty"`
	Required bool     `json:"required,omitempty"`
	Text     string   `json:"text"`
	Example  string   `json:"example"`          // a whole runbook
	Beside   string   `json:"beside,omitempty"` // a runbook that the example includes
	See      []string `json:"see,omitempty"`
	NotYet   bool     `json:"not_yet,omitempty"` // this version refuses it
}

func (a *app) printKeys(list []language.Match) error {
	for _, m := range list {
		err := a.printJSON(keyData{
			Key: m.Key.Name, Object: m.Object.Name, On: m.Key.On.Words(), Type: language.Unmarked(m.Key.Type.Told()), Default: language.Unmarked(m.Key.Default),
			Required: m.Key.Required, Text: m.Key.Text, Example: m.Key.Example.Runbook(), Beside: m.Key.Example.Beside, See: m.Key.See, NotYet: m.Later(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// explained tells of one key.
func explained(m language.Match, width int) string {
	k := m.Key
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", m.Path())
	rows := [][2]string{{"takes", language.Unmarked(k.Type.Told())}}
	if on := k.On.Words(); len(on) > 0 {
		rows = append(rows, [2]string{"stands on", "a " + strings.Join(on, ", a ")})
	} else {
		rows = append(rows, [2]string{"stands in", m.Object.Article})
	}
	switch {
	case k.Required:
		rows = append(rows, [2]string{"default", "none: it is required"})
	case k.Default != "":
		rows = append(rows, [2]string{"default", language.Unmarked(k.Default)})
	}
	b.WriteString(besides(rows, "  ", width))
	if m.Later() {
		b.WriteString("\n" + wrapped("This version of opsctl refuses it: it is planned.", "  ", width))
	}
	fmt.Fprintf(&b, "\n%s", wrapped(language.Unmarked(k.Text), "  ", width))
	for _, name := range k.Type.Inners() {
		if o, ok := language.Find(name); ok && name == k.Name {
			fmt.Fprintf(&b, "\n%s\n%s", wrapped(language.Unmarked(o.Text)+" It takes:", "  ", width), listed(keysOf(o), "    ", width))
		}
	}
	fmt.Fprintf(&b, "\n  example:\n    %s\n", strings.ReplaceAll(strings.Trim(k.Example.Text, "\n"), "\n", "\n    "))
	if other := k.Example.Beside; other != "" {
		fmt.Fprintf(&b, "\n  beside it, %s:\n    %s\n", language.Name(other), strings.ReplaceAll(other, "\n", "\n    "))
	}
	if len(k.See) > 0 {
		fmt.Fprintf(&b, "\n  see also: %s\n", strings.Join(k.See, ", "))
	}
	return b.String()
}

// listed gives one entry a key: its name, and what is said of it in short.
func listed(keys []language.Match, indent string, width int) string {
	var rows [][2]string
	for _, m := range keys {
		rows = append(rows, [2]string{m.Key.Name, language.Unmarked(m.Key.Short())})
	}
	return besides(rows, indent, width)
}

// besides writes texts beside their names, wrapped where they are long.
func besides(rows [][2]string, indent string, width int) string {
	names := 0
	for _, row := range rows {
		names = max(names, len(row[0]))
	}
	var b strings.Builder
	for _, row := range rows {
		text := wrapped(row[1], indent+strings.Repeat(" ", names+2), width)
		b.WriteString(indent + row[0] + text[len(indent+row[0]):])
	}
	return b.String()
}

// wrapped breaks a text into lines that are no wider than width, each indented.
func wrapped(text, indent string, width int) string {
	var b strings.Builder
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(indent+line+" "+word) > width {
			b.WriteString(indent + line + "\n")
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return b.String() + indent + line + "\n"
}
