package inventory

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/opsctl/opsctl/pkg/inventory/sshconfig"
)

// Pattern picks hosts. Its terms are names of hosts or groups, globs, regular
// expressions, each with an optional position: "web", "db*", "~^web\d", "web[0:2]".
// They are joined by "," (or), ":&" (and) and ":!" (not).
type Pattern struct {
	Text  string
	terms []term
}

// PatternError is a text that is no pattern.
type PatternError struct {
	Text    string
	Offset  int // in bytes, where the trouble starts
	Message string
	Hint    string
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("cannot read the host pattern %s at character %d: %s", quote(e.Text), utf8.RuneCountInString(e.Text[:e.Offset])+1, e.Message)
}

type joint byte

const (
	or  joint = ','
	and joint = '&'
	not joint = '!'
)

// term is one operand. Exactly one of name, glob, re says what it matches.
type term struct {
	joint  joint
	offset int
	name   string // exact: a host or a group
	glob   string
	re     *regexp.Regexp
	at     *positions
}

// positions is "[2]", "[0:2]", "[1:]", "[-1]": counted from 0, both ends included, negative from the end.
type positions struct {
	first, last int
	single      bool
}

// ParsePattern reads a pattern; whether its names exist, Select tells. An error is a *PatternError.
func ParsePattern(text string) (Pattern, error) {
	p := Pattern{Text: text}
	if len(text) > PatternMax {
		return p, &PatternError{Text: text, Message: fmt.Sprintf("it is longer than %d bytes", PatternMax)}
	}
	words, err := splitPattern(text)
	if err != nil {
		return p, err
	}
	for _, w := range words {
		t, err := parseTerm(text, w)
		if err != nil {
			return p, err
		}
		p.terms = append(p.terms, t)
	}
	return p, nil
}

// word is a term before it is understood.
type word struct {
	joint  joint
	text   string
	offset int
}

func splitPattern(text string) ([]word, error) {
	var words []word
	joined := or
	for at := 0; ; {
		for at < len(text) && (text[at] == ' ' || text[at] == '\t') {
			at++
		}
		if at < len(text) && (text[at] == '!' || text[at] == '&') && joined == or {
			joined = joint(text[at])
			at++
		}
		end := termEnd(text, at)
		w := word{joint: joined, text: strings.TrimRight(text[at:end], " \t"), offset: at}
		if w.text == "" {
			return nil, &PatternError{Text: text, Offset: at, Message: "a name is missing here"}
		}
		if words = append(words, w); len(words) > TermsMax {
			return nil, &PatternError{Text: text, Offset: at, Message: fmt.Sprintf("it has more than %d terms", TermsMax)}
		}
		switch {
		case end == len(text):
			return words, nil
		case text[end] == ',':
			joined, at = or, end+1
		case end+1 < len(text) && (text[end+1] == '&' || text[end+1] == '!'):
			joined, at = joint(text[end+1]), end+2
		default:
			return nil, &PatternError{
				Text: text, Offset: end, Message: `":" joins only as ":&" (and) or ":!" (not)`,
				Hint: `"or" is a comma; an IPv6 address stands in brackets: [::1]`,
			}
		}
	}
}

// termEnd finds where the term that starts at from is over. In a regular expression, what stands
// in brackets belongs to it, and a ":" alone does not end it.
func termEnd(text string, from int) int {
	isRegexp := from < len(text) && text[from] == '~'
	depth := 0
	for i := from; i < len(text); i++ {
		switch c := text[i]; {
		case isRegexp && c == '\\':
			i++
		case c == '[', isRegexp && (c == '(' || c == '{'):
			depth++
		case c == ']', isRegexp && (c == ')' || c == '}'):
			depth = max(0, depth-1)
		case depth > 0:
		case c == ',':
			return i
		case c == ':':
			if !isRegexp || i+1 < len(text) && (text[i+1] == '&' || text[i+1] == '!') {
				return i
			}
		}
	}
	return len(text)
}

func parseTerm(text string, w word) (term, error) {
	t := term{joint: w.joint, offset: w.offset}
	fail := func(offset int, message, hint string) (term, error) {
		return t, &PatternError{Text: text, Offset: w.offset + offset, Message: message, Hint: hint}
	}
	if expression, ok := strings.CutPrefix(w.text, "~"); ok {
		re, err := regexp.Compile("^(?:" + expression + ")")
		if err != nil {
			return fail(1, "cannot read the regular expression: "+regexpTrouble(err), "the syntax is RE2; it matches from the start of a name")
		}
		t.re = re
		return t, nil
	}
	if bare := canonical(w.text); w.text[0] == '[' && bare != w.text {
		t.name = bare
		return t, nil
	}
	body := w.text
	if open := strings.IndexByte(body, '['); open >= 0 {
		at, why := parsePositions(body[open:])
		if why != "" {
			return fail(open, why, "positions are [0], [-1], [0:2], [1:]; they count from 0, both ends included")
		}
		t.at, body = at, body[:open]
	}
	if body == "" || body[0] == '-' || body[0] == '.' {
		return fail(0, fmt.Sprintf("%s is not a name", quote(w.text)), "")
	}
	for i, r := range body {
		if !nameRune(r) && r != '*' && r != '?' {
			return fail(i, describeRune(r)+" is not allowed in a name", "")
		}
	}
	if strings.ContainsAny(body, "*?") {
		t.glob = body
	} else {
		t.name = body
	}
	return t, nil
}

func regexpTrouble(err error) string {
	return strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}

// parsePositions reads "[…]" to its end, or says why it cannot.
func parsePositions(text string) (*positions, string) {
	inner, ok := strings.CutSuffix(text[1:], "]")
	if !ok {
		return nil, `a "[" without its "]" at the end`
	}
	number := func(s string, open int) (int, bool) {
		if s == "" {
			return open, true
		}
		n, err := strconv.Atoi(s)
		return n, err == nil && s[0] != '+' && n <= PositionMax && n >= -PositionMax
	}
	first, last, isSlice := strings.Cut(inner, ":")
	from, ok := number(first, 0)
	if !ok || !isSlice && first == "" {
		return nil, fmt.Sprintf("cannot read %s as a position", quote(text))
	}
	if !isSlice {
		return &positions{first: from, last: from, single: true}, ""
	}
	to, ok := number(last, -1)
	if !ok {
		return nil, fmt.Sprintf("cannot read %s as a position", quote(text))
	}
	if (from < 0) == (to < 0) && from > to {
		return nil, fmt.Sprintf("the positions %s run backwards", quote(text))
	}
	return &positions{first: from, last: to}, ""
}

// cut gives the bounds of the positions within n hosts, as a half-open interval.
func (p *positions) cut(n int) (from, to int) {
	from, to = p.first, p.last
	if from < 0 {
		from += n
	}
	if to < 0 {
		to += n
	}
	if p.single && (from < 0 || from >= n) {
		return 0, 0
	}
	from, to = max(from, 0), min(to+1, n)
	if from >= to {
		return 0, 0
	}
	return from, to
}

// matches tells whether a glob or a regular expression fits a name.
func (t *term) matches(name string) bool {
	if t.re != nil {
		return t.re.MatchString(name)
	}
	return sshconfig.Match(t.glob, name)
}
