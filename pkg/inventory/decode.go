package inventory

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// Decode reads an inventory in opsctl's own YAML. An error is source.Problems.
func Decode(node *source.Node) (*Inventory, error) {
	var t troubles
	d := decodeDraft(node, &t)
	return build([]*draft{d}, nil, &t)
}

type decoder struct {
	*troubles
	draft draft
	seen  map[string]*source.Node // host → where it is given
}

// decodeDraft is the reader of our YAML.
func decodeDraft(node *source.Node, t *troubles) *draft {
	d := decoder{troubles: t, seen: map[string]*source.Node{}}
	if node.Kind != source.Map {
		d.add(node.Problem(fmt.Sprintf("an inventory is a map with hosts, groups and vars, not %s", node.Describe()), ""))
		return &d.draft
	}
	for _, p := range node.Pairs {
		switch p.Key.Text {
		case "hosts":
			d.hosts(p.Value)
		case "groups":
			d.groups(p.Value)
		case "vars":
			d.draft.groups = append(d.draft.groups, groupDraft{name: All, node: p.Key, vars: d.vars(p.Value, All)})
		default:
			d.unknownKey(p.Key, "hosts", "groups", "transport", "vars")
		}
	}
	return &d.draft
}

func (d *decoder) unknownKey(key *source.Node, known ...string) {
	hint := source.DidYouMean(key.Text, known)
	if hint == "" {
		hint = "known keys: " + strings.Join(known, ", ")
	}
	d.add(key.Problem(fmt.Sprintf("unknown key %s", quote(key.Text)), hint))
}

func (d *decoder) hosts(n *source.Node) {
	switch n.Kind {
	case source.Null:
	case source.Map:
		for _, p := range n.Pairs {
			d.host(p.Key, d.hostKeys(p.Key, p.Value))
		}
	case source.List:
		none := &hostKeys{}
		for _, item := range n.Items {
			if item.Kind != source.Scalar {
				d.add(item.Problem(fmt.Sprintf("a list of hosts holds names, not %s", item.Describe()), "with settings it is a map: web1: {user: deploy}"))
				continue
			}
			d.host(item, none)
		}
	default:
		d.add(n.Problem(fmt.Sprintf("hosts is a map or a list of names, not %s", n.Describe()), ""))
	}
}

// host notes every host a name or a range stands for.
func (d *decoder) host(key *source.Node, keys *hostKeys) {
	names, bad := d.expand(key.Text)
	if bad != nil {
		d.add(key.ProblemAt(bad.offset, bad.width, bad.message, bad.hint))
		return
	}
	if len(d.draft.hosts)+len(names) > HostsMax {
		d.add(key.Problem(fmt.Sprintf("more than %d hosts", HostsMax), ""))
		return
	}
	if len(names) > 1 && keys.addr != "" {
		p := key.Problem(fmt.Sprintf("all %d hosts of this range get the same addr", len(names)), "")
		p.Warning = true
		d.add(p)
	}
	for _, name := range names {
		if err := CheckHostName(name); err != nil {
			d.add(key.Problem(err.Error(), ""))
			return
		}
		if name == All || name == Local {
			d.add(key.Problem(reservedMessage(name), ""))
			continue
		}
		if first := d.seen[name]; first != nil {
			d.add(key.Problem(fmt.Sprintf("host %s is given twice", quote(name)), "the first one stands in line "+fmt.Sprint(first.Pos.Line)))
			continue
		}
		d.seen[name] = key
		d.draft.hosts = append(d.draft.hosts, hostDraft{name: name, node: key, keys: keys})
	}
}

func reservedMessage(name string) string {
	if name == Local {
		return `"local" is the controller; it is in every inventory and cannot be given`
	}
	return `"all" is the group of all hosts and cannot be a host`
}

func (d *decoder) hostKeys(key, n *source.Node) *hostKeys {
	k := &hostKeys{}
	if n.Kind == source.Null {
		return k
	}
	if n.Kind != source.Map {
		d.add(n.Problem(fmt.Sprintf("host %s takes a map of addr, user, port, jump, identity, transport, vars, not %s", quote(key.Text), n.Describe()), ""))
		return k
	}
	for _, p := range n.Pairs {
		switch p.Key.Text {
		case "addr":
			k.addr = canonical(d.text(p, func(s string) error { return CheckHostName(canonical(s)) }))
		case "user":
			k.user = d.text(p, checkUser)
		case "jump":
			k.jump = d.text(p, checkJump)
		case "identity":
			k.identity = d.text(p, checkPath)
		case "port":
			k.port = d.port(p.Value)
		case "transport":
			k.transport = d.text(p, checkTransport)
		case "vars":
			k.vars = d.vars(p.Value, "host "+key.Text)
		default:
			d.unknownKey(p.Key, "addr", "user", "port", "jump", "identity", "transport", "vars")
		}
	}
	return k
}

// text reads a word and has it checked.
func (d *decoder) text(p source.Pair, check func(string) error) string {
	if p.Value.Kind != source.Scalar {
		d.add(p.Value.Problem(fmt.Sprintf("%s is a word, not %s", p.Key.Text, p.Value.Describe()), ""))
		return ""
	}
	if err := check(p.Value.Text); err != nil {
		d.add(p.Value.Problem(err.Error(), ""))
		return ""
	}
	return p.Value.Text
}

func (d *decoder) port(n *source.Node) int {
	if n.Kind != source.Scalar {
		d.add(n.Problem(fmt.Sprintf("port is a number from 1 to 65535, not %s", n.Describe()), ""))
		return 0
	}
	port, err := parsePort(n.Text)
	if err != nil {
		d.add(n.Problem(err.Error(), ""))
	}
	return port
}

func (d *decoder) vars(n *source.Node, owner string) []variable {
	if n.Kind == source.Null {
		return nil
	}
	if n.Kind != source.Map {
		d.add(n.Problem(fmt.Sprintf("vars is a map, not %s", n.Describe()), ""))
		return nil
	}
	vars := make([]variable, 0, len(n.Pairs))
	for _, p := range n.Pairs {
		vars = append(vars, variable{name: p.Key.Text, value: p.Value.Value(), origin: place(p.Key) + " (" + owner + ")"})
	}
	return vars
}

func (d *decoder) groups(n *source.Node) {
	if n.Kind == source.Null {
		return
	}
	if n.Kind != source.Map {
		d.add(n.Problem(fmt.Sprintf("groups is a map of names, not %s", n.Describe()), ""))
		return
	}
	for _, p := range n.Pairs {
		if err := checkGroupName(p.Key.Text); err != nil {
			d.add(p.Key.Problem(err.Error(), ""))
			continue
		}
		d.draft.groups = append(d.draft.groups, d.group(p.Key, p.Value))
	}
}

func (d *decoder) group(key, n *source.Node) groupDraft {
	g := groupDraft{name: key.Text, node: key}
	if n.Kind == source.Null {
		return g
	}
	if n.Kind != source.Map {
		d.add(n.Problem(fmt.Sprintf("group %s takes a map of hosts, groups, transport, vars, not %s", quote(key.Text), n.Describe()), ""))
		return g
	}
	for _, p := range n.Pairs {
		switch {
		case p.Key.Text == "vars":
			owner := All
			if g.name != All {
				owner = "group " + g.name
			}
			g.vars = d.vars(p.Value, owner)
		case p.Key.Text == "transport":
			g.transport = d.text(p, checkTransport)
		case g.name == All && (p.Key.Text == "hosts" || p.Key.Text == "groups"):
			d.add(p.Key.Problem(`the group "all" takes only vars and transport; every host is in it`, ""))
		case p.Key.Text == "hosts":
			g.words = d.words(p)
		case p.Key.Text == "groups":
			g.children = d.words(p)
		default:
			d.unknownKey(p.Key, "hosts", "groups", "vars")
		}
	}
	return g
}

// words reads a list of words; one word alone will do.
func (d *decoder) words(p source.Pair) []*source.Node {
	switch p.Value.Kind {
	case source.Null:
		return nil
	case source.Scalar:
		return []*source.Node{p.Value}
	case source.List:
		words := make([]*source.Node, 0, len(p.Value.Items))
		for _, item := range p.Value.Items {
			if item.Kind != source.Scalar {
				d.add(item.Problem(fmt.Sprintf("%s is a list of names, not of %s", p.Key.Text, item.Describe()), ""))
				continue
			}
			words = append(words, item)
		}
		return words
	}
	hint := ""
	if p.Key.Text == "hosts" {
		hint = "settings of hosts stand under the hosts of the inventory; here are only names"
	}
	d.add(p.Value.Problem(fmt.Sprintf("%s is a list of names, not %s", p.Key.Text, p.Value.Describe()), hint))
	return nil
}
