package importer

import (
	"regexp"
	"strings"
)

// postfix reads a value, what is taken from it, and its filters.
func (j *jinja) postfix() (phrase, error) {
	p, err := j.atom()
	for err == nil {
		switch {
		case j.next("."):
			p, err = j.member(p)
		case j.next("["):
			p, err = j.index(p)
		case j.next("|"):
			p, err = j.filter(p)
		case j.peek().kind == wordSign && j.peek().text == "(":
			return p, unsaid("a call of %s", brief(p.expr))
		default:
			return p, nil
		}
	}
	return p, err
}

func (j *jinja) member(p phrase) (phrase, error) {
	w := j.peek()
	if w.kind != wordName {
		return p, unsaid("%q after a dot", w.text)
	}
	j.at++
	if j.peek().text == "(" && j.peek().kind == wordSign {
		return j.method(p, w.text)
	}
	return phrase{expr: p.at(tight) + "." + w.text, strength: tight, late: p.late}, nil
}

// method knows those methods of Python's texts and maps that people use.
func (j *jinja) method(p phrase, name string) (phrase, error) {
	args, err := j.arguments()
	if err != nil {
		return p, err
	}
	switch {
	case name == "get" && len(args) > 0 && args[0].fixed && dataName.MatchString(args[0].known):
		got := phrase{expr: p.at(tight) + "." + args[0].known, strength: tight, late: p.late}
		if len(args) == 2 {
			return otherwise(got, args[1]), nil
		}
		return got, nil
	case name == "startswith" && len(args) == 1:
		return join2("startsWith", comparison, truth, p, args[0]), nil
	case name == "endswith" && len(args) == 1:
		return join2("endsWith", comparison, truth, p, args[0]), nil
	case name == "strip" && len(args) == 0:
		return call("trim", text, p), nil
	case name == "split" && len(args) == 1:
		return call("split", list, p, args[0]), nil
	case (name == "lower" || name == "upper") && len(args) == 0:
		return call(name, text, p), nil
	case name == "replace" && len(args) == 2:
		return call("replace", text, p, args[0], args[1]), nil
	case name == "find" && len(args) == 1:
		return call("indexOf", number, p, args[0]), nil
	}
	return p, unsaid("the method .%s()", name)
}

var dataName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (j *jinja) index(p phrase) (phrase, error) {
	i, err := j.ternary()
	if err != nil {
		return p, err
	}
	if !j.next("]") {
		return p, unsaid("a part of a list other than one of its items")
	}
	if i.fixed && dataName.MatchString(i.known) {
		return phrase{expr: p.at(tight) + "." + i.known, strength: tight, late: p.late}, nil
	}
	q := phrase{expr: p.at(tight) + "[" + i.expr + "]", strength: tight, late: p.late || i.late}
	if p.groups != "" {
		q.sort = text
	}
	return q, nil
}

func (j *jinja) atom() (phrase, error) {
	if err := j.deeper(); err != nil {
		return phrase{}, err
	}
	defer func() { j.depth-- }()
	w := j.peek()
	j.at++
	switch {
	case w.kind == wordString:
		return fixedText(w.text), nil
	case w.kind == wordNumber:
		return atom(w.text, number), nil
	case w.kind == wordName:
		return j.name(w.text)
	case w.text == "(":
		p, err := j.ternary()
		if err == nil && !j.next(")") {
			err = unsaid("a tuple")
		}
		return p, err
	case w.text == "[":
		return j.listOf()
	case w.kind == wordEnd:
		j.at--
		return phrase{}, unsaid("an expression that ends too early")
	}
	return phrase{}, unsaid("%q in an expression", w.text)
}

func (j *jinja) listOf() (phrase, error) {
	p := phrase{strength: tight, sort: list}
	var items []string
	for !j.next("]") {
		item, err := j.ternary()
		if err != nil {
			return p, err
		}
		items = append(items, item.expr)
		p.late = p.late || item.late
		if !j.next(",") && j.peek().text != "]" {
			return p, unsaid("%q in a list", j.peek().text)
		}
	}
	p.expr = "[" + strings.Join(items, ", ") + "]"
	return p, nil
}

// name reads a name with the parts that follow it, as far as its meaning takes them.
func (j *jinja) name(name string) (phrase, error) {
	switch name {
	case "true", "True":
		return atom("true", truth), nil
	case "false", "False":
		return atom("false", truth), nil
	case "none", "None":
		return atom("nil", anything), nil
	case "lookup", "query", "q":
		return j.environment(name)
	}
	path, ends := []string{name}, []int{j.at}
	for at := j.at; ; {
		part, after := j.part(at)
		if after == 0 {
			break
		}
		path, ends, at = append(path, part), append(ends, after), after
	}
	p, taken, err := j.look(path)
	if err != nil {
		return p, err
	}
	j.at = ends[min(max(taken, 1), len(ends))-1]
	return p, nil
}

// part reads .name, ["name"] or [name] at a place, and tells where it ends; 0 is no part.
func (j *jinja) part(at int) (string, int) {
	word := func(i int) word { return j.words[min(at+i, len(j.words)-1)] }
	switch {
	case word(0).text == "." && word(0).kind == wordSign && word(1).kind == wordName && !(word(2).kind == wordSign && word(2).text == "("):
		return word(1).text, at + 2
	case word(0).text == "[" && word(0).kind == wordSign && word(2).text == "]" && (word(1).kind == wordString || word(1).text == "inventory_hostname"):
		return word(1).text, at + 3
	}
	return "", 0
}

// environment knows one lookup, that of the controller's environment.
func (j *jinja) environment(name string) (phrase, error) {
	args, err := j.arguments()
	if err != nil {
		return phrase{}, err
	}
	if name == "lookup" && len(args) == 2 && strings.TrimPrefix(args[0].known, "ansible.builtin.") == "env" && dataName.MatchString(args[1].known) {
		return atom("env."+args[1].known, text), nil
	}
	return phrase{}, unsaid("%s(…)", name)
}

// arguments reads those of a call; none have names.
func (j *jinja) arguments() ([]phrase, error) {
	if !j.next("(") {
		return nil, nil
	}
	var args []phrase
	for !j.next(")") {
		if j.peek().kind == wordName && j.words[min(j.at+1, len(j.words)-1)].text == "=" {
			return nil, unsaid("the argument %s=", j.peek().text)
		}
		a, err := j.ternary()
		if err != nil {
			return nil, err
		}
		args = append(args, a)
		if !j.next(",") && j.peek().text != ")" {
			return nil, unsaid("%q in a call", j.peek().text)
		}
	}
	return args, nil
}
