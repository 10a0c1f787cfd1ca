package language

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// SchemaID is where the schema can be had, for editors that fetch it.
const SchemaID = "https://raw.githubusercontent.com/opsctl/opsctl/main/docs/schema/runbook.schema.json"

// draft is the version of JSON Schema that is written.
const draft = "https://json-schema.org/draft/2020-12/schema"

type schema = map[string]any

// Schema gives the JSON Schema of runbooks, for editors and for programs that write them. It takes every runbook that opsctl
// takes; what it cannot see are expressions, the order of steps, and the syntax of scripts.
func Schema() []byte {
	return schemaOf(Objects(), schema{"$id": SchemaID, "title": "opsctl runbook"})
}

// schemaOf writes objects as a schema; the first of them is the document.
func schemaOf(objects []Object, head schema) []byte {
	defs := schema{}
	for _, o := range objects[1:] {
		if !o.Later {
			defs[o.Name] = o.schema()
		}
	}
	root := objects[0].schema()
	root["$schema"], root["$defs"] = draft, defs
	maps.Copy(root, head)
	return indented(root)
}

// indented writes a schema for people to read: what stands in texts is not escaped for HTML.
func indented(s schema) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(s); err != nil {
		panic(err) // it holds nothing but texts, numbers, lists and maps
	}
	return b.Bytes()
}

func (o Object) schema() schema {
	properties, required := schema{}, []string{}
	for _, k := range o.Keys {
		if k.Later {
			continue
		}
		properties[k.Name] = k.schema(o.Name)
		if k.Required && (o.Name != "step" || k.Name != "steps") {
			required = append(required, k.Name)
		}
	}
	s := schema{"title": o.Article, "type": "object", "properties": properties, "additionalProperties": false}
	s["description"], s["markdownDescription"] = o.described()
	if len(required) > 0 {
		s["required"] = required
	}
	if len(o.OneOf) > 0 {
		s["anyOf"] = o.oneOf(properties)
	} else if len(o.AnyOf) > 0 {
		s["anyOf"] = eachRequired(o.AnyOf, o.Article+" needs one of "+strings.Join(o.AnyOf, ", "))
	}
	if d := o.dependent(properties); len(d) > 0 {
		s["dependentSchemas"] = d
	}
	return s
}

// described is what an editor shows of the object. One that is the value of a key of its name is told of as that key is, for
// editors show the innermost of what they find.
func (o Object) described() (text, markdown string) {
	text, markdown = Unmarked(o.Text), linked(o.Text)
	if step, ok := Find("step"); ok && o.Name != "step" {
		if k, ok := step.Key(o.Name); ok {
			return Unmarked(k.Text) + " " + text, linked(k.Text) + "\n\n" + markdown + k.fenced()
		}
	}
	return text, markdown
}

// oneOf asks for one of the keys of which there is exactly one; dependent refuses a second. A step may also only ask. It is
// not JSON Schema's oneOf, of which editors say no more than that it did not match.
func (o Object) oneOf(properties schema) []schema {
	names := o.OneOf
	if o.Name == "step" && properties["confirm"] != nil {
		names = append(slices.Clone(names), "confirm")
	}
	return eachRequired(names, o.Article+" has exactly one of "+strings.Join(o.OneOf, ", "))
}

// eachRequired is a choice of keys. The message is what editors show where none is given. That a choice names its key among
// its properties says nothing, but lets the YAML language server tell the choices apart.
func eachRequired(names []string, message string) []schema {
	var list []schema
	for _, name := range names {
		list = append(list, schema{"required": []string{name}, "properties": schema{name: true}, "errorMessage": message})
	}
	return list
}

// dependent is what a key wants of the others beside it.
func (o Object) dependent(properties schema) schema {
	all := map[string][]schema{}
	for i, name := range o.OneOf {
		if others := o.OneOf[i+1:]; len(others) > 0 {
			all[name] = append(all[name], refusal(others, fmt.Sprintf("%s has exactly one of %s, and has %s already", o.Article, strings.Join(o.OneOf, ", "), name)))
		}
	}
	for name, with := range o.OnlyWith {
		with = those(with, properties)
		all[name] = append(all[name], schema{"anyOf": eachRequired(with, name+" goes with "+strings.Join(with, " or "))})
	}
	for name, others := range o.NotWith {
		others = those(others, properties)
		all[name] = append(all[name], refusal(others, name+" does not go with "+strings.Join(others, " or ")))
	}
	merged := schema{}
	for name, list := range all {
		switch {
		case properties[name] == nil:
		case len(list) == 1:
			merged[name] = list[0]
		default:
			merged[name] = schema{"allOf": list}
		}
	}
	return merged
}

// refusal refuses keys beside another. The message is what editors show at each of them.
func refusal(names []string, message string) schema {
	properties := schema{}
	for _, name := range names {
		properties[name] = false
	}
	return schema{"properties": properties, "errorMessage": message}
}

func those(names []string, properties schema) []string {
	var list []string
	for _, name := range names {
		if properties[name] != nil {
			list = append(list, name)
		}
	}
	return list
}

func (k Key) schema(object string) schema {
	s := k.Type.schema()
	s["title"] = k.Name + ": " + strings.TrimSuffix(Unmarked(k.Type.Told()), ", see below")
	short, markdown := Unmarked(k.Text), linked(k.Text)
	if value, ok := k.defaultValue(); ok {
		s["default"] = value
	} else if k.Default != "" {
		short += " Default: " + Unmarked(k.Default) + "."
		markdown += "\n\nDefault: " + k.Default + "."
	}
	s["description"] = short
	s["markdownDescription"] = markdown + k.fenced()
	if value := k.exampleValue(object); value != nil {
		s["examples"] = []any{value}
	}
	return s
}

// fenced is the example in Markdown.
func (k Key) fenced() string { return "\n\n```yaml\n" + strings.Trim(k.Example.Text, "\n") + "\n```" }

// defaultValue is the default where it is written as a value, and not told in words.
func (k Key) defaultValue() (any, bool) {
	if k.Default == "" || strings.ContainsAny(k.Default, " `") {
		return nil, false
	}
	n, err := source.Parse(&source.File{Name: "default", Text: k.Default})
	if err != nil {
		return nil, false
	}
	return n.Value(), true
}

// exampleValue is what the key is given in its example.
func (k Key) exampleValue(object string) any {
	n, err := source.Parse(&source.File{Name: "example", Text: k.Example.Runbook()})
	if err != nil {
		return nil
	}
	for _, use := range Uses(n) {
		if use.Object == object && use.Key.Name == k.Name {
			return use.Value.Value()
		}
	}
	return nil
}

var (
	markdownLink  = regexp.MustCompile(`\[([^\]]+)\]\(([^)]+)\)`)
	spacedCode    = regexp.MustCompile("`( [^`]*|[^`]* )`")
	markdownTable = regexp.MustCompile(`(?m)\n*^\|.*$`)
)

// Unmarked takes the marks of Markdown away. Code that begins or ends with a space gets quotes.
func Unmarked(text string) string {
	text = spacedCode.ReplaceAllString(text, `"$1"`)
	text = markdownLink.ReplaceAllString(markdownTable.ReplaceAllString(text, ""), "$1")
	return strings.TrimSpace(strings.ReplaceAll(text, "`", ""))
}

// linked keeps the marks, but for links: they lead from the reference to pages beside it.
func linked(text string) string {
	return strings.TrimSpace(markdownLink.ReplaceAllString(markdownTable.ReplaceAllString(text, ""), "$1"))
}
