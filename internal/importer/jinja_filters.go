package importer

import (
	"slices"
	"strings"
)

// filterOf is what a filter without arguments is with us.
type filterOf struct {
	function string
	sort     sort
}

var plainFilters = map[string]filterOf{
	"lower": {"lower", text}, "upper": {"upper", text}, "trim": {"trim", text}, "length": {"len", number}, "count": {"len", number},
	"int": {"int", number}, "float": {"float", number}, "string": {"string", text}, "first": {"first", anything},
	"last": {"last", anything}, "sort": {"sort", list}, "unique": {"uniq", list}, "min": {"min", anything}, "max": {"max", anything},
	"sum": {"sum", number}, "abs": {"abs", number}, "to_json": {"toJSON", text}, "to_nice_json": {"toJSON", text},
	"from_json": {"fromJSON", anything}, "b64encode": {"toBase64", text}, "b64decode": {"fromBase64", text}, "reverse": {"reverse", list},
	"flatten": {"flatten", list},
}

// silentFilters do what happens here anyway: values are quoted for the shell, and have to be there.
var silentFilters = []string{"quote", "mandatory", "list", "safe"}

func (j *jinja) filter(p phrase) (phrase, error) {
	w := j.peek()
	if w.kind != wordName {
		return p, unsaid("%q after |", w.text)
	}
	j.at++
	name := strings.TrimPrefix(w.text, "ansible.builtin.")
	args, err := j.arguments()
	if err != nil {
		return p, err
	}
	if f, ok := plainFilters[name]; ok && len(args) == 0 {
		q := call(f.function, f.sort, p)
		if p.groups != "" && (name == "first" || name == "last") {
			q.sort = text
		}
		return q, nil
	}
	switch {
	case slices.Contains(silentFilters, name) && len(args) == 0:
		return p, nil
	case name == "default" || name == "d":
		return j.byDefault(p, args)
	case name == "bool" && len(args) == 0:
		if p.sort == truth {
			return p, nil
		}
		return join2("in", comparison, truth, call("lower", text, asText(p)), atom(`["true", "yes", "on", "1"]`, list)), nil
	case name == "join":
		if len(args) == 0 {
			args = append(args, fixedText(""))
		}
		return call("join", text, p, args[0]), nil
	case name == "split" && len(args) <= 1:
		if len(args) == 0 {
			args = append(args, fixedText(" "))
		}
		return call("split", list, p, args[0]), nil
	case name == "replace" && len(args) == 2:
		return call("replace", text, p, args[0], args[1]), nil
	case name == "ternary" && len(args) == 2:
		return choice(p, args[0], args[1]), nil
	case name == "basename" && len(args) == 0:
		return call("last", text, call("split", list, p, fixedText("/"))), nil
	}
	return p, unsaid("the filter %s", name)
}

func (j *jinja) byDefault(p phrase, args []phrase) (phrase, error) {
	switch {
	case len(args) == 0:
		args = append(args, fixedText(""))
	case len(args) == 2 && args[1].expr == "true": // an empty text is none, too
		return choice(join2("!=", comparison, truth, otherwise(p, fixedText("")), fixedText("")), p, args[0]), nil
	case len(args) != 1:
		return p, unsaid("the filter default with %d arguments", len(args))
	}
	if args[0].expr == omitted {
		return p, unsaid("default(omit)")
	}
	if p.fixed {
		return p, nil
	}
	return otherwise(p, args[0]), nil
}

// omitted is the name of what is left out.
const omitted = "omit"

// outcomes are the tests of a result.
var outcomes = map[string][]string{
	"changed": {"changed"}, "failed": {"failed"}, "skipped": {"skipped"},
	"succeeded": {"changed", "ok"}, "success": {"changed", "ok"},
}

// test reads what follows "is".
func (j *jinja) test(p phrase) (phrase, error) {
	negated := j.next("not")
	w := j.peek()
	if w.kind != wordName {
		return p, unsaid("%q after is", w.text)
	}
	j.at++
	args, err := j.arguments()
	if err != nil {
		return p, err
	}
	q, err := tested(p, w.text, args)
	if negated {
		q = negation(q)
	}
	return q, err
}

func tested(p phrase, name string, args []phrase) (phrase, error) {
	if own, ok := strings.CutSuffix(p.expr, wholeResult); ok {
		return testedResult(own, name)
	}
	switch {
	case name == "defined" && p.fixed:
		return atom("true", truth), nil
	case name == "defined":
		return join2("!=", comparison, truth, p, atom("nil", anything)), nil
	case name == "undefined" || name == "none":
		return join2("==", comparison, truth, p, atom("nil", anything)), nil
	case (name == "match" || name == "search" || name == "regex") && len(args) == 1 && args[0].fixed:
		pattern := args[0].known
		if name == "match" && !strings.HasPrefix(pattern, "^") {
			pattern = "^" + pattern
		}
		return join2("matches", comparison, truth, p, fixedText(pattern)), nil
	case name == "true" || name == "false":
		return compared("==", p, atom(name, truth)), nil
	case name == "in" && len(args) == 1:
		return join2("in", comparison, truth, p, args[0]), nil
	}
	return p, unsaid("the test is %s", name)
}

// wholeResult marks the result of a step as a whole: only its parts have a meaning, and tests.
const wholeResult = ".\x04"

// statusMark marks the status of an answer: whether it is the one that is wanted, the exit code says.
const statusMark = ".\x04status"

func testedResult(own, name string) (phrase, error) {
	if own == "result" { // of this attempt: there is only its exit code
		switch name {
		case "failed":
			return phrase{expr: "result.exit_code != 0", strength: comparison, sort: truth, late: true}, nil
		case "succeeded", "success":
			return phrase{expr: "result.exit_code == 0", strength: comparison, sort: truth, late: true}, nil
		}
		return phrase{}, unsaid("is %s of a result that is not there yet", name)
	}
	if name == "defined" {
		return phrase{expr: own + ".outcome != nil", strength: comparison, sort: truth, late: true}, nil
	}
	list := outcomes[name]
	if list == nil {
		return phrase{}, unsaid("the test is %s", name)
	}
	if len(list) == 1 {
		return phrase{expr: own + `.outcome == "` + list[0] + `"`, strength: comparison, sort: truth, late: true}, nil
	}
	return phrase{expr: own + `.outcome in ["` + strings.Join(list, `", "`) + `"]`, strength: comparison, sort: truth, late: true}, nil
}
