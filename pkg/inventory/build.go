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
	words  []string // of hosts, made when a near one is first looked for
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

func build(drafts []*draft, t *troubles) (*Inventory, error) {
	b := builder{
		troubles: t,
		inv:      &Inventory{local: &Host{Name: Local, index: -1}, groups: map[string]*Group{}},
		drafts:   map[string]*hostDraft{},
		groups:   map[string]*groupNode{},
	}
	ordered := b.merge(drafts)
	b.hosts(ordered)
	nodes := b.sortedGroups()
	b.link(nodes)
	if b.acyclic(nodes) {
		for _, g := range nodes {
			b.members(g)
		}
	}
	warnings, err := b.end()
	if err != nil {
		return nil, err
	}
	b.inv.Warnings = warnings
	b.finish(nodes)
	return b.inv, nil
}

// merge puts the drafts over each other; the order of hosts is the order of first mention.
func (b *builder) merge(drafts []*draft) []*hostDraft {
	var ordered []*hostDraft
	for _, d := range drafts {
		for i := range d.hosts {
			h := d.hosts[i]
			if first := b.drafts[h.name]; first != nil {
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
	return ordered
}

func (b *builder) mergeGroup(g groupDraft) {
	if g.name == All {
		b.all = append(b.all, g.vars...)
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
}

func (b *builder) hosts(ordered []*hostDraft) {
	if len(ordered) > HostsMax {
		b.add(ordered[HostsMax].node.Problem(fmt.Sprintf("more than %d hosts", HostsMax), ""))
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

// link finds the children of every group, and names that are host and group at once.
func (b *builder) link(nodes []*groupNode) {
	for _, g := range nodes {
		if h := b.drafts[g.name]; h != nil {
			b.add(g.node.Problem(fmt.Sprintf("%s is a host and a group at once", quote(g.name)), "the host stands at "+place(h.node)))
		}
		for _, word := range g.children {
			b.linkChild(g, word)
		}
	}
}

func (b *builder) linkChild(g *groupNode, word *source.Node) {
	child := b.groups[word.Text]
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
	b.add(word.Problem(fmt.Sprintf("cannot find the group %s", quote(word.Text)), hint))
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
			return word.Problem("a group cannot contain itself: "+loop.String()+again.name, "")
		}
	}
	return again.node.Problem("a group cannot contain itself: "+loop.String()+again.name, "")
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

// finish derives everything hosts know about their groups, and their variables.
func (b *builder) finish(nodes []*groupNode) {
	for _, g := range nodes {
		group := &Group{Name: g.name, Hosts: g.hosts}
		for _, kid := range g.kids {
			group.Groups = append(group.Groups, kid.name)
		}
		slices.Sort(group.Groups)
		b.inv.Groups = append(b.inv.Groups, group)
		b.inv.groups[g.name] = group
		for _, h := range g.hosts {
			h.Groups = append(h.Groups, g.name)
		}
	}
	for _, h := range b.inv.Hosts {
		h.set(b.all)
	}
	for _, g := range nodes {
		g.setDepth()
	}
	sort.SliceStable(nodes, func(i, j int) bool { return nodes[i].depth < nodes[j].depth })
	for _, g := range nodes {
		for _, h := range g.hosts {
			h.set(g.vars)
		}
	}
	for _, h := range b.inv.Hosts {
		h.set(b.drafts[h.Name].keys.vars)
	}
}

func (h *Host) set(vars []variable) {
	if len(vars) > 0 && h.Vars == nil {
		h.Vars = make(map[string]any, len(vars))
		h.Origins = make(map[string]string, len(vars))
	}
	for i := range vars {
		h.Vars[vars[i].name] = vars[i].value
		h.Origins[vars[i].name] = vars[i].origin
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
