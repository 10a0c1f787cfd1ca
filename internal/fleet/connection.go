package fleet

import (
	"sync"

	"golang.org/x/crypto/ssh"
)

// connection is an authenticated SSH connection to a host.
type connection struct {
	host *Host

	mu       sync.Mutex
	sessions int
	noMore   bool // the client has said it wants no more sessions
}

// serve answers what the client asks for until the connection ends.
func (c *connection) serve(channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	running := &c.host.fleet.running
	running.Go(func() { c.answer(requests) })
	for nc := range channels {
		switch nc.ChannelType() {
		case "session":
			c.openSession(nc)
		case "direct-tcpip":
			running.Go(func() { c.host.forward(nc) })
		default:
			reject(nc, ssh.UnknownChannelType, "unknown channel type")
		}
	}
}

// answer answers the requests about the connection as a whole. OpenSSH fails
// keepalive@openssh.com like any request it does not know; the answer is what
// keeps a connection alive.
func (c *connection) answer(requests <-chan *ssh.Request) {
	for r := range requests {
		if r.Type == "no-more-sessions@openssh.com" {
			c.mu.Lock()
			c.noMore = true
			c.mu.Unlock()
			reply(r, true)
			continue
		}
		reply(r, false)
	}
}

func (c *connection) openSession(nc ssh.NewChannel) {
	if !c.takeSession() {
		reject(nc, ssh.ConnectionFailed, "open failed")
		return
	}
	c.host.fleet.running.Go(func() {
		ch, requests, err := nc.Accept()
		if err != nil {
			c.giveSession()
			return
		}
		s := &session{host: c.host, channel: ch}
		s.serve(requests)
		// As in OpenSSH, a session counts until its command has ended too.
		s.wait()
		c.giveSession()
	})
}

func (c *connection) takeSession() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.noMore || c.sessions >= c.host.misbehaviour.Load().sessionMax() {
		return false
	}
	c.sessions++
	return true
}

func (c *connection) giveSession() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sessions--
}

// reply answers a request. When that fails the connection is gone, and those
// who read from it are told so.
func reply(r *ssh.Request, ok bool) {
	if r.WantReply {
		_ = r.Reply(ok, nil)
	}
}

// reject refuses a channel; of failure see reply.
func reject(nc ssh.NewChannel, reason ssh.RejectionReason, message string) {
	_ = nc.Reject(reason, message)
}
