package remote

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// wire is the connection below SSH. It knows when it last heard something, keeps what the server
// said before its SSH banner, and remembers why it was closed from this side.
type wire struct {
	net.Conn
	tcp   *net.TCPConn // nil where it is none
	born  time.Time
	heard atomic.Int64 // nanoseconds after born
	eager atomic.Bool  // acknowledge at once what is read
	past  atomic.Bool  // the intro is read to its end

	programs atomic.Int32 // bare commands on it
	failed   atomic.Bool  // nothing more can be read

	intro intro

	mu     sync.Mutex
	reason error
}

func newWire(conn net.Conn) *wire {
	w := &wire{Conn: conn, born: time.Now()}
	if tcp, ok := conn.(*net.TCPConn); ok {
		w.tcp = tcp
		w.eager.Store(true)
	}
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	if w.past.Load() {
		return w.receive(p)
	}
	n, past, err := w.intro.read(p, w.receive)
	if past {
		w.past.Store(true)
	}
	return n, err
}

func (w *wire) receive(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(int64(time.Since(w.born)))
		// Where the kernel does not grant the wish it is not asked again: only time is lost.
		if w.eager.Load() && quickAck(w.tcp) != nil {
			w.eager.Store(false)
		}
	}
	if err != nil {
		w.fail()
	}
	return n, err
}

// fail notes that nothing more can be read. While bare commands are under way it waits until the
// SSH library has taken in what came before: many devices end the connection right behind the end
// of a channel, and that end must be seen as what it is.
func (w *wire) fail() {
	if w.programs.Load() > 0 {
		time.Sleep(orderTime)
	}
	w.failed.Store(true)
}

// silence is how long nothing was heard.
func (w *wire) silence() time.Duration {
	return time.Since(w.born) - time.Duration(w.heard.Load())
}

// abort closes the wire; the first reason is kept.
func (w *wire) abort(reason error) {
	w.mu.Lock()
	if w.reason == nil {
		w.reason = reason
	}
	w.mu.Unlock()
	// What closing says is of no use: the wire is given up.
	_ = w.Conn.Close()
}

// why is the reason of abort, or nil.
func (w *wire) why() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.reason
}

var errPreamble = errors.New("too much was said before an SSH banner")

// intro is what a server says up to the end of its SSH banner. The SSH library reads it byte by
// byte; it is fetched in pieces here.
type intro struct {
	mu      sync.Mutex
	buf     []byte // fetched and not handed on
	line    []byte // the beginning of the line being read
	first   []byte // the beginning of all that came
	total   int
	version string
}

// read hands on what was fetched; past is true once the banner is handed on.
func (i *intro) read(p []byte, fetch func([]byte) (int, error)) (n int, past bool, err error) {
	i.mu.Lock()
	empty, seen := len(i.buf) == 0, i.version != ""
	i.mu.Unlock()
	if empty && !seen {
		piece := make([]byte, introBufferSize)
		n, err := fetch(piece)
		if n == 0 {
			return 0, false, err
		}
		if err := i.take(piece[:n]); err != nil {
			return 0, false, err
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	n = copy(p, i.buf)
	i.buf = i.buf[n:]
	if past = len(i.buf) == 0 && i.version != ""; past {
		i.buf, i.line, i.first = nil, nil, nil
	}
	return n, past, nil
}

func (i *intro) take(piece []byte) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.buf = piece
	i.total += len(piece)
	if room := 2*excerptMax - len(i.first); room > 0 {
		i.first = append(i.first, piece[:min(room, len(piece))]...)
	}
	for _, b := range piece {
		if b != '\n' {
			if len(i.line) < 255 {
				i.line = append(i.line, b)
			}
			continue
		}
		if len(i.line) > 4 && string(i.line[:4]) == "SSH-" {
			i.version = string(i.line)
			return nil
		}
		i.line = i.line[:0]
	}
	if i.total > preambleMax {
		return errPreamble
	}
	return nil
}

// said tells the banner, or the beginning of what came in its place.
func (i *intro) said() (version string, first []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.version, i.first
}
