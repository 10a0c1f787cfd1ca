package language

import (
	"math"
	"regexp"
)

// A scalar that a text is needed for may be written without quotes, whatever YAML takes it for.
func scalars() []string { return []string{"string", "number", "boolean"} }

// patternMessage is what the YAML language server says in place of "does not match the pattern". Others ignore it.
const patternMessage = "patternErrorMessage"

// sizeLimit is the greatest number of hosts that can be written.
const sizeLimit = 999_999

// schema gives the type as JSON Schema. It is as wide as the decoder: it refuses nothing that opsctl takes.
func (t Type) schema() schema {
	switch t.Kind {
	case Text:
		return schema{"type": scalars()}
	case Expression:
		return schema{"type": scalars(), "pattern": `\S`, patternMessage: "the expression is empty"}
	case Plain:
		if t.Pattern != "" {
			return t.patterned()
		}
		return schema{"type": scalars()}
	case Bool:
		return schema{"type": "boolean"}
	case Int, Number:
		return t.bounded()
	case Duration:
		return t.durationSchema()
	case Size:
		return t.sizeSchema()
	case Octal:
		return schema{"anyOf": []schema{
			{"type": "integer", "minimum": 0, "maximum": 7777}, {"type": "string", "pattern": `^0?o?[0-7]{3,4}$`, "errorMessage": "permissions are written in octal: 0644"},
		}}
	case Word:
		return schema{"enum": t.Words}
	case Value:
		return schema{"type": "string", "pattern": `\$\{\{`, "errorMessage": "a list, or ${{ }} that gives one"}
	case Nothing:
		return schema{"type": "null"}
	}
	return t.made()
}

// patterned is a text of a certain form. What YAML takes for a bool or a number is a text to opsctl: an id can be the word true.
func (t Type) patterned() schema {
	kinds, form := []string{"string"}, regexp.MustCompile(t.Pattern)
	if form.MatchString("1") {
		kinds = append(kinds, "number")
	}
	if form.MatchString("true") {
		kinds = append(kinds, "boolean")
	}
	return schema{"type": kinds, "pattern": t.Pattern, "errorMessage": t.Hint}
}

// made is the schema of what is made of other types.
func (t Type) made() schema {
	switch t.Kind {
	case Command:
		return schema{
			"type": append(scalars(), "array"), "pattern": `\S`, patternMessage: "the command is empty",
			"items": text.schema(), "minItems": 1,
		}
	case List:
		s := schema{"type": "array", "items": t.Of[0].schema()}
		if t.Min > 0 {
			s["minItems"] = t.Min
		}
		return s
	case Many:
		if t.Of[0].Kind == Anything {
			return schema{"not": schema{"type": "null"}}
		}
		return t.Of[0].orList()
	case Map:
		s := schema{"type": "object", "additionalProperties": t.Of[0].schema()}
		if t.Pattern != "" {
			names := schema{"pattern": t.Pattern}
			if t.Pattern == namePattern {
				names[patternMessage] = "a name is letters, digits and _"
			}
			s["propertyNames"] = names
		}
		if t.Except != "" {
			s["allOf"] = []schema{{"patternProperties": schema{t.Except: false}, "errorMessage": "this name is taken"}}
		}
		return s
	case Inner:
		return schema{"$ref": "#/$defs/" + t.Object}
	case Either:
		var of []schema
		for _, one := range t.Of {
			of = append(of, one.schema())
		}
		return schema{"anyOf": of}
	}
	return schema{} // anything
}

// orList is the schema of one value or a list. What can be said without a choice is: editors tell less of choices.
func (t Type) orList() schema {
	s := t.schema()
	switch kind := s["type"].(type) {
	case string:
		s["type"] = []string{kind, "array"}
	case []string:
		s["type"] = append(kind, "array")
	default:
		return schema{"anyOf": []schema{s, {"type": "array", "items": t.schema()}}}
	}
	s["items"] = t.schema()
	return s
}

func (t Type) bounded() schema {
	s := schema{"type": "number", "minimum": t.Min}
	if t.Kind == Int {
		s["type"] = "integer"
	} else if t.Min == 0 && t.Max == 0 {
		delete(s, "minimum")
	}
	if t.Max > 0 && t.Max < math.MaxInt {
		s["maximum"] = t.Max
	}
	return s
}

func (t Type) durationSchema() schema {
	of := []schema{{"type": "string", "pattern": `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$|^[0-9]+d$`, "errorMessage": "a duration is 30s, 5m, 1h30m or 2d"}}
	if t.Min == 0 {
		of = append(of, schema{"const": 0})
	} else { // nothing but zeros is no limit
		of[0]["allOf"] = []schema{{"pattern": `[1-9]`, "errorMessage": "a limit of zero lets nothing through; none is no limit"}}
	}
	if t.Value {
		of = append(of, schema{"type": "string", "pattern": `\$\{\{`})
	}
	if len(of) == 1 {
		return of[0]
	}
	return schema{"anyOf": of}
}

func (t Type) sizeSchema() schema {
	percent := `^([0-9]{1,6}|([0-9]{1,2}|100)%)$`
	if t.Min > 0 {
		percent = `^([0-9]{0,5}[1-9]|[1-9][0-9]{0,5}|([1-9][0-9]?|100)%)$`
	}
	return schema{"anyOf": []schema{{"type": "integer", "minimum": t.Min, "maximum": sizeLimit}, {"type": "string", "pattern": percent, "errorMessage": "a size is 5, or 25%"}}}
}
