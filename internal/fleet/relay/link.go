package relay

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// The limits of a relay, all of them.
const (
	dialMax   = 10 * time.Second
	pieceSize = 16 << 10 // bytes that travel together
	slowPiece = 512      // the same, where bytes have a rate
	queueMax  = 4096     // pieces on their way
)

// link is one connection: the client's side of it, and the host's.
type link struct {
	near, far *net.TCPConn
	fault     atomic.Pointer[Fault]
	lost      atomic.Bool   // the host's side is gone, and the client must not know
	dead      atomic.Bool   // bytes were swallowed: ends are not passed on either
	gone      chan struct{} // closed when both are
	once      sync.Once
}

func newLink(near, far *net.TCPConn) *link {
	return &link{near: near, far: far, gone: make(chan struct{})}
}

// way is one direction's part of a Fault.
type way func(*Fault) (drop bool, stall, cut, flip int64)

func upward(f *Fault) (bool, int64, int64, int64) { return f.DropUp, f.StallUp, f.CutUp, f.FlipUp }
func downward(f *Fault) (bool, int64, int64, int64) {
	return f.DropDown, f.StallDown, f.CutDown, f.FlipDown
}

// piece is some bytes that arrive together, not before due, and what follows them.
type piece struct {
	bytes []byte
	due   time.Time
	cut   bool
}

// carry moves the bytes of one direction until it ends. Reading and writing are apart, so that a delay is no throttle.
func (k *link) carry(from, to *net.TCPConn, total *atomic.Int64, of way) {
	queue := make(chan piece, queueMax)
	delivered := make(chan struct{})
	go func() {
		defer close(delivered)
		k.deliver(to, queue)
	}()
	k.fetch(from, queue, total, of)
	close(queue)
	<-delivered
	switch {
	case !k.lost.Load():
	case to == k.near:
		<-k.gone // what the host's side did is not told
	default:
		k.hangUp() // the client left, and nobody else is there
	}
}

// fetch reads one direction and does to it what the fault says.
func (k *link) fetch(from *net.TCPConn, queue chan<- piece, total *atomic.Int64, of way) {
	var under *Fault
	var count int64
	dead := false
	for {
		f := k.fault.Load()
		size := pieceSize
		if f.Rate > 0 {
			size = slowPiece
		}
		buf := make([]byte, size)
		n, err := from.Read(buf)
		if now := k.fault.Load(); now != under { // it may have come while nothing did
			under, count = now, 0
		}
		drop, stall, cut, flip := of(under)
		total.Add(int64(n))
		if drop && !dead {
			dead = true
			k.dead.Store(true)
		}
		p := piece{bytes: buf[:n], cut: cut > 0 && count+int64(n) >= cut}
		stalls := stall > 0 && count+int64(n) >= stall
		switch {
		case p.cut:
			p.bytes = p.bytes[:max(cut-count-1, 0)]
		case stalls:
			p.bytes = p.bytes[:max(stall-count-1, 0)]
		}
		if flip > count && flip <= count+int64(len(p.bytes)) {
			p.bytes[flip-count-1] ^= 1
		}
		count += int64(n)
		if !dead {
			k.send(queue, under, p)
		}
		if stalls {
			dead = true
			k.dead.Store(true)
		}
		if p.cut || err != nil {
			return
		}
	}
}

func (k *link) send(queue chan<- piece, f *Fault, p piece) {
	if len(p.bytes) == 0 && !p.cut {
		return
	}
	if f.Rate > 0 && !k.wait(time.Duration(len(p.bytes))*time.Second/time.Duration(f.Rate)) {
		return
	}
	p.due = time.Now().Add(f.Delay)
	select {
	case queue <- p:
	case <-k.gone:
	}
}

// deliver writes what arrives, and tells the other side of the end.
func (k *link) deliver(to *net.TCPConn, queue <-chan piece) {
	broken := false
	for p := range queue {
		if broken || !k.wait(time.Until(p.due)) {
			continue
		}
		_, err := to.Write(p.bytes)
		broken = err != nil // the reader of the other direction learns why
		if p.cut {
			k.cut()
		}
	}
	if !k.lost.Load() && !k.dead.Load() {
		_ = to.CloseWrite() // it may be closed already
	}
}

// wait is false when the connection ends before.
func (k *link) wait(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-k.gone:
		return false
	}
}

// forget ends the host's side alone.
func (k *link) forget() {
	k.lost.Store(true)
	reset(k.far)
}

// cut resets both sides.
func (k *link) cut() {
	_, _ = k.near.SetLinger(0), k.far.SetLinger(0) // closed already is as good
	k.hangUp()
}

func (k *link) hangUp() {
	k.once.Do(func() {
		close(k.gone)
		_, _ = k.near.Close(), k.far.Close()
	})
}

func reset(c *net.TCPConn) {
	_ = c.SetLinger(0)
	_ = c.Close()
}
