package lint

import (
	"fmt"
	"slices"
	"strings"
)

// reads tells whether a command is known to look only, and whether it looks at all.
func (c *call) reads() (only, looks bool) {
	words := c.peeled()
	if len(words) == 0 || c.writes() != "" {
		return false, false
	}
	name := words[0].name()
	switch {
	case slices.Contains(neutral, name):
		return true, false
	case slices.Contains(readers, name):
		return name != "find" || !hasOption(words[1:], []string{"-exec", "-execdir", "-ok", "-fprint"}), true
	case name == "ip":
		return len(words) < 3 || slices.Contains([]string{"show", "list", "get"}, words[2].text), true
	}
	for _, a := range words[1:] {
		if slices.Contains(readingWords[name], a.text) {
			return true, true
		}
		if !strings.HasPrefix(a.text, "-") {
			break
		}
	}
	return false, false
}

func missingEffect(p *pass) {
	for _, c := range p.scripts {
		s := c.step
		if c.onlyReads() {
			p.report(s, s.Key, fmt.Sprintf("%s only reads, and counts as a change", quote(s)), "effect: read")
		}
	}
}

// onlyReads tells whether a script is what its step does, and looks at something, and does nothing else.
func (c *script) onlyReads() bool {
	s := c.step
	if c.role != "run" || s.Node.Get("effect") != nil || s.Rollback != nil || s.Finally || len(c.redirections()) > 0 {
		return false
	}
	looking := false
	for _, one := range c.calls {
		only, looks := one.reads()
		if !only {
			return false
		}
		looking = looking || looks
	}
	return looking
}
