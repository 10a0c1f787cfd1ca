package inventory

import (
	"errors"
	"fmt"

	"github.com/opsctl/opsctl/internal/source"
)

// UnknownError is a plain name in a pattern that is neither a host nor a group.
type UnknownError struct {
	Word    string
	Nearest string // what was probably meant, or ""
	Pattern string // the whole pattern
	Offset  int    // of the word in it, in bytes
}

func (e *UnknownError) Error() string {
	message := fmt.Sprintf("cannot find a host or group named %s in the inventory", quote(e.Word))
	if e.Nearest != "" {
		message += fmt.Sprintf("; did you mean %q?", e.Nearest)
	}
	return message
}

// Select gives the hosts that any of the patterns picks, in inventory order, the controller first.
// An error holds a *PatternError, or *UnknownErrors (all of them, joined).
//
// Within a pattern everything joined by "or" is taken first, then "and", then "not", as Ansible
// does. Each pattern is evaluated by itself, but one that only has "and" or "not" terms speaks
// about the result of all the others, or about all hosts when there are no others.
func (inv *Inventory) Select(patterns ...string) ([]*Host, error) {
	parsed := make([]Pattern, 0, len(patterns))
	for _, text := range patterns {
		p, err := ParsePattern(text)
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, p)
	}
	return inv.SelectParsed(parsed...)
}

// SelectParsed is Select for patterns that were parsed before.
func (inv *Inventory) SelectParsed(patterns ...Pattern) ([]*Host, error) {
	s := selection{inv: inv}
	total := s.empty()
	var narrowing []Pattern
	for _, p := range patterns {
		if !p.hasOr() {
			narrowing = append(narrowing, p)
			continue
		}
		picked := s.empty()
		s.widen(picked, p)
		s.narrow(picked, p)
		for i, in := range picked {
			total[i] = total[i] || in
		}
	}
	if len(narrowing) == len(patterns) && len(patterns) > 0 {
		for i := range inv.Hosts {
			total[i+1] = true
		}
	}
	for _, p := range narrowing {
		s.narrow(total, p)
	}
	if len(s.unknown) > 0 {
		return nil, errors.Join(s.unknown...)
	}
	return s.hosts(total), nil
}

func (p Pattern) hasOr() bool {
	for _, t := range p.terms {
		if t.joint == or {
			return true
		}
	}
	return false
}

// selection evaluates patterns over one inventory. Its sets are indexed by Host.index+1,
// so that the controller is at 0.
type selection struct {
	inv     *Inventory
	unknown []error
}

func (s *selection) empty() []bool { return make([]bool, len(s.inv.Hosts)+1) }

func (s *selection) hosts(set []bool) []*Host {
	var hosts []*Host
	for i, in := range set {
		switch {
		case !in:
		case i == 0:
			hosts = append(hosts, s.inv.local)
		default:
			hosts = append(hosts, s.inv.Hosts[i-1])
		}
	}
	return hosts
}

func (s *selection) widen(set []bool, p Pattern) {
	for i := range p.terms {
		if t := &p.terms[i]; t.joint == or {
			for _, h := range s.members(t, p) {
				set[h.index+1] = true
			}
		}
	}
}

func (s *selection) narrow(set []bool, p Pattern) {
	for i := range p.terms {
		if t := &p.terms[i]; t.joint == and {
			both := s.empty()
			for _, h := range s.members(t, p) {
				both[h.index+1] = true
			}
			for k := range set {
				set[k] = set[k] && both[k]
			}
		}
	}
	for i := range p.terms {
		if t := &p.terms[i]; t.joint == not {
			for _, h := range s.members(t, p) {
				set[h.index+1] = false
			}
		}
	}
}

// members gives the hosts of one term in inventory order.
func (s *selection) members(t *term, p Pattern) []*Host {
	var hosts []*Host
	if t.name != "" {
		hosts = s.named(t, p)
	} else {
		hosts = s.matching(t)
	}
	if t.at != nil {
		from, to := t.at.cut(len(hosts))
		hosts = hosts[from:to]
	}
	return hosts
}

func (s *selection) named(t *term, p Pattern) []*Host {
	if g := s.inv.Group(t.name); g != nil {
		return g.Hosts
	}
	if h := s.inv.Lookup(t.name); h != nil {
		return []*Host{h}
	}
	unknown := &UnknownError{Word: t.name, Pattern: p.Text, Offset: t.offset}
	switch {
	case t.name == "localhost": // what Ansible calls this machine
		unknown.Nearest = Local
	case len(s.unknown) < nearestMax:
		unknown.Nearest = source.Nearest(t.name, s.inv.names())
	}
	s.unknown = append(s.unknown, unknown)
	return nil
}

// matching takes hosts by their own name and by the names of their groups. The words "all" and
// "local" are not matched: a glob like "a*" is hardly meant to be the whole fleet.
func (s *selection) matching(t *term) []*Host {
	set := s.empty()
	for _, g := range s.inv.Groups {
		if t.matches(g.Name) {
			for _, h := range g.Hosts {
				set[h.index+1] = true
			}
		}
	}
	for i, h := range s.inv.Hosts {
		set[i+1] = set[i+1] || t.matches(h.Name)
	}
	return s.hosts(set)
}
