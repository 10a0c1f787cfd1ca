package sshconfig

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

const canonicalDots = 1 // CanonicalizeMaxDots where it is not set

// canonicalize follows CanonicalizeHostname and the options about it. It tells whether they ask for
// a second pass.
func (w *resolution) canonicalize() (again bool, err error) {
	mode := w.choice("canonicalizehostname")
	if mode == "" || mode == "no" {
		return false, nil
	}
	direct := !w.jumps() && (w.first("proxycommand") == "" || strings.EqualFold(w.first("proxycommand"), "none"))
	// Names that a proxy will read are left to it, unless asked for.
	if isAddress(w.target) || !direct && mode != "always" || w.r.options.Lookup == nil {
		return true, nil
	}
	candidates, tried := w.absoluteNames()
	if !tried {
		return true, nil
	}
	for _, name := range candidates {
		alias, found := w.r.options.Lookup(name)
		if !found {
			continue
		}
		name = strings.TrimSuffix(name, ".")
		if alias = strings.TrimSuffix(alias, "."); alias != "" && w.mayFollow(name, alias) {
			name = alias
		}
		if err := safeHost(name); err != nil {
			return false, fmt.Errorf("cannot canonicalize host %s: %w", w.host, err)
		}
		w.target, w.name = strings.ToLower(name), strings.ToLower(name)
		by := w.set["canonicalizehostname"][0]
		w.set["hostname"] = []*directive{{key: "hostname", args: []string{w.target}, file: by.file, line: by.line}}
		return true, nil
	}
	if list := w.set["canonicalizefallbacklocal"]; len(list) > 0 && !w.flag("canonicalizefallbacklocal") {
		return false, w.wrong(list[0], fmt.Errorf("%s is in none of the CanonicalDomains", w.target))
	}
	return true, nil
}

// absoluteNames are the names that the target may stand for, in order; not tried where it has too
// many dots.
func (w *resolution) absoluteNames() (names []string, tried bool) {
	if strings.HasSuffix(w.target, ".") {
		return []string{w.target}, true
	}
	dots := canonicalDots
	if n, err := strconv.Atoi(w.first("canonicalizemaxdots")); err == nil { // else it is not set
		dots = n
	}
	if strings.Count(w.target, ".") > dots {
		return nil, false
	}
	if list := w.set["canonicaldomains"]; len(list) > 0 && !strings.EqualFold(list[0].args[0], "none") {
		for _, domain := range list[0].args {
			names = append(names, w.target+"."+strings.TrimSuffix(domain, ".")+".")
		}
	}
	return names, true
}

// mayFollow tells whether CanonicalizePermittedCNAMEs lets one name become another.
func (w *resolution) mayFollow(name, alias string) bool {
	list := w.set["canonicalizepermittedcnames"]
	if len(list) == 0 || strings.EqualFold(name, alias) {
		return false
	}
	for _, rule := range list[0].args {
		from, to, pair := strings.Cut(rule, ":")
		if rule == "*" {
			from, to, pair = "*", "*", true
		}
		if pair && matchList(from, name, true) && matchList(to, alias, true) {
			return true
		}
	}
	return false
}

// isAddress tells what cannot be a name.
func isAddress(name string) bool {
	return strings.ContainsAny(name, "%:") || strings.Trim(name, "0123456789.") == ""
}

// plainAddress writes an address the usual way, and a name in lower case. ssh takes the old forms of
// IPv4 addresses too: 127.1, 0x7f000001.
func plainAddress(name string) string {
	if a, err := netip.ParseAddr(name); err == nil && a.Zone() == "" {
		return a.String()
	}
	if a, ok := oldAddress(name); ok {
		return a.String()
	}
	return strings.ToLower(name)
}

// oldAddress reads what inet_aton(3) reads: one to four numbers, the last one filling what is left.
func oldAddress(name string) (a netip.Addr, ok bool) {
	parts := strings.Split(name, ".")
	if len(parts) > 4 || name == "" {
		return a, false
	}
	var value uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 0, 64)
		bits := 8
		if i == len(parts)-1 {
			bits = 8 * (5 - len(parts))
		}
		if err != nil || strings.Contains(part, "_") || goOnly(part) || n >= 1<<bits {
			return a, false
		}
		value = value<<bits | n
	}
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)}), true
}

// goOnly tells numbers that Go reads and C does not.
func goOnly(number string) bool {
	return len(number) > 1 && number[0] == '0' && strings.IndexByte("bBoO", number[1]) >= 0
}
