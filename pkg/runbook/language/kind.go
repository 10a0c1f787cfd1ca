package language

import (
	"fmt"
	"strings"
)

// Kind tells what sort of value a key takes.
type Kind int

// The kinds. Lists, maps and choices are made of other types.
const (
	Text       Kind = iota // may hold ${{ }}
	Plain                  // a text without expressions
	Expression             // bare, without ${{ }}
	Bool
	Int
	Number
	Duration
	Size    // a number of hosts, or a percentage
	Octal   // permission bits
	Word    // one of Words
	Command // a script, or a list of words
	List    // of Of[0]
	Many    // a list of Of[0]; a single value is a list of one
	Map     // of names and Of[0]
	Inner   // the object of that name
	Either  // one of Of
	Anything
	Nothing // no value at all
	Value   // a text with ${{ }}
)

// Type is what a key takes.
type Type struct {
	Kind     Kind
	Of       []Type
	Words    []string
	Object   string // of an Inner
	Min, Max int    // of an Int, Number or Size; Max 0 is no limit. Of a List: Min items
	Value    bool   // of a Duration: may be a text with ${{ }} that gives one
	Pattern  string // of a Plain text, and of the names of a Map
	Except   string // names of a Map that are refused all the same
	Hint     string // how to write what the Pattern of a Plain text asks for
	Name     string // of a Plain text: what it is called, where its Pattern says little
}

// Patterns of names. They are read by Go and by JavaScript.
const (
	idPattern    = `^[a-z][a-z0-9_]*$`
	namePattern  = `^[A-Za-z_][A-Za-z0-9_]*$`
	shellPattern = `^[a-z][a-z0-9.]*$`
	keyPattern   = `^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`
)

var (
	text       = Type{Kind: Text}
	plain      = Type{Kind: Plain}
	expression = Type{Kind: Expression}
	boolean    = Type{Kind: Bool}
	duration   = Type{Kind: Duration}
	limit      = Type{Kind: Either, Of: []Type{{Kind: Duration, Min: 1}, {Kind: Word, Words: []string{"none"}}}}
	limitValue = Type{Kind: Either, Of: []Type{{Kind: Duration, Min: 1, Value: true}, {Kind: Word, Words: []string{"none"}}}}
	value      = Type{Kind: Value}
	command    = Type{Kind: Command}
	octal      = Type{Kind: Octal}
	anything   = Type{Kind: Anything}
	nothing    = Type{Kind: Nothing}
	// The names of opsctl's own variables are taken.
	environment = Type{Kind: Map, Of: []Type{text}, Pattern: namePattern, Except: "^OPSCTL_"}
	stepList    = Type{Kind: List, Of: []Type{{Kind: Inner, Object: "step"}}, Min: 1}
)

func word(words ...string) Type          { return Type{Kind: Word, Words: words} }
func number(least, most int) Type        { return Type{Kind: Int, Min: least, Max: most} }
func size(least int) Type                { return Type{Kind: Size, Min: least} }
func many(of Type) Type                  { return Type{Kind: Many, Of: []Type{of}} }
func list(of Type) Type                  { return Type{Kind: List, Of: []Type{of}} }
func mapOf(of Type) Type                 { return Type{Kind: Map, Of: []Type{of}, Pattern: namePattern} }
func inner(object string) Type           { return Type{Kind: Inner, Object: object} }
func either(of ...Type) Type             { return Type{Kind: Either, Of: of} }
func matching(pattern, hint string) Type { return Type{Kind: Plain, Pattern: pattern, Hint: hint} }

var kindWords = map[Kind]string{
	Text: "text", Plain: "plain text", Expression: "expression", Bool: "`true` or `false`", Duration: "duration", Octal: "octal number",
	Command: "command", Anything: "any value", Value: "`${{ }}` that gives one",
}

// Told is the type in words for people, in Markdown.
func (t Type) Told() string {
	switch t.Kind {
	case Int:
		return "whole number" + t.bounds()
	case Number:
		return "number" + t.bounds()
	case Size:
		return "size"
	case Plain:
		if t.Name != "" {
			return t.Name
		}
		if t.Pattern != "" {
			return "`" + strings.Trim(t.Pattern, "^$") + "`"
		}
	case Duration:
		if t.Value {
			return "duration, may hold `${{ }}`"
		}
	case Word:
		return "`" + strings.Join(t.Words, "`, `") + "`"
	case List:
		return "list of " + plural(t.Of[0])
	case Many:
		return t.Of[0].Told() + ", or a list"
	case Map:
		return "map of names and " + plural(t.Of[0])
	case Inner:
		if t.Object == "step" {
			return "a step"
		}
		return "map, see below"
	case Either:
		return t.choice()
	}
	return kindWords[t.Kind]
}

func (t Type) choice() string {
	var words []string
	for _, of := range t.Of {
		if of.Kind != Nothing {
			words = append(words, of.Told())
		}
	}
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + ", or " + words[len(words)-1]
}

func (t Type) bounds() string {
	switch {
	case t.Max > 0:
		return fmt.Sprintf(" from %d to %d", t.Min, t.Max)
	case t.Min > 0:
		return fmt.Sprintf(" from %d", t.Min)
	}
	return ""
}

func plural(t Type) string {
	switch t.Kind {
	case Inner:
		return t.Object + "s"
	case Anything:
		return "values"
	case Either:
		return plural(t.Of[0])
	}
	return t.Told() + "s"
}

// Inners names the objects that the type can hold.
func (t Type) Inners() []string {
	if t.Kind == Inner {
		return []string{t.Object}
	}
	var names []string
	for _, of := range t.Of {
		names = append(names, of.Inners()...)
	}
	return names
}
