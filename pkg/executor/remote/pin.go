package remote

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh/knownhosts"
)

// Pins are keys to be written into a known_hosts file. Keys that are new are added; those that
// changed replace what is there for the same host and type, which becomes a comment.
type Pins struct {
	Path string
	Keys []HostKey
	Hash bool   // names are written as hashes
	Date string // of the comments
}

// Write writes the file anew, at once and readable by its owner alone; all its other lines stay.
func (p Pins) Write() error {
	path := p.Path
	if real, err := filepath.EvalSymlinks(path); err == nil { // a link stays one
		path = real
	}
	before, err := readLimited(path, knownHostsMax)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var b bytes.Buffer
	for line := range strings.Lines(string(before)) {
		b.WriteString(p.without(strings.TrimSuffix(line, "\n")) + "\n")
	}
	written := map[string]bool{}
	for _, k := range p.Keys {
		text := k.Type + " " + base64.StdEncoding.EncodeToString(k.key.Marshal())
		if written[k.Name+" "+text] {
			continue // another host by the same name
		}
		written[k.Name+" "+text] = true
		name := k.Name
		if p.Hash {
			name = knownhosts.HashHostname(name)
		}
		b.WriteString(name + " " + text + "\n")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return replaceFile(path, b.Bytes())
}

// without gives a line as it stays: itself, or a comment and what it says of other hosts.
func (p Pins) without(line string) string {
	words := strings.Fields(line)
	l := &knownLine{}
	if len(words) == 0 || strings.ContainsAny(words[0][:1], "#@") || l.read(words) != nil || l.pattern() {
		return line
	}
	rest := l.names
	for _, k := range p.Keys {
		if k.State == KeyChanged && k.Type == l.keyType && !bytes.Equal(k.key.Marshal(), l.blob) {
			rest = slices.DeleteFunc(slices.Clone(rest), func(name string) bool {
				return name == k.Name || strings.HasPrefix(name, "|") && hashMatches(name, k.Name)
			})
		}
	}
	if len(rest) == len(l.names) {
		return line
	}
	comment := fmt.Sprintf("# replaced %s: %s", p.Date, line)
	if len(rest) == 0 {
		return comment
	}
	return comment + "\n" + strings.Join(rest, ",") + " " + strings.Join(words[1:], " ")
}

// replaceFile writes a file beside the old one and puts it in its place.
func replaceFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // its mode is 0600
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
