package inventory

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// groupKeys are what Ansible's YAML has below a group.
var groupKeys = map[string]bool{"hosts": true, "children": true, "vars": true}

// isAnsibleMap tells Ansible's YAML from ours: its first level are names of groups, ours are the
// words hosts, groups and vars.
func isAnsibleMap(node *source.Node) bool {
	if node.Kind != source.Map {
		return false
	}
	like := false
	for _, p := range node.Pairs {
		switch p.Key.Text {
		case "hosts", "groups", "vars":
			return false
		case All, Ungrouped:
			return true
		case "plugin":
			return p.Value.Kind == source.Scalar
		}
		if p.Value.Kind != source.Map {
			continue
		}
		for _, inner := range p.Value.Pairs {
			if !groupKeys[inner.Key.Text] {
				return false
			}
			like = true
		}
	}
	return like
}

// ansibleYAML reads groups of groups.
type ansibleYAML struct {
	*ansibleDraft
	values valueReader
}

// decodeAnsibleYAML is the reader of Ansible's YAML; scalar is how its scalars are read.
func decodeAnsibleYAML(node *source.Node, scalar scalarReader, t *troubles) *draft {
	r := ansibleYAML{ansibleDraft: newAnsibleDraft(t), values: newValueReader(t, node.File, scalar)}
	if plugin := node.Get("plugin"); plugin != nil {
		r.add(problemAt(plugin, fmt.Sprintf("is the configuration of Ansible's plugin %s, which opsctl cannot run", plugin.Describe()),
			"let Ansible write what it finds: ansible-inventory -i "+node.File.Name+" --list > inventory.json"))
		return &r.draft
	}
	for _, p := range node.Pairs {
		r.groupBlock(p.Key, p.Value)
	}
	return &r.draft
}

func (r *ansibleYAML) groupBlock(key, n *source.Node) {
	name := key.Text
	r.group(name, key)
	if n.Kind == source.Null {
		return
	}
	if n.Kind != source.Map {
		r.add(problemAt(n, fmt.Sprintf("the group %s takes a map of hosts, children and vars, not %s", quote(name), n.Describe()), ""))
		return
	}
	for _, p := range n.Pairs {
		if p.Value.Kind == source.Null {
			continue
		}
		switch p.Key.Text {
		case "vars":
			r.varsBlock(name, p)
		case "children":
			r.childrenBlock(name, p)
		case "hosts":
			r.hostsBlock(name, p)
		default:
			r.warn(p.Key, fmt.Sprintf("%s is no key of a group, and is left out, as Ansible does", quote(p.Key.Text)), known(p.Key.Text))
		}
	}
}

func known(word string) string {
	keys := []string{"hosts", "children", "vars"}
	if hint := source.DidYouMean(word, keys); hint != "" {
		return hint
	}
	return "known keys: " + strings.Join(keys, ", ")
}

func (r *ansibleYAML) varsBlock(group string, p source.Pair) {
	if p.Value.Kind != source.Map {
		r.add(problemAt(p.Value, fmt.Sprintf("vars is a map, not %s", p.Value.Describe()), ""))
		return
	}
	for _, v := range r.values.variables(p.Value, ownerOf(group), r.ansibleDraft) {
		r.groupVar(group, v)
	}
}

func (r *ansibleYAML) childrenBlock(group string, p source.Pair) {
	switch p.Value.Kind {
	case source.Scalar:
		r.group(p.Value.Text, p.Value)
		r.child(group, p.Value)
	case source.Map:
		for _, c := range p.Value.Pairs {
			r.groupBlock(c.Key, c.Value)
			if group != All || c.Key.Text != Ungrouped {
				r.child(group, c.Key)
			}
		}
	default:
		r.add(problemAt(p.Value, fmt.Sprintf("children is a map of groups, not %s", p.Value.Describe()), "write each group with a colon behind it"))
	}
}

func (r *ansibleYAML) hostsBlock(group string, p source.Pair) {
	switch p.Value.Kind {
	case source.Scalar:
		if line, ok := r.pattern(p.Value); ok {
			r.hosts(line, group)
		}
	case source.Map:
		for _, h := range p.Value.Pairs {
			r.hostBlock(group, h)
		}
	default:
		r.add(problemAt(p.Value, fmt.Sprintf("hosts is a map of hosts, not %s", p.Value.Describe()), "write each host with a colon behind it"))
	}
}

func (r *ansibleYAML) hostBlock(group string, h source.Pair) {
	line, ok := r.pattern(h.Key)
	if !ok {
		return
	}
	switch h.Value.Kind {
	case source.Null:
	case source.Map:
		line.vars = r.values.variables(h.Value, "host "+h.Key.Text, r.ansibleDraft)
	default:
		r.add(problemAt(h.Value, fmt.Sprintf("the host %s takes a map of its vars, not %s", quote(h.Key.Text), h.Value.Describe()), ""))
		return
	}
	r.hosts(line, group)
}

// variables reads a map of them.
func (r *valueReader) variables(n *source.Node, owner string, a *ansibleDraft) []variable {
	vars := make([]variable, 0, len(n.Pairs))
	for _, p := range n.Pairs {
		value, sealed := r.value(p.Value)
		v := a.variable(p.Key.Text, p.Key, value, owner)
		if sealed {
			v.sealed = true
			r.warn(p.Key, fmt.Sprintf("%s is encrypted with ansible-vault, which opsctl does not open; the variable is not set", quote(p.Key.Text)),
				"give secrets to the runbook as params: {secret: true}")
		}
		vars = append(vars, v)
	}
	return vars
}
