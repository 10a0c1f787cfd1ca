package supervisor

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// Options of a Host. The zero value of a limit stands for the default.
type Options struct {
	RunID        string        // names the run directory; [A-Za-z0-9._-]{1,200}
	Resumed      bool          // the run directory of the login user must be there already
	LanesMax     int           // shells for attempts and reads at once; one more is used for control
	ReconnectMax time.Duration // how long a broken link is retried
	StateDir     string        // on the host, instead of opsctl/runs in the login user's state directory
	BootFile     string        // on the host, instead of the kernel's boot id
	SpoolMax     int64         // bytes of an output that may lie on the host; more than is kept of a stream
	Sweep        bool          // remove old directories of other runs for certain, not just now and then
	SudoPassword SudoPassword  // nil: there is none
}

// Host runs attempts on one host, and asks it. It implements executor.Host.
type Host struct {
	link    Linker
	o       Options
	program string
	pool    *pool
	control control

	mu         sync.Mutex
	identities map[string]*identity
}

// identity is a user that attempts run as on the host, with a run directory of its own.
type identity struct {
	opening sync.Mutex // held while the run directory may be made
	manner  manner     // how sudo is called
	barred  error      // why it is not called any more; nil: it may be
	ready   bool       // below, what is known once it is
	boot    string
	dir     string
}

// NewHost returns the host that l opens shells on. Nothing is opened yet.
func NewHost(l Linker, o Options) *Host {
	if o.LanesMax <= 0 {
		o.LanesMax = lanesMax
	}
	if o.ReconnectMax <= 0 {
		o.ReconnectMax = reconnectMax
	}
	if o.SpoolMax <= 0 {
		o.SpoolMax = spoolMax
	}
	if o.BootFile == "" {
		o.BootFile = "/proc/sys/kernel/random/boot_id"
	}
	return &Host{
		link: l, o: o, program: program(), pool: newPool(o.LanesMax),
		control:    control{turn: make(chan struct{}, 1)},
		identities: map[string]*identity{},
	}
}

// Close ends the shells that nobody uses, and the connection. Attempts that run go on.
func (h *Host) Close() error {
	h.pool.close()
	h.control.close()
	return h.link.Close()
}

// Reach connects to the host.
func (h *Host) Reach(ctx context.Context) error {
	if err := h.link.Reach(ctx); err != nil {
		return hostError(err)
	}
	return nil
}

// Dial opens a connection from the host.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return h.link.Dial(ctx, network, address)
}

// Ready makes sure that attempts can be made, by a lane for the login user and each user named.
func (h *Host) Ready(ctx context.Context, sudo []string) (executor.Facts, error) {
	if !validID(h.o.RunID) {
		return executor.Facts{}, &executor.HostError{Class: "no-run-directory", Message: "cannot name a run directory after the run id " + h.o.RunID}
	}
	var facts executor.Facts
	for i, user := range append([]string{""}, sudo...) {
		boot, dir, err := h.prove(ctx, user)
		if err != nil {
			return executor.Facts{}, err
		}
		if i == 0 {
			facts = executor.Facts{Boot: boot, RunDir: dir}
		}
	}
	return facts, nil
}

// prove gets an answer from a lane of that user, an idle one or a new one.
func (h *Host) prove(ctx context.Context, sudo string) (boot, dir string, err error) {
	for {
		c, err := h.pool.take(ctx, laneKind, sudo)
		if err != nil {
			return "", "", gaveUp(err)
		}
		if c == nil {
			c, err = h.openIdentity(ctx, sudo)
			if err != nil {
				h.pool.drop(nil)
				return "", "", err
			}
			h.pool.put(c)
			return c.boot, c.dir, nil
		}
		release := c.within(ctx, requestTime)
		err = c.send("op_say P\n")
		if err == nil {
			_, err = c.answer(noiseMax)
		}
		if release() && err == nil {
			h.pool.put(c)
			return c.boot, c.dir, nil
		}
		h.pool.drop(c) // its link broke while it was idle: try the next, or a new one
	}
}

func gaveUp(err error) *executor.HostError {
	class := "link"
	if errors.Is(err, context.DeadlineExceeded) {
		class = "timeout"
	}
	return &executor.HostError{Class: class, Message: "cannot wait any longer for the host: " + err.Error()}
}

func (h *Host) identity(sudo string) *identity {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.identities[sudo] == nil {
		h.identities[sudo] = &identity{}
	}
	return h.identities[sudo]
}

// known tells the boot id that was true when this identity last said hello.
func (h *Host) known(sudo string) (boot string, ok bool) {
	id := h.identity(sudo)
	h.mu.Lock()
	defer h.mu.Unlock()
	return id.boot, id.ready
}

// openIdentity opens a lane; the first one of an identity may make its run directory. The place
// in the pool is the caller's.
func (h *Host) openIdentity(ctx context.Context, sudo string) (*channel, error) {
	id := h.identity(sudo)
	id.opening.Lock()
	defer id.opening.Unlock()
	create := "new"
	switch _, ready := h.known(sudo); {
	case ready, h.o.Resumed && sudo == "":
		create = "old"
	case h.o.Resumed:
		create = "late"
	}
	c, err := h.open(ctx, laneKind, sudo, create, "")
	if err != nil {
		return nil, err
	}
	release := c.within(ctx, requestTime)
	err = c.hello()
	if !release() || err != nil {
		c.shut()
		if err == nil {
			err = gaveUp(context.Cause(ctx))
		}
		return nil, err
	}
	h.learn(c)
	return c, nil
}

// learn notes what a hello said.
func (h *Host) learn(c *channel) {
	id := h.identity(c.sudo)
	h.mu.Lock()
	defer h.mu.Unlock()
	id.ready, id.boot, id.dir = true, c.boot, c.dir
}

// open starts the supervisor in a new shell; first, if any, travels in the same flight. The hello
// is not yet read.
func (h *Host) open(ctx context.Context, k kind, sudo, create, first string) (*channel, error) {
	s, err := h.shell(ctx, sudo)
	if err != nil {
		return nil, hostError(err)
	}
	c := newChannel(s, k, sudo)
	base := h.o.StateDir
	if sudo != "" {
		base = "" // the login user's; another identity has its own
	}
	p := preamble{
		nonce: c.nonce, base: base, dir: h.o.RunID, kind: string(k), lane: token(),
		create: create, bootFile: h.o.BootFile, sudo: sudo != "", spool: h.o.SpoolMax,
	}
	if h.o.Sweep || p.lane[0] == '0' { // one run in sixteen: it costs the host a little
		p.sweep = keptDays
	}
	release := c.within(ctx, requestTime)
	// What could not be written is found missing when the hello is read: the shell may have said why.
	_ = c.send(p.String() + h.program + first)
	release()
	return c, nil
}

func hostError(err error) *executor.HostError {
	var e *executor.HostError
	if errors.As(err, &e) {
		return e
	}
	return &executor.HostError{Class: "link", Message: "cannot open a shell on the host: " + err.Error()}
}
