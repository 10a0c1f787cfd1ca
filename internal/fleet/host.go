package fleet

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
)

// Host is one host of a fleet.
type Host struct {
	Name string
	Addr string // "127.0.0.1:port"
	Port int
	Dir  string // its root: where its commands start, and their HOME

	fleet         *Fleet
	listener      net.Listener
	key, otherKey ssh.Signer
	misbehaviour  atomic.Pointer[Misbehaviour]

	mu       sync.Mutex
	closed   bool
	wires    map[*wire]struct{}
	commands []string
	forwards map[int]string
}

// Misbehave replaces what the host does wrong, from now on and on the
// connections that are open too, as far as they have not passed the point.
func (h *Host) Misbehave(m Misbehaviour) {
	h.misbehaviour.Store(&m)
}

// Commands returns the strings that clients asked the host to execute so far,
// in the order they came.
func (h *Host) Commands() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.commands)
}

func (h *Host) remember(command string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.commands) < commandsMax {
		h.commands = append(h.commands, command)
	}
}

// Forward gives the host a port of its own: what clients reach through it as
// localhost:port is the address to, which is on loopback. The commands of the
// host do not see it. An empty to takes the port away.
func (h *Host) Forward(port int, to string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if to == "" {
		delete(h.forwards, port)
		return
	}
	h.forwards[port] = to
}

// CutAll resets every connection of the host, now.
func (h *Host) CutAll() {
	for _, w := range h.open() {
		w.cut()
	}
}

func (h *Host) open() []*wire {
	h.mu.Lock()
	defer h.mu.Unlock()
	wires := make([]*wire, 0, len(h.wires))
	for w := range h.wires {
		wires = append(wires, w)
	}
	return wires
}

// close ends the host for good.
func (h *Host) close() error {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	err := h.listener.Close()
	h.CutAll()
	return err
}

// listen accepts connections until the host is closed.
func (h *Host) listen() {
	for {
		c, err := h.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			// Out of file descriptors, most likely: those that end give theirs back.
			select {
			case <-h.fleet.ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		w := newWire(c.(*net.TCPConn), h)
		if !h.admit(w) {
			w.cut()
			continue
		}
		h.fleet.running.Go(func() {
			defer h.dismiss(w)
			h.serve(w)
		})
	}
}

func (h *Host) admit(w *wire) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.wires) >= connectionsMax {
		return false
	}
	h.wires[w] = struct{}{}
	return true
}

func (h *Host) dismiss(w *wire) {
	w.hangUp()
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.wires, w)
}

// serve does with a new connection what the host does at this time, and
// returns when the connection has ended. Errors on it are the client's to see.
func (h *Host) serve(w *wire) {
	m := h.misbehaviour.Load()
	switch {
	case m.RefuseConnections:
		w.cut()
	case m.SilentBanner:
		w.discard()
	case m.GarbageBanner != "":
		w.babble(m.GarbageBanner)
	default:
		h.serveSSH(w)
	}
}

func (h *Host) serveSSH(w *wire) {
	if w.SetDeadline(time.Now().Add(handshakeMax)) != nil {
		return
	}
	sc, channels, requests, err := ssh.NewServerConn(w, h.serverConfig(w))
	if err != nil {
		return
	}
	if w.SetDeadline(time.Time{}) == nil {
		c := &connection{host: h}
		c.serve(channels, requests)
	}
	w.hangUp()
	_ = sc.Wait() // why it ended is the client's to know
}

func (h *Host) serverConfig(w *wire) *ssh.ServerConfig {
	c := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-opsctl_fleet",
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if h.misbehaviour.Load().RejectAuth {
				return nil, errors.New("every key is rejected")
			}
			if string(key.Marshal()) != string(h.fleet.authorized.Marshal()) {
				return nil, fmt.Errorf("key %s is unknown", ssh.FingerprintSHA256(key))
			}
			return nil, nil
		},
		AuthLogCallback: func(_ ssh.ConnMetadata, _ string, err error) {
			if err == nil {
				w.grant()
			}
		},
	}
	if h.misbehaviour.Load().NewHostKey {
		c.AddHostKey(h.otherKey)
	} else {
		c.AddHostKey(h.key)
	}
	return c
}
