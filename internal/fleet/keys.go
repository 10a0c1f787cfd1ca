package fleet

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

func newSigner() (ssh.Signer, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return ssh.NewSignerFromKey(key)
}

// writeClientKey makes a key pair, writes it to path and path.pub in OpenSSH's
// formats, and returns the public key.
func writeClientKey(path string) (ssh.PublicKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(key, "opsctl fleet")
	if err != nil {
		return nil, err
	}
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	if err := writeFresh(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return public, writeFresh(path+".pub", ssh.MarshalAuthorizedKey(public), 0o644)
}

func (f *Fleet) writeKnownHosts() error {
	var b strings.Builder
	for _, h := range f.Hosts {
		b.WriteString(knownhosts.Line([]string{h.Addr}, h.key.PublicKey()) + "\n")
	}
	return writeFresh(f.KnownHosts, []byte(b.String()), 0o644)
}

func (f *Fleet) writeSSHConfig() error {
	var b strings.Builder
	for _, h := range f.Hosts {
		fmt.Fprintf(&b, "Host %s\n", h.Name)
		fmt.Fprintf(&b, "  HostName 127.0.0.1\n")
		fmt.Fprintf(&b, "  Port %d\n", h.Port)
		fmt.Fprintf(&b, "  User %s\n", f.User)
		fmt.Fprintf(&b, "  IdentityFile %s\n", configPath(f.ClientKey))
		fmt.Fprintf(&b, "  IdentitiesOnly yes\n")
		fmt.Fprintf(&b, "  IdentityAgent none\n")
		fmt.Fprintf(&b, "  UserKnownHostsFile %s\n\n", configPath(f.KnownHosts))
	}
	return writeFresh(f.SSHConfig, []byte(b.String()), 0o644)
}

// writeFresh replaces the file: WriteFile alone would keep the mode of an old
// one, and ssh turns down a private key that others can read.
func writeFresh(path string, data []byte, mode os.FileMode) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(path, data, mode)
}

// checkConfigPath refuses what ssh_config(5) has no way to write.
func checkConfigPath(path string) error {
	if strings.ContainsAny(path, "\"\\\n\r") || strings.Contains(path, "${") {
		return fmt.Errorf("an ssh_config cannot name the directory %q", path)
	}
	return nil
}

// configPath writes a path as ssh_config(5) reads it: quoted only when it has
// to be, its percent signs doubled.
func configPath(path string) string {
	path = strings.ReplaceAll(path, "%", "%%")
	if strings.ContainsAny(path, " \t#'") {
		return `"` + path + `"`
	}
	return path
}
