package plan

import (
	"errors"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// targets finds the hosts of a step and of all steps inside it.
func (b *builder) targets(n *node, inherited []*inventory.Host) {
	n.target = inherited
	if n.src.Hosts != nil && !b.overruled(n) {
		n.target = b.hosts(n)
	}
	n.chosen = b.narrowed(n.src, n.target)
	if delegate, owner := runbook.Said(n.src, func(s *runbook.Step) *runbook.Text { return s.Delegate }); delegate != nil && !n.src.IsBlock() {
		b.delegate(n, delegate, owner)
	}
	for _, list := range [][]*node{n.kids, n.always} {
		for _, kid := range list {
			b.targets(kid, n.target)
		}
	}
	if n.gate != nil {
		b.targets(n.gate, []*inventory.Host{b.inv.Lookup(inventory.Local)})
	}
}

// overruled tells whether an included runbook's own hosts give way to those of the including step.
func (b *builder) overruled(n *node) bool {
	return n.src.IsRoot() && n.parent != nil && n.parent.src.Hosts != nil
}

// narrowed applies the limit: not to the controller, and after once took its host.
func (b *builder) narrowed(s *runbook.Step, hosts []*inventory.Host) []*inventory.Host {
	if b.limited == nil {
		return hosts
	}
	if s.Once && len(hosts) > 0 {
		hosts = hosts[:1]
	}
	var kept []*inventory.Host
	for _, h := range hosts {
		if h.IsLocal() || b.limited[h] {
			kept = append(kept, h)
		}
	}
	return kept
}

// hosts evaluates the patterns of a step. A value in a pattern stands for one name.
func (b *builder) hosts(n *node) []*inventory.Host {
	var patterns []string
	key, s := "", n.src
	for _, t := range s.Hosts {
		pattern, ok := b.pattern(t, n.env)
		if !ok {
			return nil
		}
		patterns = append(patterns, pattern)
		key += pattern + "\n"
	}
	if hosts, ok := b.selected[key]; ok {
		return hosts
	}
	hosts, err := b.inv.Select(patterns...)
	if err != nil {
		p := b.problem(s.HostsNode, "%s", err)
		var unknown *inventory.UnknownError
		if errors.As(err, &unknown) && unknown.Nearest == "" && len(b.inv.Hosts) == 0 {
			p.Hint = "there is no inventory: -i FILE, or inventory.yaml beside the runbook"
		}
		return nil
	}
	if len(hosts) == 0 && !s.AllowEmpty {
		b.problem(s.HostsNode, "no host matches").Hint = "allow_empty: true lets the step be skipped then"
		return nil
	}
	b.selected[key] = hosts
	return hosts
}

func (b *builder) pattern(t *runbook.Text, env map[string]any) (string, bool) {
	pattern := ""
	for _, piece := range t.Pieces {
		if piece.Expr == nil {
			pattern += piece.Literal
			continue
		}
		value, err := piece.Expr.Eval(env)
		if err != nil {
			b.problem(t.Node, "%s", err)
			return "", false
		}
		name, ok := value.(string)
		if !ok || b.inv.Lookup(name) == nil && b.inv.Group(name) == nil {
			b.problem(t.Node, "the value %v is not the name of a host or group", value).Hint = "a value in a host pattern stands for one name"
			return "", false
		}
		pattern += name
	}
	return pattern, true
}

// delegate finds where a step takes place that is not carried out on its own hosts; owner says so.
func (b *builder) delegate(n *node, delegate *runbook.Text, owner *runbook.Step) {
	name, err := delegate.Render(n.envAt(owner))
	if err != nil {
		b.problem(delegate.Node, "%s", err)
		return
	}
	host := b.inv.Lookup(name)
	if host == nil {
		var names []string
		for _, h := range b.inv.Hosts {
			names = append(names, h.Name)
		}
		b.problem(delegate.Node, "delegate names one host or local, and %q is neither", name).Hint = source.DidYouMean(name, names)
		return
	}
	n.place = host
}

// envAt gives what is known where a block around the node, or the node itself, is written.
func (n *node) envAt(owner *runbook.Step) map[string]any {
	for at := n; at != nil; at = at.parent {
		if at.src == owner {
			return at.env
		}
	}
	return n.env
}
