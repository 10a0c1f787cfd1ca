package secret

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Fetcher gets secrets, and keeps them: each is got once, and each encrypted file decrypted once.
// It may be used by several goroutines. Its fields are not changed once it is used.
type Fetcher struct {
	Dir         string                                                     // relative paths start here; "" is the working directory
	Env         func(name string) (string, bool)                           // nil: the environment of this process
	Ask         func(ctx context.Context, question string) (Secret, error) // nil: nobody can be asked
	Identities  []string                                                   // files of age identities or SSH keys; nil: see defaultIdentities
	Masker      *Masker                                                    // learns every secret before it is given out; may be nil
	CommandTime time.Duration                                              // limit of one command; 0 is a minute

	values    held[Secret]
	documents held[*document]
	unlocked  held[unlockedKeys]
	asking    turn // two questions never stand at a terminal at once
}

// Fetch gives the secret of a source. An error is an *Error.
func (f *Fetcher) Fetch(ctx context.Context, s Source) (Secret, error) {
	got, err := f.values.get(ctx, flightKey(s), func() (Secret, error) {
		got, err := f.fetch(ctx, s)
		if err == nil && f.Masker != nil {
			f.Masker.Add(got)
		}
		return got, err
	})
	if err != nil {
		return Secret{}, failure(s, err)
	}
	return got, nil
}

// flightKey tells sources apart; %q keeps the ends of the parts.
func flightKey(s Source) string {
	return fmt.Sprintf("%q %q %q %q", s.Kind, s.Name, s.Argv, s.Key)
}

func (f *Fetcher) fetch(ctx context.Context, s Source) (Secret, error) {
	if err := ctx.Err(); err != nil {
		return Secret{}, &refusal{reason: "the run was told to stop", cause: err}
	}
	switch s.Kind {
	case Env:
		return f.variable(s)
	case File:
		text, err := readPrivate(f.path(s.Name), secretMax)
		return f.checked(dropNewlines(text), err)
	case Command:
		text, err := f.output(ctx, s.Argv, secretMax)
		return f.checked(dropNewlines(text), err)
	case Age, Sops:
		d, err := f.document(ctx, s)
		if err != nil {
			return Secret{}, err
		}
		text, err := d.value(s.Key)
		return f.checked(text, err)
	case Prompt:
		answer, err := f.ask(ctx, s.Name)
		return f.checked(dropNewlines(answer), err)
	}
	return Secret{}, refuse("the kinds are env, file, command, age, sops and prompt", "%q is no kind of source", s.Kind)
}

func (f *Fetcher) variable(s Source) (Secret, error) {
	text, set := f.lookup(s.Name)
	if !set {
		return Secret{}, refuse("set it where opsctl is started: "+s.Name+"=… opsctl …", "it is not set")
	}
	return f.checked(text, nil)
}

func (f *Fetcher) lookup(name string) (string, bool) {
	if f.Env != nil {
		return f.Env(name)
	}
	return os.LookupEnv(name)
}

// checked makes a Secret of a text that can be one.
func (f *Fetcher) checked(text string, err error) (Secret, error) {
	switch {
	case err != nil:
		return Secret{}, err
	case text == "":
		return Secret{}, refuse("", "it is empty")
	case len(text) > secretMax:
		return Secret{}, refuse("", "it is longer than %d KiB", secretMax>>10)
	case strings.IndexByte(text, 0) >= 0:
		return Secret{}, refuse("encode it, for example with base64", "it holds a NUL, which no command can be given")
	}
	return New(text), nil
}

// dropNewlines drops those at the end, as $(…) does.
func dropNewlines(text string) string { return strings.TrimRight(text, "\n") }

// ask puts a question to a person, one at a time.
func (f *Fetcher) ask(ctx context.Context, question string) (string, error) {
	if f.Ask == nil {
		return "", refuse("run opsctl at a terminal, or let the secret come from env, file or command", "nobody is there to be asked")
	}
	end, err := f.asking.take(ctx)
	if err != nil {
		return "", err
	}
	defer end()
	answer, err := f.Ask(ctx, question)
	if err != nil {
		return "", &refusal{reason: "there was no answer: " + err.Error(), cause: ctx.Err()}
	}
	return answer.Reveal(), nil
}

// path gives a path its place: ~/ is the home directory, relative ones start at Dir.
func (f *Fetcher) path(name string) string {
	if rest, below := strings.CutPrefix(name, "~/"); below {
		if home, ok := f.lookup("HOME"); ok {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.Dir, name)
}
