package inventory

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// settingsOf shows what an inventory made of a host: its settings, with where they came from behind "@".
func settingsOf(h *Host, path string) string {
	var parts []string
	part := func(name, value string) {
		if value != "" {
			at := h.SettingOrigins[name]
			if at != "" {
				at = " @" + strings.TrimPrefix(at, path+":")
			}
			parts = append(parts, name+"="+value+at)
		}
	}
	part("addr", h.Addr)
	part("user", h.User)
	if h.Port != 0 {
		part("port", fmt.Sprint(h.Port))
	}
	part("jump", h.Jump)
	part("identity", h.Identity)
	part("connection", h.Connection)
	if h.NoWay != "" {
		part("no way", strings.ReplaceAll(h.NoWay, path+":", ""))
	}
	return strings.Join(parts, ", ")
}

func TestAnsibleSettings(t *testing.T) {
	tests := []struct{ name, ini, want, warning string }{
		{"address", "h ansible_host=10.0.0.1 ansible_port=2222", "addr=10.0.0.1 @1:3 (host h), port=2222 @1:25 (host h)", ""},
		{"old names win", "h ansible_host=a ansible_ssh_host=b ansible_ssh_user=u ansible_ssh_port='22'", "addr=b @1:18 (host h), user=u @1:37 (host h), port=22 @1:56 (host h)", ""},
		{"key", "h ansible_ssh_private_key_file=~/.ssh/k", "identity=~/.ssh/k @1:3 (host h)", ""},
		{"group", "[g]\nh\n[g:vars]\nansible_user=deploy", "user=deploy @4:1 (group g)", ""},
		{"nothing", "h ansible_host= ansible_user=None", "", ""},
		{"ipv6", "h ansible_host=2001:DB8::1", "addr=2001:db8::1 @1:3 (host h)", ""},
		{"this machine", "h ansible_connection=local", "connection=local @1:3 (host h)", ""},
		{"SSH by name", "h ansible_connection=ssh\n", "", ""},
		{"SSH by its long name", "h ansible_connection=ansible.builtin.ssh\n", "", ""},
		{
			"another connection", "h ansible_connection=winrm", `no way=Ansible reaches it by "winrm", and opsctl only by SSH (1:3 (host h))`,
			`1:3: Ansible reaches it by "winrm", and opsctl only by SSH; such hosts cannot be reached`,
		},
		{"-J", "h ansible_ssh_common_args='-J me@bastion:2200'", "jump=me@bastion:2200 @1:3 (host h)", ""},
		{"ProxyJump", "h ansible_ssh_common_args='-o ProxyJump=a,b -C'", "jump=a,b @1:3 (host h)", ""},
		{"-oProxyJump", `h ansible_ssh_extra_args="-oProxyJump=a"`, "jump=a @1:3 (host h)", ""},
		{"the first counts", "h ansible_ssh_args='-J a -J b' ansible_ssh_common_args='-J c'", "jump=a @1:3 (host h)", ""},
		{"-W", `h ansible_ssh_common_args='-o ProxyCommand="ssh -W %h:%p -q bastion"'`, "jump=bastion @1:3 (host h)", ""},
		{"-W with more", `h ansible_ssh_common_args='-o ProxyCommand="ssh -p 2200 -l me -W %h:%p -o StrictHostKeyChecking=no bastion"'`, "jump=me@bastion:2200 @1:3 (host h)", ""},
		{"nc", `h ansible_ssh_common_args='-oProxyCommand="ssh me@bastion nc %h %p"'`, "jump=me@bastion @1:3 (host h)", ""},
		{"no jump", "h ansible_ssh_common_args='-o ProxyCommand=none'", "jump=none @1:3 (host h)", ""},
		{
			"a command we do not know", `h ansible_ssh_common_args='-o ProxyCommand="cloudflared access ssh --hostname %h"'`, "",
			"1:3: ansible_ssh_common_args: not applied here: -o ProxyCommand=cloudflared access ssh --hostname %h",
		},
		{
			"a key for the bastion", `h ansible_ssh_common_args='-o ProxyCommand="ssh -i k -W %h:%p b"'`, "",
			"1:3: ansible_ssh_common_args: not applied here: -o ProxyCommand=ssh -i k -W %h:%p b",
		},
		{
			"host keys", "h ansible_ssh_common_args='-o StrictHostKeyChecking=no -A'", "",
			"1:3: ansible_ssh_common_args: not applied here: -o StrictHostKeyChecking=no, -A",
		},
		{"user and key and port", "h ansible_ssh_args='-l u -i k -p 22 -o ControlMaster=auto'", "user=u @1:3 (host h), port=22 @1:3 (host h), identity=k @1:3 (host h)", ""},
		{"a name in it", `h ansible_host="{{ inventory_hostname }}.lan"`, "addr=h.lan @1:3 (host h)", ""},
		{"a short name in it", `h.lan ansible_host="{{inventory_hostname_short}}-x"`, "addr=h-x @1:7 (host h.lan)", ""},
		{"a variable in it", "h x=10.0.0.7 ansible_host='{{ x }}' n=22 ansible_port='{{ n }}22'", "addr=10.0.0.7 @1:14 (host h), port=2222 @1:42 (host h)", ""},
		{
			"a filter in it", `h ansible_host="{{ x | default('y') }}"`,
			`no way=ansible_host holds a template that opsctl cannot fill in: "{{ x | default('y') }}" (1:3 (host h))`,
			"1:3: ansible_host holds a template that opsctl cannot fill in",
		},
		{
			"a variable that is not there", `h ansible_user="{{ who }}"`,
			`no way=ansible_user holds a template that opsctl cannot fill in: "who" is no plain word (1:3 (host h))`, "such hosts cannot be reached",
		},
		{"become", "h ansible_become=yes", "", "1:3: ansible_become is a variable like others here, and does nothing"},
		{"a password", "h ansible_password=x", "", "1:3: ansible_password is left out: passwords of an inventory are not used"},
		{"a large number", "h n=12345678901234567890", "", `1:3: "12345678901234567890" is a number of more than 64 bits, which opsctl does not have; it is kept as text`},
		{"a set", "h n='{1, 2}'", "", `1:3: "{1, 2}" is a set of Python`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := file(t, "hosts", tt.ini+"\n")
			inv := mustLoad(t, path)
			if got := settingsOf(inv.Hosts[0], path); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if tt.warning == "" && len(inv.Warnings) > 0 {
				t.Errorf("got the warning %v", inv.Warnings[0])
			}
			has := func(w string) bool { return strings.Contains(w, tt.warning) }
			var told []string
			for _, w := range inv.Warnings {
				told = append(told, w.Error())
			}
			if !slices.ContainsFunc(append(told, ""), has) {
				t.Errorf("got the warnings %q, want %q", told, tt.warning)
			}
		})
	}
}

func TestAnsibleSettingsAreRefused(t *testing.T) {
	for ini, want := range map[string]string{
		"h ansible_port=ssh":                          `:1:3: cannot take "ssh" as a port`,
		"h ansible_host=-oProxyCommand=x":             `:1:3: cannot take "-oProxyCommand=x" as a host name: it starts with "-"`,
		"h ansible_user='a b'":                        `:1:3: cannot take "a b" as a user name`,
		"h ansible_user=True":                         `:1:3: ansible_user is a word, not true`,
		"h ansible_ssh_common_args='-J -oX'":          `:1:3: cannot take "-oX" as a jump host`,
		"h ansible_ssh_common_args=\"-o 'x\"":         `:1:3: cannot take ansible_ssh_common_args apart: a quote is not closed`,
		"h\tx=1\n\n\nh2:70000":                        `:4:4: cannot take "70000" as a port`,
		"[a]\nx\v y":                                  `:2:2: '\v' ends a line for Ansible, and nowhere else`,
		"[a:children]\nungrouped":                     `:2:1: "ungrouped" cannot be in a group`,
		"[ungrouped:children]\na\n[a]":                `:2:1: the group "ungrouped" has no groups in it`,
		"[a:children]\nall":                           `:2:1: cannot find the group "all"`,
		"[a:children]\na b":                           `:2:1: in [a:children] stands the name of a group, not "a b"`,
		"[a]\nb[1:2\n":                                `cannot read the range in "b[1:2"`,
		"[a]\n\"\" x=1\n":                             `:2:1: cannot take "" as a host name: it is empty`,
		"h ansible_host='{{ inventory_hostname }};x'": `:1:3: cannot take "h;x" as a host name`,
	} {
		path := file(t, "hosts", ini+"\n")
		_, err := Load([]string{path})
		if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), path, ""), want) {
			t.Errorf("%q: got %v, want %s", ini, err, want)
		}
	}
}

// What our own YAML says of a host wins over the variables of Ansible, and its own variables of these
// names are only variables.
func TestOwnSettingsWin(t *testing.T) {
	own := file(t, "own.yaml", "hosts: {h: {user: own, vars: {ansible_port: 7}}, h2: {vars: {ansible_host: x}}}\n")
	ansible := file(t, "hosts", "h ansible_user=other ansible_host=addr ansible_port=22\n")
	inv := mustLoad(t, ansible, own)
	if h := inv.Lookup("h"); h.User != "own" || h.Addr != "addr" || h.Port != 0 {
		t.Errorf("got %s", settingsOf(h, ansible))
	}
	if h := inv.Lookup("h2"); h.Addr != "" || h.Vars["ansible_host"] != "x" {
		t.Errorf("got %s", settingsOf(h, ansible))
	}
}

// A variable that only ansible-vault knows must not show a weaker value, and a setting that it knows must
// not be guessed.
func TestSealedVariables(t *testing.T) {
	path := file(t, "hosts.yml", `all:
  vars: {secret: weak, other: 1}
  hosts:
    h:
      secret: !vault |
        $ANSIBLE_VAULT;1.1;AES256
      ansible_host: !vault |
        $ANSIBLE_VAULT;1.1;AES256
`)
	h := mustLoad(t, path).Lookup("h")
	if diff := cmp.Diff(map[string]any{"other": 1}, h.Vars); diff != "" {
		t.Error(diff)
	}
	if want := "ansible_host is encrypted with ansible-vault (" + path + ":7:7 (host h))"; h.NoWay != want {
		t.Errorf("got %q, want %q", h.NoWay, want)
	}
}

// A password does nothing here, and must not get into what a run keeps of its hosts.
func TestPasswordsAreLeftOut(t *testing.T) {
	h := mustLoad(t, file(t, "hosts", "h ansible_password=x ansible_become_pass=y a=1\n")).Lookup("h")
	if diff := cmp.Diff(map[string]any{"a": 1}, h.Vars); diff != "" {
		t.Error(diff)
	}
}

// A problem of a group's variable is told once, however many hosts it is about, and what a run keeps of
// the inventory knows it still.
func TestSettingsOfManyHosts(t *testing.T) {
	inv := mustLoad(t, file(t, "hosts", "[g]\nh[1:500]\n[g:vars]\nansible_connection=docker\n[me]\nm ansible_connection=local\n"))
	if len(inv.Warnings) != 1 {
		t.Errorf("got %d warnings", len(inv.Warnings))
	}
	again := Restore(inv.Snapshot())
	if h := again.Lookup("h500"); h.NoWay == "" || h.NoWay != inv.Lookup("h500").NoWay {
		t.Errorf("got %+v", h)
	}
	if h := again.Lookup("m"); h.Connection != Local {
		t.Errorf("got %+v", h)
	}
}

// TestAnsibleOrigins holds every variable to the file and line it came from.
func TestAnsibleOrigins(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"hosts":               "[web]\nh1 b=1\n\n[web:vars]\na = 1\n",
		"group_vars/all.yml":  "---\nc: 1\nd: 1\n",
		"group_vars/web.json": "{\n  \"d\": 1,\n  \"e\": {\"x\": 1}\n}\n",
		"host_vars/h1/a.yml":  "f:\n  - 1\n",
		"inv.sh":              "#!/bin/sh\necho '{\"web\": {\"vars\": {\"g\": 1}},'\necho ' \"_meta\": {\"hostvars\": {\"h1\": {}}}}'\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o700); err != nil { //nolint:gosec // one of them is a program
			t.Fatal(err)
		}
	}
	inv := mustLoad(t, filepath.Join(dir, "hosts"), filepath.Join(dir, "inv.sh"))
	got := map[string]string{}
	for name, origin := range inv.Lookup("h1").Origins {
		got[name] = strings.TrimPrefix(origin, dir+"/")
	}
	want := map[string]string{
		"a": "hosts:5:1 (group web)", "b": "hosts:2:4 (host h1)", "c": "group_vars/all.yml:2:1 (all)", "d": "group_vars/web.json:2:3 (group web)",
		"e": "group_vars/web.json:3:3 (group web)", "f": "host_vars/h1/a.yml:1:1 (host h1)", "g": "inv.sh --list:1:19 (group web)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
