package expression

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/builtin"

	"github.com/opsctl/opsctl/internal/source"
)

var (
	unknownName  = regexp.MustCompile(`^unknown name (\S+)`)
	unknownField = regexp.MustCompile(`(?:has no|unknown) field (\S+)`)
	mismatched   = regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types (.+) and (.+)\)`)
	token        = regexp.MustCompile(`^unexpected token (\w+)(?:\((".*")\))?`)
	goNames      = strings.NewReplacer(
		"map[string]interface {}", "a map", "interface {}", "any value", "[]any", "a list", "[]a map", "a list", "float64", "a float",
		"string", "a text", "int", "an int", "bool", "a bool", "nil", "nothing",
	)
)

// syntaxError says what the grammar of expressions does not allow.
func syntaxError(text string, err error) *Error {
	e, _ := located(text, err)
	if m := token.FindStringSubmatch(e.Message); m != nil {
		switch {
		case m[2] == `"="`:
			e.Message, e.Hint = `cannot read the expression: "=" is no word of it`, `"==" compares`
			return e
		case m[1] == "EOF":
			e.Message, e.Hint = "cannot read the expression: it ends too early", "something is missing behind the last word, or a bracket is open"
			return e
		case m[2] != "":
			e.Message = fmt.Sprintf("cannot read the expression: %s does not fit here", m[2])
			e.Hint = "words stand between operators: a == b, a and b"
			return e
		}
	}
	e.Message = "cannot read the expression: " + e.Message
	if strings.Contains(text, "!") {
		e.Hint = `"not x" says the same as "!x" and needs no quotes`
	}
	return e
}

// places tell where a name is known that is not known everywhere.
var places = map[string]string{
	"host":    "the host is known in steps; what decides who the hosts are, and vars, are made of what is known before the run",
	"steps":   "results are known in steps that come after; what is known before the run cannot be made of them",
	"result":  "result is known in outputs, changed_if, failed_if, retry.if and rollback",
	"saved":   "saved is known in the run and the rollback of the step that has save",
	"item":    "item is known in a step or a block with foreach",
	"secrets": "secrets are known in steps, where the runbook declares some",
	"now":     "its answer would depend on when it is asked; run.started and run.date tell when the run began",
	"date":    "its answer would depend on when it is asked; run.started and run.date tell when the run began",
}

// typeError says what is wrong in the words of the person who wrote the expression.
func typeError(text string, scope Map, err error) *Error {
	e, _ := located(text, err)
	if m := unknownName.FindStringSubmatch(e.Message); m != nil {
		return unknown(e, text, m[1], scope)
	}
	if m := unknownField.FindStringSubmatch(e.Message); m != nil {
		for _, r := range collect(text, mustParse(text)) {
			if missing, in, have := resolve(r.Path, scope); missing == m[1] {
				e.Message = fmt.Sprintf("%s has no %q", in, missing)
				e.Hint = among(missing, have)
				e.Offset, e.Width = r.Offset+len(in)+1, len(missing)
				return e
			}
		}
	}
	if m := mismatched.FindStringSubmatch(e.Message); m != nil {
		e.Message = fmt.Sprintf("%s does not go with %s and %s", m[1], goNames.Replace(m[2]), goNames.Replace(m[3]))
		e.Hint = "string(x) and int(x) convert"
		return e
	}
	if strings.Contains(e.Message, "expected bool") {
		e.Message = "a yes or no is needed here, this gives " + goNames.Replace(strings.TrimPrefix(e.Message, "expected bool, but got "))
		e.Hint = "compare it: x == \"…\", x > 0"
		e.Width = len(text)
		return e
	}
	e.Message = goNames.Replace(e.Message)
	return e
}

// unknown says of a name that it is not there, and where it would be.
func unknown(e *Error, text, name string, scope Map) *Error {
	e.Message, e.Width = fmt.Sprintf("there is no %q here", name), len(name)
	called := strings.HasPrefix(strings.TrimLeft(text[min(len(text), e.Offset+len(name)):], " "), "(")
	switch {
	case places[name] != "":
		e.Hint = places[name]
	case strings.HasPrefix(name, "$"):
		e.Hint = "an expression knows no shell: env" + "." + strings.TrimPrefix(name, "$") + " is a variable of opsctl's own environment"
	case called:
		e.Message = fmt.Sprintf("there is no function %q", name)
		e.Hint = function(name)
	default:
		e.Hint = among(name, fields(scope))
	}
	return e
}

// function offers the function that was likely meant: the nearest, or one whose name begins alike.
func function(name string) string {
	names := slices.DeleteFunc(slices.Clone(builtin.Names), func(n string) bool { return slices.Contains(disabled, n) })
	if hint := source.DidYouMean(name, names); hint != "" {
		return hint
	}
	for _, n := range names {
		if len(n) > 2 && strings.HasPrefix(strings.ToLower(name), strings.ToLower(n)) {
			return fmt.Sprintf("did you mean %q?", n)
		}
	}
	return "functions are those of expr-lang.org, such as len, trim, split, join, upper, lower, replace"
}

// resolve follows a path through the scope to the first name that is missing.
func resolve(path []string, scope Map) (missing, in string, have []string) {
	for i, name := range path {
		next, ok := scope[name]
		if !ok {
			if _, open := scope[Extra]; open {
				return "", "", nil
			}
			return name, strings.Join(path[:i], "."), fields(scope)
		}
		m, ok := next.(Map)
		if !ok {
			return "", "", nil
		}
		scope = m
	}
	return "", "", nil
}
