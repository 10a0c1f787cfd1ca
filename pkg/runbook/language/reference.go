package language

import (
	"fmt"
	"slices"
	"strings"
)

const referenceHead = `# Runbook

<!-- Made of the tables in pkg/runbook/language. To change it, change them, and run: go test ./docs -run TestReferenceOfRunbooks -update -->

Every key of a runbook, what it takes, and an example. The same is told by ` + "`opsctl explain KEY`" + `; editors complete and check it
with [a schema](../guide/editors.md). What keys take:

| | |
|---|---|
| text | may hold ` + "`${{ … }}`" + `, see [expressions](expressions.md) |
| plain text | without expressions |
| command | a script with ` + "`${{ … }}`" + `, see [shell values](shell-values.md); or a list of words, run without a shell |
| expression | bare, without ` + "`${{ }}`" + ` |
| duration | ` + "`30s`, `5m`, `1h30m`, `2d`" + `; a number alone is refused |
| size | hosts: ` + "`5`, or `25%`" + ` |

Where a key takes one value or a list, the value is a list of one.
`

// Reference writes the page about all keys, in Markdown.
func Reference() string {
	r := &reference{objects: map[string]Object{}, told: map[string]bool{}}
	for _, o := range Objects() {
		r.objects[o.Name] = o
	}
	r.WriteString(referenceHead)
	for _, s := range Sections() {
		if !r.objects[s.Of].Later {
			r.section(s)
		}
	}
	r.notYet()
	return r.String()
}

type reference struct {
	strings.Builder
	objects map[string]Object
	told    map[string]bool // objects whose keys were told of
}

func (r *reference) section(s Section) {
	keys := slices.DeleteFunc(slices.Clone(s.Keys), func(k Key) bool { return k.Later })
	fmt.Fprintf(r, "\n## %s\n\n%s\n\n", s.Title, s.Text)
	if s.Title == "Actions" {
		r.actions()
	}
	r.table(s.Of, keys)
	for _, k := range keys {
		r.key(s.Of, k)
		for _, name := range k.Type.Inners() {
			if o := r.objects[name]; name == k.Name && !o.Later && !r.told[name] {
				r.object(o)
			}
		}
	}
}

func (r *reference) actions() {
	r.WriteString("| action | effect | own check and diff | own undo |\n|---|---|---|---|\n")
	for _, a := range actionFacts {
		if slices.Contains(Actions(), a.name) {
			fmt.Fprintf(r, "| `%s` | %s | %s | %s |\n", a.name, a.effect, a.check, a.undo)
		}
	}
	r.WriteString("\n")
}

func (r *reference) object(o Object) {
	r.told[o.Name] = true
	keys := slices.DeleteFunc(slices.Clone(o.Keys), func(k Key) bool { return k.Later })
	fmt.Fprintf(r, "\n%s\n\n", o.Text)
	if len(o.OneOf) > 0 {
		fmt.Fprintf(r, "Exactly one of `%s` is given.\n\n", strings.Join(o.OneOf, "`, `"))
	}
	fmt.Fprintf(r, "The keys of `%s`:\n\n", o.Name)
	r.table(o.Name, keys)
	for _, k := range keys {
		r.key(o.Name, k)
		for _, name := range k.Type.Inners() {
			if inner := r.objects[name]; name == k.Name && !inner.Later && !r.told[name] {
				r.object(inner)
			}
		}
	}
}

// table lists the keys, each with what is said of it in short.
func (r *reference) table(of string, keys []Key) {
	on := of == "step"
	if on {
		r.WriteString("| key | takes | default | on | |\n|---|---|---|---|---|\n")
	} else {
		r.WriteString("| key | takes | default | |\n|---|---|---|---|\n")
	}
	for _, k := range keys {
		place := ""
		if on {
			place = strings.Join(k.On.Words(), ", ") + " | "
		}
		fmt.Fprintf(r, "| [`%s`](#%s) | %s | %s | %s%s |\n", k.Name, anchor(of, k.Name), k.Type.Told(), k.defaultTold(), place, k.Short())
	}
}

func (k Key) defaultTold() string {
	switch {
	case k.Required:
		return "required"
	case k.Default == "":
		return ""
	}
	if _, ok := k.defaultValue(); ok {
		return "`" + k.Default + "`"
	}
	return k.Default
}

func (r *reference) key(of string, k Key) {
	level, lang := "###", "yaml steps"
	if r.told[of] {
		level = "####"
	}
	fmt.Fprintf(r, "\n%s %s\n\n%s\n", level, Path(of, k.Name), k.Text)
	if k.Example.Whole {
		lang = "yaml runbook=" + Name(k.Example.Text)
	}
	if other := k.Example.Beside; other != "" {
		fmt.Fprintf(r, "\n```yaml runbook=%s\n%s\n```\n", Name(other), other)
	}
	fmt.Fprintf(r, "\n```%s\n%s\n```\n", lang, strings.Trim(k.Example.Text, "\n"))
	var see []string
	for _, path := range k.See {
		if at, ok := r.link(path); ok {
			see = append(see, at)
		}
	}
	if len(see) > 0 {
		fmt.Fprintf(r, "\nSee also %s.\n", strings.Join(see, ", "))
	}
}

// link leads to a key that is told of here.
func (r *reference) link(path string) (string, bool) {
	object, name, found := strings.Cut(path, ".")
	if !found {
		object, name = "step", path
	}
	if object == "runbook" && !isTop(name) {
		object = "step" // it is told of there
	}
	o := r.objects[object]
	k, ok := o.Key(name)
	if !ok || k.Later || o.Later {
		return "", false
	}
	return fmt.Sprintf("[`%s`](#%s)", Path(object, name), anchor(object, name)), true
}

// Path names a key for people: those of steps by name alone.
func Path(object, name string) string {
	if object == "step" {
		return name
	}
	return object + "." + name
}

func anchor(object, name string) string { return strings.ReplaceAll(Path(object, name), ".", "") }

func (r *reference) notYet() {
	r.WriteString("\n## Keys not yet\n\nPlanned, and refused by this version with \"is not supported by this version\": ")
	fmt.Fprintf(r, "`%s`.\n", strings.Join(Later(), "`, `"))
	var parts []string
	for _, path := range notYet {
		object, rest, _ := strings.Cut(path, ".")
		if key, word, ok := strings.Cut(rest, "="); ok {
			parts = append(parts, fmt.Sprintf("`%s: %s`", Path(object, key), word))
		} else if key, _, ok := strings.Cut(rest, "{"); ok {
			parts = append(parts, fmt.Sprintf("`%s` as a map", Path(object, key)))
		} else if !slices.Contains(Later(), rest) {
			parts = append(parts, fmt.Sprintf("`%s` of a %s", rest, object))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(r, "\nAlso not yet: %s.\n", strings.Join(parts, ", "))
	}
}
