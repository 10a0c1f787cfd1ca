package openssh

import (
	"context"
	"errors"
	"os/exec"
	"regexp"
	"strings"
	"sync"

	"github.com/opsctl/opsctl/pkg/executor"
)

// errDropped is told of a server that ended the connection before it said anything.
var errDropped = errors.New("the connection was dropped before an SSH banner")

// reasons are what ssh says of a connection that did not come to be, the surest first. Its texts
// have been the same for decades, and are not translated.
var reasons = []struct {
	class string
	text  *regexp.Regexp
	hint  string
}{
	{"config", regexp.MustCompile(`Bad configuration option|bad configuration option|command-line: line|keyword .* extra arguments|unsupported option|Bad owner or permissions on`), "ssh -G HOST shows how it reads its configuration"},
	{"host-key", regexp.MustCompile(`REMOTE HOST IDENTIFICATION HAS CHANGED|No \S+ host key is known|Host key verification failed|host key .* revoked|DNS SPOOFING`), "compare its key with what its administrator says; --host-key accept-new pins those of unknown hosts, and never a changed one"},
	{"dns", regexp.MustCompile(`Could not resolve hostname`), "check the name in the inventory, and the resolver"},
	{"auth", regexp.MustCompile(`Permission denied|Too many authentication failures|No more authentication methods|No supported authentication methods`), "ssh -v HOST shows what is tried; what needs a passphrase or a PIN has to be in an agent"},
	{"refused", regexp.MustCompile(`Connection refused`), "check that sshd listens there"},
	{"refused", regexp.MustCompile(`No route to host|Network is unreachable|Not allowed at this time`), "check the address and the route to it"},
	{"timeout", regexp.MustCompile(`timed out|Timeout, server`), "check that the host is up, and that no firewall drops the connection"},
	{"banner", regexp.MustCompile(`banner line contains invalid characters|invalid format|Protocol mismatch|Bad remote protocol version`), "check the port: this is not an SSH server"},
	{"link", regexp.MustCompile(`Unable to negotiate`), "allow one more in ssh_config, if it must be: Ciphers, MACs, KexAlgorithms, HostKeyAlgorithms"},
}

var dropped = regexp.MustCompile(`kex_exchange_identification: (Connection closed by remote host|read: Connection reset by peer)|Exceeded MaxStartups`)

// refused makes an error of what ssh said before it gave up.
func (l *Linker) refused(said string) error {
	for _, r := range reasons {
		if line := lineWith(said, r.text); line != "" {
			return l.error(r.class, "ssh said: "+line, r.hint)
		}
	}
	if dropped.MatchString(said) {
		return errDropped
	}
	lines := strings.Split(strings.TrimSpace(said), "\n")
	if last := strings.TrimSpace(lines[len(lines)-1]); last != "" {
		return l.error("link", "ssh said: "+printable(last), "ssh -v HOST tells more")
	}
	return l.error("link", "ssh ended and did not say why", "ssh -v HOST tells more")
}

func lineWith(said string, text *regexp.Regexp) string {
	for line := range strings.Lines(said) {
		if text.MatchString(line) {
			return printable(strings.Trim(strings.TrimSpace(line), "@ "))
		}
	}
	return ""
}

// lineMax bounds what a message tells of ssh's words, part of which the host chose.
const lineMax = 200

func printable(line string) string {
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, line)
	return line[:min(len(line), lineMax)]
}

// late is told when there was no time left.
func (l *Linker) late(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return l.error("timeout", "it did not let us in in time", "check that the host is up, and that no firewall drops the connection")
	}
	return l.error("link", "it is not waited for any longer", "")
}

// notStarted is told when there is no ssh.
func (l *Linker) notStarted(err error) *executor.HostError {
	hint := ""
	if errors.Is(err, exec.ErrNotFound) {
		hint = "install OpenSSH's client, or leave transport: openssh out"
	}
	return l.error("config", "ssh cannot be started: "+err.Error(), hint)
}

// tail keeps the end of what an ssh says.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	t.text = t.text[max(0, len(t.text)-saidMax):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
