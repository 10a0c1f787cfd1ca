package secret

import (
	"errors"
	"fmt"
)

// The kinds of a Source.
const (
	Env     = "env"
	File    = "file"
	Command = "command"
	Age     = "age"
	Sops    = "sops"
	Prompt  = "prompt"
)

// Source tells where a secret is.
type Source struct {
	Kind string
	Name string   // env: the variable; file, age, sops: the path; prompt: the question
	Argv []string // command: the program and its arguments
	Key  string   // age, sops: the dotted path within the decrypted YAML or JSON; "" is the whole text
}

// String names the source for people. Of a command it gives the program alone: what follows may
// be secret itself.
func (s Source) String() string {
	switch {
	case s.Kind == Env:
		return "the variable " + s.Name
	case s.Kind == File:
		return "the file " + s.Name
	case s.Kind == Command && len(s.Argv) > 0:
		return "the command " + s.Argv[0]
	case s.Kind == Prompt:
		return fmt.Sprintf("the question %q", s.Name)
	case s.Key != "":
		return fmt.Sprintf("%q in the %s file %s", s.Key, s.Kind, s.Name)
	}
	return fmt.Sprintf("the %s file %s", s.Kind, s.Name)
}

// Error tells which secret cannot be had, why, and what to do about it. It never holds a secret.
type Error struct {
	Source Source
	Reason string
	Hint   string // the next move, or ""
	cause  error  // the end of a context, or nil
}

func (e *Error) Error() string {
	return fmt.Sprintf("cannot get a secret from %s: %s", e.Source, e.Reason)
}

// Unwrap gives context.Canceled or context.DeadlineExceeded where that is why.
func (e *Error) Unwrap() error { return e.cause }

// refusal is why something cannot be had, said by those who do not know for which source it is.
type refusal struct {
	reason string
	hint   string
	cause  error
}

func (r *refusal) Error() string { return r.reason }

func refuse(hint, format string, values ...any) error {
	return &refusal{reason: fmt.Sprintf(format, values...), hint: hint}
}

// failure says for which source something was refused.
func failure(s Source, err error) *Error {
	failed := &Error{Source: s, Reason: err.Error()}
	var r *refusal
	if errors.As(err, &r) {
		failed.Hint, failed.cause = r.hint, r.cause
	}
	return failed
}
