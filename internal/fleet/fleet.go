package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

const shell = "/bin/sh"

var hostName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)

// Options say what to start.
type Options struct {
	Dir   string   // holds everything: keys, known_hosts, ssh_config, the hosts' directories
	Hosts []string // their names, in order

	// Env gives variables for the commands of a host, as "NAME=value", beside
	// (and before) the few that every host sets. Nil is none.
	Env func(h *Host) []string
}

// Fleet is a number of running hosts and the files a client needs to reach them.
type Fleet struct {
	Hosts      []*Host
	User       string // the user its commands run as; the hosts accept any name
	ClientKey  string // path of the private key they all accept; ClientKey+".pub" is the public one
	KnownHosts string // path of a known_hosts file with the hosts' keys
	SSHConfig  string // path of an ssh_config file with an entry for each host

	authorized ssh.PublicKey
	env        func(h *Host) []string
	processes  *processes
	running    sync.WaitGroup // every goroutine of the fleet
	ctx        context.Context
	cancel     context.CancelFunc
	unwatch    func() bool
	stopOnce   sync.Once
	stopErr    error
}

// Start starts a host for each name, on loopback ports that are free. The hosts
// run until Stop, or until ctx ends, which is a Stop too. Keys and the files
// that name them are made anew each time; the hosts' directories are kept.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	dir, err := checkOptions(&o)
	if err != nil {
		return nil, fmt.Errorf("cannot start a fleet: %w", err)
	}
	f := &Fleet{
		User:       userName(),
		ClientKey:  filepath.Join(dir, "client_key"),
		KnownHosts: filepath.Join(dir, "known_hosts"),
		SSHConfig:  filepath.Join(dir, "ssh_config"),
		env:        o.Env,
		processes:  newProcesses(),
	}
	f.ctx, f.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := f.open(dir, o.Hosts); err != nil {
		return nil, fmt.Errorf("cannot start a fleet: %w", errors.Join(err, f.Stop()))
	}
	for _, h := range f.Hosts {
		f.running.Go(h.listen)
	}
	// Stop's error is kept for the one who calls Stop.
	f.unwatch = context.AfterFunc(ctx, func() { f.stopOnce.Do(f.stop) })
	return f, nil
}

func checkOptions(o *Options) (dir string, err error) {
	if _, err := os.Stat(shell); err != nil {
		return "", fmt.Errorf("its hosts need a shell: %w", err)
	}
	if o.Dir == "" {
		return "", errors.New("no directory is given")
	}
	dir, err = filepath.Abs(o.Dir)
	if err != nil {
		return "", err
	}
	if err := checkConfigPath(dir); err != nil {
		return "", err
	}
	if len(o.Hosts) == 0 || len(o.Hosts) > hostsMax {
		return "", fmt.Errorf("it takes 1 to %d hosts, not %d", hostsMax, len(o.Hosts))
	}
	seen := make(map[string]bool, len(o.Hosts))
	for _, name := range o.Hosts {
		if !hostName.MatchString(name) {
			return "", fmt.Errorf("%q is no name for a host", name)
		}
		if seen[name] {
			return "", fmt.Errorf("host %s is named twice", name)
		}
		seen[name] = true
	}
	return dir, nil
}

// open makes everything that Start needs before the first connection.
func (f *Fleet) open(dir string, names []string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	authorized, err := writeClientKey(f.ClientKey)
	if err != nil {
		return err
	}
	f.authorized = authorized
	for _, name := range names {
		h, err := f.newHost(name, filepath.Join(dir, "hosts", name))
		if err != nil {
			return fmt.Errorf("host %s: %w", name, err)
		}
		f.Hosts = append(f.Hosts, h)
	}
	if err := f.writeKnownHosts(); err != nil {
		return err
	}
	return f.writeSSHConfig()
}

func (f *Fleet) newHost(name, dir string) (*Host, error) {
	if err := os.MkdirAll(filepath.Join(dir, "tmp"), 0o700); err != nil {
		return nil, err
	}
	h := &Host{
		Name:     name,
		Dir:      dir,
		fleet:    f,
		wires:    make(map[*wire]struct{}),
		forwards: make(map[int]string),
	}
	h.misbehaviour.Store(&Misbehaviour{})
	var err error
	if h.key, err = newSigner(); err != nil {
		return nil, err
	}
	if h.otherKey, err = newSigner(); err != nil {
		return nil, err
	}
	if h.listener, err = net.Listen("tcp4", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	h.Addr = h.listener.Addr().String()
	h.Port = h.listener.Addr().(*net.TCPAddr).Port
	return h, nil
}

// Host returns the host of that name, or nil.
func (f *Fleet) Host(name string) *Host {
	for _, h := range f.Hosts {
		if h.Name == name {
			return h
		}
	}
	return nil
}

// Stop ends the fleet: its connections are cut, and its commands and whatever
// they left running are killed. It returns when nothing is left. Stop may be
// called again, and by several at once.
func (f *Fleet) Stop() error {
	f.stopOnce.Do(f.stop)
	return f.stopErr
}

func (f *Fleet) stop() {
	if f.unwatch != nil {
		f.unwatch()
	}
	f.cancel()
	var errs []error
	for _, h := range f.Hosts {
		errs = append(errs, h.close())
	}
	errs = append(errs, f.processes.kill(time.Now().Add(stopMax)))

	ended := make(chan struct{})
	go func() {
		f.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(stopMax):
		errs = append(errs, errors.New("some connections do not end"))
	}
	if err := errors.Join(errs...); err != nil {
		f.stopErr = fmt.Errorf("cannot stop the fleet: %w", err)
	}
}

func userName() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	if name := os.Getenv("USER"); name != "" {
		return name
	}
	return "opsctl"
}
