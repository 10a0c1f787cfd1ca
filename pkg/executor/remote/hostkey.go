package remote

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/pkg/executor"
)

// knownKeys is what the known_hosts files say of one host.
type knownKeys struct {
	files     []*knownFile
	name      string       // as it is looked up and appended
	principal string       // as a certificate must name it
	lines     []*knownLine // its own keys, and authorities for it
	portless  []*knownLine // the same without the port, where nothing names it with its port
	types     []string     // of its own keys
	authority bool         // some authority may speak for it
}

// known looks a host up; the files are read once a run.
func (d *Dialer) known(s *Settings) (knownKeys, error) {
	k := knownKeys{name: strings.ToLower(s.Addr), principal: strings.ToLower(s.Addr)}
	if s.port() != 22 {
		k.name = "[" + k.principal + "]:" + strconv.Itoa(s.port())
	}
	if s.HostKeyAlias != "" {
		k.name = strings.ToLower(s.HostKeyAlias)
		k.principal = k.name
	}
	for _, path := range s.KnownHosts {
		f := d.knownFile(path)
		if f.err != nil {
			return k, &executor.HostError{
				Class: classHostKey, Hop: s.hop(),
				Message: fmt.Sprintf("cannot verify the host key of %s: %v", s.label(), f.err),
				Hint:    "repair " + path,
			}
		}
		k.files = append(k.files, f)
		k.lines = append(k.lines, f.about(k.name)...)
	}
	if len(k.lines) == 0 && k.name != k.principal {
		for _, f := range k.files {
			k.portless = append(k.portless, f.about(k.principal)...)
		}
	}
	for _, l := range slices.Concat(k.lines, k.portless) {
		if l.authority {
			k.authority = true
		} else {
			k.types = append(k.types, l.keyType)
		}
	}
	return k, nil
}

func (k *knownKeys) revoked(key ssh.PublicKey) *knownLine {
	blob := key.Marshal()
	for _, f := range k.files {
		if l := f.revokes(blob); l != nil {
			return l
		}
	}
	return nil
}

// checkHostKey decides whether a host may go on with the key it showed. An error is a *HostError.
func (d *Dialer) checkHostKey(s *Settings, k knownKeys, key ssh.PublicKey) error {
	if cert, ok := key.(*ssh.Certificate); ok {
		if l := k.revoked(cert.SignatureKey); l != nil {
			return hostKeyRevoked(s, cert.SignatureKey, l)
		}
		if done, err := checkCertificate(s, k, cert); done {
			return err
		}
		// No known authority signed it: as ssh does, take it for the plain key it certifies.
		key = cert.Key
	}
	if l := k.revoked(key); l != nil {
		return hostKeyRevoked(s, key, l)
	}
	blob := key.Marshal()
	same := func(l *knownLine) bool { return !l.authority && bytes.Equal(l.blob, blob) }
	if slices.ContainsFunc(k.lines, same) || slices.ContainsFunc(k.portless, same) {
		return nil
	}
	if differing := differingLine(k.lines, key.Type()); differing != nil {
		return hostKeyChanged(s, k, key, differing)
	}
	if s.HostKey == AcceptNew {
		return d.acceptHostKey(s, k, key)
	}
	return hostKeyUnknown(s, k, key)
}

// checkCertificate is done when a known authority for this host signed the certificate.
func checkCertificate(s *Settings, k knownKeys, cert *ssh.Certificate) (done bool, err error) {
	signer := cert.SignatureKey.Marshal()
	authority := func(l *knownLine) bool { return l.authority && bytes.Equal(l.blob, signer) }
	if cert.CertType != ssh.HostCert || !slices.ContainsFunc(slices.Concat(k.lines, k.portless), authority) {
		return false, nil
	}
	if l := k.revoked(cert.Key); l != nil {
		return true, hostKeyRevoked(s, cert.Key, l)
	}
	if len(cert.ValidPrincipals) == 0 {
		err = errors.New("it names no host")
	} else {
		err = new(ssh.CertChecker).CheckCert(k.principal, cert)
	}
	if err != nil {
		return true, &executor.HostError{
			Class: classHostKey, Hop: s.hop(),
			Message: fmt.Sprintf("cannot verify the host certificate of %s: %v", s.label(), err),
			Hint:    "have the authority issue a certificate for " + k.principal,
		}
	}
	return true, nil
}

// differingLine is the line to show beside a key that it does not match: one of the same type
// where there is one.
func differingLine(lines []*knownLine, keyType string) *knownLine {
	var other *knownLine
	for _, l := range lines {
		if l.authority {
			continue
		}
		if l.keyType == keyType {
			return l
		}
		if other == nil {
			other = l
		}
	}
	return other
}

// acceptHostKey remembers a key never seen before. Hosts that share a name come here one by one.
func (d *Dialer) acceptHostKey(s *Settings, k knownKeys, key ssh.PublicKey) error {
	d.accepting.Lock()
	defer d.accepting.Unlock()
	if len(k.files) == 0 {
		return hostKeyUnknown(s, k, key)
	}
	blob := key.Marshal()
	for _, l := range k.files[0].about(k.name) {
		if bytes.Equal(l.blob, blob) {
			return nil
		}
		if !l.authority {
			return hostKeyChanged(s, k, key, l)
		}
	}
	if err := k.files[0].remember(k.name, key, s.HashKnownHosts); err != nil {
		return &executor.HostError{
			Class: classHostKey, Hop: s.hop(),
			Message: fmt.Sprintf("cannot remember the host key of %s: %v", s.label(), err),
			Hint:    "make " + k.files[0].path + " writable",
		}
	}
	if d.options.Accepted != nil {
		d.options.Accepted(s.hop(), ssh.FingerprintSHA256(key))
	}
	return nil
}

func hostKeyUnknown(s *Settings, k knownKeys, key ssh.PublicKey) error {
	file := "~/.ssh/known_hosts"
	if len(k.files) > 0 {
		file = k.files[0].path
	}
	return &executor.HostError{
		Class: classHostKey, Hop: s.hop(),
		Message: fmt.Sprintf("cannot trust %s: its host key %s %s is not known", s.label(), key.Type(), ssh.FingerprintSHA256(key)),
		Hint: fmt.Sprintf("verify the fingerprint on the host, then opsctl ssh trust %s, or run with --host-key accept-new, which pins it in %s",
			s.hop(), file),
	}
}

func hostKeyChanged(s *Settings, k knownKeys, key ssh.PublicKey, l *knownLine) error {
	return &executor.HostError{
		Class: classHostKey, Hop: s.hop(),
		Message: fmt.Sprintf("cannot trust %s: it shows the host key %s %s, which differs from the known one at %s",
			s.label(), key.Type(), ssh.FingerprintSHA256(key), l.at()),
		Hint: fmt.Sprintf("somebody may be in between: verify the new key out of band; only then ssh-keygen -R '%s' -f %s, and opsctl ssh trust %s",
			k.name, l.path, s.hop()),
	}
}

func hostKeyRevoked(s *Settings, key ssh.PublicKey, l *knownLine) error {
	return &executor.HostError{
		Class: classHostKey, Hop: s.hop(),
		Message: fmt.Sprintf("cannot trust %s: its host key %s %s is revoked at %s",
			s.label(), key.Type(), ssh.FingerprintSHA256(key), l.at()),
		Hint: "give the host a new key",
	}
}

// hostKeyVerdict keeps what was decided, to tell what failed later. The key is shown again
// whenever the keys of the connection are renewed.
type hostKeyVerdict struct {
	mu       sync.Mutex
	verified bool
	err      error
}

func (v *hostKeyVerdict) get() (verified bool, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.verified, v.err
}

func (d *Dialer) hostKeyCallback(s *Settings, k knownKeys, v *hostKeyVerdict) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error {
		err := d.checkHostKey(s, k, key)
		v.mu.Lock()
		defer v.mu.Unlock()
		v.verified, v.err = err == nil, err
		return err
	}
}

// appendLine adds a line to a file that may not exist, or may not end in a newline; it tells the
// number of the line.
func appendLine(path, line string) (number int, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := io.ReadAll(io.LimitReader(f, knownHostsMax))
	if err != nil {
		return 0, err
	}
	number = bytes.Count(text, []byte("\n")) + 1
	if len(text) > 0 && text[len(text)-1] != '\n' {
		line = "\n" + line
		number++
	}
	_, err = io.WriteString(f, line)
	return number, err
}
