package inventory

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// literalDepthMax bounds brackets within brackets.
const literalDepthMax = 64

// errNoLiteral is what Python answers with a SyntaxError or a ValueError: Ansible takes the text then.
var errNoLiteral = errors.New("not a literal")

// strangeError is a literal of a kind that inventories here do not have.
type strangeError string

func (e strangeError) Error() string { return string(e) }

// pythonLiteral reads a text as Python's ast.literal_eval does; what is no literal is the text
// itself. strange tells of a literal that cannot be kept, such as a set.
func pythonLiteral(text string) (value any, strange string) {
	p := literalParser{text: text}
	value, err := p.top()
	var odd strangeError
	switch {
	case err == nil:
		return value, ""
	case errors.As(err, &odd):
		return text, string(odd)
	}
	return text, ""
}

type literalParser struct {
	text  string
	at    int
	depth int
}

// top reads a value, or several with commas, which are a tuple; a comment may follow.
func (p *literalParser) top() (any, error) {
	p.space()
	items, comma, err := p.items(0)
	if err != nil {
		return nil, err
	}
	if p.at < len(p.text) && p.text[p.at] != '#' || len(items) == 0 {
		return nil, errNoLiteral
	}
	if comma {
		return items, nil
	}
	return items[0], nil
}

func (p *literalParser) space() {
	for p.at < len(p.text) && strings.IndexByte(" \t\f", p.text[p.at]) >= 0 {
		p.at++
	}
}

// take steps over one character, and the space behind it, when it is the next.
func (p *literalParser) take(c byte) bool {
	if p.at >= len(p.text) || p.text[p.at] != c {
		return false
	}
	p.at++
	p.space()
	return true
}

// items reads values with commas up to the closing bracket, or as far as they go when there is none.
func (p *literalParser) items(closing byte) (items []any, comma bool, err error) {
	items = []any{}
	for {
		if closing != 0 && p.take(closing) {
			return items, comma, nil
		}
		if closing == 0 && (p.at == len(p.text) || p.text[p.at] == '#') && comma {
			return items, comma, nil
		}
		value, err := p.value()
		if err != nil {
			return nil, comma, err
		}
		items = append(items, value)
		if p.take(',') {
			comma = true
			continue
		}
		if closing == 0 {
			return items, comma, nil
		}
		if !p.take(closing) {
			return nil, comma, errNoLiteral
		}
		return items, comma, nil
	}
}

func (p *literalParser) value() (any, error) {
	if p.depth++; p.depth > literalDepthMax {
		return nil, strangeError(fmt.Sprintf("nested deeper than %d", literalDepthMax))
	}
	defer func() { p.depth-- }()
	if p.at >= len(p.text) {
		return nil, errNoLiteral
	}
	c := p.text[p.at]
	switch {
	case p.take('('):
		items, comma, err := p.items(')')
		if err == nil && len(items) == 1 && !comma {
			return items[0], nil
		}
		return items, err
	case p.take('['):
		items, _, err := p.items(']')
		return items, err
	case p.take('{'):
		return p.dict()
	case p.take('-'):
		return p.signed(-1)
	case p.take('+'):
		return p.signed(1)
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	}
	if literalQuote.MatchString(p.text[p.at:]) {
		return p.strings()
	}
	return p.word()
}

func (p *literalParser) word() (any, error) {
	word := literalWord.FindString(p.text[p.at:])
	p.at += len(word)
	p.space()
	switch word {
	case "True":
		return true, nil
	case "False":
		return false, nil
	case "None":
		return nil, nil
	case "set":
		if p.take('(') && p.take(')') {
			return nil, strangeError("a set of Python")
		}
	}
	return nil, errNoLiteral
}

// signed reads the number behind one sign; of two signs Python makes no literal.
func (p *literalParser) signed(sign int) (any, error) {
	if p.at < len(p.text) && (p.text[p.at] == '-' || p.text[p.at] == '+') {
		return nil, errNoLiteral
	}
	value, err := p.value()
	switch v := value.(type) {
	case int:
		return sign * v, err
	case float64:
		return float64(sign) * v, err
	}
	if err == nil {
		err = errNoLiteral
	}
	return nil, err
}

// dict reads what stands behind "{": pairs, or the items of a set.
func (p *literalParser) dict() (any, error) {
	pairs := map[string]any{}
	for n := 0; ; n++ {
		if p.take('}') {
			return pairs, nil
		}
		key, err := p.value()
		if err != nil {
			return nil, err
		}
		if !p.take(':') {
			if n > 0 {
				return nil, errNoLiteral
			}
			return p.set()
		}
		value, err := p.value()
		if err != nil {
			return nil, err
		}
		name, err := keyText(key)
		if err != nil {
			return nil, err
		}
		pairs[name] = value
		if !p.take(',') && (p.at >= len(p.text) || p.text[p.at] != '}') {
			return nil, errNoLiteral
		}
	}
}

func (p *literalParser) set() (any, error) {
	if !p.take('}') {
		if !p.take(',') {
			return nil, errNoLiteral
		}
		if _, _, err := p.items('}'); err != nil {
			return nil, err
		}
	}
	return nil, strangeError("a set of Python")
}

// keyText gives a key as JSON would write it.
func keyText(key any) (string, error) {
	switch k := key.(type) {
	case string:
		return k, nil
	case nil:
		return "null", nil
	case int, bool:
		return fmt.Sprint(k), nil
	}
	return "", strangeError("a dictionary of Python whose keys are no words")
}

var (
	literalFloat = regexp.MustCompile(`^(?:[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*|[0-9](?:_?[0-9])*[eE])`)
	literalExp   = regexp.MustCompile(`^(?:[0-9](?:_?[0-9])*\.(?:[0-9](?:_?[0-9])*)?|\.[0-9](?:_?[0-9])*|[0-9](?:_?[0-9])*)(?:[eE][-+]?[0-9](?:_?[0-9])*)?`)
	literalInt   = regexp.MustCompile(`^(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?0)*|[1-9](?:_?[0-9])*)`)
	literalWord  = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*`)
	literalQuote = regexp.MustCompile(`^([A-Za-z]{0,2})('''|"""|'|")`)
	literalTail  = regexp.MustCompile(`^[A-Za-z0-9_.\x{80}-\x{10ffff}]`)
)

func (p *literalParser) number() (any, error) {
	rest := p.text[p.at:]
	isFloat := literalFloat.MatchString(rest)
	text := literalInt.FindString(rest)
	if isFloat {
		text = literalExp.FindString(rest)
	}
	tail := rest[len(text):]
	switch {
	case text == "":
		return nil, errNoLiteral
	case tail != "" && (tail[0] == 'j' || tail[0] == 'J') && !literalTail.MatchString(tail[1:]):
		return nil, strangeError("a complex number")
	case literalTail.MatchString(tail):
		return nil, errNoLiteral
	}
	p.at += len(text)
	p.space()
	text = strings.ReplaceAll(text, "_", "")
	if isFloat {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsInf(f, 0) {
			return nil, strangeError("a number without end")
		}
		return f, nil
	}
	if strings.Trim(text, "0") == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 0, 0)
	if err != nil {
		return nil, strangeError("a number of more than 64 bits")
	}
	return int(n), nil
}
