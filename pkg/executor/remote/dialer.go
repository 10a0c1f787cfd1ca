package remote

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Options are what all hosts of a run share. The zero Options are usable.
type Options struct {
	Forks       int    // connections being set up at once; 0 is 50
	AgentSocket string // of the SSH agent: what SSH_AUTH_SOCK says
	// Passphrase asks a person for the passphrase of a key file, once a key a run. Nil where
	// there is nobody to ask.
	Passphrase func(ctx context.Context, keyFile string) ([]byte, error)
	// Accepted is told of a host key that was appended to known_hosts.
	Accepted func(host, fingerprint string)
	Resolver Resolver // nil is the system's
	Timeouts Timeouts
}

// Dialer makes connections, and holds what they share: limits, keys, agents, known hosts, the
// addresses of names, jump hosts. All of it is read once a run.
type Dialer struct {
	options  Options
	timeouts Timeouts
	forks    chan struct{}

	accepting sync.Mutex // one new host key at a time
	gathering sync.Mutex // guards offers and identityOf
	offers    map[string]offer
	ids       map[string]*identity

	mu        sync.Mutex // guards what follows
	agents    map[string]*keyAgent
	files     map[string]*lazyKnownFile
	addresses map[string]*pinned
	busy      map[string]chan struct{} // handshakes in flight, by address
	hops      map[string]*sharedHop
}

type lazyKnownFile struct {
	once sync.Once
	file *knownFile
}

// NewDialer returns a Dialer; Close ends what it holds.
func NewDialer(o Options) *Dialer {
	if o.Forks <= 0 {
		o.Forks = forksDefault
	}
	if o.Resolver == nil {
		o.Resolver = net.DefaultResolver
	}
	return &Dialer{
		options:   o,
		timeouts:  o.Timeouts.withDefaults(),
		forks:     make(chan struct{}, o.Forks),
		offers:    map[string]offer{},
		ids:       map[string]*identity{},
		agents:    map[string]*keyAgent{},
		files:     map[string]*lazyKnownFile{},
		addresses: map[string]*pinned{},
		busy:      map[string]chan struct{}{},
		hops:      map[string]*sharedHop{},
	}
}

// Linker returns the way to one host. Nothing is dialed yet.
func (d *Dialer) Linker(s Settings) *Linker {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &Linker{dialer: d, settings: s, freed: newSignal(), ctx: ctx, cancel: cancel}
}

// Close ends the connections to agents. Linkers are closed before it.
func (d *Dialer) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, a := range d.agents {
		errs = append(errs, a.close())
	}
	return errors.Join(errs...)
}

// preparation is all that a connection to a host needs but the network.
type preparation struct {
	settings   *Settings
	algorithms algorithms
	known      knownKeys
	offer      offer
	freed      *signal
}

func (d *Dialer) prepare(ctx context.Context, s *Settings, freed *signal) (*preparation, error) {
	p := &preparation{settings: s, freed: freed}
	var err error
	if p.algorithms, err = algorithmsOf(s); err != nil {
		return nil, err
	}
	if p.known, err = d.known(s); err != nil {
		return nil, err
	}
	p.algorithms.hostKeys = hostKeysFor(p.algorithms.hostKeys, p.known)
	p.offer = d.offerFor(ctx, s)
	return p, ctx.Err()
}

// connect makes an SSH connection, through hop where it is not nil. Only a server that turns the
// connection away before its banner is tried again: nothing was said to it yet.
func (d *Dialer) connect(ctx context.Context, s *Settings, hop *Linker, freed *signal) (*link, error) {
	p, err := d.prepare(ctx, s, freed)
	if err != nil {
		return nil, err
	}
	var via *link
	if hop != nil {
		// Before a fork is taken, which the hop needs for itself.
		if via, err = hop.connected(ctx); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		l, err := d.persist(ctx, p, via)
		if !errors.Is(err, errPenalised) {
			return l, err
		}
		if try == penaltyTries {
			return nil, penalisedFor(s, try)
		}
		// Without a fork, which others can use meanwhile. Asking again before the penalty ends is in vain.
		if err := elapse(ctx, d.timeouts.Penalty+rand.N(d.timeouts.Penalty/4+1)); err != nil { //nolint:gosec // not a secret
			return nil, err
		}
	}
}

// persist tries again where the server has too many connections at this time.
func (d *Dialer) persist(ctx context.Context, p *preparation, via *link) (*link, error) {
	if err := acquire(ctx, d.forks); err != nil {
		return nil, err
	}
	defer release(d.forks)
	for try := 1; ; try++ {
		l, err := d.attempt(ctx, p, via)
		if !errors.Is(err, errDropped) {
			return l, err
		}
		if try == dropTries {
			return nil, droppedFor(p.settings, try)
		}
		if err := elapse(ctx, jittered(d.timeouts.DropPause<<(try-1))); err != nil {
			return nil, err
		}
	}
}

func (d *Dialer) attempt(ctx context.Context, p *preparation, via *link) (*link, error) {
	busy := d.inFlight(p.settings)
	if err := acquire(ctx, busy); err != nil {
		return nil, err
	}
	defer release(busy)
	conn, err := d.reach(ctx, p.settings, via)
	if err != nil {
		return nil, err
	}
	return d.handshake(ctx, p, conn)
}

// inFlight is the room for handshakes with one address.
func (d *Dialer) inFlight(s *Settings) chan struct{} {
	key := s.address() + " " + s.ProxyCommand + " " + jumpKey(s.Jumps)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy[key] == nil {
		d.busy[key] = make(chan struct{}, handshakesMax)
	}
	return d.busy[key]
}

func (d *Dialer) knownFile(path string) *knownFile {
	d.mu.Lock()
	l := d.files[path]
	if l == nil {
		l = &lazyKnownFile{}
		d.files[path] = l
	}
	d.mu.Unlock()
	l.once.Do(func() { l.file = readKnownFile(path) })
	return l.file
}

func (d *Dialer) keyAgent(socket string) *keyAgent {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.agents[socket] == nil {
		d.agents[socket] = &keyAgent{socket: socket, limit: d.timeouts.Agent}
	}
	return d.agents[socket]
}

// identity is called under gathering.
func (d *Dialer) identity(path string) *identity {
	if d.ids[path] == nil {
		d.ids[path] = readIdentity(path)
	}
	return d.ids[path]
}

func acquire(ctx context.Context, room chan struct{}) error {
	select {
	case room <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func release(room chan struct{}) { <-room }

// jittered spreads a pause over ± 50 %.
func jittered(d time.Duration) time.Duration {
	return d/2 + rand.N(d+1) //nolint:gosec // not a secret
}
