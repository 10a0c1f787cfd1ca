package remote

import (
	"context"
	"errors"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

const clientVersion = "SSH-2.0-opsctl"

// handshake makes an SSH connection, logged in, of one below it.
type handshake struct {
	dialer   *Dialer
	settings *Settings
	wire     *wire
	clock    *clock
	freed    *signal
	offer    offer
	verdict  hostKeyVerdict
	allowed  []string // the ways to log in that the host told of
	said     int      // bytes of what it said before it let us in
}

type handshaken struct {
	link *link
	err  error
}

// handshake owns conn: it becomes a link, or is closed.
func (d *Dialer) handshake(ctx context.Context, p *preparation, conn net.Conn) (*link, error) {
	h := &handshake{dialer: d, settings: p.settings, wire: newWire(conn), offer: p.offer, freed: p.freed}
	h.clock = startClock(d.timeouts.Handshake, func() { h.wire.abort(errLate) })
	defer h.clock.stop()
	stop := context.AfterFunc(ctx, func() { h.wire.abort(context.Cause(ctx)) })
	defer stop()
	// In a goroutine of its own, for an agent that hangs would hold it longer than ctx lasts.
	result := make(chan handshaken, 1)
	go func() {
		l, err := h.run(ctx, p.known, p.algorithms)
		result <- handshaken{l, err}
	}()
	select {
	case r := <-result:
		if r.err == nil && !stop() {
			r.link.close()
			return nil, context.Cause(ctx)
		}
		return r.link, r.err
	case <-ctx.Done():
		go func() {
			if r := <-result; r.link != nil {
				r.link.close()
			}
		}()
		return nil, context.Cause(ctx)
	}
}

func (h *handshake) run(ctx context.Context, known knownKeys, a algorithms) (*link, error) {
	signers, err := h.dialer.signers(ctx, h.settings, h.offer, h.clock)
	if err != nil {
		h.wire.abort(err)
		return nil, h.error(classAuth, err.Error(), "")
	}
	config := &ssh.ClientConfig{
		Config: ssh.Config{
			Ciphers: a.ciphers, MACs: a.macs, KeyExchanges: a.keyExchanges,
		},
		User:              h.settings.User,
		ClientVersion:     clientVersion,
		HostKeyAlgorithms: a.hostKeys,
		HostKeyCallback:   h.dialer.hostKeyCallback(h.settings, known, &h.verdict),
		BannerCallback:    h.banner,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(signers...)},
		AuthCallback: func(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			h.allowed = c.AllowedMethods
			return nil, nil
		},
	}
	defer h.listen().Stop()
	conn, channels, requests, err := ssh.NewClientConn(h.wire, h.settings.address(), config)
	if err != nil {
		failure := h.failed(err)
		h.wire.abort(failure)
		return nil, failure
	}
	h.clock.stop()
	return newLink(h.wire, conn, channels, requests, h.settings, h.dialer.timeouts, h.freed), nil
}

// listen bounds the wait for the first word by ConnectTimeout, as ssh does, where it is set.
func (h *handshake) listen() *time.Timer {
	limit := h.settings.ConnectTimeout
	if limit <= 0 {
		limit = h.clock.limit
	}
	return time.AfterFunc(limit, func() {
		if version, first := h.wire.intro.said(); version == "" && len(first) == 0 {
			h.wire.abort(errLate)
		}
	})
}

var errTalkative = errors.New("the host says too much before it lets us in")

func (h *handshake) banner(message string) error {
	if h.said += len(message); h.said > authBannerMax {
		return errTalkative
	}
	return nil
}

// elapse waits, or for the end of ctx.
func elapse(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
