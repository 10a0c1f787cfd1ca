//go:build unix

package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
	"github.com/opsctl/opsctl/internal/fleet/realsudo"
)

// sudoBench is a project with two real hosts, on which a user logs in whom sudo asks for a password, and
// there is another one, who has neither a home nor a shell.
func sudoBench(t *testing.T, defaults ...string) (b *bench, u, other *realsudo.User) {
	t.Helper()
	other = realsudo.NewUser(t, realsudo.Options{NoHome: true, Shell: "/bin/false"})
	u = realsudo.NewUser(t, realsudo.Options{})
	u.Allow(t, "ALL=(ALL:ALL) ALL", defaults...)
	f := realsshd.Start(t, realsshd.Options{Hosts: 2, Config: []string{"SetEnv HOME=" + u.Home}})
	f.AdmitOthers(t)
	b = &bench{T: t, dir: t.TempDir()}
	var inventory strings.Builder
	inventory.WriteString("hosts:\n")
	for i, h := range f.Hosts {
		fmt.Fprintf(&inventory, "  %s-%d: {addr: %s, port: %d}\n", u.Name, i+1, h.IP, h.Port)
	}
	b.write("inventory.yaml", inventory.String())
	b.write("opsctl.yaml", fmt.Sprintf("state-dir: state\ninventory: inventory.yaml\nuser: %s\nidentity: %s\nssh-option: [UserKnownHostsFile=%s, IdentityAgent=none]\n",
		u.Name, f.ClientKey, f.KnownHosts))
	b.write("r.yaml", fmt.Sprintf(`
name: sudo
hosts: all
on_failure: stop
steps:
  - {id: root, run: 'id -un; cat', stdin: "a line\n", sudo: true}
  - {id: other, run: id -un, sudo: %s}
  - {id: self, run: id -un, sudo: false}
`, other.Name))
	b.write("password", u.Password+"\n")
	t.Cleanup(func() { removeRuns(t, u.Name) })
	return b, u, other
}

// removeRuns removes what the runs of a test left with root.
func removeRuns(t *testing.T, name string) {
	home, err := os.UserHomeDir()
	if err != nil {
		t.Error(err)
	}
	paths, err := filepath.Glob(filepath.Join(home, ".local/state/opsctl/runs", "*."+name+"-*"))
	if err != nil {
		t.Error(err)
	}
	for _, path := range paths {
		if err := os.RemoveAll(path); err != nil {
			t.Error(err)
		}
	}
}

func TestFault_67_RunWithASudoPassword(t *testing.T) {
	b, u, other := sudoBench(t)
	out := b.want(0, "run", "r.yaml", "--sudo-password-file", "password", "-v", "--output", "plain")
	for _, want := range []string{"a line", other.Name, u.Name} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not show %q:\n%s", want, out)
		}
	}
	// A step that learns the password otherwise cannot show it.
	b.Setenv("OPSCTL_SUDO_PASSWORD", u.Password)
	out += b.want(0, "exec", "--sudo", "--", "id -un; cat "+filepath.Join(b.dir, "password"))
	if !strings.Contains(out, "root\n") || !strings.Contains(out, "***") {
		t.Errorf("it does not show root and a mask:\n%s", out)
	}
	b.Setenv("OPSCTL_SUDO_PASSWORD", u.Password)
	out += b.want(0, "plan", "r.yaml", "--sudo")
	b.Setenv("OPSCTL_SUDO_PASSWORD", u.Password)
	out += b.want(0, "ping", "--sudo")
	if strings.Contains(out, u.Password) || os.Getenv("OPSCTL_SUDO_PASSWORD") != "" {
		t.Error("the password is shown, or left in the environment")
	}
	searched := 0
	err := filepath.WalkDir(filepath.Join(b.dir, "state"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		if searched++; strings.Contains(string(text), u.Password) {
			t.Errorf("the password is in %s", path)
		}
		return err
	})
	if err != nil || searched == 0 {
		t.Errorf("%d files, %v", searched, err)
	}
}

func TestFault_67_RunWithoutTheSudoPassword(t *testing.T) {
	b, u, _ := sudoBench(t, "lecture=always")
	b.write("open", u.Password)
	if err := os.Chmod(filepath.Join(b.dir, "open"), 0o644); err != nil { //nolint:gosec // that is what is tried
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		env   string
		args  []string
		words []string
	}{
		{"none", "", nil, []string{"a password is required", "-K asks for it"}},
		{"wrong", "wrong-password", nil, []string{"wrong sudo password; it was tried once", "so it is not tried here", "opsctl ping --sudo -K"}},
		{"others may read it", "", []string{"--sudo-password-file", "open"}, []string{"sudo asks for a password", "0644"}},
		{"no such file", "", []string{"--sudo-password-file", "nowhere"}, []string{"nowhere"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("OPSCTL_SUDO_PASSWORD", c.env)
			out := b.want(4, append([]string{"run", "r.yaml", "--output", "plain"}, c.args...)...)
			for _, w := range append(c.words, "Nothing was started", "opsctl ping --sudo -l "+u.Name+"-1,") {
				if !strings.Contains(strings.Join(strings.Fields(out), " "), w) {
					t.Errorf("it does not say %q:\n%s", w, out)
				}
			}
		})
	}
	if out := b.want(6, "run", "r.yaml", "-K"); !strings.Contains(out, "there is no terminal") || !strings.Contains(out, "--sudo-password-file") {
		t.Error(out)
	}
}

// What was begun by sudo is taken back by sudo, and asks for the password again.
func TestSudoHoldsForTheRollback(t *testing.T) {
	b, u, _ := sudoBench(t)
	b.write("back.yaml", `
name: back
hosts: all
steps:
  - {id: mark, run: "id -un > /run/${{ host.name }}.mark", rollback: "test $(id -un) = root; rm /run/${{ host.name }}.mark"}
`)
	b.want(0, "run", "back.yaml", "--sudo", "--sudo-password-file", "password")
	mark := "/run/" + u.Name + "-1.mark"
	if text, err := os.ReadFile(mark); err != nil || string(text) != "root\n" {
		t.Fatalf("%q %v", text, err)
	}
	b.want(0, "rollback", "last", "--yes", "--sudo-password-file", "password")
	if _, err := os.Stat(mark); err == nil {
		t.Error("it was not taken back")
	}
}

func TestTheSudoPasswordIsAskedForOnce(t *testing.T) {
	b, u, _ := sudoBench(t)
	term := b.terminal(binary(t), "exec", "-K", "-b", "--", "id -un")
	term.sees("sudo password:")
	term.keys("-l", u.Password)
	term.keys("Enter")
	screen := term.sees("code 0")
	if !strings.Contains(screen, "root") || strings.Contains(screen, u.Password) || strings.Count(screen, "sudo password:") != 1 {
		t.Error(screen)
	}
}

func TestCopyAsAnotherUser(t *testing.T) {
	b, _, other := sudoBench(t)
	b.write("src.txt", "hello\n")
	dest, err := os.MkdirTemp("", "copied")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dest) })
	if err := os.Chmod(dest, 0o777); err != nil { //nolint:gosec // for another user to write to
		t.Fatal(err)
	}
	b.write("c.yaml", fmt.Sprintf(`
name: c
hosts: all
steps:
  - {id: copy, copy: {src: src.txt, dest: "%s/${{ host.name }}"}, sudo: %s}
`, dest, other.Name))
	b.want(0, "run", "c.yaml", "--sudo-password-file", "password")
	copied, err := filepath.Glob(dest + "/*-[12]")
	if err != nil || len(copied) != 2 {
		t.Fatalf("%v %v", copied, err)
	}
	for _, path := range copied {
		if text, err := os.ReadFile(path); err != nil || string(text) != "hello\n" {
			t.Errorf("%s: %q %v", path, text, err)
		}
	}
	b.want(0, "rollback", "last", "--yes", "--sudo-password-file", "password")
}
