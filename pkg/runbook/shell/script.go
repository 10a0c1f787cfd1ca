package shell

import (
	"fmt"

	"mvdan.cc/sh/v3/syntax"
)

// Limits of a script. The parser recurses, so the length bounds its stack too.
const (
	BytesMax    = 256 << 10 // of the script as written
	PlacesMax   = 4096      // interpolations in one script
	ProblemsMax = 50        // told of one script
	DepthMax    = 1000      // brackets in brackets
)

// Part is a piece of a script as written.
type Part struct {
	Text   string // the literal text; of an interpolation, its source where known (it gives a problem its width)
	Value  int    // -1: literal; else the index of the interpolation
	Offset int    // in bytes, in the original source
}

// Dialect tells which shell will read the script.
type Dialect int

// The dialects. Other shells get their values through the environment, not here.
const (
	Posix Dialect = iota // sh, whichever shell that is on the host
	Bash
)

// Use tells how an interpolation is to be inserted.
type Use struct {
	Raw    bool // as it stands, unquoted
	Secret bool // never in the text: by environment variable
}

// Problem is a mistake in a script; its Offset and Width are bytes of the original source.
type Problem struct {
	Offset  int
	Width   int
	Message string
	Hint    string
}

// Script is a parsed script, ready to be rendered any number of times, also concurrently.
type Script struct {
	source    string // with a placeholder at each place
	pieces    []piece
	documents []document
}

// piece is literal text, a place, or one end of a here-document whose delimiter may have to change.
type piece struct {
	kind  pieceKind
	text  string
	place int // index of the value, for a place
	use   Use
	ctx   context
	doc   int // index of the document, for a delimiter
}

type pieceKind uint8

const (
	pieceText pieceKind = iota
	pieceValue
	pieceOpening // the delimiter after <<
	pieceClosing // the line that ends the here-document
)

// document is a here-document with values written into its text.
type document struct {
	delimiter string
	open      int // offset of the delimiter word in the assembled source
	close     int // offset of the closing delimiter
}

// Parse reads the script and decides the form of each interpolation; uses holds one Use for each
// index of an interpolation. The Script is nil if there are problems. They are all found at once,
// but for a syntax error, behind which nothing can be known.
func Parse(parts []Part, dialect Dialect, uses []Use) (*Script, []Problem) {
	asm := assemble(parts, uses)
	if problems := asm.unreadable(); len(problems) > 0 {
		return nil, problems
	}
	lang := syntax.LangPOSIX
	if dialect == Bash {
		lang = syntax.LangBash
	}
	file, err := parseAs(asm.source, lang)
	if err != nil {
		return nil, []Problem{asm.syntaxProblem(err, dialect)}
	}
	var problems []Problem
	if dialect == Posix {
		problems = asm.bracketProblems(file)
	}
	script := &Script{source: asm.source}
	if len(asm.places) == 0 {
		if len(problems) > 0 {
			return nil, problems
		}
		return script, nil
	}
	found := asm.survey(file, lang)
	if dialect == Posix && asm.quoted() {
		again, err := parseAs(asm.source, syntax.LangBash)
		if err != nil {
			problem := asm.syntaxProblem(err, Bash)
			problem.Message = "where sh is bash this script cannot be read: " + problem.Message
			return nil, append(problems, problem)
		}
		found.agree(asm.survey(again, syntax.LangBash))
	}
	problems = append(problems, asm.placeProblems(found)...)
	if len(problems) > 0 {
		return nil, problems
	}
	script.documents = found.documents
	script.pieces = asm.cut(found)
	return script, nil
}

// agree keeps what both readings say, and refuses the places where they differ.
func (f *findings) agree(other *findings) {
	for i := range f.contexts {
		mine, theirs := &f.contexts[i], other.contexts[i]
		switch {
		case mine.form == formNone:
		case theirs.form == formNone:
			*mine = theirs
		case *mine != theirs:
			mine.form = formNone
			mine.message = "a value stands here that sh and bash quote differently"
			mine.hint = "assign it to a variable first: v=${{ … }}; then \"$v\""
		}
	}
}

// placeProblems lists the places without a safe form.
func (a *assembly) placeProblems(found *findings) []Problem {
	var problems []Problem
	var trees []*syntax.File // read when the first problem needs them
	for i := range a.places {
		if len(problems) == ProblemsMax {
			break
		}
		p := &a.places[i]
		if p.use.Raw && p.use.Secret {
			problems = append(problems, a.problem(i, "raw() cannot insert a secret", "leave raw() away"))
			continue
		}
		ctx := found.contexts[i]
		if p.use.Raw || ctx.form != formNone {
			continue
		}
		message, hint := ctx.message, ctx.hint
		if message == "" {
			if trees == nil {
				trees = a.trees()
			}
			message, hint = a.diagnose(trees, p.at)
		}
		problems = append(problems, a.problem(i, message, hint))
	}
	return problems
}

// String describes the dialect for messages.
func (d Dialect) String() string {
	switch d {
	case Posix:
		return "sh"
	case Bash:
		return "bash"
	}
	return fmt.Sprintf("dialect %d", int(d))
}
