package remote

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// reach gets to the port where SSH is spoken: by TCP, a command, or the hop before.
func (d *Dialer) reach(ctx context.Context, s *Settings, via *link) (net.Conn, error) {
	switch {
	case via != nil:
		conn, err := via.tunnel(ctx, d.dialTime(s), s.Addr, s.port())
		return conn, hopFailed(s, via.settings, d.dialTime(s), err)
	case s.ProxyCommand != "" && s.ProxyCommand != "none":
		return startProxy(s)
	default:
		return d.dial(ctx, s)
	}
}

func (d *Dialer) dialTime(s *Settings) time.Duration {
	if s.ConnectTimeout > 0 {
		return s.ConnectTimeout
	}
	return d.timeouts.Dial
}

// dial tries the addresses of a host one after the other, in the time there is for all.
func (d *Dialer) dial(ctx context.Context, s *Settings) (net.Conn, error) {
	addrs, err := d.resolve(ctx, s)
	if err != nil {
		return nil, dialFailed(s, d.timeouts.Resolve, err)
	}
	limit := d.dialTime(s)
	end := time.Now().Add(limit)
	local, err := bindAddress(s)
	if err != nil {
		return nil, err
	}
	var failure error
	for i, a := range addrs {
		// Our own keepalive tells more than the kernel's.
		dialer := net.Dialer{Timeout: time.Until(end) / time.Duration(len(addrs)-i), KeepAlive: -1, LocalAddr: local}
		conn, err := dialer.DialContext(ctx, "tcp", netip.AddrPortFrom(a, uint16(s.port())).String()) //nolint:gosec // checked by resolve
		if err == nil {
			d.pin(s, a)
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if failure == nil {
			failure = err
		}
	}
	if errors.Is(failure, syscall.ECONNRESET) { // taken, and dropped at once
		return nil, errDropped
	}
	return nil, dialFailed(s, limit, failure)
}

func bindAddress(s *Settings) (net.Addr, error) {
	if s.BindAddress == "" {
		return nil, nil
	}
	a, err := netip.ParseAddr(s.BindAddress)
	if err != nil {
		return nil, &executor.HostError{
			Class: classLink, Hop: s.hop(),
			Message: fmt.Sprintf("cannot connect to %s from %q: it is no address", s.label(), s.BindAddress),
			Hint:    "BindAddress takes a literal address",
		}
	}
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(a, 0)), nil
}

// pinned are the addresses of a name, asked for once a run: the host stays the same one while it
// lasts. The one that answered comes first.
type pinned struct {
	mu    sync.Mutex
	addrs []netip.Addr
}

// resolve needs no resolver for a literal address.
func (d *Dialer) resolve(ctx context.Context, s *Settings) ([]netip.Addr, error) {
	if s.port() < 1 || s.port() > 65535 {
		return nil, fmt.Errorf("%d is no port", s.port())
	}
	if a, err := netip.ParseAddr(strings.Trim(s.Addr, "[]")); err == nil {
		return []netip.Addr{a}, nil
	}
	p := d.pinned(s)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.addrs) > 0 {
		return p.addrs, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.timeouts.Resolve)
	defer cancel()
	found, err := d.options.Resolver.LookupNetIP(ctx, familyOf(s), s.Addr)
	if err == nil && len(found) == 0 {
		err = errors.New("it has no address")
	}
	if err != nil {
		var dns *net.DNSError
		switch {
		case errors.Is(ctx.Err(), context.DeadlineExceeded):
			err = &net.DNSError{Err: fmt.Sprintf("no answer in %v", d.timeouts.Resolve), Name: s.Addr, IsTimeout: true}
		case ctx.Err() == nil && !errors.As(err, &dns):
			err = &net.DNSError{Err: err.Error(), Name: s.Addr}
		}
		return nil, err
	}
	for _, a := range found {
		p.addrs = append(p.addrs, a.Unmap())
	}
	return p.addrs, nil
}

func (d *Dialer) pinned(s *Settings) *pinned {
	key := familyOf(s) + " " + s.Addr
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.addresses[key] == nil {
		d.addresses[key] = &pinned{}
	}
	return d.addresses[key]
}

// pin puts the address that answered first.
func (d *Dialer) pin(s *Settings, a netip.Addr) {
	p := d.pinned(s)
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.addrs) > 1 && p.addrs[0] != a {
		rest := slices.DeleteFunc(slices.Clone(p.addrs), func(b netip.Addr) bool { return a == b })
		p.addrs = append([]netip.Addr{a}, rest...)
	}
}

func familyOf(s *Settings) string {
	switch s.AddressFamily {
	case "inet":
		return "ip4"
	case "inet6":
		return "ip6"
	default:
		return "ip"
	}
}
