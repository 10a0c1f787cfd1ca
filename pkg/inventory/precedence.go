package inventory

import (
	"slices"
	"sort"
	"strings"
)

// finish derives everything hosts know about their groups, and their variables.
func (b *builder) finish(nodes []*groupNode) {
	b.fillUngrouped(nodes)
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
	for _, g := range nodes {
		g.setDepth()
	}
	sort.SliceStable(nodes, func(i, j int) bool { // they are in the order of their names
		if nodes[i].depth != nodes[j].depth {
			return nodes[i].depth < nodes[j].depth
		}
		return nodes[i].rank() < nodes[j].rank()
	})
	b.variables(nodes)
	b.transports(nodes)
	b.settings()
}

// transports are given as variables are: the weakest first.
func (b *builder) transports(nodes []*groupNode) {
	for _, h := range b.inv.Hosts {
		h.Transport = b.allBy
	}
	for _, g := range nodes {
		if g.transport == "" {
			continue
		}
		for _, h := range g.hosts {
			h.Transport = g.transport
		}
	}
	for _, h := range b.inv.Hosts {
		if said := b.drafts[h.Name].keys.transport; said != "" {
			h.Transport = said
		}
	}
}

// fillUngrouped puts the hosts that no group has into the group Ansible has for them.
func (b *builder) fillUngrouped(nodes []*groupNode) {
	rest := b.groups[Ungrouped]
	if !b.ansible || rest == nil {
		return
	}
	in := make([]bool, len(b.inv.Hosts))
	for _, g := range nodes {
		for _, h := range g.hosts {
			in[h.index] = in[h.index] || g != rest
		}
	}
	rest.hosts = nil
	for _, h := range b.inv.Hosts {
		if !in[h.index] {
			rest.hosts = append(rest.hosts, h)
		}
	}
}

// rank is the place of a group among those of its depth; Ansible begins with 1.
func (g *groupNode) rank() int {
	if g.priority == nil {
		return 1
	}
	return *g.priority
}

// variables sets those of every host, weakest first, in the order Ansible has: what inventories say of
// all, then of groups; what files say of all, then of groups; what inventories, then files, say of the host.
func (b *builder) variables(nodes []*groupNode) {
	ofAll := func(vars []variable) {
		for _, h := range b.inv.Hosts {
			b.set(h, vars)
		}
	}
	ofGroups := func(vars func(g *groupNode) []variable) {
		for _, g := range nodes {
			if list := vars(g); len(list) > 0 {
				for _, h := range g.hosts {
					b.set(h, list)
				}
			}
		}
	}
	ofAll(b.all)
	ofGroups(func(g *groupNode) []variable { return g.vars })
	for _, tree := range b.trees {
		ofAll(tree.groups[All])
	}
	for _, tree := range b.trees {
		ofGroups(func(g *groupNode) []variable { return tree.groups[g.name] })
	}
	for _, h := range b.inv.Hosts {
		b.set(h, b.drafts[h.Name].keys.vars)
		for _, tree := range b.trees {
			b.set(h, tree.hosts[h.Name])
		}
	}
}

func (b *builder) set(h *Host, vars []variable) {
	if len(vars) > 0 && h.Vars == nil {
		h.Vars = make(map[string]any, len(vars))
		h.Origins = make(map[string]string, len(vars))
	}
	for i := range vars {
		v := &vars[i]
		if b.ansible && strings.HasPrefix(v.name, "ansible_") {
			b.noteSetting(h, v)
		}
		if v.sealed || v.node != nil && passwords[v.name] { // a weaker value would be the wrong one
			delete(h.Vars, v.name)
			delete(h.Origins, v.name)
			continue
		}
		h.Vars[v.name] = v.value
		h.Origins[v.name] = v.origin
	}
}

// noteSetting keeps what may be a setting. A variable that our own YAML gives is only that.
func (b *builder) noteSetting(h *Host, v *variable) {
	if b.given == nil {
		b.given = make([]map[string]*variable, len(b.inv.Hosts))
	}
	of := b.given[h.index]
	if of == nil {
		of = map[string]*variable{}
		b.given[h.index] = of
	}
	if v.node == nil {
		delete(of, v.name)
		return
	}
	of[v.name] = v
}
