package inventory

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsctl/opsctl/internal/source"
)

func file(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func mustLoad(t *testing.T, sources ...string) *Inventory {
	t.Helper()
	inv, err := Load(sources)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func TestLoadNothing(t *testing.T) {
	inv := mustLoad(t)
	if len(inv.Hosts) != 0 || inv.Lookup(Local) == nil {
		t.Errorf("got %v", inv.Hosts)
	}
	if got, err := inv.Select("all"); err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestLoadHostList(t *testing.T) {
	inv := mustLoad(t, "web[1:2], deploy@db:2222,[::1]:22,10.0.0.1,,web1,2001:db8::5")
	if got := names(inv.Hosts); got != "web1 web2 db ::1 10.0.0.1 2001:db8::5" {
		t.Errorf("got %s", got)
	}
	if db := inv.Lookup("db"); db.User != "deploy" || db.Port != 2222 || db.At != "-i:1:11" {
		t.Errorf("got %+v", db)
	}
	if six := inv.Lookup("::1"); six.Port != 22 {
		t.Errorf("got %+v", six)
	}
}

func TestLoadMerges(t *testing.T) {
	one := file(t, "one.yaml", "hosts: {a: {user: u1, port: 1, vars: {x: 1, y: 1}}, b: }\ngroups: {g: {hosts: [a], vars: {z: 1}}}\n")
	two := file(t, "two.yaml", "hosts: {a: {port: 2, vars: {y: 2}}, c: }\ngroups: {g: {hosts: [b, c], vars: {w: 2}}, h: {groups: [g]}}\n")
	inv := mustLoad(t, one, two, "d,")
	if got := names(inv.Hosts); got != "a b c d" {
		t.Errorf("got %s", got)
	}
	a := inv.Lookup("a")
	if a.User != "u1" || a.Port != 2 {
		t.Errorf("got %+v", a)
	}
	if diff := cmp.Diff(map[string]any{"x": 1, "y": 2, "z": 1, "w": 2}, a.Vars); diff != "" {
		t.Error(diff)
	}
	if a.Origins["y"] != two+":1:29 (host a)" || a.Origins["x"] != one+":1:39 (host a)" {
		t.Errorf("got %v", a.Origins)
	}
	if got := names(inv.Group("h").Hosts); got != "a b c" {
		t.Errorf("h: %s", got)
	}
}

func TestLoadSSHConfig(t *testing.T) {
	path := file(t, "config", `# my hosts
Host web1 web2
  HostName %h.example.com
  Port 2222
Host *.skipped !web3 db
  ProxyJump bastion
  IdentityFile /keys/db
Host *
  User everyone
`)
	inv := mustLoad(t, path)
	if got := names(inv.Hosts); got != "web1 web2 db" {
		t.Errorf("got %s", got)
	}
	web := inv.Lookup("web2")
	if web.Addr != "web2.example.com" || web.Port != 2222 || web.User != "everyone" || web.SSHConfig != path || web.At != path+":2:1" {
		t.Errorf("got %+v", web)
	}
	if only := mustLoad(t, file(t, "stars", "Host *\n User x\n")); len(only.Hosts) != 0 || len(only.Warnings) != 1 {
		t.Errorf("only wildcards: got %v", only.Warnings)
	}
	db := inv.Lookup("db")
	if db.Addr != "" || db.Jump != "bastion" || db.Identity != "/keys/db" {
		t.Errorf("got %+v", db)
	}
}

func TestFormatsAreToldApart(t *testing.T) {
	for text, want := range map[string]bool{
		"Host a\n":                  true,
		"\n# x\n  include foo\n":    true,
		"Port=22\n":                 true,
		"User \"x\"\n":              true,
		"hosts: [a]\n":              false,
		"hosts:\n  Host: {}\n":      false,
		"Host: a\n":                 false,
		"User : a\n":                false,
		"# only a comment\n":        false,
		"{hosts: [a]}\n":            false,
		"web1\nweb2\n":              false,
		"[web]\nhost ansible_x=1\n": false,
	} {
		if got := isSSHConfig(text); got != want {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestLoadRefusesFiles(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, path, want string }{
		{"directory", t.TempDir(), "X: is a directory without an inventory in it\n  hint: name the file, or the directory that holds it"},
		{"missing", filepath.Join(dir, "nope.yaml"), "X: cannot read the inventory: there is no such file"},
		{"missing word", "web1", "X: cannot read the inventory: there is no such file\n  hint: for a list of hosts put a comma behind it: \"web1,\""},
		{"empty", file(t, "e", " \n"), "X: is empty"},
		{"binary", file(t, "b", "a\x00b"), "X: is not text (it is binary, or not UTF-8)\n  hint: inventories are YAML, INI, JSON or ssh_config, in UTF-8"},
		{"long", file(t, "l", strings.Repeat("#\n", SourceBytesMax/2+1)), "X: is longer than 1048576 bytes\n  hint: split it; -i takes several"},
		{"syntax", file(t, "s", "hosts: [a\n"), "X:1:9: cannot read this as YAML: did not find expected ',' or ']'"},
		{"ssh_config", file(t, "c", "Host a\n Port x\n"), "X:2:2: cannot take \"x\" as a port: it must be a number from 1 to 65535\n    2 |  Port x\n      |  ^^^^^^"},
		{"no name", "", "X: the inventory has no name\n  hint: give a file, or hosts with commas: web1,web2,"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load([]string{tt.path})
			if _, ok := source.AsProblems(err); !ok {
				t.Fatalf("got %v", err)
			}
			got := err.Error()
			if tt.path != "" {
				got = strings.ReplaceAll(got, tt.path+":", "X:")
			} else {
				got = "X" + got
			}
			if tt.name == "syntax" {
				got, _, _ = strings.Cut(got, "\n")
			}
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	_, err := Load([]string{t.TempDir(), "-x,", "nope"})
	if err == nil || strings.Count(err.Error(), "hint:") != 2 {
		t.Errorf("not all at once: %v", err)
	}
}

// hostile are the names no inventory may bring in.
var hostile = []string{"-oProxyCommand=x", "a b", "a\nb", "a%h", "a;b", "$(x)", "a/b", "`x`", ".a", "a\x00b", "\u202ea", strings.Repeat("a", 254), "fe80::1%eth0", "a:22"}

func TestHostileNamesAreRefused(t *testing.T) {
	for _, name := range hostile {
		if err := CheckHostName(name); err == nil {
			t.Errorf("%q is taken", name)
		}
		for what, check := range map[string]func(string) error{"jump": checkJump, "user": checkUser, "group": checkGroupName} {
			harmless := what == "user" && (name == ".a" || len(name) == 254) || what == "jump" && name == "a:22"
			if err := check(name); err == nil && !harmless {
				t.Errorf("%s %q is taken", what, name)
			}
		}
		if !strings.ContainsAny(name, "/:@\n\x00\u202e") {
			if _, err := Load([]string{name + ","}); err == nil {
				t.Errorf("list: %q is taken", name)
			}
		}
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

func TestProblemsAreGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no testdata", err)
	}
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, err := Load([]string{path})
			if err == nil {
				t.Fatal("no problem was found")
			}
			got := strings.ReplaceAll(err.Error(), "testdata/", "") + "\n"
			golden := strings.TrimSuffix(path, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil { //nolint:gosec // a test file for everybody
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(example)
	f.Add(fleet)
	f.Add("hosts: {a: {jump: b, addr: c, port: 1}}\ngroups: {g: {groups: [g]}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		node, err := source.Parse(&source.File{Name: "f", Text: text})
		if err != nil {
			return
		}
		inv, err := Decode(node)
		if err != nil {
			if _, ok := source.AsProblems(err); !ok || err.Error() == "" {
				t.Fatalf("got %v", err)
			}
			return
		}
		for _, h := range inv.Hosts {
			if CheckHostName(h.Name) != nil || inv.Lookup(h.Name) != h || strings.HasPrefix(h.Addr, "-") {
				t.Fatalf("bad host %+v", h)
			}
		}
	})
}
