package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// form tells how the shell quotes the text around a place.
type form uint8

const (
	formNone     form = iota // nothing safe is known
	formBare                 // unquoted, in a word
	formDouble               // between double quotes
	formSingle               // between single quotes
	formDocument             // in the body of an unquoted here-document
)

// context is what a place is in the eyes of a shell. Only places that the survey reaches by a path
// known to be safe get a form: what it does not know is refused.
type context struct {
	form    form
	many    bool // a whole word where several may stand
	command bool // the first word of a command, which may not vanish
	carried bool // no text is safe here in every shell: the value goes by environment variable
	message string
	hint    string
}

type findings struct {
	contexts  []context // one a place
	documents []document
}

// scope is what surrounds a statement.
type scope struct {
	substituted bool // inside $( … )
	document    bool // inside the body of a here-document
}

type surveyor struct {
	*assembly
	lang  syntax.LangVariant
	found *findings
}

func (a *assembly) survey(file *syntax.File, lang syntax.LangVariant) *findings {
	s := surveyor{assembly: a, lang: lang, found: &findings{contexts: make([]context, len(a.places))}}
	s.stmts(file.Stmts, scope{})
	return s.found
}

func (s *surveyor) stmts(list []*syntax.Stmt, sc scope) {
	for _, stmt := range list {
		s.stmt(stmt, sc)
	}
}

func (s *surveyor) stmt(stmt *syntax.Stmt, sc scope) {
	if stmt == nil {
		return
	}
	for _, r := range stmt.Redirs {
		s.redirect(r, sc)
	}
	switch c := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		s.call(c, sc)
	case *syntax.DeclClause:
		s.declare(c, sc)
	case *syntax.TestClause:
		s.test(c.X, sc)
	case *syntax.BinaryCmd:
		s.stmt(c.X, sc)
		s.stmt(c.Y, sc)
	case *syntax.FuncDecl:
		s.stmt(c.Body, sc)
	case *syntax.TimeClause:
		s.stmt(c.Stmt, sc)
	case *syntax.CoprocClause:
		s.stmt(c.Stmt, sc)
	default:
		s.compound(c, sc)
	}
}

func (s *surveyor) compound(command syntax.Command, sc scope) {
	switch c := command.(type) {
	case *syntax.Block:
		s.stmts(c.Stmts, sc)
	case *syntax.Subshell:
		s.stmts(c.Stmts, sc)
	case *syntax.IfClause:
		for branch := c; branch != nil; branch = branch.Else {
			s.stmts(branch.Cond, sc)
			s.stmts(branch.Then, sc)
		}
	case *syntax.WhileClause:
		s.stmts(c.Cond, sc)
		s.stmts(c.Do, sc)
	case *syntax.ForClause:
		if loop, ok := c.Loop.(*syntax.WordIter); ok {
			for _, item := range loop.Items {
				s.word(item, sc, spot{many: true})
			}
		}
		s.stmts(c.Do, sc)
	case *syntax.CaseClause:
		s.word(c.Word, sc, spot{})
		for _, item := range c.Items {
			for _, pattern := range item.Patterns {
				s.word(pattern, sc, spot{})
			}
			s.stmts(item.Stmts, sc)
		}
	}
}

// test surveys [[ … ]]. Its numeric operators evaluate their operands as arithmetic, -v and -R as
// variables with subscripts, =~ as a regular expression: no value goes there.
func (s *surveyor) test(x syntax.TestExpr, sc scope) {
	switch x := x.(type) {
	case *syntax.Word:
		s.word(x, sc, spot{})
	case *syntax.ParenTest:
		s.test(x.X, sc)
	case *syntax.UnaryTest:
		if x.Op != syntax.TsVarSet && x.Op != syntax.TsRefVar && x.Op != syntax.TsFdTerm {
			s.test(x.X, sc)
		}
	case *syntax.BinaryTest:
		switch x.Op {
		case syntax.TsEql, syntax.TsNeq, syntax.TsLeq, syntax.TsGeq, syntax.TsLss, syntax.TsGtr:
		case syntax.TsReMatch:
			s.test(x.X, sc)
		default:
			s.test(x.X, sc)
			s.test(x.Y, sc)
		}
	}
}

func (s *surveyor) assign(a *syntax.Assign, sc scope) {
	if a.Value != nil {
		s.word(a.Value, sc, spot{})
	}
	if a.Array == nil {
		return
	}
	for _, elem := range a.Array.Elems {
		if elem.Value != nil {
			s.word(elem.Value, sc, spot{many: elem.Index == nil})
		}
	}
}

func (s *surveyor) redirect(r *syntax.Redirect, sc scope) {
	switch r.Op {
	case syntax.DplIn, syntax.DplOut: // the word decides whether a file is opened: not a value's business
	case syntax.Hdoc, syntax.DashHdoc:
		if r.Hdoc != nil {
			s.document(r, sc)
		}
	default:
		s.word(r.Word, sc, spot{})
	}
}

// document surveys the body of a here-document. At the top level values become text. Under <<- leading
// tabs would be lost, and inside $( … ) old shells lose count of quotes: there they are carried.
func (s *surveyor) document(r *syntax.Redirect, sc scope) {
	from, to := s.within(r.Hdoc.Pos(), r.Hdoc.End())
	delimiter := r.Word.Lit()
	if from == to || delimiter == "" || strings.Contains(delimiter, `\`) {
		return
	}
	doc := document{delimiter: delimiter, open: int(r.Word.Pos().Offset()), close: int(r.Hdoc.End().Offset()) - len(delimiter)}
	carried := r.Op == syntax.DashHdoc || sc.substituted || sc.document || !s.closes(doc)
	if !carried {
		s.found.documents = append(s.found.documents, doc)
	}
	inner := sc
	inner.document = true
	for i, part := range r.Hdoc.Parts {
		switch part := part.(type) {
		case *syntax.Lit:
			s.lit(part, context{form: formDocument, carried: carried}, before(r.Hdoc.Parts, i))
		case *syntax.CmdSubst:
			s.substitution(part, inner)
		}
	}
}

// closes tells whether the delimiter stands alone on a line where the tree says it does.
func (s *surveyor) closes(doc document) bool {
	if doc.close <= 0 || !strings.HasPrefix(s.source[doc.close:], doc.delimiter) || s.source[doc.close-1] != '\n' {
		return false
	}
	rest := s.source[doc.close+len(doc.delimiter):]
	return rest == "" || rest[0] == '\n'
}
