//go:build unix

package remote

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh/knownhosts"
)

// keygen makes keys as people do, and gives their paths.
func keygen(t *testing.T, kinds ...string) (paths []string) {
	t.Helper()
	for _, kind := range kinds {
		path := filepath.Join(t.TempDir(), kind)
		if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path).CombinedOutput(); err != nil {
			t.Skipf("no ssh-keygen (openssh-client): %v %s", err, out)
		}
		paths = append(paths, path)
	}
	return paths
}

// fingerprint is what ssh-keygen -l says: bits, fingerprint, and the type in brackets.
func fingerprint(t *testing.T, path string) []string {
	t.Helper()
	out, err := exec.Command("ssh-keygen", "-lf", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(out))
}

func stateOf(keys []HostKey, kind string) (KeyState, string) {
	for _, k := range keys {
		if strings.Contains(k.Type, kind) {
			return k.State, k.At
		}
	}
	return "missing", ""
}

// TestOpenSSHShowsItsKeys asks a real sshd with a key of each type, by way of another host, before and
// after its keys are pinned, with all ways to know and mistrust them.
func TestOpenSSHShowsItsKeys(t *testing.T) {
	paths := keygen(t, "rsa", "ecdsa")
	f := startSSHD(t, 2, "HostKey "+paths[0], "HostKey "+paths[1])
	s := realSettings(f, 1)
	s.Jumps = []Settings{realSettings(f, 0)}
	s.KnownHosts = []string{filepath.Join(t.TempDir(), "known_hosts")}
	show := func() []HostKey {
		t.Helper()
		keys, err := newTestDialer(t, Options{}).HostKeys(patience(t), s)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	keys := show()
	if len(keys) != 3 || keys[0].Type != "ssh-ed25519" {
		t.Fatalf("got %+v", keys)
	}
	for _, k := range keys {
		path := map[string]string{"ssh-ed25519": f.Dir + "/host_key", "ssh-rsa": paths[0]}[k.Type]
		if path == "" {
			path = paths[1]
		}
		if want := fingerprint(t, path); k.Fingerprint != want[1] || k.State != KeyNew || want[0] != map[bool]string{true: "3072", false: "256"}[k.Bits == 3072] {
			t.Errorf("got %+v, ssh-keygen says %v", k, want)
		}
	}
	for _, hash := range []bool{false, true} {
		s.KnownHosts[0] = filepath.Join(t.TempDir(), "known_hosts")
		if err := (Pins{Path: s.KnownHosts[0], Keys: keys, Hash: hash}).Write(); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(readFile(t, s.KnownHosts[0]), f.Hosts[1].IP) == hash {
			t.Errorf("hashed: %v\n%s", hash, readFile(t, s.KnownHosts[0]))
		}
		for _, k := range show() {
			if k.State != KeyKnown || !strings.HasPrefix(k.At, s.KnownHosts[0]+":") {
				t.Errorf("hashed %v: got %+v", hash, k)
			}
		}
		if _, err := newTestLinker(t, newTestDialer(t, Options{}), s).Shell(patience(t), ""); err != nil {
			t.Errorf("it is not trusted: %v", err)
		}
	}
	rsa := strings.Join(strings.Fields(readFile(t, paths[0]+".pub"))[:2], " ")
	writeText(t, s.KnownHosts[0], "@revoked * "+rsa+"\n"+knownhosts.Normalize(f.Hosts[1].Addr)+" "+strings.Join(strings.Fields(readFile(t, f.ClientKey+".pub"))[:2], " ")+"\n")
	keys = show()
	for kind, want := range map[string]KeyState{"rsa": KeyRevoked, "ed25519": KeyChanged, "ecdsa": KeyNew} {
		if state, at := stateOf(keys, kind); state != want || want != KeyNew && at == "" {
			t.Errorf("%s is %s %s", kind, state, at)
		}
	}
	s.Jumps[0].KnownHosts = nil
	_, err := newTestDialer(t, Options{}).HostKeys(patience(t), s)
	wantClass(t, err, "host-key", "host1", "opsctl ssh trust host1")
}

func TestOpenSSHCertifiedKeys(t *testing.T) {
	authority, key := keygen(t, "ed25519")[0], keygen(t, "ecdsa")[0]
	if out, err := exec.Command("ssh-keygen", "-q", "-s", authority, "-I", "x", "-h", "-n", "127.0.77.11", key+".pub").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	f := startSSHD(t, 1, "HostKey "+key, "HostCertificate "+key+"-cert.pub")
	s := realSettings(f, 0)
	s.KnownHosts = []string{writeText(t, filepath.Join(t.TempDir(), "known_hosts"), "@cert-authority [127.0.77.*]:* "+readFile(t, authority+".pub"))}
	keys, err := newTestDialer(t, Options{}).HostKeys(patience(t), s)
	if err != nil {
		t.Fatal(err)
	}
	if state, at := stateOf(keys, "ecdsa"); state != KeyCertified || at != s.KnownHosts[0]+":1" {
		t.Errorf("got %s %s", state, at)
	}
	if state, _ := stateOf(keys, "ed25519"); state != KeyNew {
		t.Errorf("got %s", state)
	}
}

func TestHostKeysOfWhatIsNoServer(t *testing.T) {
	s := Settings{Name: "web1", Addr: "127.0.0.1", Port: 1, User: "x"}
	_, err := newTestDialer(t, Options{}).HostKeys(patience(t), s)
	wantClass(t, err, "refused", "web1")
}

// Keys that changed take the place of the old ones, and nothing else changes.
func TestPinsKeepTheOtherLines(t *testing.T) {
	paths := keygen(t, "ed25519", "ecdsa")
	var all []string // "type base64"
	for _, path := range paths {
		all = append(all, strings.Join(strings.Fields(readFile(t, path+".pub"))[:2], " "))
	}
	old := strings.Join(strings.Fields(readFile(t, keygen(t, "ed25519")[0]+".pub"))[:2], " ")
	hashed := knownhosts.HashHostname("web1")
	before := "# mine\n\nweb2 " + old + "\nweb1,10.0.0.1 " + old + " note\n" + hashed + " " + old + "\n@revoked web1 " + old + "\nweb* " + old + "\nbroken\nweb1 " + all[1] + "\nlast " + old
	want := "# mine\n\nweb2 " + old + "\n# replaced 2026-01-02: web1,10.0.0.1 " + old + " note\n10.0.0.1 " + old + " note\n# replaced 2026-01-02: " + hashed + " " + old +
		"\n@revoked web1 " + old + "\nweb* " + old + "\nbroken\nweb1 " + all[1] + "\nlast " + old + "\nweb1 " + all[0] + "\n"
	dir := t.TempDir()
	path := writeText(t, filepath.Join(dir, "real"), before)
	link := filepath.Join(dir, "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	key := HostKey{Name: "web1", Type: "ssh-ed25519", State: KeyChanged, key: readPublic(paths[0] + ".pub")}
	if err := (Pins{Path: link, Keys: []HostKey{key, key}, Date: "2026-01-02"}).Write(); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, path); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v %v", info, err)
	}
	if info, err = os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v %v", info, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestPinsThatCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	path := writeText(t, filepath.Join(dir, "file"), "")
	if err := (Pins{Path: filepath.Join(path, "known_hosts")}).Write(); err == nil {
		t.Error("it was written below a file")
	}
}
