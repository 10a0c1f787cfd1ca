package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet"
)

// bench is a project with a fleet of in-process SSH hosts: web1 … webN and db1.
type bench struct {
	*testing.T
	dir   string
	fleet *fleet.Fleet
}

func newBench(t *testing.T, webs int) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir()}
	names := []string{"db1"}
	inventory := "hosts:\n  db1: {}\n"
	for i := 1; i <= webs; i++ {
		names = append(names, fmt.Sprintf("web%d", i))
		inventory += fmt.Sprintf("  web%d: {}\n", i)
	}
	inventory += fmt.Sprintf("groups:\n  web: {hosts: [\"web[1:%d]\"]}\n", max(1, webs))
	f, err := fleet.Start(context.Background(), fleet.Options{Dir: filepath.Join(b.dir, "fleet"), Hosts: names})
	if err != nil {
		t.Fatal(err)
	}
	b.fleet = f
	t.Cleanup(func() {
		if err := f.Stop(); err != nil {
			t.Error(err)
		}
	})
	b.write("inventory.yaml", inventory)
	b.write("opsctl.yaml", "ssh-config: "+f.SSHConfig+"\nstate-dir: state\ninventory: inventory.yaml\n")
	return b
}

func (b *bench) write(name, text string) {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, name), []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
}

// opsctl runs one command in the project and gives its exit code and what it printed.
func (b *bench) opsctl(args ...string) (code int, out, errs string) {
	b.Helper()
	b.Chdir(b.dir) // -C changes it, and it is put back when the test ends
	var o, e bytes.Buffer
	code = Main(append([]string{"-C", b.dir, "--color", "never"}, args...), strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// want runs a command and checks its exit code.
func (b *bench) want(code int, args ...string) (out string) {
	b.Helper()
	got, out, errs := b.opsctl(args...)
	if got != code {
		b.Fatalf("opsctl %s: exit %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errs)
	}
	return out + errs
}

// file reads a file of a host, "" when it is not there.
func (b *bench) file(host, name string) string {
	text, err := os.ReadFile(filepath.Join(b.fleet.Host(host).Dir, name))
	if err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	return string(text)
}

func TestRunOverSSH(t *testing.T) {
	b := newBench(t, 4)
	b.write("r.yaml", `
name: deploy
params: {version: {pattern: '^v\d$'}}
hosts: web
on_failure: rollback
steps:
  - id: mark
    run: echo ${{ version }} >> log
    rollback: echo undo ${{ version }} >> log
  - id: migrate
    hosts: db1
    check: grep -qx ${{ version }} schema
    run: echo ${{ version }} > schema
    rollback: rm schema
  - id: switch
    rollout: {waves: [1, 100%]}
    steps:
      - id: activate
        save: {previous: cat current 2>/dev/null || true}
        run: echo ${{ version }} > current
        rollback: printf '%s' ${{ saved.previous }} > current
      - run: test ! -e broken
        id: healthy
        effect: read
`)
	b.want(0, "run", "r.yaml", "-p", "version=v1")
	for _, host := range []string{"web1", "web2", "web3", "web4"} {
		if got := b.file(host, "log"); got != "v1\n" {
			t.Errorf("%s: log %q", host, got)
		}
	}
	if got := b.file("db1", "schema"); got != "v1\n" {
		t.Errorf("schema %q", got)
	}
	if err := os.WriteFile(filepath.Join(b.fleet.Host("web3").Dir, "broken"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := b.want(3, "run", "r.yaml", "-p", "version=v2", "--output", "plain")
	if !strings.Contains(out, "web3") {
		t.Errorf("the summary does not name the host:\n%s", out)
	}
	for _, host := range []string{"web1", "web2", "web3", "web4"} {
		if got := b.file(host, "log"); got != "v1\nv2\nundo v2\n" {
			t.Errorf("%s: log %q", host, got)
		}
		if got := b.file(host, "current"); strings.TrimSpace(got) != "v1" {
			t.Errorf("%s: current %q", host, got)
		}
	}
}
