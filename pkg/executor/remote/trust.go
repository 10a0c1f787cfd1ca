package remote

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"errors"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// KeyState says what the known_hosts files say of a key that a host showed.
type KeyState string

// The states.
const (
	KeyNew       KeyState = "new"       // nothing is known of a key of its type
	KeyKnown     KeyState = "known"     // it is there
	KeyCertified KeyState = "certified" // a known authority speaks for it
	KeyChanged   KeyState = "changed"   // another key of its type is there
	KeyRevoked   KeyState = "revoked"
)

// HostKey is a key that a host showed.
type HostKey struct {
	Name        string // as known_hosts names the host: host, [host]:port, or its HostKeyAlias
	Type        string // ssh-ed25519, …
	Bits        int
	Fingerprint string // SHA256:…
	State       KeyState
	At          string // FILE:LINE where it is known, differs or is revoked
	// Shared is set where the line that differs is about more hosts than can be told.
	Shared bool

	key ssh.PublicKey
}

// HostKeys asks a host for its keys, a connection for each type, and logs in nowhere but at the
// jump hosts before it. An error is a *HostError, or that of ctx.
func (d *Dialer) HostKeys(ctx context.Context, s Settings) ([]HostKey, error) {
	a, err := algorithmsOf(&s)
	if err != nil {
		return nil, err
	}
	known, err := d.known(&s)
	if err != nil {
		return nil, err
	}
	l := d.Linker(s)
	defer func() { _ = l.Close() }() // the jump hosts have served
	via, err := l.entered(ctx)
	if err != nil {
		return nil, err
	}
	q := &keyQuestion{dialer: d, settings: &s, via: via, algorithms: a}
	offered, err := q.offered(ctx)
	if err != nil {
		return nil, err
	}
	var keys []HostKey
	for _, algorithm := range offered {
		key, err := q.show(ctx, algorithm)
		if err != nil {
			return nil, err
		}
		keys = append(keys, describeKey(known, key))
	}
	if known.authority {
		err = q.certify(ctx, known, keys)
	}
	return keys, err
}

// entered gives the connection to the last jump host, or nil where there is none.
func (l *Linker) entered(ctx context.Context) (*link, error) {
	l.mu.Lock()
	err := l.enterHop()
	hop := l.hop
	l.mu.Unlock()
	if err != nil || hop == nil {
		return nil, err
	}
	return hop.linker.connected(ctx)
}

// keyQuestion is put to a host in handshakes that end as soon as it has shown a key.
type keyQuestion struct {
	dialer     *Dialer
	settings   *Settings
	via        *link
	algorithms algorithms
	peer       []string // what the host said it has
}

var errShown = errors.New("the key was shown")

// noAlgorithm is one that no host has: the answer to it lists what there is.
const noAlgorithm = "none@opsctl"

// offered gives an algorithm for each type of key that the host has and that may be used.
func (q *keyQuestion) offered(ctx context.Context) ([]string, error) {
	_, err := q.show(ctx, noAlgorithm)
	if q.peer == nil {
		return nil, err
	}
	var out, types []string
	for _, algorithm := range hostKeysFor(q.algorithms.hostKeys, knownKeys{}) {
		kind := keyTypeOf(algorithm)
		if strings.Contains(algorithm, "-cert-v01@") || !slices.Contains(q.peer, algorithm) || slices.Contains(types, kind) {
			continue
		}
		out, types = append(out, algorithm), append(types, kind)
	}
	if len(out) == 0 {
		return nil, err
	}
	return out, nil
}

// show makes the host show its key for an algorithm. A host that drops the connection before it said
// anything is tried again, as in connect.
func (q *keyQuestion) show(ctx context.Context, algorithm string) (ssh.PublicKey, error) {
	for try := 1; ; try++ {
		key, err := q.once(ctx, algorithm)
		if !errors.Is(err, errDropped) {
			return key, err
		}
		if try == dropTries {
			return nil, droppedFor(q.settings, try)
		}
		if err := elapse(ctx, jittered(q.dialer.timeouts.DropPause<<(try-1))); err != nil {
			return nil, err
		}
	}
}

func (q *keyQuestion) once(ctx context.Context, algorithm string) (key ssh.PublicKey, err error) {
	busy := q.dialer.inFlight(q.settings)
	if err := acquire(ctx, busy); err != nil {
		return nil, err
	}
	defer release(busy)
	conn, err := q.dialer.reach(ctx, q.settings, q.via)
	if err != nil {
		return nil, err
	}
	h := &handshake{dialer: q.dialer, settings: q.settings, wire: newWire(conn)}
	h.clock = startClock(q.dialer.timeouts.Handshake, func() { h.wire.abort(errLate) })
	defer h.clock.stop()
	stop := context.AfterFunc(ctx, func() { h.wire.abort(context.Cause(ctx)) })
	defer stop()
	defer h.listen().Stop()
	a := q.algorithms
	config := &ssh.ClientConfig{
		Config: ssh.Config{Ciphers: a.ciphers, MACs: a.macs, KeyExchanges: a.keyExchanges},
		User:   q.settings.User, ClientVersion: clientVersion, HostKeyAlgorithms: []string{algorithm},
		HostKeyCallback: func(_ string, _ net.Addr, shown ssh.PublicKey) error {
			key = shown
			return errShown
		},
	}
	_, _, _, err = ssh.NewClientConn(h.wire, q.settings.address(), config)
	var none *ssh.AlgorithmNegotiationError
	if errors.As(err, &none) && slices.Contains(none.SupportedAlgorithms, algorithm) {
		q.peer = none.RequestedAlgorithms
	}
	if key == nil {
		err = h.failed(err)
	} else {
		err = nil
	}
	h.wire.abort(errShown)
	return key, err
}

// certify notes which of the keys a known authority speaks for.
func (q *keyQuestion) certify(ctx context.Context, known knownKeys, keys []HostKey) error {
	for _, algorithm := range q.peer {
		if !strings.Contains(algorithm, "-cert-v01@") || !slices.Contains(q.algorithms.hostKeys, algorithm) {
			continue
		}
		shown, err := q.show(ctx, algorithm)
		if err != nil {
			return err
		}
		cert, ok := shown.(*ssh.Certificate)
		if !ok {
			continue
		}
		done, err := checkCertificate(q.settings, known, cert)
		if !done || err != nil || known.revoked(cert.SignatureKey) != nil {
			continue // it counts for no more than the key in it
		}
		for i := range keys {
			if keys[i].State == KeyNew && sameKey(keys[i].key, cert.Key) {
				keys[i].State, keys[i].At = KeyCertified, authorityLine(known, cert.SignatureKey)
			}
		}
	}
	return nil
}

func authorityLine(known knownKeys, signer ssh.PublicKey) string {
	for _, l := range slices.Concat(known.lines, known.portless) {
		if l.authority && bytes.Equal(l.blob, signer.Marshal()) {
			return l.at()
		}
	}
	return ""
}

func describeKey(known knownKeys, key ssh.PublicKey) HostKey {
	k := HostKey{
		Name: known.name, Type: key.Type(), Bits: bitsOf(key), Fingerprint: ssh.FingerprintSHA256(key), State: KeyNew, key: key,
	}
	blob := key.Marshal()
	if l := known.revoked(key); l != nil {
		k.State, k.At = KeyRevoked, l.at()
		return k
	}
	for _, l := range slices.Concat(known.lines, known.portless) {
		if !l.authority && bytes.Equal(l.blob, blob) {
			k.State, k.At = KeyKnown, l.at()
			return k
		}
	}
	for _, l := range known.lines {
		if !l.authority && l.keyType == key.Type() {
			k.State, k.At, k.Shared = KeyChanged, l.at(), l.pattern()
			return k
		}
	}
	return k
}

// bitsOf is the size of a key as ssh-keygen -l tells it.
func bitsOf(key ssh.PublicKey) int {
	crypto, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return 0
	}
	switch k := crypto.CryptoPublicKey().(type) {
	case *rsa.PublicKey:
		return k.N.BitLen()
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize
	default:
		return 256 // ed25519
	}
}
