package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
)

// sshBench is a project with three real sshd of whose keys nothing is known; host3 is behind host1.
func sshBench(t *testing.T) (*bench, *realsshd.Fleet) {
	t.Helper()
	f := realsshd.Start(t, realsshd.Options{Hosts: 3, Config: []string{"SetEnv HOME=" + t.TempDir()}})
	b := &bench{T: t, dir: t.TempDir()}
	var config strings.Builder
	for i, h := range f.Hosts {
		fmt.Fprintf(&config, "Host %s\n  HostName %s\n", h.Name, h.IP)
		if i == 2 {
			config.WriteString("  ProxyJump host1\n")
		}
	}
	fmt.Fprintf(&config, "Host *\n  Port %d\n  User %s\n  IdentityFile %s\n  IdentityAgent none\n  UserKnownHostsFile %s/mine\n  GlobalKnownHostsFile none\n",
		f.Hosts[0].Port, f.User, f.ClientKey, b.dir)
	b.write("ssh_config", config.String())
	b.write("inventory.yaml", "hosts: {host1: {}, host2: {}, host3: {}}\n")
	b.write("opsctl.yaml", "ssh-config: ssh_config\nstate-dir: state\n")
	return b, f
}

func (b *bench) read(name string) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

func (b *bench) missing(name string) {
	b.Helper()
	if _, err := os.Stat(filepath.Join(b.dir, name)); !os.IsNotExist(err) {
		b.Errorf("%s is there: %v", name, err)
	}
}

// holds wants words in what was printed.
func (b *bench) holds(out string, words ...string) {
	b.Helper()
	for _, w := range words {
		if !strings.Contains(out, w) {
			b.Errorf("%q is not in\n%s", w, out)
		}
	}
}

func TestSSHTrustOverRealSSH(t *testing.T) {
	b, f := sshBench(t)
	b.holds(b.want(4, "ping", "host1"), "host-key", "opsctl ssh trust host1")
	name := fmt.Sprintf("[%s]:%d", f.Hosts[0].IP, f.Hosts[0].Port)

	// Nobody is there to be asked: nothing is pinned.
	_, out, errs := b.opsctl("ssh", "trust", "host1")
	b.holds(out, "host1\n  256  SHA256:", name, "(ED25519)  new\n")
	b.holds(errs, "pin 1 key of 1 host in "+b.dir+"/known_hosts?", "--yes")
	b.want(6, "ssh", "trust", "host1")
	b.want(6, "ssh", "trust", "host1", "--output", "json")
	b.missing("known_hosts")

	// The way to a host behind one that is not trusted is not trusted either.
	b.holds(b.want(1, "ssh", "trust", "host3", "--yes"), "host-key", "opsctl ssh trust host1")
	b.missing("known_hosts")

	b.want(0, "ssh", "trust", "host1", "host2", "host1", "--yes")
	b.want(0, "ssh", "trust", "host3", "--yes")
	pinned := b.read("known_hosts")
	if strings.Count(pinned, "\n") != 3 || !strings.HasPrefix(pinned, name+" ssh-ed25519 ") {
		t.Errorf("pinned\n%s", pinned)
	}
	if info, err := os.Stat(filepath.Join(b.dir, "known_hosts")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v", info, err)
	}
	b.missing("mine")
	b.want(0, "ping")

	// What is known is not asked for again.
	out = b.want(0, "ssh", "trust", "all")
	b.holds(out, "known, "+b.dir+"/known_hosts:1", "known, "+b.dir+"/known_hosts:3")
	if b.read("known_hosts") != pinned {
		t.Error("it was written again")
	}
	b.holds(b.want(0, "ssh", "trust", "all", "--output", "json"), `"host":"host3"`, `"type":"ssh-ed25519","bits":256,"fingerprint":"SHA256:`, `"state":"known"`)
	b.holds(b.want(0, "ssh", "explain", "host3"), "known_hosts:3", "jump host 1: host1", "the project, then ")
}

func TestSSHTrustOfChangedKeys(t *testing.T) {
	b, f := sshBench(t)
	b.want(0, "ssh", "trust", "host1", "host2", "--yes")
	other, err := os.ReadFile(f.ClientKey + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	old := fmt.Sprintf("[%s]:%d %s", f.Hosts[1].IP, f.Hosts[1].Port, strings.Join(strings.Fields(string(other))[:2], " "))
	lines := strings.SplitAfter(b.read("known_hosts"), "\n")
	before := "# ours\n" + lines[0] + old + "\n"
	b.write("known_hosts", before)
	b.holds(b.want(4, "ping", "host2"), "differs from the known one at "+b.dir+"/known_hosts:3")

	out := b.want(1, "ssh", "trust", "all", "-l", "all", "--yes")
	b.holds(out, "DIFFERS from "+b.dir+"/known_hosts:3", "somebody may be in between")
	if got := b.read("known_hosts"); !strings.HasPrefix(got, before) || strings.Contains(got[len(before):], f.Hosts[1].IP) {
		t.Errorf("got\n%s", got)
	}
	b.write("known_hosts", before)
	b.want(6, "ssh", "trust", "host2", "--replace")
	b.want(0, "ssh", "trust", "host2", "--replace", "--yes")
	got := b.read("known_hosts")
	if !strings.HasPrefix(got, "# ours\n"+lines[0]+"# replaced 2") || !strings.HasSuffix(got, ": "+old+"\n"+lines[1]) {
		t.Errorf("got\n%s", got)
	}
	b.want(0, "ping", "host2")

	// Nobody is believed whose key is revoked, or who is among hosts that one line is about.
	b.write("known_hosts", "@revoked * "+strings.Join(strings.Fields(lines[0])[1:], " ")+"\n")
	b.holds(b.want(1, "ssh", "trust", "host1", "--replace", "--yes"), "REVOKED at "+b.dir+"/known_hosts:1")
	b.write("known_hosts", "[127.0.77.*]:* "+strings.Join(strings.Fields(old)[1:], " ")+"\n")
	b.holds(b.want(1, "ssh", "trust", "host1", "--replace", "--yes"), "is about other hosts too")
}

// Without a project, the user's own file; hashed where ssh would, or where that is asked for.
func TestSSHTrustInTheUsersFile(t *testing.T) {
	b, f := sshBench(t)
	if err := os.Remove(filepath.Join(b.dir, "opsctl.yaml")); err != nil {
		t.Fatal(err)
	}
	common := []string{"--state-dir", "state", "-F", "ssh_config"}
	b.want(0, append(common, "ssh", "trust", "host1", "--yes")...)
	b.holds(b.read("mine"), f.Hosts[0].IP)
	b.missing("known_hosts")
	b.want(0, append(common, "ping", "host1")...)
	b.want(0, append(common, "ssh", "trust", "host2", "--yes", "--known-hosts", "third", "--hash")...)
	if text := b.read("third"); strings.Contains(text, f.Hosts[1].IP) || !strings.HasPrefix(text, "|1|") {
		t.Errorf("got\n%s", text)
	}
	b.want(4, append(common, "ping", "host2")...)
	b.want(0, append(common, "ping", "host2", "-o", "UserKnownHostsFile=third")...)
	b.want(0, append(common, "ping", "host2", "--host-key", "accept-new", "-o", "HashKnownHosts=yes", "-o", "UserKnownHostsFile=fourth")...)
	if text := b.read("fourth"); !strings.HasPrefix(text, "|1|") {
		t.Errorf("got\n%s", text)
	}
	b.want(65, append(common, "ssh", "trust", "host2", "--yes", "-o", "UserKnownHostsFile=none")...)
	b.holds(b.want(1, append(common, "ssh", "trust", "host2", "--yes", "--known-hosts", "mine/none")...), "mine/none: not a directory")
}

func TestSSHTrustIsConfirmed(t *testing.T) {
	opsctl := binary(t)
	b, _ := sshBench(t)
	for _, answer := range []string{"n", "y"} {
		t.Run(answer, func(t *testing.T) {
			b := &bench{T: t, dir: b.dir}
			term := b.terminal(opsctl, "ssh", "trust", "host1")
			term.sees("[y/N]")
			term.keys(answer, "Enter")
			term.sees(map[string]string{"n": "code 6", "y": "code 0"}[answer])
			term.tmux("kill-server")
			if answer == "n" {
				b.missing("known_hosts")
			}
		})
	}
	b.holds(b.read("known_hosts"), "ssh-ed25519")
}
