package fleet

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"
)

// forward serves a direct-tcpip channel (RFC 4254, 7.2).
func (h *Host) forward(nc ssh.NewChannel) {
	var m struct {
		Host       string
		Port       uint32
		Origin     string
		OriginPort uint32
	}
	if err := ssh.Unmarshal(nc.ExtraData(), &m); err != nil {
		reject(nc, ssh.ConnectionFailed, "open failed")
		return
	}
	if h.misbehaviour.Load().ForbidForwarding {
		reject(nc, ssh.Prohibited, "open failed")
		return
	}
	to, err := h.destination(m.Host, m.Port)
	if err != nil {
		reject(nc, ssh.Prohibited, err.Error())
		return
	}
	ctx, cancel := context.WithTimeout(h.fleet.ctx, dialMax)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
	if err != nil {
		reject(nc, ssh.ConnectionFailed, err.Error())
		return
	}
	channel, requests, err := nc.Accept()
	if err != nil {
		_ = conn.Close() // nothing has been sent on it
		return
	}
	h.join(channel, requests, conn.(*net.TCPConn))
}

// destination is where a client gets that asks for this port of this name. It
// is always on loopback: a fleet makes no other traffic.
func (h *Host) destination(name string, port uint32) (string, error) {
	ip := net.ParseIP(name)
	if name != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", errors.New("only localhost is reached from here")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if to, ok := h.forwards[int(port)]; ok {
		return to, nil
	}
	return net.JoinHostPort(name, strconv.FormatUint(uint64(port), 10)), nil
}

// join moves bytes both ways until both have ended, or the channel is closed.
// The errors of either side reach the other as an end.
func (h *Host) join(channel ssh.Channel, requests <-chan *ssh.Request, conn *net.TCPConn) {
	running := &h.fleet.running
	there := make(chan struct{})
	running.Go(func() {
		defer close(there)
		_, _ = io.Copy(conn, channel)
		_ = conn.CloseWrite()
	})
	running.Go(func() {
		_, _ = io.Copy(channel, conn)
		_ = channel.CloseWrite()
		<-there
		_ = channel.Close()
	})
	for r := range requests {
		reply(r, false)
	}
	_ = conn.Close() // wakes those who read from it
}
