package relay

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Fault is what happens to connections. The zero Fault is a network that works. Bytes are counted for each connection and
// direction, from the beginning of the connection or since it came under this fault, whichever was later. "Up" is to the
// host, "down" is from it. Offsets begin at 1; 0 is never.
type Fault struct {
	Delay time.Duration // of every byte, each way
	Rate  int           // bytes a second, each way

	// DropUp and DropDown swallow what travels that way; nobody is told. A connection that lost bytes stays dead that way.
	DropUp, DropDown bool
	// StallUp and StallDown are Drop from that byte on.
	StallUp, StallDown int64
	// CutUp and CutDown reset the connection on both sides in place of that byte.
	CutUp, CutDown int64
	// FlipUp and FlipDown change one bit of that byte.
	FlipUp, FlipDown int64
	// HalfOpen ends the connection at the host's side alone.
	HalfOpen bool
}

// Relay is one relay. Its faults hit the connections through it.
type Relay struct {
	Addr string // where it listens, "127.0.0.1:port"
	Port int

	listener net.Listener
	target   atomic.Pointer[string]
	accepted atomic.Int64
	up, down atomic.Int64
	running  sync.WaitGroup

	mu     sync.Mutex
	fault  *Fault
	links  map[*link]struct{}
	closed bool
}

// Start relays to an address.
func Start(target string) (*Relay, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Relay{
		Addr: l.Addr().String(), Port: l.Addr().(*net.TCPAddr).Port,
		listener: l, fault: &Fault{}, links: map[*link]struct{}{},
	}
	r.SetTarget(target)
	r.running.Go(r.listen)
	return r, nil
}

// SetTarget has the connections that come from now on lead elsewhere.
func (r *Relay) SetTarget(addr string) { r.target.Store(&addr) }

// Set puts every connection under a fault, those that are open and those that come.
func (r *Relay) Set(f Fault) {
	r.mu.Lock()
	r.fault = &f
	r.mu.Unlock()
	r.Strike(f)
}

// Strike puts the connections that are open under a fault, and leaves those that come alone.
func (r *Relay) Strike(f Fault) {
	for _, k := range r.open() {
		k.fault.Store(&f)
		if f.HalfOpen {
			k.forget()
		}
	}
}

// CutAll resets every open connection, on both sides.
func (r *Relay) CutAll() {
	for _, k := range r.open() {
		k.cut()
	}
}

// Accepted is how many connections came so far.
func (r *Relay) Accepted() int { return int(r.accepted.Load()) }

// Traffic is how many bytes travelled each way so far.
func (r *Relay) Traffic() (up, down int64) { return r.up.Load(), r.down.Load() }

// Close ends the relay and what goes through it.
func (r *Relay) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	err := r.listener.Close()
	r.CutAll()
	r.running.Wait()
	return err
}

func (r *Relay) open() []*link {
	r.mu.Lock()
	defer r.mu.Unlock()
	links := make([]*link, 0, len(r.links))
	for k := range r.links {
		links = append(links, k)
	}
	return links
}

func (r *Relay) listen() {
	for {
		c, err := r.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // the client left before it was taken
		}
		r.accepted.Add(1)
		r.running.Go(func() { r.serve(c.(*net.TCPConn)) })
	}
}

// serve relays one connection to its end.
func (r *Relay) serve(near *net.TCPConn) {
	far, err := net.DialTimeout("tcp", *r.target.Load(), dialMax)
	if err != nil {
		reset(near)
		return
	}
	k := newLink(near, far.(*net.TCPConn))
	r.mu.Lock()
	k.fault.Store(r.fault)
	r.links[k] = struct{}{}
	closed := r.closed
	r.mu.Unlock()
	if closed {
		k.cut()
	}
	var ways sync.WaitGroup
	ways.Go(func() { k.carry(k.near, k.far, &r.up, upward) })
	ways.Go(func() { k.carry(k.far, k.near, &r.down, downward) })
	ways.Wait()
	r.mu.Lock()
	delete(r.links, k)
	r.mu.Unlock()
	k.hangUp()
}
