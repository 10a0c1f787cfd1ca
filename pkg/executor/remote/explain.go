package remote

import (
	"context"
	"encoding/base64"
	"slices"

	"golang.org/x/crypto/ssh"
)

// Identity is a key that would be offered to a host.
type Identity struct {
	From        string // a file, a file in the agent, or the agent and the key's comment
	Type        string
	Fingerprint string // SHA256:…
	Certificate bool
	Agent       bool // the agent signs with it
	Encrypted   bool // its passphrase would be asked for
}

// Identities tells which keys would be offered to a host, in order, and why others would not be.
// Options.Passphrase is asked for keys of which nothing can be read without.
func (d *Dialer) Identities(ctx context.Context, s Settings) (offered []Identity, missing []string) {
	o := d.offerFor(ctx, &s)
	for _, c := range o.candidates {
		offered = append(offered, Identity{
			From: c.label, Type: c.public.Type(), Fingerprint: ssh.FingerprintSHA256(c.public),
			Certificate: c.cert != nil, Agent: c.agent != nil, Encrypted: c.locked != nil,
		})
	}
	return offered, o.missing
}

// AgentKeys counts the keys that the agent for a host holds.
func (d *Dialer) AgentKeys(s Settings) int {
	keys, _ := d.agentKeys(&s, &offer{})
	return len(keys)
}

// KnownLine is a line of a known_hosts file that is about a host.
type KnownLine struct {
	Path        string
	Line        int
	Type        string
	Fingerprint string
	Hashed      bool
	Authority   bool // it is about who signs for the host
	Revoked     bool
	Portless    bool // it names the host without its port, and no line names it with
}

// KnownLines tells what the known_hosts files say of a host. An error is a *HostError.
func (d *Dialer) KnownLines(s Settings) ([]KnownLine, error) {
	known, err := d.known(&s)
	if err != nil {
		return nil, err
	}
	var out []KnownLine
	add := func(lines []*knownLine, revoked, portless bool) {
		for _, l := range lines {
			out = append(out, KnownLine{
				Path: l.path, Line: l.number, Type: l.keyType, Fingerprint: l.fingerprint(), Hashed: l.hashed(),
				Authority: l.authority, Revoked: revoked, Portless: portless,
			})
		}
	}
	add(known.lines, false, false)
	add(known.portless, false, true)
	for _, f := range known.files {
		add(slices.DeleteFunc(slices.Clone(f.revoked), func(l *knownLine) bool { return !l.matches(known.name) }), true, false)
	}
	return out, nil
}

func (l *knownLine) fingerprint() string {
	key, err := ssh.ParsePublicKey(l.blob)
	if err != nil { // a type that is not known here
		return base64.StdEncoding.EncodeToString(l.blob)
	}
	return ssh.FingerprintSHA256(key)
}
