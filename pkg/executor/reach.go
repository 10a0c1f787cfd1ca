package executor

import (
	"context"
	"strings"

	"github.com/opsctl/opsctl/pkg/inventory"
)

// reach connects every host, so that what cannot be reached is said once.
func (p *preview) reach(ctx context.Context) {
	if p.Prober == nil {
		return
	}
	p.each(len(p.Plan.Hosts), func(i int) {
		if why := p.cannotReach(ctx, p.Plan.Hosts[i], p.durable[i]); why != "" {
			p.mu.Lock()
			p.down[int32(i)] = why
			p.mu.Unlock()
		}
	})
}

// cannotReach tells why a host is of no use now, or nothing.
func (p *preview) cannotReach(ctx context.Context, h *inventory.Host, shell bool) string {
	if !shell {
		err := p.Prober(h).Reach(ctx)
		if host, ok := asHostError(err); ok {
			return host.Class + ": " + host.Message
		}
		if err != nil {
			return err.Error()
		}
		return ""
	}
	ending := p.Prober(h).Ask(ctx, Command{Script: ":", Shell: "sh"}, func(Stream, []byte) {})
	if ending.Verdict == Ended {
		return ""
	}
	return strings.TrimSpace(ending.Class + ": " + ending.Message)
}
