package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"
)

// CheckHostName refuses what is no host name. Names travel into ssh's options,
// tokens and known_hosts; only letters, digits, ".", "-" and "_", not starting
// with "-" or ".", or an IP address, can do no harm there.
func CheckHostName(name string) error {
	if err := checkName(name); err != nil {
		return fmt.Errorf("cannot take %s as a host name: %w", quote(name), err)
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("it is empty")
	case len(name) > NameBytesMax:
		return fmt.Errorf("it is longer than %d bytes", NameBytesMax)
	case name[0] == '-':
		return errors.New(`it starts with "-", which ssh would read as an option`)
	case name[0] == '.':
		return errors.New(`it starts with "."`)
	}
	if strings.Contains(name, ":") {
		if a, err := netip.ParseAddr(name); err == nil && a.Zone() == "" {
			return nil
		}
	}
	for _, r := range name {
		if !nameRune(r) {
			return fmt.Errorf(`%s is not allowed in it (letters, digits, ".", "-", "_")`, describeRune(r))
		}
	}
	return nil
}

func nameRune(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_'
}

func describeRune(r rune) string {
	switch r {
	case ' ':
		return "a space"
	case '\n':
		return "a newline"
	case '\t':
		return "a tab"
	}
	return strconv.QuoteRune(r)
}

// quote shows a text in a message, shortened.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		return strconv.Quote(string(runes[:60]) + "…")
	}
	return strconv.Quote(text)
}

// canonical gives one spelling to an IPv6 address, in brackets or not; other names stay.
func canonical(name string) string {
	if !strings.Contains(name, ":") {
		return name
	}
	bare := name
	if strings.HasPrefix(name, "[") && strings.HasSuffix(name, "]") {
		bare = name[1 : len(name)-1]
	}
	if a, err := netip.ParseAddr(bare); err == nil && a.Is6() && a.Zone() == "" {
		return a.String()
	}
	return name
}

func checkGroupName(name string) error {
	if name == Local {
		return fmt.Errorf("%q is the controller and cannot be a group", name)
	}
	if err := checkName(name); err != nil || strings.Contains(name, ":") {
		if err == nil {
			err = errors.New("it is an address")
		}
		return fmt.Errorf("cannot take %s as a group name: %w", quote(name), err)
	}
	return nil
}

// userRefused are the characters OpenSSH refuses in a user name, and "%", which would be a token.
const userRefused = "'`\"$;&<>|(){}%,:/"

func checkUser(user string) error {
	fail := func(why string) error { return fmt.Errorf("cannot take %s as a user name: %s", quote(user), why) }
	switch {
	case user == "":
		return fail("it is empty")
	case len(user) > NameBytesMax:
		return fail(fmt.Sprintf("it is longer than %d bytes", NameBytesMax))
	case user[0] == '-':
		return fail(`it starts with "-", which ssh would read as an option`)
	case strings.HasSuffix(user, `\`):
		return fail(`it ends with "\"`)
	}
	for _, r := range user {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(userRefused, r) {
			return fail(describeRune(r) + " is not allowed in it")
		}
	}
	return nil
}

func checkPath(path string) error {
	fail := func(why string) error { return fmt.Errorf("cannot take %s as a path: %s", quote(path), why) }
	if path == "" {
		return fail("it is empty")
	}
	if path[0] == '-' {
		return fail(`it starts with "-", which ssh would read as an option`)
	}
	for _, r := range path {
		if unicode.IsControl(r) {
			return fail(describeRune(r) + " is not allowed in it")
		}
	}
	return nil
}

func checkTransport(name string) error {
	if name != Builtin && name != OpenSSH {
		return fmt.Errorf("%s is not a transport: it is %s or %s", quote(name), Builtin, OpenSSH)
	}
	return nil
}

// checkJump takes what ProxyJump takes: [user@]host[:port], several with commas, or "none".
func checkJump(jump string) error {
	if jump == "none" {
		return nil
	}
	for _, hop := range strings.Split(jump, ",") {
		if _, err := parseAddress(hop); err != nil {
			return fmt.Errorf("cannot take %s as a jump host: %w", quote(jump), err)
		}
	}
	return nil
}

// address is [user@]host[:port] taken apart.
type address struct {
	user, host string
	port       int
}

func parseAddress(text string) (address, error) {
	var a address
	rest := text
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		a.user, rest = rest[:i], rest[i+1:]
		if err := checkUser(a.user); err != nil {
			return a, err
		}
	}
	host, port, hasPort := rest, "", false
	if end := strings.LastIndexByte(rest, ']'); strings.HasPrefix(rest, "[") && end > 0 {
		host = rest[1:end]
		port, hasPort = strings.CutPrefix(rest[end+1:], ":")
		if !hasPort && rest[end+1:] != "" {
			return a, fmt.Errorf(`%s does not follow an address in brackets; only ":port" does`, quote(rest[end+1:]))
		}
	} else if strings.Count(rest, ":") == 1 {
		host, port, hasPort = strings.Cut(rest, ":")
	}
	a.host = canonical(host)
	if err := CheckHostName(a.host); err != nil {
		return a, err
	}
	if !hasPort {
		return a, nil
	}
	n, err := parsePort(port)
	a.port = n
	return a, err
}

func parsePort(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 65535 || text[0] == '+' {
		return 0, fmt.Errorf("cannot take %s as a port: it must be a number from 1 to 65535", quote(text))
	}
	return n, nil
}
