package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// document is a decrypted file. Most have several secrets, so it is read once.
type document struct {
	text string
	root *source.Node // nil where whole texts are asked for
}

// document decrypts a file, once for all its keys.
func (f *Fetcher) document(ctx context.Context, s Source) (*document, error) {
	path, keyed := f.path(s.Name), s.Key != ""
	return f.documents.get(ctx, fmt.Sprintf("%s %t %s", s.Kind, keyed, path), func() (*document, error) {
		decrypt := f.decryptAge
		if s.Kind == Sops {
			decrypt = func(ctx context.Context, path string) (string, error) { return f.decryptSops(ctx, path, keyed) }
		}
		text, err := decrypt(ctx, path)
		if err != nil {
			return nil, err
		}
		d := &document{text: text}
		if keyed {
			d.root, err = parse(text)
		}
		return d, err
	})
}

// decryptSops leaves the work to the program: as a library it brings the clients of every cloud.
func (f *Fetcher) decryptSops(ctx context.Context, path string, keyed bool) (string, error) {
	if _, err := exec.LookPath("sops"); err != nil {
		return "", refuse("install sops (https://getsops.io), or encrypt the file with age, which opsctl reads itself", "the program sops is not installed")
	}
	if _, err := readOpen(path, 2*documentMax); err != nil { // sops says it less well
		return "", err
	}
	argv := []string{"sops", "-d"}
	if keyed { // whatever the file is, YAML, JSON, dotenv or INI
		argv = append(argv, "--output-type", "json")
	}
	return f.output(ctx, append(argv, path), documentMax)
}

// parse reads a decrypted text. What the parser says about it is thrown away but for the place:
// it quotes the text.
func parse(text string) (*source.Node, error) {
	text, err := tame(text)
	if err != nil {
		return nil, err
	}
	root, err := source.Parse(&source.File{Text: text})
	if err == nil {
		return root, nil
	}
	where := ""
	if problems, ok := source.AsProblems(err); ok && len(problems) > 0 && problems[0].Pos.Line > 0 {
		where = fmt.Sprintf(" (line %d, column %d)", problems[0].Pos.Line, problems[0].Pos.Column)
	}
	return nil, refuse("it is not shown, because it is secret", "its text is not right as YAML%s", where)
}

// tame writes JSON in a form that is YAML too: with tabs, as sops indents it, or with surrogates
// it is not.
func tame(text string) (string, error) {
	if !strings.HasPrefix(strings.TrimSpace(text), "{") || !json.Valid([]byte(text)) {
		return text, nil
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return "", refuse("", "its decrypted text is not right as JSON")
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return "", refuse("", "its decrypted text is not right as JSON")
	}
	return b.String(), nil
}

// value gives the text at a dotted key, or the whole text.
func (d *document) value(key string) (string, error) {
	if key == "" {
		return dropNewlines(d.text), nil
	}
	n := find(d.root, key)
	switch {
	case n == nil:
		return "", refuse(near(d.root, key), "there is no such key")
	case n.Kind == source.List || n.Kind == source.Map:
		return "", refuse("go on to what is in it: "+key+".…", "there are several values at that key, not one")
	case n.Kind == source.Null:
		return "", refuse("", "there is nothing at that key")
	}
	return n.Text, nil // as it is written: 1.10 and 0123 keep their form
}

// find follows a dotted key. A key may have dots itself; of a list, a number counts from 0.
func find(n *source.Node, key string) *source.Node {
	if whole := child(n, key); whole != nil {
		return whole
	}
	for i, r := range key {
		if r != '.' {
			continue
		}
		if inner := child(n, key[:i]); inner != nil {
			if found := find(inner, key[i+1:]); found != nil {
				return found
			}
		}
	}
	return nil
}

func child(n *source.Node, key string) *source.Node {
	if n.Kind == source.List {
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(n.Items) {
			return n.Items[i]
		}
		return nil
	}
	return n.Get(key)
}

// near offers the key that was most likely meant. The other keys stay unseen.
func near(n *source.Node, key string) string {
	before, word := "", key
	for {
		first, rest, more := strings.Cut(word, ".")
		inner := child(n, first)
		if !more || inner == nil {
			break
		}
		n, before, word = inner, before+first+".", rest
	}
	first, rest, more := strings.Cut(word, ".")
	var names []string
	for _, p := range n.Pairs {
		names = append(names, p.Key.Text)
	}
	nearest := source.Nearest(first, names)
	if nearest == "" {
		return ""
	}
	if more {
		nearest += "." + rest
	}
	return fmt.Sprintf("did you mean %q?", before+nearest)
}

// readAll reads what was decrypted, up to the limit.
func readAll(r io.Reader, limit int) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return "", refuse("take it from a backup, or encrypt it anew", "it is damaged, or was altered: it cannot be decrypted to its end")
	}
	if len(text) > limit {
		return "", refuse("", "decrypted, it is longer than %d KiB", limit>>10)
	}
	return string(text), nil
}
