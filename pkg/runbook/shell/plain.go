package shell

import (
	"fmt"
	"regexp"
	"strings"
)

// plainWord is what a value may be where nothing can quote it: characters that no command line of
// a device takes for anything but themselves.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9._:/@%+=,-]*$`)

// Plain is a command that no shell reads: it is sent to the host as it stands. Nothing in it can be
// quoted, for what reads it there is not known.
type Plain struct {
	parts []Part
	uses  []Use
}

// ParsePlain takes a command as written; uses holds one Use for each index of an interpolation. A
// value that must not stand in the text has no place in it.
func ParsePlain(parts []Part, uses []Use) (*Plain, []Problem) {
	var problems []Problem
	for _, p := range parts {
		if p.Value >= 0 && uses[p.Value].Secret {
			problems = append(problems, Problem{
				Offset: p.Offset, Width: len(p.Text),
				Message: "a secret, or a value that is not known yet, cannot stand in a command that no shell reads: it would be seen by all who see the command",
				Hint:    "give it by stdin, if the host reads it there",
			})
		}
	}
	return &Plain{parts: parts, uses: uses}, problems
}

// Render writes the command with its values. One that is not a plain word is refused, unless it is
// inserted raw. The line breaks at the end, which YAML puts there, are left out.
func (p *Plain) Render(values []Value) (string, error) {
	var b strings.Builder
	for _, part := range p.parts {
		if part.Value < 0 {
			b.WriteString(part.Text)
			continue
		}
		if part.Value >= len(values) {
			return "", fmt.Errorf("cannot render the command: value %d is missing", part.Value+1)
		}
		words := values[part.Value].Words
		for _, w := range words {
			if !p.uses[part.Value].Raw && !plainWord.MatchString(w) {
				return "", fmt.Errorf("cannot put %.60q into a command that no shell reads: only letters, digits and . _ : / @ %% + = , - can stand there unquoted", w)
			}
		}
		b.WriteString(strings.Join(words, " "))
	}
	text := strings.TrimRight(b.String(), "\r\n")
	if strings.IndexByte(text, 0) >= 0 {
		return "", fmt.Errorf("cannot send the command: it holds a NUL byte")
	}
	if strings.TrimSpace(text) == "" {
		return "", fmt.Errorf("cannot send the command: there is nothing in it")
	}
	return text, nil
}
