package remote

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// keyAgent is one SSH agent: its keys are listed once a run, its connection is shared.
type keyAgent struct {
	socket string
	limit  time.Duration // for one answer

	mu     sync.Mutex
	conn   *agentConn
	client agent.ExtendedAgent
	keys   []*agent.Key
	listed bool
	closed bool
}

var errAgentClosed = errors.New("the agent is not used any more")

// connect gives the shared connection.
func (a *keyAgent) connect() (*agentConn, agent.ExtendedAgent, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil, nil, errAgentClosed
	}
	if a.conn != nil {
		return a.conn, a.client, nil
	}
	raw, err := net.DialTimeout("unix", a.socket, a.limit)
	if err != nil {
		return nil, nil, err
	}
	conn := &agentConn{Conn: raw}
	a.conn, a.client = conn, agent.NewClient(conn)
	return a.conn, a.client, nil
}

// drop forgets a connection that failed; the next call makes a new one.
func (a *keyAgent) drop(conn *agentConn) {
	a.mu.Lock()
	if a.conn == conn {
		a.conn, a.client = nil, nil
	}
	a.mu.Unlock()
	// It failed already.
	_ = conn.Close()
}

// do asks the agent, ending the connection when it does not answer in time. A connection that an
// agent closed since is made again once.
func (a *keyAgent) do(what func(agent.ExtendedAgent) error) error {
	var err error
	for range 2 {
		conn, client, dialErr := a.connect()
		if dialErr != nil {
			return dialErr
		}
		late := time.AfterFunc(a.limit, func() { a.drop(conn) })
		err = what(client)
		if inTime := late.Stop(); err == nil || !inTime {
			break
		}
		if !conn.ended.Load() {
			break // the agent answered: it refuses
		}
		a.drop(conn)
	}
	return err
}

// agentConn notices that the agent ended the connection: it is read from all the time.
type agentConn struct {
	net.Conn
	ended atomic.Bool
}

func (c *agentConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.ended.Store(true)
	}
	return n, err
}

// list gives the agent's keys, asked for once a run.
func (a *keyAgent) list() ([]*agent.Key, error) {
	a.mu.Lock()
	keys, listed := a.keys, a.listed
	a.mu.Unlock()
	if listed {
		return keys, nil
	}
	err := a.do(func(c agent.ExtendedAgent) error {
		var err error
		keys, err = c.List()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("cannot ask the SSH agent at %s: %w", a.socket, err)
	}
	if len(keys) > agentKeysMax {
		keys = keys[:agentKeysMax]
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.keys, a.listed = keys, true
	return keys, nil
}

func (a *keyAgent) sign(key ssh.PublicKey, data []byte, algorithm string) (*ssh.Signature, error) {
	var flags agent.SignatureFlags
	switch algorithm {
	case ssh.KeyAlgoRSASHA256:
		flags = agent.SignatureFlagRsaSha256
	case ssh.KeyAlgoRSASHA512:
		flags = agent.SignatureFlagRsaSha512
	}
	var signature *ssh.Signature
	err := a.do(func(c agent.ExtendedAgent) error {
		var err error
		signature, err = c.SignWithFlags(key, data, flags)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the SSH agent at %s does not sign with %s: %w", a.socket, ssh.FingerprintSHA256(key), err)
	}
	return signature, nil
}

func (a *keyAgent) close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	if a.conn == nil {
		return nil
	}
	conn := a.conn
	a.conn, a.client = nil, nil
	return conn.Close()
}
