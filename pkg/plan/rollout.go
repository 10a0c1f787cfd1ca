package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// rollout lays out a block once for each wave. A wave begins when the one before it has ended,
// so its first steps wait, behind a barrier, for the last steps of that.
func (b *builder) rollout(block *node, in instance) []int {
	src, hosts := block.src, block.chosen
	r := &Rollout{Block: block.path, Source: src, Soak: src.Soak, MaxUnreachable: -1}
	if r.Block == "" {
		r.Block = rootID
	}
	r.Hosts = b.indices(hosts)
	if src.SoakText != nil {
		r.Soak = b.soak(src.SoakText, block.env)
	}
	r.MaxFailures = src.MaxFailures.Of(len(hosts))
	if src.MaxUnreachable != nil {
		r.MaxUnreachable = src.MaxUnreachable.Of(len(hosts))
	}
	in.rollout = len(b.plan.Rollouts)
	b.plan.Rollouts = append(b.plan.Rollouts, r)
	b.disjoint(block, hostSet(hosts))

	in.once = map[*node]bool{}
	in.before = barriers(in.before)
	for i, wave := range b.waves(block) {
		in.wave, in.hosts, in.list = i+1, hostSet(wave), wave
		from := len(b.plan.Steps)
		exits := b.lay(block, in)
		if block.gate != nil {
			exits = []int{b.gate(block, exits, in)}
		}
		r.Waves = append(r.Waves, b.indices(wave))
		r.Steps = append(r.Steps, upTo(from, len(b.plan.Steps)))
		in.before = nil
		for _, exit := range exits {
			in.before = append(in.before, Edge{Step: exit, Barrier: true})
		}
	}
	return stepsOf(in.before)
}

// gate lays out the gate of one wave: after all else of it. Its id tells the wave, since its host may
// be the same each time.
func (b *builder) gate(block *node, exits []int, in instance) int {
	if block.path != "" {
		in.blocks = append(slices.Clone(in.blocks), block.path)
	}
	step := b.leaf(block.gate, instance{rollout: -1})
	step.ID = fmt.Sprintf("%s[%d]", block.gate.path, in.wave)
	step.Gate, step.Rollout, step.Wave, step.Blocks = true, in.rollout, in.wave, in.blocks
	for _, exit := range exits {
		step.Before = append(step.Before, Edge{Step: exit, Barrier: true})
	}
	return step.Index
}

// waves divides the hosts of a rollout. Where a spread bounds how many of one kind go together, a
// host that would be one too many waits for a later wave, and the next one in order takes its place.
func (b *builder) waves(block *node) [][]*inventory.Host {
	var waves [][]*inventory.Host
	rest := block.chosen
	kinds := b.kinds(block)
	for len(rest) > 0 {
		size := max(1, waveSize(block.src.Waves, len(waves)+1).Of(len(block.chosen)))
		var wave, later []*inventory.Host
		count := map[string]int{}
		for _, h := range rest {
			if len(wave) == size || kinds != nil && count[kinds[h]] == block.src.Spread.Max {
				later = append(later, h)
				continue
			}
			wave = append(wave, h)
			if kinds != nil {
				count[kinds[h]]++
			}
		}
		waves, rest = append(waves, wave), later
	}
	return waves
}

// kinds evaluates what hosts are spread by; nil where they are not.
func (b *builder) kinds(block *node) map[*inventory.Host]string {
	spread := block.src.Spread
	if spread == nil {
		return nil
	}
	kinds := map[*inventory.Host]string{}
	for _, h := range block.chosen {
		env := maps.Clone(block.env)
		env["host"] = h.Values()
		value, err := spread.By.Eval(env)
		text := ""
		if err == nil {
			text, err = expression.Format(value)
		}
		if err != nil {
			b.problem(spread.By.Node, "spread of %s: %s", h.Name, err).Hint = `host.vars.rack ?? "none" gives those without one a name`
			return nil
		}
		kinds[h] = text
	}
	return kinds
}

// soak evaluates a soak that is made of params and vars.
func (b *builder) soak(t *runbook.Text, env map[string]any) time.Duration {
	text, err := t.Render(env)
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

func hostSet(hosts []*inventory.Host) map[*inventory.Host]bool {
	set := make(map[*inventory.Host]bool, len(hosts))
	for _, h := range hosts {
		set[h] = true
	}
	return set
}

// disjoint finds steps that no host of the rollout would go through.
func (b *builder) disjoint(block *node, hosts map[*inventory.Host]bool) {
	for _, inner := range block.kids {
		src := inner.src
		if src.IsBlock() {
			b.disjoint(inner, hosts)
			continue
		}
		if src.Once || inner.place != nil || len(inner.chosen) == 0 {
			continue
		}
		if slices.ContainsFunc(inner.chosen, func(h *inventory.Host) bool { return hosts[h] }) {
			continue
		}
		node := src.HostsNode
		if node == nil {
			node = src.Node
		}
		b.problem(node, "no host of this step is a host of the rollout around it").Hint = "delegate: <host> runs it there for each host of the rollout; once: true runs it once"
	}
}
