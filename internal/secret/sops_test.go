package secret

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestSops has a program in the place of sops that decrypts nothing: it prints the file as sops
// prints what it decrypted, as JSON with tabs where it is asked to, and leaves a line each time.
func TestSops(t *testing.T) {
	f := bench(t)
	t.Setenv("PATH", f.Dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	place(t, f.Dir, "sops", `#!/bin/sh
printf '%s\n' "$*" >> calls
case "$*" in
"-d --output-type json "*/vault.yaml) printf '{\n\t"db": {\n\t\t"password": "kept-secret",\n\t\t"user": "ann"\n\t}\n}\n' ;;
"-d "*/vault.yaml) printf 'db:\n    password: kept-secret\n' ;;
*) echo "Error getting data key: 0 successful groups required, got 0" >&2; exit 128 ;;
esac
`, 0o700)
	path := place(t, f.Dir, "vault.yaml", "sops: {}\n", 0o644)
	f.wants(t, Source{Kind: Sops, Name: "vault.yaml", Key: "db.password"}, "kept-secret")
	f.wants(t, Source{Kind: Sops, Name: "vault.yaml", Key: "db.user"}, "ann")
	f.wants(t, Source{Kind: Sops, Name: "vault.yaml"}, "db:\n    password: kept-secret")
	want := "-d --output-type json " + path + "\n-d " + path + "\n"
	if calls, err := os.ReadFile(filepath.Join(f.Dir, "calls")); err != nil || string(calls) != want {
		t.Errorf("sops was called with %q (%v), want %q", calls, err, want)
	}
	place(t, f.Dir, "theirs.yaml", "sops: {}\n", 0o644)
	f.refuses(t, Source{Kind: Sops, Name: "theirs.yaml", Key: "a"}, "it failed with exit status 128: Error getting data key")
	f.refuses(t, Source{Kind: Sops, Name: "absent.yaml", Key: "a"}, "no such file")
}

func TestSopsIsNotInstalled(t *testing.T) {
	f := bench(t)
	t.Setenv("PATH", f.Dir)
	place(t, f.Dir, "vault.yaml", "sops: {}\n", 0o644)
	f.refuses(t, Source{Kind: Sops, Name: "vault.yaml", Key: "a"}, "the program sops is not installed\ninstall sops")
}

// TestRealSops encrypts with sops and age.
func TestRealSops(t *testing.T) {
	if _, err := exec.LookPath("sops"); err != nil {
		t.Skip("sops is not installed")
	}
	f := bench(t)
	key, recipient, err := NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOPS_AGE_KEY_FILE", place(t, f.Dir, "keys.txt", key.Reveal(), 0o600))
	path := place(t, f.Dir, "vault.yaml", strings.ReplaceAll(vault, "  nothing:\n", ""), 0o600)
	program(t, "", "sops", "-e", "-i", "--age", recipient, path)
	f.wants(t, Source{Kind: Sops, Name: "vault.yaml", Key: "db.password"}, canary)
	f.wants(t, Source{Kind: Sops, Name: "vault.yaml", Key: "db.users.1"}, "bob")
}
