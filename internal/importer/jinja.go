package importer

import (
	"slices"
	"strings"
)

// jinja translates expressions of Jinja. What it does not know is refused, never guessed.
type jinja struct {
	words []word
	at    int
	// look says what a name with its parts means: ["result", "stdout"]. It takes as many parts as it knows; the others follow.
	look  func(path []string) (p phrase, taken int, err error)
	depth int
}

// nestingMax bounds how deep an expression may be: it is translated recursively.
const nestingMax = 50

type lookup = func(path []string) (phrase, int, error)

// translate gives an expression of ours for one of Jinja.
func translate(expr string, look lookup) (phrase, error) {
	words, err := jinjaWords(expr)
	if err != nil {
		return phrase{}, err
	}
	j := &jinja{words: words, look: look}
	p, err := j.ternary()
	if err != nil {
		return phrase{}, err
	}
	if j.peek().kind != wordEnd {
		return phrase{}, unsaid("%q in {{ %s }}", j.peek().text, brief(expr))
	}
	if strings.Contains(p.expr, statusMark) {
		return phrase{}, unsaid("the status of an answer, but to compare it, in {{ %s }}", brief(expr))
	}
	if strings.Contains(p.expr, wholeResult) {
		return phrase{}, unsaid("the result of a step as a whole, in {{ %s }}", brief(expr))
	}
	return p, nil
}

// sayText translates a text with {{ }} in it. Only what is exactly one {{ }} keeps the type of its value, as with us.
func sayText(s string, look lookup) (string, error) {
	pieces, err := sayPieces(s, look)
	if err != nil {
		return "", err
	}
	return inText(pieces), nil
}

// sayPieces gives a text as phrases one after the other.
func sayPieces(s string, look lookup) ([]phrase, error) {
	for _, sign := range []string{"{%", "{#"} {
		if strings.Contains(s, sign) {
			return nil, unsaid("%s … in a template", sign)
		}
	}
	parts, err := templateParts(s)
	if err != nil {
		return nil, err
	}
	var pieces []phrase
	for _, p := range parts {
		if !p.template {
			pieces = append(pieces, fixedText(p.text))
			continue
		}
		q, err := translate(strings.Trim(p.text, "-"), look)
		if err != nil {
			return nil, err
		}
		pieces = append(pieces, q)
	}
	return pieces, nil
}

// joined puts the phrases of a text together to one.
func joined(pieces []phrase) phrase {
	if len(pieces) == 0 {
		return fixedText("")
	}
	whole := pieces[0]
	for _, p := range pieces[1:] {
		if whole.fixed && p.fixed {
			whole = fixedText(whole.known + p.known)
			continue
		}
		whole = join2("+", sum, text, asText(whole), asText(p))
	}
	if !whole.fixed && len(pieces) > 1 {
		whole.pieces = pieces
		for _, p := range pieces {
			whole.code = whole.code || p.code || p.fixed && manyWords.MatchString(p.known)
		}
	}
	return whole
}

func (j *jinja) peek() word { return j.words[j.at] }

// next takes the word if it is one of these signs or names.
func (j *jinja) next(texts ...string) bool {
	w := j.peek()
	if (w.kind == wordSign || w.kind == wordName) && slices.Contains(texts, w.text) {
		j.at++
		return true
	}
	return false
}

func (j *jinja) deeper() error {
	if j.depth++; j.depth > nestingMax {
		return unsaid("an expression nested deeper than %d", nestingMax)
	}
	return nil
}

func (j *jinja) ternary() (phrase, error) {
	if err := j.deeper(); err != nil {
		return phrase{}, err
	}
	defer func() { j.depth-- }()
	yes, err := j.or()
	if err != nil || !j.next("if") {
		return yes, err
	}
	cond, err := j.or()
	if err != nil {
		return phrase{}, err
	}
	no := fixedText("")
	if j.next("else") {
		if no, err = j.ternary(); err != nil {
			return phrase{}, err
		}
	}
	return choice(cond, yes, no), nil
}

func choice(cond, yes, no phrase) phrase {
	p := phrase{expr: asTruth(cond).at(disjunction) + " ? " + yes.at(disjunction) + " : " + no.at(disjunction), late: cond.late || yes.late || no.late}
	if yes.sort == no.sort {
		p.sort = yes.sort
	}
	return p
}

func (j *jinja) or() (phrase, error) {
	return j.logic("or", disjunction, func() (phrase, error) {
		return j.logic("and", conjunction, j.not)
	})
}

func (j *jinja) logic(operator string, strength int, inner func() (phrase, error)) (phrase, error) {
	p, err := inner()
	for err == nil && j.next(operator) {
		var q phrase
		if q, err = inner(); err == nil {
			p = join2(operator, strength, truth, asTruth(p), asTruth(q))
		}
	}
	return p, err
}

func (j *jinja) not() (phrase, error) {
	if !j.next("not") {
		return j.compare()
	}
	if err := j.deeper(); err != nil {
		return phrase{}, err
	}
	defer func() { j.depth-- }()
	p, err := j.not()
	return negation(asTruth(p)), err
}

func (j *jinja) compare() (phrase, error) {
	p, err := j.add()
	for err == nil {
		operator := j.peek().text
		switch {
		case j.next("==", "!=", "<", ">", "<=", ">="):
			var q phrase
			if q, err = j.add(); err == nil {
				p = compared(operator, p, q)
			}
		case j.next("in"):
			p, err = j.contained(p)
		case j.peek().text == "not" && j.words[min(j.at+1, len(j.words)-1)].text == "in":
			j.at += 2
			p, err = j.contained(p)
			p = negation(p)
		case j.next("is"):
			p, err = j.test(p)
		default:
			return p, nil
		}
	}
	return p, err
}

// compared compares two values. A truth is said as such: x == true is x.
func compared(operator string, a, b phrase) phrase {
	if of, ok := strings.CutSuffix(a.expr, statusMark); ok && (operator == "==" || operator == "!=") {
		return phrase{expr: of + ".exit_code " + operator + " 0", strength: comparison, sort: truth, late: true}
	}
	if a.sort == truth && b.sort == truth {
		switch b.expr + operator {
		case "true==", "false!=":
			return a
		case "false==", "true!=":
			return negation(a)
		}
	}
	return join2(operator, comparison, truth, a, b)
}

// contained says x in y, for a text or a list.
func (j *jinja) contained(p phrase) (phrase, error) {
	q, err := j.add()
	switch {
	case err != nil:
		return phrase{}, err
	case q.groups != "" && p.expr == "host.name":
		return join2("in", comparison, truth, fixedText(q.groups), phrase{expr: "host.groups", strength: tight, late: true}), nil
	case strings.HasSuffix(p.expr, statusMark):
		return compared("==", p, q), nil
	case q.sort == text:
		return join2("contains", comparison, truth, q, p), nil
	}
	return join2("in", comparison, truth, p, q), nil
}

func (j *jinja) add() (phrase, error) {
	p, err := j.multiply()
	for err == nil {
		operator := j.peek().text
		if !j.next("+", "-", "~") {
			break
		}
		var q phrase
		if q, err = j.multiply(); err != nil {
			break
		}
		switch {
		case operator == "~":
			p = joined([]phrase{asText(p), asText(q)})
		case p.sort == list && q.sort == list && operator == "+":
			p = call("concat", list, p, q)
		default:
			p = join2(operator, sum, p.sort, p, q)
		}
	}
	return p, err
}

func (j *jinja) multiply() (phrase, error) {
	p, err := j.unary()
	for err == nil {
		operator := j.peek().text
		if !j.next("*", "/", "%", "//") {
			break
		}
		var q phrase
		if q, err = j.unary(); err != nil {
			break
		}
		if operator == "//" {
			p = call("int", number, join2("/", product, number, p, q))
			continue
		}
		p = join2(operator, product, number, p, q)
	}
	return p, err
}

func (j *jinja) unary() (phrase, error) {
	if j.next("-") {
		p, err := j.postfix()
		return phrase{expr: "-" + p.at(tight), strength: product, sort: number, late: p.late}, err
	}
	return j.postfix()
}
