package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// assembly is the script as the parser reads it: every interpolation is replaced by one placeholder,
// a harmless name, so that whatever would glue to a value (`$`, `x` in `x${{ v }}=1`) glues to it and is seen.
type assembly struct {
	source      string
	placeholder string
	places      []place
	parts       []Part
	starts      []int // offset of each part in source
}

type place struct {
	at    int // offset in the assembled source
	part  int
	value int
	use   Use
}

func assemble(parts []Part, uses []Use) *assembly {
	a := &assembly{parts: parts}
	if len(parts) == 1 && parts[0].Value < 0 {
		a.source, a.starts = parts[0].Text, []int{0}
		return a
	}
	a.placeholder = unusedName(parts)
	a.starts = make([]int, len(parts))
	var b strings.Builder
	for i, part := range parts {
		a.starts[i] = b.Len()
		if part.Value < 0 {
			b.WriteString(part.Text)
			continue
		}
		p := place{at: b.Len(), part: i, value: part.Value}
		if part.Value < len(uses) {
			p.use = uses[part.Value]
		}
		a.places = append(a.places, p)
		b.WriteString(a.placeholder)
	}
	a.source = b.String()
	return a
}

// unusedName returns a name that no literal part holds a piece of.
func unusedName(parts []Part) string {
	for n := 0; ; n++ {
		name := fmt.Sprintf("OpsctlPlace%dx", n)
		if !slices.ContainsFunc(parts, func(p Part) bool { return p.Value < 0 && strings.Contains(p.Text, name[:len(name)-1]) }) {
			return name
		}
	}
}

// unreadable finds what is refused before any parsing.
func (a *assembly) unreadable() []Problem {
	if len(a.source) > BytesMax {
		return []Problem{{Message: fmt.Sprintf("the script is longer than %d bytes", BytesMax), Hint: "put it into a file and send that"}}
	}
	if len(a.places) > PlacesMax {
		return []Problem{a.problem(PlacesMax, fmt.Sprintf("more than %d values in one script", PlacesMax), "")}
	}
	if i := strings.IndexByte(a.source, 0); i >= 0 {
		return []Problem{{Offset: a.original(i), Width: 1, Message: "a NUL byte in the script"}}
	}
	if i := tooDeep(a.source); i >= 0 {
		return []Problem{{Offset: a.original(i), Width: 1, Message: fmt.Sprintf("brackets nested deeper than %d", DepthMax), Hint: "put it into a file and send that"}}
	}
	// Shells take a carriage return for an ordinary character, the parser takes it for space.
	if i := strings.IndexByte(a.source, '\r'); i >= 0 && len(a.places) > 0 {
		return []Problem{{
			Offset: a.original(i), Width: 1, Message: "a carriage return in a script with values",
			Hint: "save the file with LF line ends; where a program needs one, write it as printf '\\r'",
		}}
	}
	return nil
}

// tooDeep finds where more brackets are open than a person would write, or gives -1: the parser is
// recursive, and takes a kilobyte and more for each. Quotes are not looked at: what is quoted and so
// unbalanced does not come near the limit.
func tooDeep(source string) int {
	depth := 0
	for i := range len(source) {
		switch source[i] {
		case '(', '{':
			if depth++; depth > DepthMax {
				return i
			}
		case ')', '}':
			depth = max(0, depth-1)
		}
	}
	return -1
}

// quoted tells whether any value needs quoting, that is, is not raw.
func (a *assembly) quoted() bool {
	return slices.ContainsFunc(a.places, func(p place) bool { return !p.use.Raw })
}

// within returns the indexes of the places in [from, to) of the assembled source.
func (a *assembly) within(from, to syntax.Pos) (int, int) {
	find := func(offset uint) int {
		i, _ := slices.BinarySearchFunc(a.places, int(offset), func(p place, at int) int { return p.at - at })
		return i
	}
	return find(from.Offset()), find(to.Offset())
}

// original maps an offset in the assembled source to one in the original source.
func (a *assembly) original(offset int) int {
	if len(a.parts) == 0 {
		return 0
	}
	i, exact := slices.BinarySearch(a.starts, offset)
	if !exact {
		i--
	}
	part := a.parts[i]
	if part.Value >= 0 {
		return part.Offset
	}
	return part.Offset + min(offset-a.starts[i], len(part.Text))
}

// problem makes a problem at a place.
func (a *assembly) problem(i int, message, hint string) Problem {
	at := a.places[i].part
	part := a.parts[at]
	width := len(part.Text)
	if width == 0 && at+1 < len(a.parts) {
		width = a.parts[at+1].Offset - part.Offset
	}
	return Problem{Offset: part.Offset, Width: max(width, 1), Message: message, Hint: hint}
}

// parseAs reads the source in one dialect.
func parseAs(source string, lang syntax.LangVariant, options ...syntax.ParserOption) (*syntax.File, error) {
	return syntax.NewParser(append(options, syntax.Variant(lang))...).Parse(strings.NewReader(source), "")
}

// syntaxProblem says what the parser found, at its place and without the placeholder's name.
func (a *assembly) syntaxProblem(err error, dialect Dialect) Problem {
	var parseError syntax.ParseError
	var langError syntax.LangError
	p := Problem{Width: 1}
	switch {
	case errors.As(err, &langError):
		p.Offset = a.original(int(langError.Pos.Offset()))
		verb := "is"
		if strings.HasSuffix(langError.Feature, "s") {
			verb = "are"
		}
		name := "bash"
		if dialect == Posix {
			name = "POSIX sh"
		}
		p.Message = fmt.Sprintf("%s %s not part of %s", langError.Feature, verb, name)
	case errors.As(err, &parseError):
		p.Offset = a.original(int(parseError.Pos.Offset()))
		p.Message = "cannot read the script: " + parseError.Text
	default:
		p.Message = "cannot read the script: " + err.Error()
	}
	if a.placeholder != "" {
		p.Message = strings.ReplaceAll(p.Message, a.placeholder, "${{ … }}")
	}
	if dialect == Posix {
		if _, err := parseAs(a.source, syntax.LangBash); err == nil {
			p.Hint = bashHint
		}
	}
	return p
}

const bashHint = `this is bash: write "shell: bash"`

// bracketProblems finds [[ … ]], which POSIX reads as a command of that name.
func (a *assembly) bracketProblems(file *syntax.File) []Problem {
	if !strings.Contains(a.source, "[[") {
		return nil
	}
	var problems []Problem
	for node := range syntax.Preorder(file) {
		call, ok := node.(*syntax.CallExpr)
		if ok && len(call.Args) > 0 && call.Args[0].Lit() == "[[" {
			problems = append(problems, Problem{
				Offset: a.original(int(call.Args[0].Pos().Offset())), Width: 2,
				Message: "[[ … ]] is not part of POSIX sh", Hint: `write [ … ], or "shell: bash"`,
			})
		}
	}
	return problems
}

// cut splits the assembled source at its places and at the ends of its here-documents.
func (a *assembly) cut(found *findings) []piece {
	type mark struct {
		at, width int
		piece     piece
	}
	marks := make([]mark, 0, len(a.places)+2*len(found.documents))
	for i, p := range a.places {
		marks = append(marks, mark{p.at, len(a.placeholder), piece{kind: pieceValue, place: p.value, use: p.use, ctx: found.contexts[i]}})
	}
	for i, d := range found.documents {
		marks = append(marks,
			mark{d.open, len(d.delimiter), piece{kind: pieceOpening, doc: i}},
			mark{d.close, len(d.delimiter), piece{kind: pieceClosing, doc: i}})
	}
	slices.SortFunc(marks, func(x, y mark) int { return x.at - y.at })
	pieces := make([]piece, 0, 2*len(marks)+1)
	at := 0
	for _, m := range marks {
		if m.at > at {
			pieces = append(pieces, piece{text: a.source[at:m.at]})
		}
		pieces = append(pieces, m.piece)
		at = m.at + m.width
	}
	if at < len(a.source) {
		pieces = append(pieces, piece{text: a.source[at:]})
	}
	return pieces
}
