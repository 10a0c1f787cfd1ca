package remote

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// HostKeyPolicy says what to do with the key of a host that no known_hosts file names.
type HostKeyPolicy int

// The policies. A key that differs from a known one, or is revoked, is refused under both.
const (
	Strict    HostKeyPolicy = iota // refuse it
	AcceptNew                      // append it to the first known_hosts file and go on
)

// Settings say how to reach a host: already resolved from inventory, flags and ssh_config.
// Algorithm lists are as in ssh_config(5): a first element that begins with +, - or ^ changes the
// defaults instead of replacing them.
type Settings struct {
	Name string // as people see it
	Addr string // a name or a literal address
	Port int    // 0 is 22
	User string

	IdentityFiles    []string // private keys; absent ones are passed over
	CertificateFiles []string
	IdentityAgent    string // a socket; "" is Options.AgentSocket, "none" is no agent
	IdentitiesOnly   bool   // of the agent's keys, offer only those of IdentityFiles

	KnownHosts   []string // files, in order; absent ones are empty
	HostKeyAlias string   // looked up in place of Addr and Port
	HostKey      HostKeyPolicy
	// HashKnownHosts hides the names of hosts whose keys are accepted.
	HashKnownHosts bool

	Ciphers, MACs, KeyExchanges, HostKeyAlgorithms, PubkeyAlgorithms []string

	ConnectTimeout time.Duration // 0 is Timeouts.Dial
	AliveInterval  time.Duration // silence before a keepalive; 0 is Timeouts.AliveAfter, below 0 never
	AliveCount     int           // keepalives unanswered before the connection is given up; 0 is 3

	ProxyCommand string     // run by sh -c here, tokens already expanded; "" and "none" are none
	Jumps        []Settings // the hops before the host, first one first; they go before ProxyCommand

	BindAddress   string // a literal address
	AddressFamily string // "", "any", "inet", "inet6"
}

func (s *Settings) port() int {
	if s.Port == 0 {
		return 22
	}
	return s.Port
}

func (s *Settings) address() string { return net.JoinHostPort(s.Addr, strconv.Itoa(s.port())) }

// label names the host for people: its name, and its address where that says more.
func (s *Settings) label() string {
	switch {
	case s.Name == "":
		return s.address()
	case s.Name == s.Addr && s.port() == 22:
		return s.Name
	default:
		return fmt.Sprintf("%s (%s)", s.Name, s.address())
	}
}

func (s *Settings) hop() string {
	if s.Name == "" {
		return s.address()
	}
	return s.Name
}

// Resolver finds the addresses of a name. *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}
