package supervisor

import (
	"context"
	"slices"
	"sync"
)

// pool holds the channels of one host that nobody uses at the moment, and counts the others, so
// that there are never more sessions than a server allows.
type pool struct {
	mu     sync.Mutex
	max    int
	open   int // idle ones among them
	idle   []*channel
	change chan struct{} // closed when a place or a channel became free
}

func newPool(limit int) *pool { return &pool{max: limit, change: make(chan struct{})} }

// take returns an idle channel, or nil and a place to open one. An idle channel of another kind
// or identity gives up its place.
func (p *pool) take(ctx context.Context, k kind, sudo string) (*channel, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p.mu.Lock()
		for i := len(p.idle) - 1; i >= 0; i-- {
			if c := p.idle[i]; c.kind == k && c.sudo == sudo {
				p.idle = slices.Delete(p.idle, i, i+1)
				p.mu.Unlock()
				return c, nil
			}
		}
		if p.open < p.max {
			p.open++
			p.mu.Unlock()
			return nil, nil
		}
		if len(p.idle) > 0 {
			c := p.idle[0]
			p.idle = slices.Delete(p.idle, 0, 1)
			p.mu.Unlock()
			c.shut()
			return nil, nil
		}
		change := p.change
		p.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
		}
	}
}

// put gives a channel back that is whole.
func (p *pool) put(c *channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
	p.changed()
}

// drop gives back only the place; c may be nil.
func (p *pool) drop(c *channel) {
	if c != nil {
		c.shut()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open--
	p.changed()
}

func (p *pool) changed() {
	close(p.change)
	p.change = make(chan struct{})
}

// close ends the idle channels.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.open -= len(idle)
	p.mu.Unlock()
	for _, c := range idle {
		c.shut()
	}
}
