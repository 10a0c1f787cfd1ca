//go:build unix

package supervisor

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/realsudo"
	"github.com/opsctl/opsctl/pkg/executor"
)

// sudoBed is this machine as a host that a throw-away user is logged in to.
type sudoBed struct {
	*bed
	user  *realsudo.User
	asked atomic.Int32 // for the password
	fate  atomic.Value
}

// newSudoBed gives password to sudo; nil is nobody to be asked.
func newSudoBed(t *testing.T, u *realsudo.User, password *string) *sudoBed {
	t.Helper()
	s := &sudoBed{user: u, bed: &bed{t: t, link: newCutter(t, "sh")}}
	s.link.as, s.link.via, s.link.sent = u.Credential(), "sh", &strings.Builder{}
	s.link.env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + u.Home, "USER=" + u.Name, "LOGNAME=" + u.Name}
	s.o = Options{RunID: "sudo-test-" + token()}
	if password != nil {
		s.o.SudoPassword = func(context.Context, string) (Password, error) {
			s.asked.Add(1)
			return Password{Text: *password, Done: func(f Fate) { s.fate.Store(f) }}, nil
		}
	}
	s.Host = NewHost(s.link, s.o)
	t.Cleanup(func() {
		s.link.cut()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := os.RemoveAll(filepath.Join(rootsHome(t), ".local/state/opsctl/runs", s.o.RunID)); err != nil {
			t.Error(err)
		}
	})
	return s
}

func rootsHome(t *testing.T) string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	return home
}

// given is how often the password was written to a shell.
func (s *sudoBed) given() int {
	s.link.mu.Lock()
	defer s.link.mu.Unlock()
	return strings.Count(s.link.sent.String(), s.user.Password)
}

// becomes checks that an attempt and a read run as that user, with their stdin and both outputs whole.
func (s *sudoBed) becomes(user string) {
	s.t.Helper()
	if _, err := s.Ready(s.t.Context(), []string{user}); err != nil {
		s.t.Fatal(err)
	}
	c := executor.Command{Script: "id -un; cat; echo err >&2", Stdin: "line 1\nline 2\n", Sudo: user}
	want := user + "\nline 1\nline 2\n"
	if e, out, errs := s.run("a-"+token(), c); e != (executor.Ending{}) || out != want || errs != "err\n" {
		s.t.Fatalf("attempt: %+v %q %q", e, out, errs)
	}
	var h heardOf
	if e := s.Ask(s.t.Context(), c, h.sink); e != (executor.Ending{}) || h.out.String() != want || h.err.String() != "err\n" {
		s.t.Fatalf("read: %+v %q %q", e, h.out.String(), h.err.String())
	}
}

// refuses checks what a person is told where sudo does not let us in, at preflight and later.
func (s *sudoBed) refuses(user string, words ...string) {
	s.t.Helper()
	_, err := s.Ready(s.t.Context(), []string{user})
	var he *executor.HostError
	if !errors.As(err, &he) || he.Class != "sudo" {
		s.t.Fatalf("%+v", err)
	}
	for _, w := range append(words, "cannot become "+user) {
		if !strings.Contains(he.Message+"\n"+he.Hint, w) {
			s.t.Errorf("it does not say %q: %s\nhint: %s", w, he.Message, he.Hint)
		}
	}
	e := s.Ask(s.t.Context(), executor.Command{Script: "true", Sudo: user}, nil)
	if e.Verdict != executor.NeverRan || e.Class != "sudo" {
		s.t.Errorf("read: %+v", e)
	}
}

const all = "ALL=(ALL:ALL) ALL"

func TestFault_67_SudoLetsUsIn(t *testing.T) {
	for _, c := range []struct {
		name     string
		rule     string
		defaults []string
		asks     bool
	}{
		{"without a password", "ALL=(ALL) NOPASSWD: ALL", nil, false},
		{"only sh", "ALL=(root) NOPASSWD: /bin/sh", nil, false},
		{"with a password", all, nil, true},
		{"nothing is remembered", all, []string{"timestamp_timeout=0"}, true},
		{"remembered for the parent", all, []string{"timestamp_type=ppid"}, true},
		{"remembered for the terminal", all, []string{"timestamp_type=tty"}, true},
		{"remembered everywhere", all, []string{"timestamp_type=global"}, true},
		{"no terminal tickets", all, []string{"!tty_tickets"}, true},
		{"lecture", all, []string{"lecture=always"}, true},
		{"no pty", all, []string{"!use_pty"}, true},
		{"requiretty", "ALL=(ALL) NOPASSWD: ALL", []string{"requiretty"}, false},
		{"requiretty and a password", all, []string{"requiretty", "lecture=always"}, true},
		{"requiretty and no pty", all, []string{"requiretty", "!use_pty"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := realsudo.NewUser(t, realsudo.Options{})
			u.Allow(t, c.rule, c.defaults...)
			s := newSudoBed(t, u, &u.Password)
			s.becomes("root")
			if asked := s.asked.Load() > 0; asked != c.asks || int(s.asked.Load()) != s.given() {
				t.Errorf("the password was asked for %d times and given %d times", s.asked.Load(), s.given())
			}
			if c.asks && s.fate.Load() != Taken {
				t.Errorf("the fate of the password is %v", s.fate.Load())
			}
		})
	}
}

func TestFault_67_SudoDoesNotLetUsIn(t *testing.T) {
	wrong := "not the password"
	for _, c := range []struct {
		name     string
		rule     string // none: ""
		defaults []string
		password func(u *realsudo.User) *string
		user     string
		set      func(t *testing.T, s *sudoBed)
		words    []string
		asked    int32
	}{
		{name: "no password", rule: all, words: []string{"there is none", "a password is required", "-K", "--sudo-password-file", "NOPASSWD"}},
		{name: "wrong password", rule: all, password: always(&wrong), words: []string{"wrong sudo password", "tried once"}, asked: 1},
		{name: "wrong password and insults", rule: all, defaults: []string{"insults"}, password: always(&wrong), words: []string{"wrong sudo password"}, asked: 1},
		{name: "one try", rule: all, defaults: []string{"passwd_tries=1"}, password: always(&wrong), words: []string{"wrong sudo password"}, asked: 1},
		{name: "not in sudoers", password: right, words: []string{"not in sudoers", "-u USER"}, asked: 1},
		{name: "command not allowed", rule: "ALL=(root) NOPASSWD: /bin/true", password: right, words: []string{"does not let the login user", "/bin/sh"}, asked: 1},
		{name: "not as that user", rule: "ALL=(nobody) NOPASSWD: ALL", words: []string{"is none", "-K"}},
		{name: "no such user", rule: all, user: "nosuchuser", password: right, words: []string{"no such user", "sudo:"}},
		{name: "expired", rule: all, password: right, set: func(t *testing.T, s *sudoBed) { s.user.Change(t, "chage", "-E", "1") }, words: []string{"expired", "chage"}, asked: 1},
		{name: "no sudo", rule: all, set: func(t *testing.T, s *sudoBed) { s.link.env[0] = "PATH=" + pathWithout(t) }, words: []string{"no sudo on the host", "install it"}},
		{name: "requiretty and no script", rule: all, defaults: []string{"requiretty"}, set: func(t *testing.T, s *sudoBed) { s.link.env[0] = "PATH=" + pathWithout(t, "sudo") }, words: []string{"requiretty", "script"}},
		{name: "second factor", rule: all, password: right, set: secondFactor, words: []string{"something more after the password"}, asked: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // PAM takes its time over a wrong password
			u := realsudo.NewUser(t, realsudo.Options{})
			if c.rule != "" {
				u.Allow(t, c.rule, c.defaults...)
			}
			var password *string
			if c.password != nil {
				password = c.password(u)
			}
			s := newSudoBed(t, u, password)
			if c.set != nil {
				c.set(t, s)
			}
			if c.user == "" {
				c.user = "root"
			}
			s.refuses(c.user, c.words...)
			if got := s.asked.Load(); got != c.asked {
				t.Errorf("the password was asked for %d times, not %d", got, c.asked)
			}
		})
	}
}

func right(u *realsudo.User) *string { return &u.Password }

func always(text *string) func(*realsudo.User) *string {
	return func(*realsudo.User) *string { return text }
}

// pathWithout is a path of directories with no programs but sh and those named.
func pathWithout(t *testing.T, but ...string) string {
	t.Helper()
	// Not below TempDir, which other users cannot enter.
	dir, err := os.MkdirTemp("", "path")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(but, "sh", "mkdir", "id", "setsid", "sleep", "grep", "rm", "find") {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// secondFactor makes sudo ask for the password twice, as for two different things.
func secondFactor(t *testing.T, s *sudoBed) {
	t.Helper()
	if matches, err := filepath.Glob("/lib/*/security/pam_ftp.so"); err != nil || len(matches) == 0 {
		t.Skip("there is no pam_ftp here, which asks once more")
	}
	text := "auth required pam_unix.so\nauth required pam_ftp.so ignore users=" + s.user.Name + "\naccount required pam_permit.so\nsession required pam_permit.so\n"
	file := filepath.Join("/etc/pam.d", s.user.Name)
	t.Cleanup(func() { _ = os.Remove(file) })
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Skip("there is no PAM here: ", err)
	}
	s.user.Allow(t, all, "pam_service="+s.user.Name)
}
