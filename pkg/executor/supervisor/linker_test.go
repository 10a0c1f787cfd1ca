package supervisor

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/opsctl/opsctl/pkg/executor"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shells are the real shells that the tests use as sh, where they are installed.
func shells(t testing.TB) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for name, argv := range map[string][]string{
		"dash": {"dash"}, "bash": {"bash", "--posix"}, "busybox": {"busybox", "sh"},
		"ksh": {"ksh"}, "zsh": {"zsh", "--emulate", "sh"},
	} {
		if _, err := exec.LookPath(argv[0]); err == nil {
			found[name] = argv
		}
	}
	if len(found) == 0 {
		t.Skip("no shell that is known to the tests is installed")
	}
	return found
}

// cutter is a Linker of local processes whose links can be cut.
type cutter struct {
	argv []string
	env  []string
	dead func() error        // says why no shell can be opened, if so
	as   *syscall.Credential // where it is set, commands are run as they stand, by via
	via  string              // the login shell
	sent *strings.Builder    // what was written to all shells, if wanted

	mu   sync.Mutex
	open []*cutShell
	wait sync.WaitGroup
}

func newCutter(t testing.TB, argv ...string) *cutter {
	t.Helper()
	c := &cutter{argv: argv, env: append(noLocale(os.Environ()), "HOME="+t.TempDir(), "XDG_STATE_HOME=")}
	t.Cleanup(c.wait.Wait)
	return c
}

type cutShell struct {
	in, out, err *os.File
	pid          int
	mu           sync.Mutex
	limit        int // bytes of stdin until the cut; -1 is no cut
	sent         func(p []byte)
}

func (s *cutShell) Read(p []byte) (int, error) { return s.out.Read(p) }
func (s *cutShell) Stderr() io.Reader          { return s.err }
func (s *cutShell) CloseWrite() error          { return s.in.Close() }

func (s *cutShell) Write(p []byte) (int, error) {
	s.mu.Lock()
	limit := s.limit
	if limit >= 0 {
		s.limit = max(0, limit-len(p))
	}
	s.mu.Unlock()
	s.sent(p)
	if limit >= 0 && limit < len(p) {
		n, _ := s.in.Write(p[:limit])
		_ = s.Close()
		return n, io.ErrClosedPipe
	}
	return s.in.Write(p)
}

func (s *cutShell) Close() error {
	_ = s.in.Close()
	_ = s.err.Close()
	return s.out.Close()
}

// cut breaks every link at once.
func (c *cutter) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.open {
		_ = s.Close()
	}
	c.open = nil
}

// cutWithin lets every open shell take n more bytes.
func (c *cutter) cutWithin(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.open {
		s.mu.Lock()
		s.limit = n
		s.mu.Unlock()
	}
}

func (c *cutter) start(argv []string) (Shell, error) {
	if c.dead != nil {
		if err := c.dead(); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	var ours, theirs [3]*os.File
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		ours[i], theirs[i] = r, w
		if i == 0 {
			ours[i], theirs[i] = w, r
		}
	}
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.env, theirs[0], theirs[1], theirs[2]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: c.as}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	for _, f := range theirs {
		_ = f.Close()
	}
	c.wait.Add(1)
	go func() { defer c.wait.Done(); _ = cmd.Wait() }()
	s := &cutShell{in: ours[0], out: ours[1], err: ours[2], pid: cmd.Process.Pid, limit: -1, sent: c.record}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, s)
	return s, nil
}

func (c *cutter) record(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent != nil {
		c.sent.Write(p)
	}
}

func (c *cutter) Shell(_ context.Context, command string) (Shell, error) {
	if strings.Contains(command, "nobody-may") {
		return c.start([]string{"sh", "-c", "echo 'sudo: a password is required' >&2; exit 1"})
	}
	if c.as != nil {
		return c.start([]string{c.via, "-c", command})
	}
	return c.start(c.argv)
}

func (c *cutter) Upload(context.Context) (Shell, error) {
	return c.start([]string{"sh", "-c", UploadCommand})
}

func (c *cutter) Exec(context.Context, string) (Program, error) {
	return nil, &executor.HostError{Class: "config", Message: "it takes no command without a shell"}
}

func (c *cutter) Reach(context.Context) error { return nil }

func (c *cutter) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (c *cutter) Close() error { return nil }

// bed is a host for a test, with its state in a directory of the test.
type bed struct {
	t    testing.TB
	link *cutter
	o    Options
	*Host
}

func newBed(t testing.TB, argv ...string) *bed {
	t.Helper()
	if len(argv) == 0 {
		argv = []string{"sh"}
	}
	b := &bed{t: t, link: newCutter(t, argv...)}
	b.o = Options{RunID: "run-1", StateDir: filepath.Join(t.TempDir(), "a b'c")}
	b.Host = NewHost(b.link, b.o)
	t.Cleanup(func() {
		b.link.cut()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// again is the host as a new process would see it.
func (b *bed) again() *bed {
	o := b.o
	o.Resumed = true
	n := &bed{t: b.t, link: b.link, o: o, Host: NewHost(b.link, o)}
	b.t.Cleanup(func() { _ = n.Close() })
	return n
}

func (b *bed) ready() executor.Facts {
	b.t.Helper()
	f, err := b.Ready(context.Background(), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return f
}

// heardOf is what a sink got.
type heardOf struct{ out, err strings.Builder }

func (h *heardOf) sink(s executor.Stream, p []byte) {
	if s == executor.Stdout {
		h.out.Write(p)
		return
	}
	h.err.Write(p)
}

func (b *bed) run(id string, c executor.Command) (executor.Ending, string, string) {
	var h heardOf
	e := b.Run(context.Background(), executor.Attempt{ID: id, Command: c}, h.sink)
	return e, h.out.String(), h.err.String()
}

// until polls for a condition with a generous deadline.
func until(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !f(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func exists(path string) func() bool {
	return func() bool { _, err := os.Stat(path); return err == nil }
}

// noLocale leaves the locale of whoever runs the tests out: a host has its own.
func noLocale(env []string) []string {
	var kept []string
	for _, pair := range env {
		if !strings.HasPrefix(pair, "LC_") && !strings.HasPrefix(pair, "LANG") {
			kept = append(kept, pair)
		}
	}
	return kept
}
