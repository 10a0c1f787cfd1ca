package sshconfig

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// resolution is the work of one Resolve.
type resolution struct {
	r      *Resolver
	host   string // as asked for
	name   string // what Host lines are compared with: in the second pass, the name found
	set    map[string][]*directive
	target string // the name to connect to, once it is decided
	final  bool   // the second pass
	err    error
}

// Resolve gives the settings of one host. An error names the file and line of the value that
// cannot be used.
func (r *Resolver) Resolve(host string, given Given) (Config, error) {
	if err := safeHost(host); err != nil {
		return Config{}, err
	}
	w := &resolution{r: r, host: host, name: host, set: make(map[string][]*directive, 16)}
	if !given.Hop {
		for _, d := range r.overrides {
			w.take(d)
		}
		w.give("user", r.options.User, "-u")
	}
	w.give("user", given.User, "inventory")
	w.give("hostname", strings.ReplaceAll(given.HostName, "%", "%%"), "inventory")
	if given.Port != 0 {
		w.give("port", strconv.Itoa(given.Port), "inventory")
	}
	w.give("proxyjump", given.Jump, "inventory")
	w.give("identityfile", given.Identity, "inventory")
	w.pass()
	if err := w.settle(); err != nil {
		return Config{}, err
	}
	return w.config()
}

// settle decides the name to connect to, and passes again where that is asked for.
func (w *resolution) settle() error {
	if err := w.ignored(); err != nil {
		return err
	}
	if err := w.destination(); err != nil {
		return err
	}
	canonical, err := w.canonicalize()
	if err != nil || !canonical && !w.r.hasFinal {
		return err
	}
	// The second pass is about the name that was found, and can decide all but it.
	if len(w.set["hostname"]) == 0 {
		w.give("hostname", w.target, "default")
	}
	w.final = true
	w.pass()
	return errors.Join(w.err, w.ignored())
}

// ignored refuses unknown keywords that no IgnoreUnknown before them allows for this host.
func (w *resolution) ignored() error {
	if w.err != nil {
		return w.err
	}
	for _, d := range w.r.unknown {
		list := w.set["ignoreunknown"]
		if len(list) == 0 || list[0].order > d.order || !matchList(list[0].args[0], d.key, true) {
			return fmt.Errorf("%s: %s: no IgnoreUnknown that applies to %s allows it", d.at(), unknownOption(d), w.host)
		}
	}
	return nil
}

func (w *resolution) give(key, value, from string) {
	if value != "" {
		w.take(&directive{key: key, args: []string{value}, file: from})
	}
}

// candidates gives the segments that may concern the host, in order of the files.
func (r *Resolver) candidates(host string) []int {
	named := r.named[host]
	if len(named) == 0 {
		return r.general
	}
	out := make([]int, 0, len(named)+len(r.general))
	for i, j := 0, 0; i < len(named) || j < len(r.general); {
		if j == len(r.general) || i < len(named) && named[i] < r.general[j] {
			out = append(out, named[i])
			i++
		} else {
			out = append(out, r.general[j])
			j++
		}
	}
	return out
}

// pass walks the segments once. A parent that is no candidate stays inactive, and so do its own.
func (w *resolution) pass() {
	active := make([]bool, len(w.r.segments))
	for _, i := range w.r.candidates(w.name) {
		s := &w.r.segments[i]
		active[i] = (s.parent < 0 || active[s.parent]) && w.applies(s)
		if active[i] {
			for _, d := range s.lines {
				w.take(d)
			}
		}
	}
}

func (w *resolution) applies(s *segment) bool {
	if s.hosts != nil {
		return matchHosts(s.hosts, w.name)
	}
	for _, c := range s.criteria {
		if !w.holds(c) {
			return false
		}
	}
	return true
}

func (w *resolution) holds(c criterion) bool {
	var met bool
	switch c.kind {
	case "all":
		met = true
	case "canonical", "final":
		met = w.final
	case "host":
		met = matchList(c.arg, w.currentHost(), true)
	case "originalhost":
		met = matchList(c.arg, w.host, true)
	case "user":
		met = matchList(c.arg, w.currentUser(), false)
	case "localuser":
		met = matchList(c.arg, w.r.options.LocalUser, false)
	case "tagged":
		met = matchList(c.arg, w.first("tag"), false)
	case "exec":
		if w.r.options.Exec == nil {
			return false
		}
		command, err := expand(c.arg, w.tokens())
		if err != nil {
			w.err = fmt.Errorf("cannot evaluate Match exec %q for %s: %w", c.arg, w.host, err)
			return false
		}
		met = w.r.options.Exec(command)
	default: // depends on what is not known here
		return false
	}
	return met != c.negated
}

func accumulates(key string) bool {
	switch key {
	case "identityfile", "certificatefile", "sendenv", "localforward", "remoteforward", "dynamicforward":
		return true
	}
	return false
}

// take notes a value unless an earlier one stands.
func (w *resolution) take(d *directive) {
	if d.key == "proxyjump" && w.first("proxycommand") != "" || d.key == "proxycommand" && w.jumps() {
		return // the first of the two wins
	}
	before := w.set[d.key]
	if len(before) == 0 {
		w.set[d.key] = []*directive{d}
		return
	}
	if !accumulates(d.key) || len(before) >= IdentityMax {
		return
	}
	for _, b := range before {
		if b.text() == d.text() {
			return
		}
	}
	w.set[d.key] = append(before, d)
}

// jumps tells whether a ProxyJump is decided; "none" leaves the way open for a ProxyCommand.
func (w *resolution) jumps() bool {
	jump := w.first("proxyjump")
	return jump != "" && !strings.EqualFold(jump, "none")
}

// first gives the value of an option, or "".
func (w *resolution) first(key string) string {
	if list := w.set[key]; len(list) > 0 {
		return list[0].args[0]
	}
	return ""
}

func (w *resolution) currentUser() string {
	if user := w.first("user"); user != "" {
		return user
	}
	return w.r.options.LocalUser
}

// currentHost is the name to connect to as far as it is decided. A bad one is told by destination;
// here it leaves the host unmatched.
func (w *resolution) currentHost() string {
	if w.target != "" {
		return w.target
	}
	name := w.first("hostname")
	if name == "" {
		return w.host
	}
	expanded, err := expand(name, func(c byte) (string, bool) { return w.host, c == 'h' })
	if err != nil {
		return name
	}
	return expanded
}

func (w *resolution) currentPort() string {
	if port := w.first("port"); port != "" {
		return port
	}
	return strconv.Itoa(defaultPort)
}

// safeHost refuses names that a shell (ProxyCommand, Match exec) or ssh itself would misread.
// The characters are those OpenSSH refuses.
func safeHost(name string) error {
	if name == "" {
		return fmt.Errorf("cannot connect to a host without a name")
	}
	if name[0] == '-' || strings.ContainsAny(name, "'`\"$\\;&<>|(){},") || strings.ContainsFunc(name, unprintable) {
		return fmt.Errorf("cannot connect to %q: it is not a host name", name)
	}
	return nil
}

func safeUser(name string) error {
	if name == "" || name[0] == '-' || strings.HasSuffix(name, `\`) || strings.ContainsAny(name, "'`\";&<>|(){}$") || strings.ContainsFunc(name, unprintable) {
		return fmt.Errorf("cannot log in as %q: it is not a user name", name)
	}
	return nil
}

func unprintable(r rune) bool { return r <= 0x20 || r >= 0x7f && r < 0xa0 }
