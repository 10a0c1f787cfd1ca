//go:build unix

package realsshd

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// writeClientFiles makes the keys, and the files by which clients find the hosts.
func (f *Fleet) writeClientFiles(tb testing.TB) {
	tb.Helper()
	writeKey(tb, f.ClientKey)
	hostKey := writeKey(tb, filepath.Join(f.Dir, "host_key"))
	var known, config strings.Builder
	for _, h := range f.Hosts {
		known.WriteString(knownhosts.Line([]string{h.Addr}, hostKey) + "\n")
		fmt.Fprintf(&config, `Host %s
  HostName %s
  Port %d
  User %s
  IdentityFile %s
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile %s

`, h.Name, h.IP, h.Port, f.User, f.ClientKey, f.KnownHosts)
	}
	writeFile(tb, f.KnownHosts, known.String(), 0o644)
	writeFile(tb, f.SSHConfig, config.String(), 0o644)
}

// writeKey makes a key pair at path and path.pub and returns the public key.
func writeKey(tb testing.TB, path string) ssh.PublicKey {
	tb.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(key, "opsctl test")
	if err != nil {
		tb.Fatal(err)
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		tb.Fatal(err)
	}
	writeFile(tb, path, string(pem.EncodeToMemory(block)), 0o600)
	writeFile(tb, path+".pub", string(ssh.MarshalAuthorizedKey(public)), 0o644)
	return public
}

func writeFile(tb testing.TB, path, text string, mode os.FileMode) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		tb.Fatal(err)
	}
}
