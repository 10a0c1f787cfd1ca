package remote

import (
	"fmt"

	"github.com/opsctl/opsctl/pkg/executor"
)

// sharedHop is a jump host with its connection, shared by the hosts behind it.
type sharedHop struct {
	key    string
	linker *Linker
	users  int
}

// jumpKey tells chains of jump hosts apart.
func jumpKey(jumps []Settings) string {
	if len(jumps) == 0 {
		return ""
	}
	return fmt.Sprintf("%+v", jumps)
}

// enterHop makes sure that the last jump host before this one has a Linker. It is called under mu.
func (l *Linker) enterHop() error {
	jumps := l.settings.Jumps
	if len(jumps) == 0 || l.hop != nil {
		return nil
	}
	if len(jumps) > jumpsMax {
		return &executor.HostError{
			Class: classLink, Hop: l.settings.hop(),
			Message: fmt.Sprintf("cannot connect to %s: it is behind %d jump hosts, at most %d are followed", l.settings.label(), len(jumps), jumpsMax),
		}
	}
	last := len(jumps) - 1
	s := jumps[last]
	if last > 0 { // where it is the first, it may have a ProxyCommand, or jumps of its own
		s.Jumps = jumps[:last]
	}
	l.hop = l.dialer.enterHop(s, jumpKey(jumps))
	return nil
}

func (d *Dialer) enterHop(s Settings, key string) *sharedHop {
	d.mu.Lock()
	defer d.mu.Unlock()
	h := d.hops[key]
	if h == nil {
		h = &sharedHop{key: key, linker: d.Linker(s)}
		d.hops[key] = h
	}
	h.users++
	return h
}

// leaveHop closes the connection to a jump host after the last host behind it.
func (d *Dialer) leaveHop(h *sharedHop) error {
	d.mu.Lock()
	h.users--
	last := h.users == 0
	if last {
		delete(d.hops, h.key)
	}
	d.mu.Unlock()
	if last {
		return h.linker.Close()
	}
	return nil
}
