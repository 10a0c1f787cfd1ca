package remote

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/opsctl/opsctl/internal/fleet"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func writeText(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func newKey(t *testing.T, kind string) ssh.Signer {
	t.Helper()
	var private any
	var err error
	if kind == ssh.KeyAlgoECDSA256 {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// writeKey makes a key file of its own, encrypted where there is a passphrase.
func writeKey(t *testing.T, name, passphrase string) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, name)
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, name, []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return writeText(t, filepath.Join(t.TempDir(), name), string(pem.EncodeToMemory(block)))
}

// encrypt writes a fleet's client key under a passphrase.
func encrypt(t *testing.T, f *fleet.Fleet, passphrase string) string {
	t.Helper()
	private, err := ssh.ParseRawPrivateKey([]byte(readFile(t, f.ClientKey)))
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "locked", []byte(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	return writeText(t, filepath.Join(t.TempDir(), "locked"), string(pem.EncodeToMemory(block)))
}

// startAgent serves an agent with the keys in the files.
func startAgent(t *testing.T, keyFiles ...string) (socket string) {
	t.Helper()
	ring := agent.NewKeyring()
	for _, path := range keyFiles {
		private, err := ssh.ParseRawPrivateKey([]byte(readFile(t, path)))
		if err != nil {
			t.Fatal(err)
		}
		if err := ring.Add(agent.AddedKey{PrivateKey: private, Comment: filepath.Base(path)}); err != nil {
			t.Fatal(err)
		}
	}
	dir, err := os.MkdirTemp("", "agent") // short: the path of a socket is limited
	if err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(dir, "socket")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				_ = agent.ServeAgent(ring, conn)
				_ = conn.Close()
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wg.Wait()
		_ = os.RemoveAll(dir)
	})
	return socket
}

func TestFault_49_KeysAndAgents(t *testing.T) {
	f := startFleet(t, "web1")
	other, locked := writeKey(t, "other", ""), encrypt(t, f, "sesame")
	full, wrong := startAgent(t, other, f.ClientKey), startAgent(t, other)
	typed := func(word string) func(context.Context, string) ([]byte, error) {
		return func(context.Context, string) ([]byte, error) { return []byte(word), nil }
	}
	for name, test := range map[string]struct {
		files      []string
		agent      string
		only       bool
		passphrase func(context.Context, string) ([]byte, error)
		words      []string // of the failure; none is success
	}{
		"the wrong key":         {files: []string{other}, words: []string{"refused every key", "other (ed25519 SHA256:"}},
		"wrong, then right":     {files: []string{other, f.ClientKey}},
		"no key":                {files: []string{"/nonexistent/id_ed25519"}, words: []string{"no key to offer", "/nonexistent/id_ed25519"}},
		"encrypted, nobody":     {files: []string{locked}, words: []string{"locked", "encrypted", "no terminal"}},
		"encrypted":             {files: []string{locked}, passphrase: typed("sesame")},
		"encrypted, wrong":      {files: []string{locked}, passphrase: typed("open"), words: []string{"wrong passphrase"}},
		"agent":                 {agent: full},
		"agent without it":      {agent: wrong, words: []string{"agent: other"}},
		"only named, in agent":  {agent: full, only: true, files: []string{f.ClientKey}},
		"only named, not there": {agent: full, only: true, files: []string{other}, words: []string{"refused every key"}},
		"agent is gone":         {agent: "/nonexistent/socket", words: []string{"/nonexistent/socket", "no key to offer"}},
		"agent is gone, file":   {agent: "/nonexistent/socket", files: []string{f.ClientKey}},
		"encrypted, in agent":   {agent: full, files: []string{locked}},
	} {
		t.Run(name, func(t *testing.T) {
			s := settingsFor(f, "web1")
			s.IdentityFiles, s.IdentityAgent, s.IdentitiesOnly = test.files, "", test.only
			d := newTestDialer(t, Options{AgentSocket: test.agent, Passphrase: test.passphrase})
			_, err := newTestLinker(t, d, s).Shell(patience(t), supervisor.ShellCommand)
			if test.words == nil && err != nil {
				t.Fatal(err)
			}
			if test.words != nil {
				wantClass(t, err, "auth", append(test.words, "web1", f.User)...)
			}
		})
	}
}

func TestPassphraseIsAskedOnce(t *testing.T) {
	f := startFleet(t, "web1", "web2", "web3")
	var asked atomic.Int32
	d := newTestDialer(t, Options{Passphrase: func(context.Context, string) ([]byte, error) {
		asked.Add(1)
		return []byte("sesame"), nil
	}})
	locked := encrypt(t, f, "sesame")
	var wg sync.WaitGroup
	for _, h := range f.Hosts {
		s := settingsFor(f, h.Name)
		s.IdentityFiles = []string{locked}
		l := newTestLinker(t, d, s)
		wg.Go(func() {
			if _, err := l.Shell(patience(t), supervisor.ShellCommand); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if asked.Load() != 1 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func certify(t *testing.T, authority ssh.Signer, key ssh.PublicKey, kind uint32, principals ...string) *ssh.Certificate {
	t.Helper()
	c := &ssh.Certificate{Key: key, CertType: kind, ValidPrincipals: principals, ValidBefore: ssh.CertTimeInfinity}
	if err := c.SignCert(rand.Reader, authority); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCertificateIsOfferedWithItsKey(t *testing.T) {
	key := writeKey(t, "id", "")
	signer, err := ssh.ParsePrivateKey([]byte(readFile(t, key)))
	if err != nil {
		t.Fatal(err)
	}
	cert := certify(t, newKey(t, ""), signer.PublicKey(), ssh.UserCert, "deploy")
	writeText(t, key+"-cert.pub", string(ssh.MarshalAuthorizedKey(cert)))
	d := newTestDialer(t, Options{})
	o := d.offerFor(t.Context(), &Settings{IdentityFiles: []string{key}})
	if len(o.candidates) != 2 || o.candidates[0].cert == nil || len(o.missing) != 0 {
		t.Fatalf("got %+v", o)
	}
	signers, err := d.signers(t.Context(), &Settings{}, o, nil)
	if err != nil || signers[0].PublicKey().Type() != ssh.CertAlgoED25519v01 {
		t.Errorf("got %v, %v", signers, err)
	}
}

func TestFault_43_WhatKnownHostsSays(t *testing.T) {
	key, other, ecdsaKey, authority := newKey(t, ""), newKey(t, ""), newKey(t, ssh.KeyAlgoECDSA256), newKey(t, "")
	line := func(names string, k ssh.Signer) string {
		return names + " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.PublicKey()))) + "\n"
	}
	cert := certify(t, authority, key.PublicKey(), ssh.HostCert, "web1.example.com")
	const host, port = "web1.example.com", "[web1.example.com]:2222"
	for name, test := range map[string]struct {
		file    string
		shown   ssh.PublicKey // nil is key
		port    int
		alias   string
		accepts bool // also with AcceptNew
		word    string
	}{
		"unknown":                   {word: "is not known"},
		"unknown, accepted":         {accepts: true},
		"known":                     {file: line(host, key)},
		"known, upper case":         {file: line("WEB1.Example.com", key)},
		"changed":                   {file: "# a comment\n" + line(host, other), word: "known_hosts:2"},
		"changed, accept-new":       {file: line(host, other), accepts: true, word: "differs"},
		"other type known":          {file: line(host, ecdsaKey), accepts: true, word: "differs"},
		"several types":             {file: line(host, ecdsaKey) + line(host, key)},
		"several of a type":         {file: line(host, other) + line(host, key)},
		"hashed":                    {file: line(knownhosts.HashHostname(host), key)},
		"hashed, changed":           {file: line(knownhosts.HashHostname(host), other), word: "known_hosts:1"},
		"hashed with port":          {file: line(knownhosts.HashHostname(port), key), port: 2222},
		"with port":                 {file: line(port, key), port: 2222},
		"portless entry serves":     {file: line(host, key), port: 2222},
		"portless entry differs":    {file: line(host, other), port: 2222, word: "is not known"},
		"other port":                {file: line("[web1.example.com]:2223", key), port: 2222, word: "is not known"},
		"pattern":                   {file: line("db*,*.example.com", key)},
		"pattern with refusal":      {file: line("*.example.com,!web1.*", key), word: "is not known"},
		"alias":                     {file: line("production", key), alias: "production", port: 2222},
		"revoked":                   {file: line(host, key) + "@revoked " + line("*", key), accepts: true, word: "revoked at"},
		"revoked, unreadable":       {file: line(host, key) + "@revoked * ssh-ed25519 %%\n", word: "cannot read the revoked key"},
		"a line that is broken":     {file: "nonsense\n" + line(host, key)},
		"authority":                 {file: "@cert-authority " + line("*.example.com", authority), shown: cert},
		"authority, revoked key":    {file: "@cert-authority " + line("*", authority) + "@revoked " + line("*", key), shown: cert, word: "revoked"},
		"authority revoked":         {file: "@cert-authority " + line("*", authority) + "@revoked " + line("*", authority), shown: cert, word: "revoked"},
		"authority, other name":     {file: "@cert-authority " + line("*", authority), shown: cert, alias: "db1", word: "certificate"},
		"authority, nobody named":   {file: "@cert-authority " + line("*", authority), shown: certify(t, authority, key.PublicKey(), ssh.HostCert), word: "names no host"},
		"authority, user's":         {file: "@cert-authority " + line("*", authority), shown: certify(t, authority, key.PublicKey(), ssh.UserCert, host), word: "is not known"},
		"authority for others":      {file: "@cert-authority " + line("*.example.org", authority), shown: cert, word: "is not known"},
		"certificate of plain key":  {file: line(host, key), shown: cert},
		"authority is no plain key": {file: "@cert-authority " + line("*", key), word: "is not known"},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeText(t, filepath.Join(t.TempDir(), "known_hosts"), test.file)
			var accepted []string
			d := newTestDialer(t, Options{Accepted: func(host, fingerprint string) { accepted = append(accepted, host+" "+fingerprint) }})
			s := &Settings{Name: "web1", Addr: host, Port: test.port, HostKeyAlias: test.alias, KnownHosts: []string{path, path + "2"}}
			if test.accepts {
				s.HostKey = AcceptNew
			}
			shown := test.shown
			if shown == nil {
				shown = key.PublicKey()
			}
			known, err := d.known(s)
			if err == nil {
				err = d.checkHostKey(s, known, shown)
			}
			if test.word != "" {
				wantClass(t, err, "host-key", test.word, "web1")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if !test.accepts {
				return
			}
			if want := "web1 " + ssh.FingerprintSHA256(key.PublicKey()); len(accepted) != 1 || accepted[0] != want {
				t.Errorf("told of %q, want %q", accepted, want)
			}
			if got := readFile(t, path); got != line(host, key) {
				t.Errorf("the file holds %q", got)
			}
			if known, err := d.known(s); err != nil || d.checkHostKey(s, known, other.PublicKey()) == nil {
				t.Error("another key is accepted after it")
			}
		})
	}
}

func TestHostKeyAlgorithmsBeginWithTheKnown(t *testing.T) {
	key := newKey(t, ssh.KeyAlgoECDSA256)
	all := ssh.SupportedAlgorithms().HostKeys
	got := hostKeysFor(all, knownKeys{types: []string{key.PublicKey().Type()}})
	if got[0] != ssh.KeyAlgoECDSA256 || len(got) != len(all) {
		t.Errorf("got %v", got)
	}
	if got := hostKeysFor(all, knownKeys{authority: true}); !strings.Contains(got[0], "-cert-v01@") {
		t.Errorf("got %v", got)
	}
	if got := hostKeysFor(all, knownKeys{types: []string{ssh.KeyAlgoRSA}}); !strings.HasPrefix(got[0], "rsa-sha2-") {
		t.Errorf("got %v", got)
	}
}

func TestAlgorithmLists(t *testing.T) {
	safe, known := []string{"a-gcm", "b-ctr"}, []string{"a-gcm", "b-ctr", "c-cbc"}
	for asked, want := range map[string]string{
		"":             "a-gcm b-ctr",
		"b-ctr":        "b-ctr",
		"c-cbc,absent": "c-cbc",
		"absent":       "",
		"+c-cbc":       "a-gcm b-ctr c-cbc",
		"-a*":          "b-ctr",
		"-*":           "",
		"^b-ctr,c-*":   "b-ctr c-cbc a-gcm",
	} {
		var list []string
		if asked != "" {
			list = strings.Split(asked, ",")
		}
		if got := strings.Join(choose(list, safe, known), " "); got != want {
			t.Errorf("%q: got %q, want %q", asked, got, want)
		}
	}
	_, err := algorithmsOf(&Settings{Name: "web1", Ciphers: []string{"rot13"}})
	wantClass(t, err, "link", "Ciphers", "rot13")
}

func TestNamesThatAreNotFound(t *testing.T) {
	d := newTestDialer(t, Options{Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("the resolver is away")
	}}})
	_, err := newTestLinker(t, d, Settings{Name: "web1", Addr: "web1.invalid"}).Shell(patience(t), supervisor.ShellCommand)
	wantClass(t, err, "dns", "web1", "web1.invalid")
}
