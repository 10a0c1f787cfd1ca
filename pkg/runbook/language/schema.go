package language

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
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
	s := schema{
		"title": o.Article, "description": Unmarked(o.Text), "markdownDescription": linked(o.Text),
		"type": "object", "properties": properties, "additionalProperties": false,
	}
	if len(required) > 0 {
		s["required"] = required
	}
	if len(o.OneOf) > 0 {
		s["oneOf"] = o.exactlyOne()
		s["errorMessage"] = o.Article + " has exactly one of " + strings.Join(o.OneOf, ", ")
	}
	if len(o.AnyOf) > 0 {
		s["anyOf"] = eachRequired(o.AnyOf)
	}
	if d := o.dependent(properties); len(d) > 0 {
		s["dependentSchemas"] = d
	}
	return s
}

// exactlyOne is the choice of the key that says what the object is. A step that says nothing else may only ask.
func (o Object) exactlyOne() []schema {
	choice := eachRequired(o.OneOf)
	if k, ok := o.Key("confirm"); ok && o.Name == "step" && !k.Later {
		choice = append(choice, schema{"title": "confirm", "required": []string{"confirm"}, "not": schema{"anyOf": eachRequired(o.OneOf)}})
	}
	return choice
}

func eachRequired(names []string) []schema {
	var list []schema
	for _, name := range names {
		list = append(list, schema{"title": name, "required": []string{name}})
	}
	return list
}

// dependent is what a key wants of the others beside it.
func (o Object) dependent(properties schema) schema {
	all := schema{}
	for name, with := range o.OnlyWith {
		if properties[name] != nil {
			all[name] = schema{"anyOf": eachRequired(those(with, properties))}
		}
	}
	for name, others := range o.NotWith {
		if properties[name] != nil {
			refused := schema{}
			for _, other := range those(others, properties) {
				refused[other] = false
			}
			all[name] = schema{"properties": refused}
		}
	}
	return all
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
	s["title"] = k.Name
	short, markdown := Unmarked(k.Text), linked(k.Text)
	if value, ok := k.defaultValue(); ok {
		s["default"] = value
	} else if k.Default != "" {
		short += " Default: " + Unmarked(k.Default) + "."
		markdown += "\n\nDefault: " + k.Default + "."
	}
	s["description"] = short
	s["markdownDescription"] = markdown + "\n\n```yaml\n" + strings.Trim(k.Example.Text, "\n") + "\n```"
	if value := k.exampleValue(object); value != nil {
		s["examples"] = []any{value}
	}
	return s
}

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
	markdownTable = regexp.MustCompile(`(?m)\n*^\|.*$`)
)

// Unmarked takes the marks of Markdown away.
func Unmarked(text string) string {
	text = markdownLink.ReplaceAllString(markdownTable.ReplaceAllString(text, ""), "$1")
	return strings.TrimSpace(strings.ReplaceAll(text, "`", ""))
}

// linked keeps the marks, but for links: they lead from the reference to pages beside it.
func linked(text string) string {
	return strings.TrimSpace(markdownLink.ReplaceAllString(markdownTable.ReplaceAllString(text, ""), "$1"))
}
