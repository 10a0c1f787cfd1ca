package inventory

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// builder merges drafts, resolves names and derives the inventory.
type builder struct {
	*troubles
	inv    *Inventory
	drafts map[string]*hostDraft
	groups map[string]*groupNode
	all    []variable
	allBy  string   // the transport of all hosts
	words  []string // of hosts, made when a near one is first looked for

	ansible     bool                   // one of the drafts is of Ansible
	allChildren []*source.Node         // groups said to be in "all", which they are anyway
	trees       []varsTree             // group_vars and host_vars, the later winning
	given       []map[string]*variable // of each host: what decided its variables that may be settings
	told        map[toldOnce]bool
}

// groupNode is a group while it is being resolved.
type groupNode struct {
	groupDraft
	parents  []*groupNode
	kids     []*groupNode
	depth    int // longest way from the top: deeper groups speak later
	visiting bool
	done     bool
	hosts    []*Host
}

func build(drafts []*draft, trees []varsTree, t *troubles) (*Inventory, error) {
	b := builder{
		troubles: t,
		inv:      &Inventory{local: &Host{Name: Local, index: -1}, groups: map[string]*Group{}},
		drafts:   map[string]*hostDraft{},
		groups:   map[string]*groupNode{},
		trees:    trees,
	}
	ordered := b.merge(drafts)
	b.hosts(ordered)
	nodes := b.sortedGroups()
	b.link(nodes)
	if b.acyclic(nodes) {
		for _, g := range nodes {
			b.members(g)
		}
		b.sameNames(nodes)
		b.finish(nodes)
	}
	warnings, err := b.end()
	if err != nil {
		return nil, err
	}
	b.inv.Warnings = warnings
	return b.inv, nil
}

// merge puts the drafts over each other; the order of hosts is the order of first mention.
func (b *builder) merge(drafts []*draft) []*hostDraft {
	var ordered []*hostDraft
	for _, d := range drafts {
		b.ansible = b.ansible || d.ansible
		for i := range d.hosts {
			h := d.hosts[i]
			if first := b.drafts[h.name]; first != nil {
				b.withoutPort(&h)
				first.keys = first.keys.overlay(h.keys)
				continue
			}
			b.drafts[h.name] = &h
			ordered = append(ordered, &h)
		}
		for _, g := range d.groups {
			b.mergeGroup(g)
		}
	}
	if b.ansible && b.groups[Ungrouped] == nil {
		b.groups[Ungrouped] = &groupNode{groupDraft: groupDraft{name: Ungrouped, node: &source.Node{File: &source.File{}}}}
	}
	return ordered
}

// withoutPort takes the port off a host that an earlier source has.
func (b *builder) withoutPort(h *hostDraft) {
	if len(h.keys.vars) > 0 && h.keys.vars[0].onlyNew {
		b.portIgnored(&h.keys.vars[0], h.name)
		keys := *h.keys
		keys.vars = keys.vars[1:]
		h.keys = &keys
	}
}

func (b *builder) mergeGroup(g groupDraft) {
	if g.name == All {
		b.all = append(b.all, g.vars...)
		b.allChildren = append(b.allChildren, g.children...)
		if g.transport != "" {
			b.allBy = g.transport
		}
		return
	}
	node := b.groups[g.name]
	if node == nil {
		b.groups[g.name] = &groupNode{groupDraft: g}
		return
	}
	node.words = append(slices.Clip(node.words), g.words...)
	node.children = append(slices.Clip(node.children), g.children...)
	node.vars = append(slices.Clip(node.vars), g.vars...)
	if g.transport != "" {
		node.transport = g.transport
	}
	if g.priority != nil {
		node.priority = g.priority
	}
	if g.onlyVars == nil {
		node.onlyVars = nil
	}
}

func (b *builder) hosts(ordered []*hostDraft) {
	if len(ordered) > HostsMax {
		b.add(problemAt(ordered[HostsMax].node, fmt.Sprintf("more than %d hosts", HostsMax), ""))
		ordered = ordered[:HostsMax]
	}
	store := make([]Host, len(ordered))
	b.inv.Hosts = make([]*Host, len(ordered))
	b.inv.hosts = make(map[string]*Host, len(ordered))
	var written *source.Node // hosts of one range follow each other and share their place
	var at string
	for i, d := range ordered {
		if d.node != written {
			written, at = d.node, place(d.node)
		}
		k := d.keys
		h := &store[i]
		*h = Host{Name: d.name, Addr: k.addr, User: k.user, Port: k.port, Jump: k.jump, Identity: k.identity, At: at, SSHConfig: k.sshConfig, index: i}
		b.inv.Hosts[i] = h
		b.inv.hosts[d.name] = h
	}
}

func (b *builder) sortedGroups() []*groupNode {
	nodes := make([]*groupNode, 0, len(b.groups))
	for _, g := range b.groups {
		nodes = append(nodes, g)
	}
	sort.Slice(nodes, func(i, j int) bool { return nodes[i].name < nodes[j].name })
	if len(nodes) > GroupsMax {
		b.add(nodes[GroupsMax].node.Problem(fmt.Sprintf("more than %d groups", GroupsMax), ""))
		nodes = nodes[:GroupsMax]
	}
	return nodes
}

// link finds the children of every group.
func (b *builder) link(nodes []*groupNode) {
	for _, g := range nodes {
		if g.onlyVars != nil {
			b.add(g.onlyVars.ProblemAt(0, len(g.name), fmt.Sprintf("cannot find the group %s, which gets vars here", quote(g.name)), fmt.Sprintf("a group begins with [%s]", g.name)))
		}
		for _, word := range g.children {
			b.linkChild(g, word)
		}
	}
	all := &groupNode{} // to find those that do not exist
	for _, word := range b.allChildren {
		if word.Text != Ungrouped {
			b.linkChild(all, word)
		}
	}
	for _, g := range all.kids {
		g.parents = slices.DeleteFunc(g.parents, func(p *groupNode) bool { return p == all })
	}
}

// sameNames finds names that are host and group at once. A group that holds only the host of its
// name does no harm: dynamic inventories make such groups.
func (b *builder) sameNames(nodes []*groupNode) {
	for _, g := range nodes {
		h := b.drafts[g.name]
		if h == nil || b.ansible && len(g.hosts) == 1 && g.hosts[0].Name == g.name && len(g.kids) == 0 {
			continue
		}
		b.add(problemAt(g.node, fmt.Sprintf("%s is a host and a group at once", quote(g.name)), "the host stands at "+place(h.node)))
	}
}

func (b *builder) linkChild(g *groupNode, word *source.Node) {
	child := b.groups[word.Text]
	if b.ansible && word.Text == Ungrouped {
		b.add(problemAt(word, `"ungrouped" cannot be in a group: its hosts are those that no group has`, ""))
		return
	}
	if child != nil {
		if !slices.Contains(g.kids, child) {
			g.kids = append(g.kids, child)
			child.parents = append(child.parents, g)
		}
		return
	}
	var hint string
	switch {
	case word.Text == All || word.Text == Local:
		hint = fmt.Sprintf("%q cannot be in a group", word.Text)
	case b.drafts[word.Text] != nil:
		hint = "it is a host; hosts are listed under hosts:"
	default:
		hint = b.nearest(word.Text, func() []string {
			names := make([]string, 0, len(b.groups))
			for name := range b.groups {
				names = append(names, name)
			}
			sort.Strings(names)
			return names
		})
	}
	b.add(problemAt(word, fmt.Sprintf("cannot find the group %s", quote(word.Text)), hint))
}

// acyclic finds groups that contain themselves, and prints each loop once.
func (b *builder) acyclic(nodes []*groupNode) bool {
	ok := true
	var path []*groupNode
	var visit func(g *groupNode)
	visit = func(g *groupNode) {
		if g.visiting {
			ok = false
			b.add(loopProblem(path, g))
			return
		}
		if g.done {
			return
		}
		g.visiting = true
		path = append(path, g)
		for _, kid := range g.kids {
			visit(kid)
		}
		path = path[:len(path)-1]
		g.visiting, g.done = false, true
	}
	for _, g := range nodes {
		visit(g)
	}
	for _, g := range nodes {
		g.done = false
	}
	return ok
}

func loopProblem(path []*groupNode, again *groupNode) *source.Problem {
	start := slices.Index(path, again)
	var loop strings.Builder
	for _, g := range path[start:] {
		loop.WriteString(g.name + " → ")
	}
	last := path[len(path)-1]
	for _, word := range last.children {
		if word.Text == again.name {
			return problemAt(word, "a group cannot contain itself: "+loop.String()+again.name, "")
		}
	}
	return problemAt(again.node, "a group cannot contain itself: "+loop.String()+again.name, "")
}

// members finds the hosts of a group, those of its children first.
func (b *builder) members(g *groupNode) {
	if g.done {
		return
	}
	g.done = true
	var in []int
	for _, kid := range g.kids {
		b.members(kid)
		for _, h := range kid.hosts {
			in = append(in, h.index)
		}
	}
	for _, word := range g.words {
		in = append(in, b.memberWord(g, word)...)
	}
	slices.Sort(in)
	in = slices.Compact(in)
	g.hosts = make([]*Host, len(in))
	for i, index := range in {
		g.hosts[i] = b.inv.Hosts[index]
	}
}

// setDepth is called only when there are no loops.
func (g *groupNode) setDepth() int {
	if g.depth == 0 {
		g.depth = 1
		for _, p := range g.parents {
			g.depth = max(g.depth, p.setDepth()+1)
		}
	}
	return g.depth
}
