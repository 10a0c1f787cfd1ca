package inventory

import (
	"fmt"

	"github.com/opsctl/opsctl/internal/source"
)

// metaKey is where Ansible's dynamic JSON keeps the variables of hosts.
const metaKey = "_meta"

// dynamicReader reads the JSON that programs print for Ansible.
type dynamicReader struct {
	*ansibleDraft
	values valueReader
}

// isDynamic tells the JSON of "--list" from Ansible's YAML written as JSON: it has _meta, or a list of hosts.
func isDynamic(node *source.Node) bool {
	if node.Kind != source.Map {
		return false
	}
	if node.Get(metaKey) != nil {
		return true
	}
	if node.Get("hosts") != nil || node.Get("groups") != nil || node.Get("vars") != nil { // it is ours
		return false
	}
	for _, p := range node.Pairs {
		if p.Value.Kind == source.List {
			return true
		}
		if hosts := p.Value.Get("hosts"); hosts != nil && hosts.Kind == source.List {
			return true
		}
		if children := p.Value.Get("children"); children != nil && children.Kind == source.List {
			return true
		}
	}
	return false
}

// decodeDynamic is the reader of what a program prints for --list. hostVars asks it about a host, where
// the document does not tell (_meta is missing); nil where there is nobody to ask.
func decodeDynamic(node *source.Node, t *troubles, hostVars func(host string) *source.Node) *draft {
	r := dynamicReader{ansibleDraft: newAnsibleDraft(t), values: newValueReader(t, node.File, jsonScalar)}
	if node.Kind != source.Map {
		r.add(problemAt(node, fmt.Sprintf("an inventory is a map of groups, not %s", node.Describe()), ""))
		return &r.draft
	}
	for _, p := range node.Pairs {
		if p.Key.Text != metaKey {
			r.groupBlock(p.Key, p.Value)
		}
	}
	meta := node.Get(metaKey)
	if meta != nil && meta.Kind != source.Map {
		r.add(problemAt(meta, fmt.Sprintf("%s is a map that holds hostvars, not %s", metaKey, meta.Describe()), ""))
		return &r.draft
	}
	if known := meta.Get("hostvars"); known != nil {
		r.meta(known)
		return &r.draft
	}
	if hostVars != nil {
		r.ask(hostVars)
	}
	return &r.draft
}

func (r *dynamicReader) groupBlock(key, n *source.Node) {
	switch {
	case n.Kind == source.List:
		r.group(key.Text, key)
		r.members(key, n)
		return
	case n.Kind != source.Map:
		r.add(problemAt(n, fmt.Sprintf("the group %s is a list of hosts, or a map of hosts, children and vars, not %s", quote(key.Text), n.Describe()), ""))
		return
	}
	r.group(key.Text, key)
	hosts, children, vars := n.Get("hosts"), n.Get("children"), n.Get("vars")
	if hosts == nil && children == nil && vars == nil { // a host, written as a group with its variables
		r.hosts(hostLine{node: key, names: []string{key.Text}}, key.Text)
		vars = n
	}
	if hosts != nil {
		r.members(key, hosts)
	}
	if vars != nil {
		r.vars(key, vars)
	}
	if children != nil {
		r.children(key, children)
	}
}

func (r *dynamicReader) members(group, n *source.Node) {
	for _, item := range r.words(n, "hosts of "+quote(group.Text)) {
		r.hosts(hostLine{node: item, names: []string{item.Text}}, group.Text)
	}
}

func (r *dynamicReader) children(group, n *source.Node) {
	for _, item := range r.words(n, "children of "+quote(group.Text)) {
		if group.Text == All && item.Text == Ungrouped {
			continue
		}
		r.group(item.Text, item)
		r.child(group.Text, item)
	}
}

func (r *dynamicReader) words(n *source.Node, what string) []*source.Node {
	if n.Kind != source.List {
		r.add(problemAt(n, fmt.Sprintf("the %s are a list, not %s", what, n.Describe()), ""))
		return nil
	}
	words := make([]*source.Node, 0, len(n.Items))
	for _, item := range n.Items {
		if item.Kind != source.Scalar || item.Style == source.Plain {
			r.add(problemAt(item, fmt.Sprintf("the %s are names in quotes, not %s", what, item.Describe()), ""))
			continue
		}
		words = append(words, item)
	}
	return words
}

func (r *dynamicReader) vars(group, n *source.Node) {
	if n.Kind != source.Map {
		r.add(problemAt(n, fmt.Sprintf("the vars of %s are a map, not %s", quote(group.Text), n.Describe()), ""))
		return
	}
	for _, v := range r.values.variables(n, ownerOf(group.Text), r.ansibleDraft) {
		r.groupVar(group.Text, v)
	}
}

// meta notes the variables of hosts that the document tells itself.
func (r *dynamicReader) meta(known *source.Node) {
	if known.Kind != source.Map {
		r.add(problemAt(known, fmt.Sprintf("hostvars is a map of hosts, not %s", known.Describe()), ""))
		return
	}
	for _, p := range known.Pairs {
		at, ok := r.hostAt[canonical(p.Key.Text)]
		if !ok {
			r.warn(p.Key, fmt.Sprintf("%s has variables and is in no group; it is left out, as Ansible does", quote(p.Key.Text)), "")
			continue
		}
		r.hostVars(at, p.Value)
	}
}

// ask gets the variables of each host from the program, one call a host.
func (r *dynamicReader) ask(hostVars func(host string) *source.Node) {
	for at := range r.draft.hosts {
		n := hostVars(r.draft.hosts[at].name)
		if n == nil {
			continue
		}
		r.values = newValueReader(r.troubles, n.File, jsonScalar)
		r.hostVars(at, n)
	}
}

func (r *dynamicReader) hostVars(at int, n *source.Node) {
	h := &r.draft.hosts[at]
	if n.Kind != source.Map {
		r.add(problemAt(n, fmt.Sprintf("the vars of the host %s are a map, not %s", quote(h.name), n.Describe()), ""))
		return
	}
	h.keys.vars = append(h.keys.vars, r.values.variables(n, "host "+h.name, r.ansibleDraft)...)
}
