package remote

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the format of known_hosts is defined with it
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// knownFile is one known_hosts file, read once and asked by all hosts (sshd(8), SSH_KNOWN_HOSTS
// FILE FORMAT). Plain names are found by a map; only patterns and hashes are walked, once a name.
type knownFile struct {
	path string
	err  error // why it could not be read, or a line of it that must not be passed over

	mu      sync.RWMutex
	plain   map[string][]*knownLine
	walked  []*knownLine
	revoked []*knownLine
}

type knownLine struct {
	path      string
	number    int
	authority bool
	names     []string // lower case; of a hashed line the one hash
	keyType   string
	blob      []byte
}

func (l *knownLine) at() string { return fmt.Sprintf("%s:%d", l.path, l.number) }

func readKnownFile(path string) *knownFile {
	f := &knownFile{path: path, plain: map[string][]*knownLine{}}
	text, err := readLimited(path, knownHostsMax)
	if errors.Is(err, fs.ErrNotExist) {
		return f
	}
	if err != nil {
		f.err = fmt.Errorf("cannot read known hosts: %w", err)
		return f
	}
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		if err := f.parse(line, number); err != nil {
			f.err = err
			return f
		}
	}
	return f
}

// parse takes one line. As ssh does, it passes over a line it cannot read, except one that
// revokes a key.
func (f *knownFile) parse(text string, number int) error {
	words := strings.Fields(text)
	if len(words) == 0 || words[0][0] == '#' {
		return nil
	}
	l, marker := &knownLine{path: f.path, number: number}, ""
	if words[0][0] == '@' {
		marker, words = words[0], words[1:]
	}
	bad := l.read(words)
	if marker == "@revoked" && bad != nil {
		return fmt.Errorf("cannot read the revoked key at %s:%d: %w", f.path, number, bad)
	}
	if bad == nil {
		f.add(l, marker)
	}
	return nil
}

func (l *knownLine) read(words []string) (err error) {
	if len(words) < 3 {
		return errors.New("it has too few words")
	}
	l.names, l.keyType = strings.Split(strings.ToLower(words[0]), ","), words[1]
	if strings.HasPrefix(words[0], "|") {
		l.names = words[:1]
	}
	l.blob, err = base64.StdEncoding.DecodeString(words[2])
	return err
}

// add takes a line by its marker; one with a marker nobody knows is passed over.
func (f *knownFile) add(l *knownLine, marker string) {
	switch marker {
	case "@revoked":
		f.revoked = append(f.revoked, l)
		return
	case "@cert-authority":
		l.authority = true
	case "":
	default:
		return
	}
	if slices.ContainsFunc(l.names, func(n string) bool { return strings.ContainsAny(n, "*?!|") }) {
		f.walked = append(f.walked, l)
		return
	}
	for _, n := range l.names {
		f.plain[n] = append(f.plain[n], l)
	}
}

// about gives the lines about a name, in the form of the file: host, or [host]:port.
func (f *knownFile) about(name string) []*knownLine {
	f.mu.RLock()
	defer f.mu.RUnlock()
	out := slices.Clone(f.plain[name])
	for _, l := range f.walked {
		if l.matches(name) {
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b *knownLine) int { return a.number - b.number })
	return out
}

// revokes gives the line that revokes a key, or nil. A revoked key is refused for every host.
func (f *knownFile) revokes(blob []byte) *knownLine {
	for _, l := range f.revoked {
		if bytes.Equal(l.blob, blob) {
			return l
		}
	}
	return nil
}

// hashed tells a line whose name is hidden in a hash.
func (l *knownLine) hashed() bool { return strings.HasPrefix(l.names[0], "|") }

// pattern tells a line that may be about hosts that it does not name.
func (l *knownLine) pattern() bool {
	return !l.hashed() && slices.ContainsFunc(l.names, func(n string) bool { return strings.ContainsAny(n, "*?!") })
}

func (l *knownLine) matches(name string) bool {
	if l.hashed() {
		return hashMatches(l.names[0], name)
	}
	found := false
	for _, pattern := range l.names {
		if refused, isRefusal := strings.CutPrefix(pattern, "!"); isRefusal {
			if wildcard(refused, name) {
				return false
			}
		} else if wildcard(pattern, name) {
			found = true
		}
	}
	return found
}

// hashMatches compares |1|salt|hash with a name: HMAC-SHA1, the salt as its key.
func hashMatches(hashed, name string) bool {
	parts := strings.Split(hashed, "|")
	if len(parts) != 4 || parts[1] != "1" {
		return false
	}
	salt, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return false
	}
	want, err := base64.StdEncoding.DecodeString(parts[3])
	if err != nil {
		return false
	}
	mac := hmac.New(sha1.New, salt)
	mac.Write([]byte(name)) // a hash never fails to take bytes
	return hmac.Equal(mac.Sum(nil), want)
}

// remember appends a key to the file and to what was read of it.
func (f *knownFile) remember(name string, key ssh.PublicKey, hash bool) error {
	blob := key.Marshal()
	written := name
	if hash {
		written = knownhosts.HashHostname(name)
	}
	line := fmt.Sprintf("%s %s %s\n", written, key.Type(), base64.StdEncoding.EncodeToString(blob))
	number, err := appendLine(f.path, line)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.add(&knownLine{path: f.path, number: number, names: []string{name}, keyType: key.Type(), blob: blob}, "")
	return nil
}

// wildcard matches * and ? and nothing else; both go over separators.
func wildcard(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func readLimited(path string, limit int64) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err = io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", path, limit)
	}
	return text, err
}
