package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goWords are what no operator should ever read: stack traces and the names of Go's types.
var goWords = regexp.MustCompile(`goroutine \d|panic|map\[|interface *\{|\*[a-z]+\.[A-Z]|strconv\.|unmarshal|%!|<nil>|0x[0-9a-f]{8}|\.go:\d`)

// says runs a command, and checks its exit code, that its words hold all of want, and that they
// are for people.
func (b *bench) says(code int, want []string, args ...string) string {
	b.Helper()
	out := b.want(code, args...)
	readable(b.T, out, want)
	return out
}

func readable(t *testing.T, out string, want []string) {
	t.Helper()
	flat := strings.Join(strings.Fields(out), " ") // as it was before it was wrapped
	for _, w := range want {
		if !strings.Contains(out, w) && !strings.Contains(flat, w) {
			t.Errorf("it does not say %q:\n%s", w, out)
		}
	}
	if word := goWords.FindString(out); word != "" {
		t.Errorf("%q is not for people:\n%s", word, out)
	}
}

// desk is a project without hosts that could be reached, for what is refused before that.
func desk(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, dir: t.TempDir()}
	b.write("inventory.yaml", "hosts: {web1: {}, web2: {}, db1: {}}\ngroups: {web: {hosts: ['web[1:2]']}, none: {hosts: []}}\n")
	b.write("opsctl.yaml", "state-dir: state\n")
	b.write("ok.yaml", "name: ok\nhosts: web\nsteps: [{run: uptime}]\n")
	b.write("params.yaml", `name: p
params:
  version: {pattern: '^v\d+$', help: release}
  count: {type: int, min: 1, max: 3}
  mode: {enum: [fast, slow]}
steps: [{run: "echo ${{ version }}"}]
`)
	return b
}

func TestBadRunbooks(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"empty", "", []string{"bad.yaml: is empty"}},
		{"comments only", "# nothing\n", []string{"bad.yaml: is empty"}},
		{"binary", "\x7fELF\x00\x01", []string{"bad.yaml: is not text", "hint:"}},
		{"not UTF-8", "name: \xff\xfe\n", []string{"bad.yaml: is not text", "hint:"}},
		{"tabs", "name: x\nsteps:\n\t- run: uptime\n", []string{"bad.yaml:3:1: a tab in the indentation", "hint: replace each tab"}},
		{"syntax", "name: x\nsteps: [{run: uptime}\n", []string{"bad.yaml:2:", "cannot read this as YAML"}},
		{"a text", "hello\n", []string{"bad.yaml:1:1: a runbook is a map of keys"}},
		{"a list", "- run: uptime\n", []string{"bad.yaml:1:1: a runbook is a map of keys"}},
		{"two documents", "name: x\nsteps: [{run: uptime}]\n---\nname: y\n", []string{"bad.yaml:4:1: a second document", "hint:"}},
		{"duplicate key", "name: x\nname: y\nsteps: [{run: uptime}]\n", []string{`bad.yaml:2:1: "name" is given twice`, "line 1"}},
		{"unknown key", "name: x\nsteps:\n  - run: uptime\n    need: [a]\n", []string{`bad.yaml:4:5: unknown key "need"`, `did you mean "needs"?`, "^^^^"}},
		{"unknown top key", "nmae: x\nsteps: [{run: uptime}]\n", []string{`bad.yaml:1:1: unknown key "nmae"`, `did you mean "name"?`}},
		{"wrong types", "name: [x]\nsteps: {a: b}\n", []string{"2 things", "bad.yaml:1:7:", "bad.yaml:2:8:"}},
		{"no steps", "name: x\n", []string{"bad.yaml", "steps"}},
		{"no name", "steps: [{run: uptime}]\n", []string{"bad.yaml", "name"}},
		{"two actions", "name: x\nsteps: [{run: a, copy: {src: a, dest: /b}}]\n", []string{"bad.yaml:2:", "run", "copy"}},
		{"no action", "name: x\nsteps: [{name: a}]\n", []string{"bad.yaml:2:"}},
		{"cycle", "name: x\nsteps:\n  - {id: a, run: u, needs: [c]}\n  - {id: b, run: u, needs: [a]}\n  - {id: c, run: u, needs: [b]}\n", []string{"bad.yaml:3:", "a → c → b → a", "hint:"}},
		{"unknown need", "name: x\nsteps:\n  - {id: alpha, run: u}\n  - {id: b, run: u, needs: [alfa]}\n", []string{"bad.yaml:4:29:", `did you mean "alpha"?`}},
		{"needs itself", "name: x\nsteps: [{id: a, run: u, needs: [a]}]\n", []string{"bad.yaml:2:", "needs itself"}},
		{"same id twice", "name: x\nsteps: [{id: a, run: u}, {id: a, run: v}]\n", []string{"bad.yaml:2:", `"a"`}},
		{"unknown name", "name: x\nparams: {version: {}}\nsteps: [{run: 'echo ${{ verison }}'}]\n", []string{"bad.yaml:3:", "verison", "version"}},
		{"vars in a circle", "name: x\nvars: {a: '${{ b }}', b: '${{ a }}'}\nsteps: [{run: u}]\n", []string{"bad.yaml:2:", "a → b → a"}},
		{"shell syntax", "name: x\nsteps:\n  - run: |\n      if true; then\n        echo a\n", []string{"bad.yaml:", "if"}},
		{"unclosed expression", "name: x\nsteps: [{run: 'echo ${{ run.id'}]\n", []string{"bad.yaml:2:"}},
		{"expression of another type", "name: x\nparams: {n: {type: int, default: 1}}\nsteps: [{run: u, if: n + 'a'}]\n", []string{"bad.yaml:3:"}},
		{"unknown host", "name: x\nhosts: wbe\nsteps: [{run: u}]\n", []string{"bad.yaml:2:8:", `"wbe"`, `did you mean "web"?`}},
		{"empty target", "name: x\nhosts: none\nsteps: [{run: u}]\n", []string{"bad.yaml:2:8: no host matches", "allow_empty"}},
		{"bad pattern", "name: x\nhosts: 'web['\nsteps: [{run: u}]\n", []string{"bad.yaml:2:", "web["}},
		{"position out of range", "name: x\nhosts: 'web[7]'\nsteps: [{run: u}]\n", []string{"bad.yaml:2:"}},
		{"not of this version", "name: x\nschedule: daily\nsteps: [{run: x}]\n", []string{"bad.yaml:2:1:", "schedule", "not supported by this version"}},
		{"bad duration", "name: x\nsteps: [{run: u, timeout: soon}]\n", []string{"bad.yaml:2:", "soon"}},
		{"negative attempts", "name: x\nsteps: [{run: u, retry: {attempts: -1}}]\n", []string{"bad.yaml:2:"}},
		{"bad rollout", "name: x\nhosts: web\nrollout: {waves: [0]}\nsteps: [{run: u}]\n", []string{"bad.yaml:3:"}},
		{"bad param regexp", "name: x\nparams: {v: {pattern: '(', default: a}}\nsteps: [{run: u}]\n", []string{"bad.yaml:2:"}},
		{"default that does not fit", "name: x\nparams: {v: {type: int, default: many}}\nsteps: [{run: u}]\n", []string{"bad.yaml:2:", "many"}},
	}
	b := desk(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bench{T: t, dir: b.dir}
			b.write("bad.yaml", tt.text)
			b.says(codeInvalid, tt.want, "run", "bad.yaml")
			if _, err := os.Stat(filepath.Join(b.dir, "state")); err == nil {
				t.Error("a run that never was left a journal")
			}
		})
	}
}

func TestBadArguments(t *testing.T) {
	tests := []struct {
		name string
		args string
		code int
		want []string
	}{
		{"no such file", "run okk.yaml", 65, []string{"there is no runbook okk.yaml", `did you mean "ok.yaml"?`}},
		{"a directory", "run folder", 65, []string{"folder: is a directory", "hint:"}},
		{"params missing, all told", "run params.yaml", 65, []string{"3 params", `"version"`, `"count"`, `"mode"`, "-p version="}},
		{"params malformed, all told", "run params.yaml -p version=1 -p count=9 -p mode=fsat", 65, []string{"3 params", "does not match", "at most 3", "fast, slow"}},
		{"param unknown", "run params.yaml -p verison=v1 -p count=1 -p mode=fast -p version=v1", 65, []string{`"verison"`, `did you mean "version"?`}},
		{"param without a value", "run params.yaml -p version", 64, []string{"NAME=VALUE"}},
		{"params file missing", "run params.yaml -P nowhere.yaml", 64, []string{"nowhere.yaml"}},
		{"params file broken", "run params.yaml -P broken.yaml", 65, []string{"broken.yaml:1:"}},
		{"params file a list", "run params.yaml -P list.yaml", 65, []string{"list.yaml:1:1:", "hint:"}},
		{"limit of no host", "run ok.yaml -l db1", 64, []string{"--limit db1 matches no host"}},
		{"limit misspelt", "run ok.yaml -l wbe1", 64, []string{`"wbe1"`, `did you mean "web1"?`}},
		{"limit unreadable", "run ok.yaml -l web[", 64, []string{"--limit", "web[", "hint:"}},
		{"limit of a run unknown", "run ok.yaml -l @failed:nope", 64, []string{"nope"}},
		{"limit of a file unknown", "run ok.yaml -l @nowhere", 64, []string{"nowhere"}},
		{"inventory missing", "run ok.yaml -i nowhere.inv", 65, []string{"nowhere.inv", "there is no such file", "hint:"}},
		{"inventory empty", "run ok.yaml -i empty", 65, []string{"empty: is empty"}},
		{"inventory a directory", "run ok.yaml -i folder", 65, []string{"folder", "hint:"}},
		{"inventory binary", "run ok.yaml -i binary", 65, []string{"binary: is not text", "hint:"}},
		{"inventory with an unknown key", "run ok.yaml -i key.inv", 65, []string{`key.inv:1:16: unknown key "colour"`, "addr, user, port"}},
		{"inventory with a bad port", "run ok.yaml -i port.inv", 65, []string{"port.inv:1:22:", "abc", "65535"}},
		{"inventory in a circle", "run ok.yaml -i circle.inv", 65, []string{"circle.inv:1:", "a → b → a"}},
		{"inventory of Ansible, INI", "run ok.yaml -i ansible.ini", 65, []string{"ansible.ini:2:1:", "no partner"}},
		{"inventory a program", "run ok.yaml -i program", 65, []string{"program: is a program that may not be executed", "hint: chmod +x"}},
		{"command misspelt", "rnu ok.yaml", 64, []string{`"rnu"`, `did you mean "run"?`}},
		{"command unknown", "frobnicate", 64, []string{`"frobnicate"`, "opsctl --help"}},
		{"help of no command", "help rnu", 64, []string{`"rnu"`, `did you mean "run"?`}},
		{"subcommand misspelt", "config shwo", 64, []string{`"shwo"`, `did you mean "show"?`}},
		{"flag misspelt", "run ok.yaml --dryrun", 64, []string{"--dryrun", "did you mean --dry-run?"}},
		{"short flag unknown", "run ok.yaml -Z", 64, []string{"'Z'", "opsctl run --help"}},
		{"flag without its value", "run ok.yaml --limit", 64, []string{"--limit", "opsctl run --help"}},
		{"no runbook", "run", 64, []string{"one runbook", "opsctl run --help"}},
		{"two runbooks", "run ok.yaml params.yaml", 64, []string{"one runbook", "opsctl run --help"}},
		{"output unknown", "run ok.yaml --output xml", 64, []string{`--output: "xml"`, "auto, plain, json"}},
		{"color unknown", "run ok.yaml --color maybe", 64, []string{`--color: "maybe"`, "always"}},
		{"host key rule unknown", "run ok.yaml --host-key off", 64, []string{`--host-key: "off"`, "strict"}},
		{"forks no number", "run ok.yaml -f abc", 64, []string{"--forks", `"abc"`, "whole number"}},
		{"forks zero", "run ok.yaml -f 0", 64, []string{"--forks", "at least 1"}},
		{"what to do when locked unknown", "run ok.yaml --on-locked maybe", 64, []string{`"maybe"`, "wait=10m"}},
		{"directory missing", "-C nowhere run ok.yaml", 64, []string{"nowhere"}},
		{"exec with hosts in front", "exec web -- uname", 64, []string{"exec takes its hosts by -l", "opsctl exec -l web -- uname"}},
		{"run id unknown", "show nope", 64, []string{`"nope"`, "opsctl history"}},
		{"nothing to resume", "resume", 64, []string{"opsctl history"}},
		{"nothing to take back", "rollback", 64, []string{"opsctl history"}},
		{"no logs", "logs nope", 64, []string{`"nope"`, "opsctl history"}},
		{"configuration missing", "run ok.yaml --config nowhere.yaml", 78, []string{"nowhere.yaml"}},
		{"configuration with an unknown key", "run ok.yaml --config forkz.conf", 78, []string{`forkz.conf:1:1: unknown key "forkz"`, `did you mean "forks"?`}},
		{"configuration broken", "run ok.yaml --config broken.yaml", 78, []string{"broken.yaml:1:"}},
		{"configuration a list", "run ok.yaml --config list.yaml", 78, []string{"list.yaml:1:1:", "hint:"}},
		{"configuration of a wrong type", "run ok.yaml --config type.conf", 78, []string{"type.conf", "forks", "whole number", `"many"`}},
		{"configuration of a wrong shape", "run ok.yaml --config shape.conf", 78, []string{"shape.conf:1:8:", "forks"}},
		{"configuration writable by others", "run ok.yaml --config open.conf", 78, []string{"open.conf", "0666", "chmod go-w"}},
		{"ssh option malformed", "run ok.yaml -o Nonsense", 65, []string{"-o:1:1:", "Nonsense", "Key=Value"}},
		{"ssh configuration missing", "run ok.yaml -F nowhere", 65, []string{"nowhere"}},
	}
	b := desk(t)
	if err := os.Mkdir(filepath.Join(b.dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty": "", "binary": "\x00\x01", "broken.yaml": "version: [\n", "list.yaml": "- a\n", "key.inv": "hosts: {web1: {colour: red}}\n",
		"port.inv": "hosts: {web1: {port: abc}}\n", "circle.inv": "groups: {a: {groups: [b]}, b: {groups: [a]}}\nhosts: {web1: {}}\n",
		"ansible.ini": "# ours\n[web\nweb1 ansible_port=22\n", "program": "#!/bin/sh\necho '{}'\n",
		"forkz.conf": "forkz: 3\n", "type.conf": "forks: many\n", "shape.conf": "forks: {a: b}\n", "open.conf": "forks: 3\n",
	} {
		b.write(name, text)
	}
	if err := os.Chmod(filepath.Join(b.dir, "open.conf"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bench{T: t, dir: b.dir}
			b.says(tt.code, tt.want, strings.Fields(tt.args)...)
		})
	}
}

func TestBadEnvironment(t *testing.T) {
	tests := []struct {
		name, value string
		want        []string
	}{
		{"OPSCTL_FORKS", "abc", []string{"OPSCTL_FORKS", "whole number", `"abc"`}},
		{"OPSCTL_FORKS", "-1", []string{"OPSCTL_FORKS", "at least 1"}},
		{"OPSCTL_OUTPUT", "xml", []string{`OPSCTL_OUTPUT: "xml"`, "json"}},
		{"OPSCTL_YES", "perhaps", []string{"OPSCTL_YES", "true or false"}},
	}
	b := desk(t)
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			t.Setenv(tt.name, tt.value)
			(&bench{T: t, dir: b.dir}).says(codeConfig, tt.want, "run", "ok.yaml")
		})
	}
}
