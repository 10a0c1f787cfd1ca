package plan

import (
	"slices"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// rollout lays out a block once for each wave. A wave begins when the one before it has ended,
// so its first steps wait, behind a barrier, for the last steps of that.
func (b *builder) rollout(block *runbook.Step, in instance) []int {
	hosts := b.rolloutHosts(block)
	r := &Rollout{Block: block.Path, Source: block, Soak: block.Soak, MaxUnreachable: -1}
	if r.Block == "" {
		r.Block = rootID
	}
	r.Hosts = b.indices(hosts)
	if block.SoakText != nil {
		r.Soak = b.soak(block.SoakText)
	}
	r.MaxFailures = block.MaxFailures.Of(len(hosts))
	if block.MaxUnreachable != nil {
		r.MaxUnreachable = block.MaxUnreachable.Of(len(hosts))
	}
	index := len(b.plan.Rollouts)
	b.plan.Rollouts = append(b.plan.Rollouts, r)
	b.disjoint(block, hostSet(hosts))

	in.rollout, in.once = index, map[*runbook.Step]bool{}
	before := barriers(in.before)
	for wave, first := 1, 0; first < len(hosts); wave++ {
		size := max(1, waveSize(block.Waves, wave).Of(len(hosts)))
		last := min(first+size, len(hosts))
		in.wave, in.before, in.hosts = wave, before, hostSet(hosts[first:last])
		in.list = hosts[first:last]
		from := len(b.plan.Steps)
		exits := b.inside(block, in)
		r.Waves = append(r.Waves, r.Hosts[first:last])
		r.Steps = append(r.Steps, upTo(from, len(b.plan.Steps)))
		before = nil
		for _, exit := range exits {
			before = append(before, Edge{Step: exit, Barrier: true})
		}
		first = last
	}
	return stepsOf(before)
}

// soak evaluates a soak that is made of params and vars.
func (b *builder) soak(t *runbook.Text) time.Duration {
	text, err := t.Render(b.env)
	if err != nil {
		b.problem(t.Node, "%s", err)
		return 0
	}
	soak, err := runbook.ParseDuration(text)
	if err != nil {
		b.problem(t.Node, "%s", err)
	}
	return soak
}

func upTo(from, to int) []int {
	var list []int
	for i := from; i < to; i++ {
		list = append(list, i)
	}
	return list
}

func barriers(edges []Edge) []Edge {
	list := make([]Edge, len(edges))
	for i, e := range edges {
		list[i] = Edge{Step: e.Step, Barrier: true}
	}
	return list
}

// waveSize gives the size of a wave, from 1; the last one written is repeated.
func waveSize(sizes []runbook.Size, wave int) runbook.Size {
	if wave > len(sizes) {
		return sizes[len(sizes)-1]
	}
	return sizes[wave-1]
}

// rolloutHosts are the hosts of the block's own target.
func (b *builder) rolloutHosts(block *runbook.Step) []*inventory.Host {
	return b.chosen[block]
}

func hostSet(hosts []*inventory.Host) map[*inventory.Host]bool {
	set := make(map[*inventory.Host]bool, len(hosts))
	for _, h := range hosts {
		set[h] = true
	}
	return set
}

// disjoint finds steps that no host of the rollout would go through.
func (b *builder) disjoint(s *runbook.Step, hosts map[*inventory.Host]bool) {
	for _, inner := range s.Steps {
		if inner.Action == "steps" {
			b.disjoint(inner, hosts)
			continue
		}
		if inner.Once || inner.Delegate != nil || len(b.chosen[inner]) == 0 {
			continue
		}
		common := slices.ContainsFunc(b.chosen[inner], func(h *inventory.Host) bool { return hosts[h] })
		if !common {
			node := inner.HostsNode
			if node == nil {
				node = inner.Node
			}
			b.problem(node, "no host of this step is a host of the rollout around it").Hint = "delegate: <host> runs it there for each host of the rollout; once: true runs it once"
		}
	}
}
