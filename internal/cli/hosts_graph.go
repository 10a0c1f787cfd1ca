package cli

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/inventory"
)

// groupFacts are a group as a program is told of it.
type groupFacts struct {
	Group  string   `json:"group"`
	Groups []string `json:"groups"` // directly in it
	Hosts  []string `json:"hosts"`  // in it and in none of its groups
	Count  int      `json:"count"`  // of all its hosts
}

// strokes are what the tree is drawn with.
type strokes struct{ down, tee, corner, across string }

var (
	treeUnicode = strokes{down: "│", tee: "├", corner: "└", across: "─"}
	treeASCII   = strokes{down: "|", tee: "|", corner: "`", across: "-"}
)

// hostTree is the tree of groups, down to the hosts that were picked.
type hostTree struct {
	inv    *inventory.Inventory
	picked map[*inventory.Host]bool // nil: all, and groups without hosts too
	lines  strokes
	shown  map[string]bool
	facts  []groupFacts
	text   strings.Builder
}

func (a *app) graphHosts(pattern string) error {
	inv, err := a.loadInventory("")
	if err != nil {
		return err
	}
	t := hostTree{inv: inv, shown: map[string]bool{}, lines: treeASCII}
	if pattern == "" {
		pattern = a.settings.Limit
	}
	if pattern != "" {
		hosts, err := inv.Select(pattern)
		if err != nil {
			return err
		}
		t.picked = map[*inventory.Host]bool{}
		for _, h := range hosts {
			t.picked[h] = true
		}
	}
	safe := view.Sanitiser{Unicode: a.viewOptions().Theme(a.out).Unicode}
	if safe.Unicode {
		t.lines = treeUnicode
	}
	t.top()
	if a.settings.Output != "json" {
		return a.print(safe.Whole(t.text.String()))
	}
	for _, f := range t.facts {
		if err := a.printJSON(f); err != nil {
			return err
		}
	}
	return nil
}

// top draws the group of all hosts: below it stand the groups that are in no other.
func (t *hostTree) top() {
	within := map[string]bool{}
	for _, g := range t.inv.Groups {
		for _, name := range g.Groups {
			within[name] = true
		}
	}
	all := *t.inv.Group(inventory.All)
	for _, g := range t.inv.Groups {
		if !within[g.Name] {
			all.Groups = append(all.Groups, g.Name)
		}
	}
	t.group(&all, "", "")
}

// group draws a group and what is in it; where it was drawn before, only its name.
func (t *hostTree) group(g *inventory.Group, head, indent string) {
	kids, hosts := t.inside(g)
	count := len(t.wanted(g.Hosts))
	title := fmt.Sprintf("%s  (%s)", g.Name, countHosts(count))
	if t.shown[g.Name] && len(kids)+len(hosts) > 0 {
		fmt.Fprintf(&t.text, "%s%s, as above\n", head, title)
		return
	}
	fmt.Fprintf(&t.text, "%s%s\n", head, title)
	t.shown[g.Name] = true
	facts := groupFacts{Group: g.Name, Groups: []string{}, Hosts: append([]string{}, hosts...), Count: count}
	for _, kid := range kids {
		facts.Groups = append(facts.Groups, kid.Name)
	}
	t.facts = append(t.facts, facts)
	parts := splitFolded(view.FoldHosts(hosts))
	branch := func(last bool) (head, below string) {
		if last {
			return indent + t.lines.corner + t.lines.across + t.lines.across + " ", indent + "    "
		}
		return indent + t.lines.tee + t.lines.across + t.lines.across + " ", indent + t.lines.down + "   "
	}
	for i, kid := range kids {
		head, below := branch(i == len(kids)-1 && len(parts) == 0)
		t.group(kid, head, below)
	}
	for i, part := range parts {
		head, _ := branch(i == len(parts)-1)
		t.text.WriteString(head + part + "\n")
	}
}

func countHosts(n int) string {
	switch n {
	case 0:
		return "no hosts"
	case 1:
		return "1 host"
	}
	return fmt.Sprintf("%d hosts", n)
}

// wanted gives those of the hosts that were picked.
func (t *hostTree) wanted(hosts []*inventory.Host) []*inventory.Host {
	if t.picked == nil {
		return hosts
	}
	var some []*inventory.Host
	for _, h := range hosts {
		if t.picked[h] {
			some = append(some, h)
		}
	}
	return some
}

// inside gives the groups in a group, and the hosts that are in none of these.
func (t *hostTree) inside(g *inventory.Group) (kids []*inventory.Group, hosts []string) {
	deeper := map[*inventory.Host]bool{}
	for _, name := range g.Groups {
		kid := t.inv.Group(name)
		for _, h := range kid.Hosts {
			deeper[h] = true
		}
		if len(t.wanted(kid.Hosts)) > 0 || t.picked == nil && name != inventory.Ungrouped {
			kids = append(kids, kid)
		}
	}
	for _, h := range t.wanted(g.Hosts) {
		if !deeper[h] {
			hosts = append(hosts, h.Name)
		}
	}
	return kids, hosts
}

// splitFolded parts "web[1-3,7],db1" at the commas that are in no brackets.
func splitFolded(text string) []string {
	var parts []string
	depth, start := 0, 0
	for i, c := range text {
		switch c {
		case '[':
			depth++
		case ']':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, text[start:i])
				start = i + 1
			}
		}
	}
	if start < len(text) {
		parts = append(parts, text[start:])
	}
	return parts
}
