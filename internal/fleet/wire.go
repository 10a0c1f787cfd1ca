package fleet

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

var errCut = errors.New("the connection is cut")

// phase is how far a wire has come. The one packet that tells the client of its
// success is written while the wire is granted, and counts as authentication.
type phase int

const (
	strange phase = iota
	granted
	authenticated
)

// wire is the TCP connection under an SSH connection: the place where bytes are
// counted, swallowed and cut.
type wire struct {
	*net.TCPConn
	host *Host
	gone chan struct{} // closed when this side has hung up
	once sync.Once

	mu             sync.Mutex
	phase          phase
	under          *Misbehaviour // what the counts below belong to
	received, sent int64
	swallowed      bool // it lost bytes and is dead for good
}

func newWire(c *net.TCPConn, h *Host) *wire {
	return &wire{TCPConn: c, host: h, gone: make(chan struct{})}
}

// grant notes that the client has proved who it is.
func (w *wire) grant() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.phase = granted
}

func (w *wire) Read(p []byte) (int, error) {
	for {
		n, err := w.TCPConn.Read(p)
		deliver, fate := w.countRead(n)
		switch {
		case fate == swallow && err != nil:
			// Nobody on this side is to know that the client left.
			<-w.gone
			return 0, err
		case fate == swallow:
			continue
		case fate == cut:
			w.cut()
			if deliver == 0 {
				return 0, errCut
			}
			return deliver, nil
		}
		return n, err
	}
}

func (w *wire) Write(p []byte) (int, error) {
	allowed, fate := w.countWrite(len(p))
	switch fate {
	case swallow:
		return len(p), nil
	case cut:
		n, err := w.TCPConn.Write(p[:allowed])
		w.cut()
		return n, errors.Join(errCut, err)
	default:
		return w.TCPConn.Write(p)
	}
}

// fate is what becomes of bytes on the wire.
type fate int

const (
	pass fate = iota
	swallow
	cut
)

// countRead counts n bytes that came in, and says how many of them count.
func (w *wire) countRead(n int) (int, fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.phase != authenticated {
		return n, pass
	}
	m := w.judge()
	if m.Blackhole || w.swallowed {
		w.swallowed = true
		return 0, swallow
	}
	return count(&w.received, n, m.CutAfterBytes)
}

// countWrite is countRead for bytes going out.
func (w *wire) countWrite(n int) (int, fate) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.phase == granted {
		w.phase = authenticated
		return n, pass
	}
	if w.phase != authenticated {
		return n, pass
	}
	m := w.judge()
	if m.Blackhole || w.swallowed {
		w.swallowed = true
		return 0, swallow
	}
	return count(&w.sent, n, m.CutAfterWrites)
}

// judge returns what the host does wrong now; the counts start again when that
// has been replaced.
func (w *wire) judge() *Misbehaviour {
	m := w.host.misbehaviour.Load()
	if m != w.under {
		w.under, w.received, w.sent = m, 0, 0
	}
	return m
}

func count(total *int64, n int, limit int64) (int, fate) {
	if limit <= 0 || *total+int64(n) < limit {
		*total += int64(n)
		return n, pass
	}
	n = int(max(limit-*total, 0))
	*total = limit
	return n, cut
}

// cut resets the connection.
func (w *wire) cut() {
	// It may be closed already, which is as good.
	_ = w.SetLinger(0)
	w.hangUp()
}

// Close is what the SSH protocol calls when it is done with the connection.
func (w *wire) Close() error {
	w.hangUp()
	return nil
}

func (w *wire) hangUp() {
	w.once.Do(func() {
		close(w.gone)
		_ = w.TCPConn.Close() // closed once, here: there is nothing else to fail
	})
}

// discard reads until the client leaves.
func (w *wire) discard() {
	_, _ = io.Copy(io.Discard, w.TCPConn) // that it ends is all that matters
}

// babble says something that is no SSH banner, and hangs up. The client's own
// banner is read first to last, because closing with bytes unread resets the
// connection and takes away what was said.
func (w *wire) babble(text string) {
	if w.SetDeadline(time.Now().Add(garbageMax)) != nil {
		return
	}
	if _, err := io.WriteString(w.TCPConn, text); err != nil {
		return
	}
	if w.CloseWrite() != nil {
		return
	}
	w.discard()
}
