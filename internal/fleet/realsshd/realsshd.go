//go:build unix

package realsshd

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const (
	hostsMax      = 200
	hostsEach     = 16 // sshd's limit of ListenAddress lines
	firstByte     = 11 // the hosts are 127.0.77.11 and on
	addressPrefix = "127.0.77."
)

// Options say what to start.
type Options struct {
	Hosts  int      // how many; 0 is one
	Config []string // sshd_config lines; they come first, and the first line wins (of SetEnv too)
}

// Fleet is a number of running hosts and the files a client needs to reach them.
type Fleet struct {
	Hosts      []Host
	User       string // the only one that can log in
	Dir        string // holds all that follows
	ClientKey  string // path of the private key
	KnownHosts string // path of a known_hosts file
	SSHConfig  string // path of an ssh_config file with an entry for each host
	StateHome  string // XDG_STATE_HOME of the commands
}

// Host is one host of a fleet.
type Host struct {
	Name string // host1, host2, …
	Addr string // "127.0.77.x:port"
	IP   string
	Port int
}

// Start starts the hosts; they end with the test. Without sshd the test is
// skipped, but not where CI is set: there it fails.
func Start(tb testing.TB, o Options) *Fleet {
	tb.Helper()
	sshd := find(tb)
	if o.Hosts == 0 {
		o.Hosts = 1
	}
	if o.Hosts < 1 || o.Hosts > hostsMax {
		tb.Fatalf("cannot start %d hosts: it takes 1 to %d", o.Hosts, hostsMax)
	}
	u, err := user.Current()
	if err != nil {
		tb.Fatalf("cannot tell who runs the test: %v", err)
	}
	dir := tb.TempDir()
	f := &Fleet{
		User:       u.Username,
		Dir:        dir,
		ClientKey:  filepath.Join(dir, "client_key"),
		KnownHosts: filepath.Join(dir, "known_hosts"),
		SSHConfig:  filepath.Join(dir, "ssh_config"),
		StateHome:  filepath.Join(dir, "state"),
	}
	f.prepare(tb)
	tb.Cleanup(func() { killMarked(tb, f.stateVariable()) }) // after the daemons
	port := freePort(tb)
	for i := range o.Hosts {
		ip := addressPrefix + strconv.Itoa(firstByte+i)
		f.Hosts = append(f.Hosts, Host{
			Name: fmt.Sprintf("host%d", i+1),
			Addr: net.JoinHostPort(ip, strconv.Itoa(port)),
			IP:   ip,
			Port: port,
		})
	}
	f.writeClientFiles(tb)
	for first := 0; first < o.Hosts; first += hostsEach {
		hosts := f.Hosts[first:min(first+hostsEach, o.Hosts)]
		run(tb, sshd, f.writeDaemonConfig(tb, first, hosts, o.Config), hosts)
	}
	return f
}

func (f *Fleet) stateVariable() string {
	return "XDG_STATE_HOME=" + f.StateHome
}

// find returns the absolute path of sshd, without which it refuses to start.
func find(tb testing.TB) string {
	tb.Helper()
	for _, path := range []string{"/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if path, err := exec.LookPath("sshd"); err == nil {
		return path
	}
	if os.Getenv("CI") != "" {
		tb.Fatal("no sshd: install openssh-server")
	}
	tb.Skip("no sshd: install openssh-server")
	return ""
}

func (f *Fleet) prepare(tb testing.TB) {
	tb.Helper()
	if err := os.MkdirAll(f.StateHome, 0o700); err != nil {
		tb.Fatal(err)
	}
	if os.Getuid() == 0 {
		// sshd started by root insists on its directory of privilege separation.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			tb.Fatal(err)
		}
	}
}

// freePort returns a port on which nobody listens at this time.
func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp4", addressPrefix+strconv.Itoa(firstByte)+":0")
	if err != nil {
		tb.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		tb.Fatal(err)
	}
	return port
}

// writeDaemonConfig writes the sshd_config of one daemon and returns its path.
func (f *Fleet) writeDaemonConfig(tb testing.TB, number int, hosts []Host, extra []string) string {
	tb.Helper()
	var b strings.Builder
	for _, line := range extra {
		b.WriteString(line + "\n")
	}
	for _, h := range hosts {
		fmt.Fprintf(&b, "ListenAddress %s:%d\n", h.IP, h.Port)
	}
	fmt.Fprintf(&b, `HostKey %[1]s/host_key
PidFile none
AuthorizedKeysFile %[1]s/client_key.pub
SetEnv %[2]s
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
UseDNS no
LogLevel ERROR
Subsystem sftp internal-sftp
`, f.Dir, f.stateVariable())
	path := filepath.Join(f.Dir, fmt.Sprintf("sshd_config_%d", number))
	writeFile(tb, path, b.String(), 0o600)
	return path
}

// AdmitOthers lets the other users of this machine log in too, by the same key.
func (f *Fleet) AdmitOthers(tb testing.TB) {
	tb.Helper()
	// sshd reads the authorized keys as the user who logs in; TempDir is closed to others, and so is its parent.
	for _, dir := range []string{f.Dir, filepath.Dir(f.Dir)} {
		if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the private keys are closed themselves
			tb.Fatal(err)
		}
	}
}
