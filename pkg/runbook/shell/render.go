package shell

import (
	"fmt"
	"strconv"
	"strings"
)

const variablePrefix = "OPSCTL_VALUE_"

// Value is what goes into a place.
type Value struct {
	Words []string // one of a scalar
	List  bool
}

// Render writes the script with its values; values holds one for each index of an interpolation.
// env holds, by variable name, the values that must not or cannot stand in the text: the secrets, and
// those in <<- here-documents and in here-documents nested with $( … ). A list becomes several words
// where it is a whole unquoted word, and one text joined by spaces elsewhere; an empty list
// becomes no word, or an empty one where it is the name of a command.
func (s *Script) Render(values []Value) (text string, env map[string]string, err error) {
	if len(s.pieces) == 0 {
		return s.source, nil, nil
	}
	r := renderer{script: s, values: values, joined: map[int]string{}}
	out := make([]string, len(s.pieces))
	for i, p := range s.pieces {
		switch p.kind {
		case pieceText:
			out[i] = p.text
		case pieceValue:
			if out[i], err = r.place(p); err != nil {
				return "", nil, err
			}
		}
	}
	r.delimit(out)
	return strings.Join(out, ""), r.env, nil
}

type renderer struct {
	script *Script
	values []Value
	env    map[string]string
	joined map[int]string // the variable that holds a value as one text
	count  int
}

func (r *renderer) place(p piece) (string, error) {
	if p.place >= len(r.values) {
		return "", fmt.Errorf("cannot render the script: value %d is missing", p.place+1)
	}
	value := r.values[p.place]
	for _, w := range value.Words {
		if strings.IndexByte(w, 0) >= 0 {
			return "", fmt.Errorf("cannot put value %d into the script: it holds a NUL byte, which no shell can pass on", p.place+1)
		}
	}
	if p.use.Raw {
		return strings.Join(value.Words, " "), nil
	}
	if p.ctx.many && value.List {
		return r.words(p, value.Words), nil
	}
	joined := strings.Join(value.Words, " ")
	if p.use.Secret || p.ctx.carried {
		return r.expansion(p, joined), nil
	}
	switch p.ctx.form {
	case formDouble:
		return `"` + Quote(joined) + `"`, nil
	case formSingle:
		return quoteInner(joined), nil
	case formDocument:
		return documentText(joined), nil
	default:
		return Quote(joined), nil
	}
}

// words writes a list as several words.
func (r *renderer) words(p piece, words []string) string {
	if len(words) == 0 && p.ctx.command {
		return "''"
	}
	quoted := make([]string, len(words))
	for i, w := range words {
		if p.use.Secret || p.ctx.carried {
			quoted[i] = `"$` + r.variable(w) + `"`
		} else {
			quoted[i] = Quote(w)
		}
	}
	return strings.Join(quoted, " ")
}

// expansion writes a value as the expansion of a variable, in the quotes of its place.
func (r *renderer) expansion(p piece, text string) string {
	name, ok := r.joined[p.place]
	if !ok {
		name = r.variable(text)
		r.joined[p.place] = name
	}
	switch p.ctx.form {
	case formDouble, formDocument:
		return "${" + name + "}"
	case formSingle:
		return `'"${` + name + `}"'`
	default:
		return `"$` + name + `"`
	}
}

// variable puts text into the environment, under a name the script does not speak of.
func (r *renderer) variable(text string) string {
	if r.env == nil {
		r.env = map[string]string{}
	}
	for {
		r.count++
		name := variablePrefix + strconv.Itoa(r.count)
		if !strings.Contains(r.script.source, name) {
			r.env[name] = text
			return name
		}
	}
}
