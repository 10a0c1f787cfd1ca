package inventory

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func program(t *testing.T, text string) string {
	t.Helper()
	path := file(t, "inv", text)
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // it is to be run
		t.Fatal(err)
	}
	return path
}

func TestProgramsThatFail(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{
			"exit code", "#!/bin/sh\necho one >&2; echo 'two\x1b[31m' >&2; echo three >&2; echo four >&2; exit 7\n",
			"X --list: it ended with exit code 7\n  hint: it says: two·[31m\n  hint: it says: three\n  hint: it says: four",
		},
		{"signal", "#!/bin/sh\nkill -9 $$\n", "X --list: it was ended: signal: killed"},
		{"no interpreter", "#!/nonexistent/python\n", "X --list: cannot run it: no such file or directory\n  hint: it is asked for an inventory in JSON with --list"},
		{"nothing", "#!/bin/sh\necho why >&2\n", "X --list: it prints nothing\n  hint: it says: why"},
		{"text", "#!/bin/sh\necho '{\"a\": [],'; echo oops\n", "X --list:2:1: cannot read this as JSON: invalid character 'o' looking for beginning of object key string"},
		{"half", "#!/bin/sh\necho '{\"a\": ['\n", "X --list:1:8: cannot read this as JSON: it ends too early"},
		{"twice", "#!/bin/sh\necho '{}'; echo ' {}'\n", "X --list:2:2: something follows the end of the JSON"},
		{"not UTF-8", "#!/bin/sh\nprintf '{\"a\": \"\\377\"}'\n", "X --list: what it prints is not UTF-8"},
		{"too much", "#!/bin/sh\nexec yes\n", "X --list: it prints more than 67108864 bytes"},
		{"a host", "#!/bin/sh\n[ $1 = --list ] && exec echo '{\"g\": [\"h1\", \"h2\"]}'\nexit 5\n", "X --host h1: it ended with exit code 5"},
		{"a host's list", "#!/bin/sh\n[ $1 = --list ] && exec echo '{\"g\": [\"h1\"]}'\necho '[]'\n", `X --host h1:1:1: the vars of the host "h1" are a map, not a list`},
		{"a bad name", "#!/bin/sh\necho '{\"g\": [\"-h1\"]}'\n", `X --list:1:9: cannot take "-h1" as a host name: it starts with "-", which ssh would read as an option`},
		{"deep", "#!/bin/sh\nyes '[' | head -100\n", "X --list:66:1: nested deeper than 64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := program(t, tt.text) // before any is run: a file that a fork holds open cannot be executed
			t.Parallel()
			_, err := Load([]string{path})
			if err == nil {
				t.Fatal("it is taken")
			}
			got := strings.ReplaceAll(err.Error(), path, "X")
			if !strings.HasPrefix(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// A program that hangs is killed, also when a process it left behind holds its output open.
func TestProgramsThatHang(t *testing.T) {
	path := program(t, "#!/bin/sh\nsleep 20 &\nexec sleep 1000\n")
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var l loader
	if n := l.answer(ctx, path, 50*time.Millisecond, "--list"); n != nil || len(l.list) != 1 {
		t.Fatalf("got %v, %v", n, l.list)
	}
	if got := l.list[0].Message; got != "it did not end within 50ms, and was killed" {
		t.Errorf("got %q", got)
	}
}

func TestProgramsAreToldFromTexts(t *testing.T) {
	plain := file(t, "plain", "#!/bin/sh\n")
	if _, err := Load([]string{plain}); err == nil || !strings.Contains(err.Error(), "is a program that may not be executed\n  hint: chmod +x "+plain) {
		t.Errorf("got %v", err)
	}
	// Some file systems make every file executable.
	if inv := mustLoad(t, program(t, "[web]\nw1\n")); names(inv.Hosts) != "w1" {
		t.Errorf("got %s", names(inv.Hosts))
	}
	if inv := mustLoad(t, program(t, "hosts: [w2]\n")); names(inv.Hosts) != "w2" {
		t.Errorf("got %s", names(inv.Hosts))
	}
	// A compiled program has no "#!".
	if _, err := Load([]string{program(t, "\x7fELF\x00")}); err == nil || !strings.Contains(err.Error(), "--list: cannot run it: exec format error") {
		t.Errorf("got %v", err)
	}
}

func TestForeignInventories(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"hosts":      {"$ANSIBLE_VAULT;1.1;AES256\n6162\n", "X:1:1: is encrypted with ansible-vault, which opsctl does not open"},
		"hosts.toml": {"[web.hosts.a]\n", "X:1:1: is TOML, which opsctl does not read\n    1 | [web.hosts.a]\n      | ^\n  hint: ansible-inventory -i X --list > inventory.json"},
		"x.yml":      {"plugin: aws_ec2\n", "X:1:9: is the configuration of Ansible's plugin \"aws_ec2\", which opsctl cannot run\n    1 | plugin: aws_ec2\n      |         ^^^^^^^\n  hint: let Ansible write what it finds: ansible-inventory -i X --list > inventory.json"},
		"list.yml":   {"- hosts: web\n", "X:1:1: an inventory is a map with hosts, groups and vars, not a list"},
	} {
		path := file(t, name, tt.text)
		_, err := Load([]string{path})
		if err == nil || !strings.HasPrefix(strings.ReplaceAll(err.Error(), path, "X"), tt.want) {
			t.Errorf("%s: got %v, want %s", name, err, tt.want)
		}
	}
}

// A directory may be long in its depth, and a link in it may lead back.
func TestDirectoriesWithinDirectories(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(dir, "again")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load([]string{dir}); err == nil || !strings.Contains(err.Error(), "more than 8 directories within each other") {
		t.Errorf("got %v", err)
	}
}

// What a program printed once may be kept in a file.
func TestDynamicJSONInAFile(t *testing.T) {
	inv := mustLoad(t, file(t, "inventory.json", `{"web": {"hosts": ["w1"], "vars": {"a": 1}}, "_meta": {"hostvars": {"w1": {"b": 2}}}}`))
	h := inv.Lookup("w1")
	if h == nil || h.Vars["a"] != 1 || h.Vars["b"] != 2 || strings.Join(h.Groups, " ") != "web" {
		t.Errorf("got %+v", h)
	}
	own := mustLoad(t, file(t, "own.json", `{"hosts": ["a", "b"], "groups": {"g": {"hosts": ["a"]}}}`))
	if names(own.Hosts) != "a b" || own.Lookup("a").Vars != nil {
		t.Errorf("got %v", own.Hosts)
	}
}

func TestFormatsByContent(t *testing.T) {
	for text, want := range map[string]string{
		"[web]\na\n":                                "INI",
		"a\nb\n":                                    "INI",
		"# x\n\n; y\na ansible_host=1\n":            "INI",
		"a:2222\n":                                  "INI",
		"[::1]:22\n":                                "INI",
		"a x=\"b: c\"\n":                            "INI",
		"all:\n  hosts:\n":                          "Ansible's YAML",
		"---\nall:\n  hosts: {a: }\n":               "Ansible's YAML",
		"web:\n  hosts: {a: }\n":                    "Ansible's YAML",
		"'web':\n  children: {}\n":                  "Ansible's YAML",
		"hosts:\n  a: {}\n":                         "ours",
		"hosts: {all: {}}\n":                        "ours",
		"groups: {g: {hosts: []}}\nhosts: []\n":     "ours",
		"{hosts: [a]}\n":                            "ours",
		"vars: {x: 1}\n":                            "ours",
		"host:\n  a: {user: b}\n":                   "ours",
		"user ansible_host=10.0.0.1\n":              "INI",
		"Host a\n  User b\n":                        "ssh_config",
		`{"all": {"hosts": {"a": {}}}}`:             "Ansible's YAML",
		`{"_meta": {"hostvars": {}}, "g": ["a"]}`:   "dynamic JSON",
		`{"hosts": ["a"], "vars": {"_meta": {}}}`:   "ours",
		`{"web": {"children": ["db"]}, "db": {}}`:   "dynamic JSON",
		"plugin: amazon.aws.aws_ec2\nregions: []\n": "Ansible's YAML",
	} {
		if got := formatOf(t, text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func formatOf(t *testing.T, text string) string {
	t.Helper()
	switch {
	case isSSHConfig(text):
		return "ssh_config"
	case isINI("x", text):
		return "INI"
	}
	node, _ := parseAnsible(sourceFile(text), &troubles{})
	if node == nil {
		t.Fatalf("%q is neither", text)
	}
	switch {
	case strings.HasPrefix(text, "{") && isDynamic(node):
		return "dynamic JSON"
	case isAnsibleMap(node):
		return "Ansible's YAML"
	}
	return "ours"
}
