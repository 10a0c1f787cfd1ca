package plan

import (
	"errors"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// targets finds the hosts of a step and of all steps inside it.
func (b *builder) targets(s *runbook.Step, inherited []*inventory.Host) {
	if b.target == nil {
		b.target = map[*runbook.Step][]*inventory.Host{}
		b.chosen = map[*runbook.Step][]*inventory.Host{}
		b.places = map[*runbook.Step]*inventory.Host{}
		b.exits = map[*runbook.Step][]int{}
		inherited = []*inventory.Host{b.inv.Lookup(inventory.Local)}
	}
	hosts := inherited
	if s.Hosts != nil {
		hosts = b.hosts(s)
	}
	b.target[s] = hosts
	b.chosen[s] = b.narrowed(s, hosts)
	if s.Delegate != nil {
		b.place(s)
	}
	for _, inner := range s.Steps {
		b.targets(inner, hosts)
	}
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
func (b *builder) hosts(s *runbook.Step) []*inventory.Host {
	var patterns []string
	key := ""
	for _, t := range s.Hosts {
		pattern, ok := b.pattern(t)
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

func (b *builder) pattern(t *runbook.Text) (string, bool) {
	pattern := ""
	for _, piece := range t.Pieces {
		if piece.Expr == nil {
			pattern += piece.Literal
			continue
		}
		value, err := piece.Expr.Eval(b.env)
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

// place finds where a delegated step takes place.
func (b *builder) place(s *runbook.Step) {
	name, err := s.Delegate.Render(b.env)
	if err != nil {
		b.problem(s.Delegate.Node, "%s", err)
		return
	}
	host := b.inv.Lookup(name)
	if host == nil {
		var names []string
		for _, h := range b.inv.Hosts {
			names = append(names, h.Name)
		}
		b.problem(s.Delegate.Node, "delegate names one host or local, and %q is neither", name).Hint = source.DidYouMean(name, names)
		return
	}
	b.places[s] = host
}
