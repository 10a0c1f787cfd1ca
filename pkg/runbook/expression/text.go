package expression

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Piece is a part of a text: literal, or an expression between ${{ and }}.
type Piece struct {
	Literal string
	Expr    *Expression // nil for a literal
	Offset  int         // of the literal, or of the "${{", in the text, in bytes
	Width   int         // of the whole "${{ … }}"
}

// Text is a text with expressions in it.
type Text struct {
	Source string
	Pieces []Piece
}

// Split finds the expressions in a text without compiling them: pieces alternate between
// literals and expressions, whose Literal is then the expression's source.
func Split(text string) ([]Piece, *Error) {
	var pieces []Piece
	for at := 0; at < len(text); {
		i := strings.Index(text[at:], "${{")
		if i < 0 {
			pieces = append(pieces, Piece{Literal: text[at:], Offset: at})
			break
		}
		if i > 0 {
			pieces = append(pieces, Piece{Literal: text[at : at+i], Offset: at})
		}
		begin := at + i
		end := closing(text, begin+3)
		if end < 0 {
			return nil, &Error{Offset: begin, Width: 3, Message: `"${{" is not closed`, Hint: `end it with "}}"; where the text holds " #" or ": ", quote the whole value`}
		}
		pieces = append(pieces, Piece{Literal: text[begin+3 : end], Offset: begin, Width: end + 2 - begin, Expr: &Expression{}})
		at = end + 2
	}
	return pieces, nil
}

// closing finds the "}}" that ends an expression, past strings and inner braces.
func closing(text string, at int) int {
	depth := 0
	for i := at; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\'', '`':
			for i++; i < len(text) && text[i] != c; i++ {
				if text[i] == '\\' && c != '`' {
					i++
				}
			}
		case '{':
			depth++
		case '}':
			if depth > 0 {
				depth--
			} else if i+1 < len(text) && text[i+1] == '}' {
				return i
			}
		}
	}
	return -1
}

// CompileText compiles all expressions of a text; all errors are returned, with offsets into the text.
func CompileText(text string, scope Map) (*Text, []*Error) {
	pieces, err := Split(text)
	if err != nil {
		return nil, []*Error{err}
	}
	t := &Text{Source: text, Pieces: pieces}
	var problems []*Error
	for i, p := range pieces {
		if p.Expr == nil {
			continue
		}
		lead := len(p.Literal) - len(strings.TrimLeft(p.Literal, " \t\n"))
		e, err := Compile(strings.TrimSpace(p.Literal), scope, WantAny)
		if err != nil {
			err.Offset += p.Offset + 3 + lead
			problems = append(problems, err)
			continue
		}
		for k := range e.Refs {
			e.Refs[k].Offset += p.Offset + 3 + lead
		}
		pieces[i].Expr, pieces[i].Literal = e, ""
	}
	return t, problems
}

// Exprs lists the expressions of the text.
func (t *Text) Exprs() []*Expression {
	if t == nil {
		return nil
	}
	var list []*Expression
	for _, p := range t.Pieces {
		if p.Expr != nil {
			list = append(list, p.Expr)
		}
	}
	return list
}

// Whole tells whether the text is exactly one expression, whose value keeps its type.
func (t *Text) Whole() bool { return len(t.Pieces) == 1 && t.Pieces[0].Expr != nil }

// Value evaluates the text; exactly one expression keeps the type of its value.
func (t *Text) Value(env map[string]any) (any, error) {
	if t.Whole() {
		return t.Pieces[0].Expr.Eval(env)
	}
	return t.Render(env)
}

// Render evaluates the text as text.
func (t *Text) Render(env map[string]any) (string, error) {
	if t == nil {
		return "", nil
	}
	var b strings.Builder
	for _, p := range t.Pieces {
		if p.Expr == nil {
			b.WriteString(p.Literal)
			continue
		}
		value, err := p.Expr.Eval(env)
		if err != nil {
			return "", err
		}
		s, err := Format(value)
		if err != nil {
			return "", fmt.Errorf("cannot use %q as text: %w", p.Expr.Source, err)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

var errNothing = errors.New("it is nothing (was the step skipped?); ?? gives another value")

var errInfinite = errors.New("it is no number that can be written: something was divided by zero")

// Format gives a value as text: numbers and bools as in YAML, lists and maps as JSON.
func Format(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", errNothing
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return "", errInfinite
		}
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case fmt.Stringer:
		return v.String(), nil
	}
	b, err := json.Marshal(value)
	return string(b), err
}

// Words gives a value as the words of a command line: a list is several.
func Words(value any) (words []string, list bool, err error) {
	items, ok := value.([]any)
	if !ok {
		if strs, ok := value.([]string); ok {
			return strs, true, nil
		}
		s, err := Format(value)
		return []string{s}, false, err
	}
	words = make([]string, len(items))
	for i, item := range items {
		if words[i], err = Format(item); err != nil {
			return nil, true, err
		}
	}
	return words, true, nil
}
