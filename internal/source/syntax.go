package source

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v4"
)

// quotedFirst finds if: "a" == b, which YAML reads as a quoted text with something behind it.
var quotedFirst = regexp.MustCompile(`^[ -]*(if|that|changed_if|failed_if|[a-z_]+): *"[^"]*" +[=!<>a-z]`)

var tabIndent = regexp.MustCompile(`^ *\t[ \t]*\S`)

// syntaxProblem rewrites what the YAML library says for the person who wrote the file.
func syntaxProblem(file *File, err error) *Problem {
	p := &Problem{File: file, Pos: Pos{1, 1}}
	message, begun := strings.TrimPrefix(err.Error(), "yaml: "), 0
	var load *yaml.LoadError
	if errors.As(err, &load) {
		message, begun = load.Message, load.ContextMark.Line
		p.Pos = Pos{min(max(1, load.Mark.Line), 1+strings.Count(strings.TrimRight(file.Text, "\n"), "\n")), max(1, load.Mark.Column)}
		if load.Mark.Line > p.Pos.Line { // the end of the file is no place to look at
			p.Pos.Column = max(1, len(file.Line(p.Pos.Line)))
		}
	}
	message, _, _ = strings.Cut(message, "\n")
	p.Message = "cannot read this as YAML: " + message
	for n := max(1, p.Pos.Line-1); n <= p.Pos.Line+1; n++ {
		line := file.Line(n)
		if tabIndent.MatchString(line) {
			p.Pos = Pos{n, strings.IndexByte(line, '\t') + 1}
			p.Message, p.Hint = "a tab in the indentation; YAML allows only spaces there", "replace each tab by spaces"
			return p
		}
	}
	line := file.Line(p.Pos.Line)
	switch {
	case quotedFirst.MatchString(line):
		p.Hint = "an expression that begins with a quote is quoted as a whole: if: '\"a\" == b'"
	case strings.Contains(message, "cannot start any token"):
		p.Hint = "a text that begins with %, @ or ` is written in quotes"
	case strings.Contains(message, "unknown escape"):
		p.Hint = `in "…" a backslash begins an escape; write '…' instead`
	case strings.Contains(message, "unknown anchor"):
		p.Hint = "an anchor is set by &name, before it is used by *name"
	case begun > 0 && begun < p.Pos.Line:
		p.Hint = fmt.Sprintf("what is not ended here begins in line %d", begun)
	case strings.Contains(line, "${{") && (strings.Contains(line, ": ") || strings.Contains(line, "{")):
		p.Hint = "quote the whole value: \"…${{ x }}…\""
	case strings.Contains(message, "mapping values are not allowed"):
		p.Hint = `a value that holds ": " is written in quotes`
	}
	return p
}
