package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// spot tells what a word is in its command.
type spot struct {
	many    bool // several words may stand here
	command bool // the name of a command
}

func (s *surveyor) word(w *syntax.Word, sc scope, at spot) {
	if from, to := s.within(w.Pos(), w.End()); from == to {
		return
	}
	bare := context{form: formBare, carried: sc.document}
	if len(w.Parts) == 1 && int(w.End().Offset()-w.Pos().Offset()) == len(s.placeholder) {
		bare.many, bare.command = at.many, at.command
	}
	for i, part := range w.Parts {
		if s.dollarQuote(before(w.Parts, i), part) {
			continue
		}
		switch part := part.(type) {
		case *syntax.Lit:
			if i == 0 && s.tilde(part) {
				continue
			}
			s.lit(part, bare, before(w.Parts, i))
		case *syntax.SglQuoted:
			if !part.Dollar {
				s.mark(part, context{form: formSingle, carried: sc.document})
			}
		case *syntax.DblQuoted:
			if !part.Dollar {
				s.double(part, sc)
			}
		case *syntax.CmdSubst:
			s.substitution(part, sc)
		case *syntax.ProcSubst:
			sc := sc
			sc.substituted = true
			s.stmts(part.Stmts, sc)
		}
	}
}

func (s *surveyor) double(q *syntax.DblQuoted, sc scope) {
	for i, part := range q.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			s.lit(part, context{form: formDouble, carried: sc.document}, before(q.Parts, i))
		case *syntax.CmdSubst:
			s.substitution(part, sc)
		}
	}
}

// substitution goes into $( … ). Backquotes have one more level of backslashes, which shells
// disagree about, and ${ …; } is in few shells: no value goes there.
func (s *surveyor) substitution(c *syntax.CmdSubst, sc scope) {
	if c.Backquotes || c.TempFile || c.ReplyVar {
		return
	}
	sc.substituted = true
	s.stmts(c.Stmts, sc)
}

// lit marks the places in literal text, but for those that what stands before them would change.
func (s *surveyor) lit(l *syntax.Lit, ctx context, previous syntax.WordPart) {
	from, to := s.within(l.Pos(), l.End())
	for i := from; i < to; i++ {
		at := s.places[i].at
		switch {
		case s.escaped(at):
			s.refuse(i, "a backslash stands right before a value", `for a backslash before the value write \\; else leave it away`)
		case at == int(l.Pos().Offset()) && short(previous) && (ctx.form == formDocument || ctx.form == formDouble && (ctx.carried || s.places[i].use.Secret)):
			s.refuse(i, "a value stands right after a variable without braces", "write the variable with braces: ${1}${{ … }}")
		default:
			s.set(i, ctx)
		}
	}
}

// mark gives every place inside a node the same context.
func (s *surveyor) mark(n syntax.Node, ctx context) {
	from, to := s.within(n.Pos(), n.End())
	for i := from; i < to; i++ {
		s.set(i, ctx)
	}
}

func (s *surveyor) set(i int, ctx context) {
	if s.found.contexts[i].message == "" {
		s.found.contexts[i] = ctx
	}
}

func (s *surveyor) refuse(i int, message, hint string) {
	s.found.contexts[i] = context{message: message, hint: hint}
}

func (s *surveyor) refuseAll(n syntax.Node, message, hint string) {
	from, to := s.within(n.Pos(), n.End())
	for i := from; i < to; i++ {
		s.refuse(i, message, hint)
	}
}

// escaped tells whether a backslash takes the first character after it, at the offset, literally.
func (s *surveyor) escaped(at int) bool {
	count := 0
	for at-count > 0 && s.source[at-count-1] == '\\' {
		count++
	}
	return count%2 == 1
}

// tilde refuses a value in the user name of ~user/…: quoted, it would silently not be expanded.
func (s *surveyor) tilde(l *syntax.Lit) bool {
	from, to := s.within(l.Pos(), l.End())
	if from == to || !strings.HasPrefix(l.Value, "~") {
		return false
	}
	name := s.source[l.Pos().Offset():s.places[from].at]
	if strings.Contains(name, "/") {
		return false
	}
	s.refuseAll(l, "a value stands in the user name after ~, where no shell would expand it",
		`ask for the directory: home=$(getent passwd ${{ … }} | cut -d: -f6)`)
	return true
}

// dollarQuote refuses a quote right after $$, which zsh reads as a dollar sign and $'…'.
func (s *surveyor) dollarQuote(previous, part syntax.WordPart) bool {
	p, ok := previous.(*syntax.ParamExp)
	if !ok || !p.Short || p.Param == nil || p.Param.Value != "$" {
		return false
	}
	message, hint := "a value stands right after $$ without braces", "write ${$} before it"
	switch part := part.(type) {
	case *syntax.Lit:
		from, to := s.within(part.Pos(), part.End())
		if from == to || s.places[from].at != int(part.Pos().Offset()) {
			return false
		}
		s.refuseAll(part, message, hint)
		return true
	case *syntax.SglQuoted, *syntax.DblQuoted:
		s.refuseAll(part, message, hint)
		return true
	}
	return false
}

// short tells whether a part is an expansion without braces, which could take more text into its name.
func short(part syntax.WordPart) bool {
	p, ok := part.(*syntax.ParamExp)
	return ok && p.Short
}

func before(parts []syntax.WordPart, i int) syntax.WordPart {
	if i == 0 {
		return nil
	}
	return parts[i-1]
}
