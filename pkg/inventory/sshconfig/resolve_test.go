package sshconfig

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// memory makes Options that read from a map and know a fixed person and machine.
func memory(files map[string]string) Options {
	return Options{
		Files: []string{"/home/me/.ssh/config", "/etc/ssh/ssh_config"}, Home: "/home/me", LocalUser: "me", LocalHost: "desk.example.com",
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := files[path]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
		Glob: func(pattern string) ([]string, error) {
			var found []string
			for path := range files {
				if ok, err := filepath.Match(pattern, path); err != nil {
					return nil, err
				} else if ok {
					found = append(found, path)
				}
			}
			return found, nil
		},
		Env: func(name string) (string, bool) { return "value-of-" + name, name != "UNSET" },
	}
}

func TestOriginsAndStrength(t *testing.T) {
	o := memory(map[string]string{
		"/home/me/.ssh/config":    "Host a\n  User file\n  Port 1\n  IdentityFile ~/one\n",
		"/etc/ssh/ssh_config":     "Include extra/*\nIdentityFile ~/two\nPort 2\n",
		"/etc/ssh/extra/10":       "ConnectTimeout 9\n",
		"/home/me/.ssh/extra/not": "ConnectTimeout 1\n",
	})
	o.Overrides = []string{"Ciphers=x"}
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Resolve("a", Given{User: "given", HostName: "fe80::1%eth0"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Value{
		"user":           {"given", "inventory", 0},
		"hostname":       {"fe80::1%%eth0", "inventory", 0},
		"port":           {"1", "/home/me/.ssh/config", 3},
		"identityfile":   {"~/one\n~/two", "/home/me/.ssh/config", 4},
		"connecttimeout": {"9", "/etc/ssh/extra/10", 1},
		"ciphers":        {"x", "-o", 0},
	}
	if diff := cmp.Diff(want, c.Values); diff != "" {
		t.Error(diff)
	}
	if c.HostName != "fe80::1%eth0" || c.User != "given" || c.IdentityFiles[1] != "/home/me/two" {
		t.Errorf("got %+v", c)
	}
	o.User = "flag"
	r, err = New(o)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = r.Resolve("a", Given{User: "given", Port: 7}); err != nil || c.User != "flag" || c.Port != 7 {
		t.Errorf("got %s %d, %v", c.User, c.Port, err)
	}
}

func TestHostsAreTheConcreteNames(t *testing.T) {
	r, err := New(memory(map[string]string{"/home/me/.ssh/config": "Host a *.b !c d\nInclude more\nHost a e?\nHost z\n", "/home/me/.ssh/more": "Host f\n"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(r.Hosts(), " "); got != "a d f z" {
		t.Errorf("got %q", got)
	}
}

func TestMissingFiles(t *testing.T) {
	o := memory(nil)
	if _, err := New(o); err != nil {
		t.Errorf("missing default files: %v", err)
	}
	o.Files = []string{"/nowhere"}
	_, err := New(o)
	if want := "/nowhere: cannot read the ssh configuration: file does not exist"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	o.Files = []string{"none"}
	if _, err := New(o); err != nil {
		t.Errorf("none: %v", err)
	}
}

func TestResolveErrors(t *testing.T) {
	tests := []struct{ name, config, host, want string }{
		{"option", "", "-oProxyCommand=x", `cannot connect to "-oProxyCommand=x": it is not a host name`},
		{"newline", "", "a\nb", `cannot connect to "a\nb": it is not a host name`},
		{"token", "IdentityFile %z\n", "a", `/home/me/.ssh/config:1: cannot use identityfile for host a: "%z" is not known here, in "%z"`},
		{"token of hostname", "HostName %p\n", "a", `/home/me/.ssh/config:1: cannot use hostname for host a: "%p" is not known here, in "%p"`},
		{"percent at the end", "IdentityFile 5%\n", "a", `/home/me/.ssh/config:1: cannot use identityfile for host a: a "%" stands at the end of "5%"; a percent sign is written "%%"`},
		{"hostname is an option", "HostName -x\n", "a", `/home/me/.ssh/config:1: cannot use hostname for host a: cannot connect to "-x": it is not a host name`},
		{"user for a shell", "User $(x)\n", "a", `/home/me/.ssh/config:1: cannot use user for host a: cannot log in as "$(x)": it is not a user name`},
		{"jump is an option", "ProxyJump -oX\n", "a", `/home/me/.ssh/config:1: cannot use proxyjump for host a: cannot connect to "-oX": it is not a host name`},
		{"variable", "\n\nIdentityFile ${UNSET}\n", "a", `/home/me/.ssh/config:3: cannot use identityfile for host a: the environment variable "UNSET" is not set`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := New(memory(map[string]string{"/home/me/.ssh/config": tt.config}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = r.Resolve(tt.host, Given{}); err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestOverridesAreChecked(t *testing.T) {
	o := memory(nil)
	o.Overrides = []string{"Port=x", "Host a", ""}
	_, err := New(o)
	if err == nil || strings.Count(err.Error(), "-o:1:1") != 2 || !strings.Contains(err.Error(), `cannot use "host" outside of a file`) {
		t.Errorf("got %v", err)
	}
}

// A file of many hosts answers as one that is walked from top to bottom.
func TestIndexChangesNothing(t *testing.T) {
	names := []string{"a", "b", "ab", "*", "a*", "!b", "?"}
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for i := range rapid.IntRange(1, 8).Draw(t, "segments") {
			list := rapid.SliceOfN(rapid.SampledFrom(names), 1, 3).Draw(t, "names")
			fmt.Fprintf(&text, "Host %s\n IdentityFile /k%d\n", strings.Join(list, " "), i)
			if rapid.Bool().Draw(t, "include") {
				text.WriteString(" Include in\n")
				fmt.Fprintf(&text, " IdentityFile /after%d\n", i)
			}
		}
		r, err := New(memory(map[string]string{"/home/me/.ssh/config": text.String(), "/home/me/.ssh/in": "IdentityFile /i\nHost a\n IdentityFile /ia\nHost *b\n IdentityFile /ib\n"}))
		if err != nil {
			t.Fatal(err)
		}
		slow := *r
		slow.named, slow.general = nil, nil
		for i := range r.segments {
			slow.general = append(slow.general, i)
		}
		for _, host := range []string{"a", "b", "ab", "c"} {
			got, err := r.Resolve(host, Given{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := slow.Resolve(host, Given{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("%s\nhost %s: %s", text.String(), host, diff)
			}
		}
	})
}

func TestAlgorithms(t *testing.T) {
	for spec, want := range map[string]string{"": "a,b,ba", "c,a,c": "c,a", "+c,a": "a,b,ba,c", "^ba,c": "ba,c,a,b", "-b*": "a"} {
		if got := strings.Join(Algorithms(spec, []string{"a", "b", "ba"}), ","); got != want {
			t.Errorf("%q: got %s, want %s", spec, got, want)
		}
	}
}

func FuzzResolve(f *testing.F) {
	for _, tt := range oracleTests {
		f.Add(tt.text, "a")
	}
	for _, tt := range refusedTests {
		f.Add(tt.text, "b")
	}
	f.Fuzz(func(t *testing.T, text, host string) {
		o := memory(map[string]string{"/home/me/.ssh/config": text, "/home/me/.ssh/more": "Host *\nInclude more\n"})
		r, err := New(o)
		if err != nil {
			_ = err.Error()
			return
		}
		c, err := r.Resolve(host, Given{})
		if err == nil && (c.HostName == "" || c.HostName[0] == '-' || c.User[0] == '-' || c.Port < 1 || c.Port > 65535) {
			t.Fatalf("unsafe: %+v", c)
		}
	})
}

func BenchmarkResolve(b *testing.B) {
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "Host h%d\n HostName 10.0.0.1\n Port %d\n User me\n", i, i+1)
	}
	text.WriteString("Host h*\n IdentityFile ~/.ssh/%h\nMatch host 10.* user me\n ConnectTimeout 3\n")
	r, err := New(memory(map[string]string{"/home/me/.ssh/config": text.String()}))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		for i := range 1000 {
			if _, err := r.Resolve(fmt.Sprintf("h%d", i), Given{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func TestGivenIsBeforeTheFiles(t *testing.T) {
	o := memory(map[string]string{"/home/me/.ssh/config": "ProxyCommand nc\nIdentityFile ~/file\n"})
	o.Overrides = []string{"IdentityFile=/flag"}
	r, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Resolve("a", Given{Jump: "me@b:22", Identity: "~/given"})
	if err != nil || c.ProxyJump != "me@b:22" || c.ProxyCommand != "" || strings.Join(c.IdentityFiles, " ") != "/flag /home/me/given /home/me/file" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestFilesOthersMayWriteAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(path, []byte("Port 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []string{path, "/nowhere"}
	if _, err := New(Options{Files: files}); err != nil {
		t.Errorf("got %v", err)
	}
	if err := os.Chmod(path, 0o622); err != nil { //nolint:gosec // this is the point
		t.Fatal(err)
	}
	if _, err := New(Options{Files: files}); err == nil || !strings.Contains(err.Error(), "can be written by others") {
		t.Errorf("got %v", err)
	}
	if _, err := New(Options{Files: files[:1]}); err != nil { // as with -F, ssh does not look
		t.Errorf("got %v", err)
	}
}

// Conditions on what is not known here, and commands nobody may run, do not match.
func TestUnknownConditionsDoNotMatch(t *testing.T) {
	r, err := New(memory(map[string]string{"/home/me/.ssh/config": "Match localnetwork 10.0.0.0/8\n Port 1\nMatch !localnetwork x\n Port 2\nMatch exec true\n Port 3\nMatch !exec true\n Port 4\nMatch all\n ForwardAgent $SOCK # kept\n"}))
	if err != nil {
		t.Fatal(err)
	}
	c, err := r.Resolve("a", Given{})
	if err != nil || c.Port != 22 || c.Values["forwardagent"].Text != "$SOCK" {
		t.Errorf("got %+v, %v", c, err)
	}
}
