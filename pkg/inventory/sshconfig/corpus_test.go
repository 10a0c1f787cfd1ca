package sshconfig

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// corpusCase is a file of testdata/oracle: a txtar archive whose comment says
//
//	hosts: …    that ssh is asked for too
//	args: …     for both: -o KEY=VALUE
//	refused: …  what is wrong, where ssh refuses it
//
// In its files, "@/" is the directory they are written to.
type corpusCase struct {
	dir     string
	hosts   []string
	args    []string
	refused string
}

func readCorpus(t *testing.T, path string) corpusCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := corpusCase{dir: t.TempDir()}
	for line := range strings.Lines(string(archive.Comment)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch key {
		case "hosts":
			for _, host := range strings.Fields(value) {
				c.hosts = append(c.hosts, strings.Trim(host, `"`))
			}
		case "args":
			c.args = strings.Fields(value)
		case "refused":
			c.refused = value
		default:
			t.Fatalf("%s: cannot read %q", path, line)
		}
	}
	for _, f := range archive.Files {
		name := filepath.Join(c.dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(replaceDir(string(f.Data), c.dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *corpusCase) options() Options {
	return Options{Files: []string{filepath.Join(c.dir, "config")}, Overrides: overridesOf(c.args), Exec: runShell, Env: testEnv}
}

// TestCorpus resolves what the system's own ssh resolves, and refuses what it refuses.
func TestCorpus(t *testing.T) {
	ssh := findSSH(t)
	defaults := ask(t, ssh, "-F", "none", "host.invalid")
	paths, err := filepath.Glob("testdata/oracle/*.txt")
	if err != nil || len(paths) < 100 {
		t.Fatalf("only %d configurations, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			t.Parallel() // as many as there are processors
			c := readCorpus(t, path)
			if c.refused != "" {
				c.refuse(t, ssh)
				return
			}
			r, err := New(c.options())
			if err != nil {
				t.Fatal(err)
			}
			for _, host := range c.hosts {
				compare(t, r, host, defaults, ask(t, ssh, append(slices.Clone(c.args), "-F", filepath.Join(c.dir, "config"), "--", host)...))
			}
		})
	}
}

// refuse wants the message, from New or from Resolve, and that ssh refuses too.
func (c *corpusCase) refuse(t *testing.T, ssh string) {
	t.Helper()
	r, err := New(c.options())
	if err == nil {
		_, err = r.Resolve(c.hosts[0], Given{})
	}
	if err == nil {
		t.Fatal("it was accepted")
	}
	first, _, _ := strings.Cut(strings.ReplaceAll(err.Error(), c.dir+"/", ""), "\n")
	if first != c.refused {
		t.Errorf("got  %s\nwant %s", first, c.refused)
	}
	args := append(slices.Clone(c.args), "-T", "-G", "-F", filepath.Join(c.dir, "config"), c.hosts[0])
	if out, err := exec.Command(ssh, args...).CombinedOutput(); err == nil {
		t.Errorf("ssh accepts it:\n%s", out)
	}
}

func testEnv(name string) (string, bool) {
	if name == "OPSCTL_TEST_DIR" {
		return "/tmp/opsctl", true
	}
	return os.LookupEnv(name)
}

// compare holds what was resolved against what ssh says, for every option that is used.
func compare(t *testing.T, r *Resolver, host string, defaults, want map[string]string) {
	t.Helper()
	config, err := r.Resolve(host, Given{})
	if err != nil {
		t.Errorf("%s: %v", host, err)
		return
	}
	tokens := strings.NewReplacer("%%", "%", "%h", want["hostname"], "%p", want["port"], "%r", want["user"], "%n", host, "%d", r.options.Home)
	for key, value := range dump(config, defaults) {
		if w := tokens.Replace(normal(r, key, want[key])); value != w {
			t.Errorf("%s: %s is %q, ssh says %q", host, key, value, w)
		}
	}
}

// TestThisMachine resolves what is configured here, whatever it is.
func TestThisMachine(t *testing.T) {
	ssh := findSSH(t)
	defaults := ask(t, ssh, "-F", "none", "host.invalid")
	r, err := New(Options{Exec: runShell})
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "127.0.0.1", "host.invalid"} {
		compare(t, r, host, defaults, ask(t, ssh, host))
	}
}
