package sshconfig

import (
	"errors"
	"strconv"
	"strings"
)

// directive is one line that sets an option.
type directive struct {
	key  string // lower case
	args []string
	file string
	line int

	order   int  // among all lines that were read
	unknown bool // no keyword of ssh
}

// text is the value as people read it.
func (d *directive) text() string { return strings.Join(d.args, " ") }

// at is where it is written: a file and its line, or what stands in their place.
func (d *directive) at() string {
	if d.line == 0 {
		return d.file
	}
	return d.file + ":" + strconv.Itoa(d.line)
}

const whitespace = " \t\r\f"

// splitKeyword takes the keyword off a line: "Port 22", "Port=22", "Port = 22".
func splitKeyword(line string) (key, rest string) {
	line = strings.Trim(line, whitespace+"\n")
	if bare, ok := strings.CutPrefix(line, `"`); ok { // ssh takes a keyword in quotes
		if inside, after, closed := strings.Cut(bare, `"`); closed {
			return strings.ToLower(inside), strings.TrimLeft(after, whitespace)
		}
	}
	end := strings.IndexAny(line, whitespace+`="`)
	if end < 0 {
		return strings.ToLower(line), ""
	}
	key, rest = line[:end], strings.TrimLeft(line[end:], whitespace)
	if after, ok := strings.CutPrefix(rest, "="); ok {
		rest = strings.TrimLeft(after, whitespace)
	}
	return strings.ToLower(key), rest
}

// splitArgs takes words apart as OpenSSH does: quotes of both kinds, a backslash before a quote,
// a backslash or a space, and a comment where a word would start.
func splitArgs(text string) ([]string, error) {
	var args []string
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c == ' ' || c == '\t' {
			continue
		}
		if c == '#' {
			break
		}
		arg, next, err := splitArg(text, i)
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
		i = next
	}
	return args, nil
}

func splitArg(text string, i int) (arg string, next int, err error) {
	var b strings.Builder
	var quote byte
	for ; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text) && (strings.IndexByte(`'"\`, text[i+1]) >= 0 || quote == 0 && text[i+1] == ' '):
			i++
			b.WriteByte(text[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return b.String(), i, nil
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			b.WriteByte(c)
		}
	}
	if quote != 0 {
		return "", 0, errors.New("a quote is not closed")
	}
	return b.String(), i, nil
}

// parseDirective reads one line; nil for an empty one and for comments.
func parseDirective(line string) (*directive, error) {
	key, rest := splitKeyword(line)
	if key == "" || key[0] == '#' {
		return nil, nil
	}
	args, err := splitArgs(rest)
	switch {
	case rest == "":
		return nil, errors.New("the value is missing")
	case err != nil:
		return nil, err
	}
	if other, ok := aliases[key]; ok {
		key = other
	}
	d := &directive{key: key, args: args}
	k, known := keywords[key]
	if !known { // whether it is ignored is not known yet
		d.unknown = true
		return d, nil
	}
	if k == command { // the rest of the line, quotes and all, is for a shell
		d.args = []string{strings.TrimLeft(rest, whitespace+"=")}
	}
	if len(d.args) == 0 {
		if key == "host" { // as ssh has it, that is no host
			return d, nil
		}
		return nil, errors.New("the value is missing")
	}
	return d, check(d)
}

// IsDirective tells whether a line could stand in an ssh_config and is nothing like YAML: it starts
// with one of the usual keywords and a value.
func IsDirective(line string) bool {
	key, rest := splitKeyword(line)
	if rest == "" || strings.HasPrefix(rest, ":") {
		return false
	}
	switch key {
	case "host", "match", "include", "hostname", "port", "user", "identityfile", "identityagent", "identitiesonly",
		"certificatefile", "proxyjump", "proxycommand", "userknownhostsfile", "globalknownhostsfile", "hostkeyalias",
		"stricthostkeychecking", "connecttimeout", "serveraliveinterval", "serveralivecountmax", "ciphers", "macs",
		"kexalgorithms", "hostkeyalgorithms", "addressfamily", "bindaddress", "ignoreunknown", "sendenv", "setenv",
		"forwardagent", "forwardx11", "compression", "loglevel", "controlmaster", "controlpath", "controlpersist",
		"hashknownhosts", "addkeystoagent", "usekeychain", "preferredauthentications", "pubkeyauthentication",
		"passwordauthentication", "gssapiauthentication", "canonicalizehostname", "tcpkeepalive", "batchmode":
		return true
	}
	return false
}
