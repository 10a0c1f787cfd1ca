package openssh

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// The limits, all of them.
const (
	pathMax      = 103              // bytes of a socket's path that every system takes
	suffixMax    = 17               // bytes that ssh adds to it while it makes the socket
	forksDefault = 50               // masters being set up at once
	connectMax   = 60 * time.Second // for a master, through all its jump hosts
	requestMax   = 15 * time.Second // for an answer of the master
	exitMax      = 5 * time.Second  // for a master to end
	lingerMax    = time.Second      // for what an ssh that ended still has to say
	persist      = 60               // seconds that a master lives on without opsctl
	dropTries    = 5                // connections to a server that drops them before its banner
	dropPause    = 100 * time.Millisecond
	saidMax      = 8 << 10 // bytes kept of what an ssh says
)

// Options are what all hosts of a run share. The zero Options are usable.
type Options struct {
	Program string // "" is ssh, as PATH finds it
	Forks   int    // masters being set up at once; 0 is 50
}

// Transport starts the ssh processes of a run, and holds their sockets.
type Transport struct {
	program string
	forks   chan struct{}

	mu    sync.Mutex
	dir   string // of the sockets; "" as long as there is none
	count int
}

// New returns a Transport. Nothing is started yet.
func New(o Options) *Transport {
	if o.Program == "" {
		o.Program = "ssh"
	}
	if o.Forks <= 0 {
		o.Forks = forksDefault
	}
	return &Transport{program: o.Program, forks: make(chan struct{}, o.Forks)}
}

// Close removes the directory of the sockets. Linkers are closed before it.
func (t *Transport) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dir == "" {
		return nil
	}
	dir := t.dir
	t.dir = ""
	return os.RemoveAll(dir)
}

// socket gives a path for the socket of a master, in a directory that nobody else can enter.
func (t *Transport) socket() (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dir == "" {
		dir, err := privateDir(os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp")
		if err != nil {
			return "", err
		}
		t.dir = dir
	}
	t.count++
	return filepath.Join(t.dir, strconv.Itoa(t.count)), nil
}

// privateDir makes a directory in the first of some places where a socket's path is short enough.
func privateDir(places ...string) (string, error) {
	why := errors.New("every path would be too long")
	for _, place := range places {
		if !filepath.IsAbs(place) || len(place)+len("/opsctl-0123456789/99999")+suffixMax > pathMax {
			continue
		}
		dir, err := os.MkdirTemp(place, "opsctl-") // mode 0700
		if err == nil {
			return dir, nil
		}
		why = err
	}
	return "", fmt.Errorf("cannot make a directory for the sockets of ssh: %w", why)
}
