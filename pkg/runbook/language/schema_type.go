package language

import "math"

// A scalar that a text is needed for may be written without quotes, whatever YAML takes it for.
func scalars() []string { return []string{"string", "number", "boolean"} }

// sizeLimit is the greatest number of hosts that can be written.
const sizeLimit = 999_999

// schema gives the type as JSON Schema. It is as wide as the decoder: it refuses nothing that opsctl takes.
func (t Type) schema() schema {
	switch t.Kind {
	case Text:
		return schema{"type": scalars()}
	case Expression:
		return schema{"type": scalars(), "pattern": `\S`}
	case Plain:
		if t.Pattern != "" {
			return schema{"type": []string{"string", "boolean"}, "pattern": t.Pattern} // an id can be the word true
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
			{"type": "integer", "minimum": 0, "maximum": 7777}, {"type": "string", "pattern": `^0?o?[0-7]{3,4}$`},
		}}
	case Word:
		return schema{"enum": t.Words}
	case Nothing:
		return schema{"type": "null"}
	}
	return t.made()
}

// made is the schema of what is made of other types.
func (t Type) made() schema {
	switch t.Kind {
	case Command:
		return schema{"anyOf": []schema{
			{"title": "script", "type": scalars(), "pattern": `\S`},
			{"title": "words, no shell", "type": "array", "items": text.schema(), "minItems": 1},
		}}
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
		return schema{"anyOf": []schema{t.Of[0].schema(), {"type": "array", "items": t.Of[0].schema()}}}
	case Map:
		s := schema{"type": "object", "additionalProperties": t.Of[0].schema()}
		if t.Pattern != "" {
			names := schema{"pattern": t.Pattern}
			if t.Except != "" {
				names["not"] = schema{"pattern": t.Except}
			}
			s["propertyNames"] = names
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
	of := []schema{{"type": "string", "pattern": `^\+?(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$|^[0-9]+d$`}}
	if t.Min == 0 {
		of = append(of, schema{"const": 0})
	} else { // nothing but zeros is no limit
		of[0]["allOf"] = []schema{{"pattern": `[1-9]`}}
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
	return schema{"anyOf": []schema{{"type": "integer", "minimum": t.Min, "maximum": sizeLimit}, {"type": "string", "pattern": percent}}}
}
