package sshconfig

import (
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/source"
)

// Limits of a configuration.
const (
	FileBytesMax  = 4 << 20
	TotalBytesMax = 16 << 20
	FilesMax      = 1024 // read for one Resolver, includes counted each time
	IncludeDepth  = 16   // as OpenSSH has it
	TextBytesMax  = 16 << 10
	IdentityMax   = 100 // as OpenSSH has it, for identities and certificates each
	problemsMax   = 50
	segmentsMax   = 500_000
	secondsMax    = 1<<31 - 1
	defaultPort   = 22
	aliveCount    = 3
)

// Options tells what is evaluated, and for whom.
type Options struct {
	// Files are the user's and the system's file, in this order: either may be missing.
	// One file alone is that of -F and must exist; "none" is no file. Empty means
	// ~/.ssh/config and /etc/ssh/ssh_config.
	Files     []string
	Overrides []string // "Key=Val" as -o has them; strongest, the first one wins
	User      string   // of -u, next to the overrides

	Home      string // "" is the user's home directory
	LocalUser string // "" is the user running this
	LocalHost string // "" is this machine's name

	Exec     func(command string) bool              // for Match exec; nil: does not match
	ReadFile func(path string) ([]byte, error)      // nil is os.ReadFile
	Glob     func(pattern string) ([]string, error) // for Include; nil is filepath.Glob
	Env      func(name string) (string, bool)       // for ${NAME}; nil is os.LookupEnv

	// Lookup finds an absolute name for CanonicalizeHostname, and what it is an alias of, or "".
	// Nil: names stay as they are.
	Lookup func(name string) (alias string, found bool)
}

// Given is what the inventory says about a host; it is stronger than the files.
type Given struct {
	User     string
	Port     int
	HostName string
	Jump     string // as ProxyJump takes it
	Identity string // path of a key, tried before those of the files
	Hop      bool   // this is a jump host: as with ssh, Overrides and Options.User are not for it
}

// Config is what ssh would do for one host. Paths are expanded. Lists of algorithms are
// as written, possibly with "+", "-" or "^" in front; see Algorithms.
type Config struct {
	Host     string // as asked for
	HostName string // to connect to
	User     string
	Port     int

	IdentityFiles    []string // those of ssh when none is configured; see IdentityDefault
	IdentityDefault  bool
	CertificateFiles []string
	IdentityAgent    string // "", "none", "SSH_AUTH_SOCK", "$NAME" or a path
	IdentitiesOnly   bool

	ProxyJump    string // as written, tokens expanded; "" is none
	ProxyCommand string // tokens expanded, for a shell; "" is none

	UserKnownHostsFiles   []string // may be "none"
	GlobalKnownHostsFiles []string
	HostKeyAlias          string
	StrictHostKeyChecking string // "yes", "no", "ask" or "accept-new"

	ConnectTimeout      time.Duration // 0 is none given
	ServerAliveInterval time.Duration // 0 is off
	ServerAliveCountMax int

	Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms, PubkeyAcceptedAlgorithms string

	HashKnownHosts    bool
	KnownHostsCommand string // as written; "" is none
	ProxyUseFdpass    bool

	AddressFamily string // "any", "inet" or "inet6"
	BindAddress   string

	// Values holds every option that was set, by its name in lower case. Defaults are not in it.
	// Options that accumulate have their values in lines, with the place of the first.
	Values map[string]Value
}

// Value is one effective setting and where it was decided: a file and its line, or, with line 0,
// "-o", "-u" or "inventory".
type Value struct {
	Text string
	File string
	Line int
}

// At is the place of a value: FILE:LINE, or what stands in place of a file.
func (v Value) At() string {
	if v.Line == 0 {
		return v.File
	}
	return v.File + ":" + strconv.Itoa(v.Line)
}

// Resolver answers for any host. It may be used from several goroutines, if Exec may.
type Resolver struct {
	options   Options
	overrides []*directive
	segments  []segment
	general   []int            // segments that have to be looked at for every host
	named     map[string][]int // segments that can only match this host
	entries   []Entry
	unknown   []*directive // lines with a keyword of no ssh, that an IgnoreUnknown may allow
	hasFinal  bool         // a "Match final" asks for a second pass
}

// Entry is a concrete name of a Host line.
type Entry struct {
	Name string
	File string
	Line int
}

// New reads the files once. An error is source.Problems.
func New(o Options) (*Resolver, error) {
	if err := fillDefaults(&o); err != nil {
		return nil, source.Problems{{File: &source.File{Name: "ssh_config"}, Message: err.Error()}}
	}
	r := &Resolver{options: o, named: map[string][]int{}}
	l := loader{r: r}
	l.overrides(o.Overrides)
	files, named := o.Files, len(o.Files) == 1
	if len(files) == 0 {
		files = []string{filepath.Join(o.Home, ".ssh", "config"), "/etc/ssh/ssh_config"}
	}
	for i, path := range files {
		if path == "none" || path == "" {
			continue
		}
		l.top(path, i > 0, named)
	}
	l.problems.Sort()
	if err := l.problems.Err(); err != nil {
		return nil, err
	}
	r.index()
	return r, nil
}

func fillDefaults(o *Options) error {
	if o.Home == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			home = "/" // as for an account without one; only paths with "~" feel it
		}
		o.Home = home
	}
	if o.LocalUser == "" {
		if u, err := user.Current(); err == nil {
			o.LocalUser = u.Username
		} else {
			o.LocalUser = os.Getenv("USER")
		}
	}
	if o.LocalHost == "" {
		host, err := os.Hostname()
		if err != nil {
			return err
		}
		o.LocalHost = host
	}
	if o.Glob == nil {
		o.Glob = filepath.Glob
	}
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	return nil
}

// Hosts gives the concrete names of Host lines, in order, each once.
func (r *Resolver) Hosts() []string {
	names := make([]string, len(r.entries))
	for i, e := range r.entries {
		names[i] = e.Name
	}
	return names
}

// Entries is Hosts with places.
func (r *Resolver) Entries() []Entry { return r.entries }

// shortHost is %L.
func shortHost(name string) string {
	short, _, _ := strings.Cut(name, ".")
	return short
}
