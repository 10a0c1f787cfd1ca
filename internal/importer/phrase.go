package importer

import (
	"fmt"
	"strconv"
	"strings"
)

// sort is what is known of a value's type.
type sort int

const (
	anything sort = iota
	text
	number
	truth
	list
)

// The strengths of operators, from loose to tight. A phrase is put into parentheses where a tighter one takes it.
const (
	loose = iota // a ? b : c, ??
	disjunction
	conjunction
	comparison
	sum
	product
	tight
)

// phrase is an expression of ours, with what has to be known to put it into another one.
type phrase struct {
	expr     string
	strength int
	sort     sort
	// known is the text itself, where it is one that is known now.
	known  string
	fixed  bool
	holds  string   // the text of the var that it names, where that is known now
	pieces []phrase // one after the other they are the phrase, which is a text
	groups string   // the group whose hosts it lists
	code   bool     // it may hold several words of a shell, which the other tool takes as such
	bad    error    // it could not be said, and nor can what uses it
	late   bool     // it is made of what only steps have: the host, results
}

// at gives the expression for a place that takes phrases of a strength.
func (p phrase) at(strength int) string {
	if p.strength < strength {
		return "(" + p.expr + ")"
	}
	return p.expr
}

func fixedText(s string) phrase {
	return phrase{expr: quoteText(s), strength: tight, sort: text, known: s, fixed: true}
}

func atom(expr string, s sort) phrase { return phrase{expr: expr, strength: tight, sort: s} }

func call(function string, s sort, args ...phrase) phrase {
	p := phrase{strength: tight, sort: s}
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a.expr
		p.late = p.late || a.late
	}
	p.expr = function + "(" + strings.Join(words, ", ") + ")"
	return p
}

// join2 puts two phrases around an operator.
func join2(operator string, strength int, s sort, a, b phrase) phrase {
	right := strength + 1
	if strength == conjunction || strength == disjunction {
		right = strength
	}
	return phrase{expr: a.at(strength) + " " + operator + " " + b.at(right), strength: strength, sort: s, late: a.late || b.late}
}

// negation is said so that it needs no second reading.
func negation(p phrase) phrase {
	switch p.expr {
	case "true":
		return atom("false", truth)
	case "false":
		return atom("true", truth)
	}
	for _, pair := range [][2]string{{" == ", " != "}, {" != ", " == "}} {
		if p.strength == comparison && strings.Count(p.expr, pair[0]) == 1 && !strings.ContainsAny(p.expr, `"'`) {
			q := p
			q.expr = strings.Replace(p.expr, pair[0], pair[1], 1)
			return q
		}
	}
	return phrase{expr: "not " + p.at(tight), strength: comparison, sort: truth, late: p.late}
}

// asText makes a text of any value.
func asText(p phrase) phrase {
	if p.sort == text {
		return p
	}
	return call("string", text, p)
}

// asTruth says of any value what Python takes for true.
func asTruth(p phrase) phrase {
	with := func(operator string, other phrase) phrase { return join2(operator, comparison, truth, p, other) }
	switch p.sort {
	case text:
		return with("!=", fixedText(""))
	case number:
		return with("!=", atom("0", number))
	case list:
		return join2(">", comparison, truth, call("len", number, p), atom("0", number))
	}
	return p
}

// otherwise gives another value where there is none.
func otherwise(p, other phrase) phrase {
	s := other.sort
	if p.sort != anything {
		s = p.sort
	}
	return phrase{expr: p.at(sum) + " ?? " + other.at(sum), strength: loose, sort: s, late: p.late || other.late}
}

// quoteText writes a text for an expression.
func quoteText(s string) string {
	if strings.IndexFunc(s, unprintable) < 0 && !strings.ContainsAny(s, `"\`) {
		return `"` + s + `"`
	}
	return strconv.Quote(s)
}

// inText puts a phrase into a text of ours.
func (p phrase) inText() string {
	if p.fixed {
		return plainText(p.known)
	}
	if len(p.pieces) > 0 {
		return inText(p.pieces)
	}
	return "${{ " + p.expr + " }}"
}

// inText puts phrases one after the other into a text of ours.
func inText(pieces []phrase) string {
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.inText())
	}
	return b.String()
}

// plainText keeps what the other file says from being taken for an expression of ours.
func plainText(s string) string {
	if strings.ContainsAny(s, "\x02\x03\x04") { // they are marks of ours
		s = strings.NewReplacer("\x02", "\ufffd", "\x03", "\ufffd", "\x04", "\ufffd").Replace(s)
	}
	return strings.ReplaceAll(s, "${{", `${{ "${{" }}`)
}

// cannotSay is a part of a file that has no counterpart.
type cannotSay struct{ what string }

func (c cannotSay) Error() string { return c.what }

func unsaid(format string, args ...any) error { return cannotSay{fmt.Sprintf(format, args...)} }

// reserved are the names that expressions have for themselves.
var reserved = map[string]bool{
	"host": true, "hosts": true, "steps": true, "result": true, "saved": true, "secrets": true, "item": true, "run": true,
	"runbook": true, "env": true, "raw": true, "in": true, "not": true, "and": true, "or": true, "matches": true, "contains": true,
	"startsWith": true, "endsWith": true, "let": true, "if": true, "else": true, "true": true, "false": true, "nil": true,
}

// ourName gives a variable of the other file a name that expressions can use.
func ourName(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r == '_', r >= '0' && r <= '9' && i > 0:
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	name = b.String()
	if name == "" || reserved[name] || functions[name] {
		name += "_"
	}
	return name
}

// functions are those of expressions: a variable of such a name would stand in their way.
var functions = map[string]bool{
	"len": true, "trim": true, "split": true, "join": true, "upper": true, "lower": true, "replace": true, "int": true, "float": true,
	"string": true, "toJSON": true, "fromJSON": true, "filter": true, "map": true, "all": true, "any": true, "none": true, "one": true,
	"count": true, "first": true, "last": true, "sort": true, "uniq": true, "keys": true, "values": true, "min": true, "max": true,
	"sum": true, "find": true, "get": true, "take": true, "type": true, "mean": true, "median": true, "abs": true, "ceil": true,
	"floor": true, "round": true, "repeat": true, "flatten": true, "reverse": true, "concat": true, "groupBy": true, "sortBy": true,
	"reduce": true, "now": true, "date": true, "duration": true, "timezone": true, "trimPrefix": true, "trimSuffix": true,
	"splitAfter": true, "indexOf": true, "lastIndexOf": true, "hasPrefix": true, "hasSuffix": true, "fromPairs": true, "toPairs": true,
	"toBase64": true, "fromBase64": true, "findIndex": true, "findLast": true, "findLastIndex": true, "bitand": true, "bitor": true,
	"bitxor": true, "bitnand": true, "bitshl": true, "bitshr": true, "bitushr": true, "bitnot": true,
}
