package sshconfig

import (
	"crypto/sha1" //nolint:gosec // %C is defined as SHA-1; nothing is protected by it
	"encoding/hex"
	"fmt"
	"os/user"
	"path/filepath"
	"strings"
)

// tokenFunc gives the meaning of "%c".
type tokenFunc func(c byte) (string, bool)

// expand replaces the tokens of ssh_config(5).
func expand(text string, meaning tokenFunc) (string, error) {
	if strings.IndexByte(text, '%') < 0 {
		return text, nil
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '%' {
			b.WriteByte(text[i])
			continue
		}
		if i++; i >= len(text) {
			return "", fmt.Errorf(`a "%%" stands at the end of %q; a percent sign is written "%%%%"`, text)
		}
		if text[i] == '%' {
			b.WriteByte('%')
			continue
		}
		value, ok := meaning(text[i])
		if !ok {
			return "", fmt.Errorf("%q is not known here, in %q", "%"+text[i:i+1], text)
		}
		b.WriteString(value)
		if b.Len() > TextBytesMax {
			return "", fmt.Errorf("%q grows beyond %d bytes", text, TextBytesMax)
		}
	}
	return b.String(), nil
}

// tokens are all that ssh_config(5) allows for paths and Match exec.
func (w *resolution) tokens() tokenFunc {
	return func(c byte) (string, bool) {
		o := &w.r.options
		switch c {
		case 'h':
			return w.currentHost(), true
		case 'n':
			return w.host, true
		case 'p':
			return w.currentPort(), true
		case 'r':
			return w.currentUser(), true
		case 'u':
			return o.LocalUser, true
		case 'd':
			return o.Home, true
		case 'L':
			return shortHost(o.LocalHost), true
		case 'l':
			return o.LocalHost, true
		case 'k':
			if alias := w.first("hostkeyalias"); alias != "" {
				return strings.ToLower(alias), true
			}
			return w.host, true
		case 'C':
			sum := sha1.Sum([]byte(o.LocalHost + w.currentHost() + w.currentPort() + w.currentUser() + w.hop())) //nolint:gosec // see the import
			return hex.EncodeToString(sum[:]), true
		case 'j':
			return w.hop(), true
		case 'i':
			u, err := user.Current()
			if err != nil {
				return "", false
			}
			return u.Uid, true
		}
		return "", false
	}
}

// hop is the last jump host, with its user and port as far as they are written.
func (w *resolution) hop() string {
	if !w.jumps() {
		return ""
	}
	hops := strings.Split(w.first("proxyjump"), ",")
	return hops[len(hops)-1]
}

// proxyTokens are those of ProxyCommand and ProxyJump.
func (w *resolution) proxyTokens() tokenFunc {
	all := w.tokens()
	return func(c byte) (string, bool) {
		if strings.IndexByte("hnpr", c) < 0 {
			return "", false
		}
		return all(c)
	}
}

// path expands "~", tokens and ${NAME}.
func (w *resolution) path(text string) (string, error) {
	text, err := w.r.tilde(text)
	if err != nil {
		return "", err
	}
	if strings.Contains(text, "${") {
		escape := func(value string) string { return strings.ReplaceAll(value, "%", "%%") }
		if text, err = w.r.variables(text, escape); err != nil {
			return "", err
		}
	}
	return expand(text, w.tokens())
}

// variables expands ${NAME}.
func (r *Resolver) variables(text string, escape func(string) string) (string, error) {
	var b strings.Builder
	rest := text
	for {
		before, after, found := strings.Cut(rest, "${")
		b.WriteString(before)
		if !found {
			return b.String(), nil
		}
		name, tail, closed := strings.Cut(after, "}")
		if !closed || name == "" {
			return "", fmt.Errorf("a variable is not closed in %q", text)
		}
		value, ok := r.options.Env(name)
		if !ok {
			return "", fmt.Errorf("the environment variable %q is not set", name)
		}
		b.WriteString(escape(value))
		if b.Len() > TextBytesMax {
			return "", fmt.Errorf("%q grows beyond %d bytes", text, TextBytesMax)
		}
		rest = tail
	}
}

// tilde expands "~" and "~user" at the start of a path.
func (r *Resolver) tilde(path string) (string, error) {
	rest, ok := strings.CutPrefix(path, "~")
	if !ok {
		return path, nil
	}
	name, tail, _ := strings.Cut(rest, "/")
	if name == "" {
		return filepath.Join(r.options.Home, tail), nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return "", fmt.Errorf("cannot find the home directory of %q", name)
	}
	return filepath.Join(u.HomeDir, tail), nil
}
