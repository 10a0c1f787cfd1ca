package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

const (
	arithmeticMessage = "a value stands in arithmetic, which would evaluate it"
	arithmeticHint    = "assign it first: n=${{ … }}; then $((n + 1))"
	nameMessage       = "a value stands where a variable name goes"
	nameHint          = "write the name itself, or pass the value as an argument"
)

// call surveys a simple command. A few builtins do not take their arguments as text: they
// evaluate them, as arithmetic or as names with subscripts, and could run what a value holds.
func (s *surveyor) call(c *syntax.CallExpr, sc scope) {
	for _, a := range c.Assigns {
		s.assign(a, sc)
	}
	for i, arg := range c.Args {
		s.word(arg, sc, spot{many: true, command: i == 0})
	}
	if len(c.Args) < 2 {
		return
	}
	args := c.Args[1:]
	switch c.Args[0].Lit() {
	case "let", "integer", "float":
		s.refuseWords(args, arithmeticMessage, arithmeticHint)
	case "unset", "nameref", "getopts":
		s.refuseWords(args, nameMessage, nameHint)
	case "test", "[":
		s.refuseAfter(args, "-v", "-R")
	case "printf":
		s.refuseAfter(args[:1], "-v")
		if args[0].Lit() == "-v" && len(args) > 1 {
			s.refuseWords(args[1:2], nameMessage, nameHint)
		}
	case "read":
		for i := range args {
			if i == 0 || !strings.HasPrefix(args[i-1].Lit(), "-") {
				s.refuseWords(args[i:i+1], nameMessage, nameHint)
			}
		}
	}
}

func (s *surveyor) refuseWords(words []*syntax.Word, message, hint string) {
	for _, w := range words {
		s.refuseAll(w, message, hint)
	}
}

// refuseAfter refuses the argument of an option that takes a variable name.
func (s *surveyor) refuseAfter(args []*syntax.Word, options ...string) {
	for i := 0; i+1 < len(args); i++ {
		for _, option := range options {
			if args[i].Lit() == option {
				s.refuseAll(args[i+1], nameMessage, nameHint)
			}
		}
	}
}

// declare surveys export, readonly, local, declare and typeset as bash reads them.
func (s *surveyor) declare(c *syntax.DeclClause, sc scope) {
	exports := c.Variant.Value == "export" || c.Variant.Value == "readonly"
	for _, a := range c.Args {
		switch {
		case !a.Naked:
			s.assign(a, sc)
		case a.Value == nil: // a name
		case exports && s.named(a.Value):
			s.word(a.Value, sc, spot{})
		}
	}
	for _, a := range c.Args {
		if a.Naked && a.Value != nil && evaluates(a.Value, exports) {
			s.refuseAll(c, arithmeticMessage, "declare it without -i or -n, as text")
		}
	}
}

// named tells whether a word such as "PATH=…" starts with a name and = before any value.
func (s *surveyor) named(w *syntax.Word) bool {
	from, to := s.within(w.Pos(), w.End())
	if from == to {
		return false
	}
	text := strings.TrimLeft(s.source[w.Pos().Offset():s.places[from].at], `"'`)
	name, _, ok := strings.Cut(text, "=")
	return ok && syntax.ValidName(name)
}

// evaluates tells whether an argument of a declaration may make its values arithmetic or references.
func evaluates(w *syntax.Word, exports bool) bool {
	option := w.Lit()
	if option == "" {
		return !exports
	}
	return strings.HasPrefix(option, "-") && strings.ContainsAny(option, "inEFX")
}
