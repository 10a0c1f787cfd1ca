package importer

import (
	"slices"

	"github.com/opsctl/opsctl/internal/source"
)

// readTargets makes a group of each target, and notes its hosts.
func (r *spot) readTargets() {
	targets := r.node.Get("targets")
	if r.single || targets == nil || targets.Kind != source.Map {
		return
	}
	for _, p := range targets.Pairs {
		name := groupName(p.Key.Text)
		r.targets = append(r.targets, name)
		group := mapping{}
		var hosts []value
		for _, h := range itemsOf(p.Value.Get("hosts")) {
			if host := r.hostOf(h, name); host != "" {
				hosts = append(hosts, host)
			}
		}
		for _, n := range itemsOf(p.Value.Get("names")) {
			hosts = append(hosts, hostName(n.Text))
			r.hosts.note(hostName(n.Text), mapping{})
		}
		var groups []value
		for _, g := range itemsOf(p.Value.Get("groups")) {
			groups = append(groups, groupName(g.Text))
			if r.hosts.groups.get(groupName(g.Text)) == nil && !slices.Contains(r.targets, groupName(g.Text)) {
				r.hosts.groups = append(r.hosts.groups, pair{groupName(g.Text), mapping{}})
				r.draft.remark(g.Pos.Line, "the group %s is in spot's inventory: fill it in the inventory of opsctl", groupName(g.Text))
			}
		}
		for _, key := range []string{"inventory_file", "inventory_url"} {
			if n := p.Value.Get(key); n != nil {
				r.draft.remark(n.Pos.Line, "%s is not read: put its hosts into the group %s", key, name)
			}
		}
		if tags := p.Value.Get("tags"); tags != nil {
			r.draft.remark(tags.Pos.Line, "tags of hosts select nothing here: put the hosts of the target %s into its group", name)
		}
		if len(hosts) > 0 {
			group.set("hosts", hosts)
		}
		if len(groups) > 0 {
			group.set("groups", groups)
		}
		if slices.ContainsFunc(r.hosts.hosts, func(h pair) bool { return h.key == name }) {
			if len(hosts) == 1 && hosts[0] == name { // the host stands for the target
				continue
			}
			r.draft.remark(p.Key.Pos.Line, "the target %s is called as a host is: give one of them another name", name)
			continue
		}
		r.hosts.groups.remove(name)
		r.hosts.groups = append(r.hosts.groups, pair{name, group})
	}
}

// hostOf notes a host of a target: a map, or a text.
func (r *spot) hostOf(n *source.Node, target string) string {
	if n.Kind == source.Scalar {
		return r.hosts.host(n.Text, n)
	}
	addr := textOf(n.Get("host"))
	name := hostName(firstOf(textOf(n.Get("name")), addr))
	if addr != "" && hostName(addr) != addr {
		r.draft.remark(n.Pos.Line, "%q is no address of a host", brief(addr))
		return ""
	}
	if addr == "" {
		r.draft.remark(n.Pos.Line, "a host of the target %s has no address", target)
		return ""
	}
	m := mapping{}
	if name != addr {
		m.set("addr", addr)
	}
	m.set("user", textOf(n.Get("user")))
	m.set("port", numberOrNothing(textOf(n.Get("port"))))
	if n.Get("password") != nil {
		r.draft.remark(n.Pos.Line, "passwords are not used: let %s know a key", name)
	}
	r.hosts.note(name, m)
	return name
}
