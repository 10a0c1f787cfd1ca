package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"golang.org/x/crypto/ssh"
)

// identity is one key file, parsed once a run.
type identity struct {
	path   string
	public ssh.PublicKey // nil where only the passphrase would tell
	why    error         // why there is nothing to offer; nil where there is

	mu     sync.Mutex
	text   []byte     // of an encrypted key that was not opened yet
	signer ssh.Signer // nil for an encrypted key not opened yet, and for a public key alone
	failed error      // why it cannot be opened; it is asked for once
}

var errNoTerminal = errors.New("it is encrypted and there is no terminal to ask for its passphrase")

func readIdentity(path string) *identity {
	i := &identity{path: path}
	text, err := readLimited(path, keyFileMax)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.why = err
		return i
	}
	if i.public = readPublic(path + ".pub"); err != nil {
		if i.public == nil {
			i.why = err
		}
		return i
	}
	var locked *ssh.PassphraseMissingError
	signer, err := ssh.ParsePrivateKey(text)
	switch {
	case err == nil:
		i.signer, i.public = signer, signer.PublicKey()
	case errors.As(err, &locked):
		i.text = text
		if locked.PublicKey != nil {
			i.public = locked.PublicKey
		}
	default:
		if i.public, _, _, _, err = ssh.ParseAuthorizedKey(text); err != nil {
			i.why = fmt.Errorf("%s holds no key that can be read", path)
		}
	}
	return i
}

func readPublic(path string) ssh.PublicKey {
	text, err := readLimited(path, keyFileMax)
	if err != nil {
		return nil
	}
	key, _, _, _, err := ssh.ParseAuthorizedKey(text)
	if err != nil {
		return nil
	}
	return key
}

// private tells whether the file itself holds, under a passphrase or not, the private key.
func (i *identity) private() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signer != nil || i.text != nil
}

// locked tells whether a passphrase would still have to be asked for.
func (i *identity) locked() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signer == nil && i.text != nil
}

// ready is the key where nobody has to be asked for it.
func (i *identity) ready() ssh.Signer {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.signer
}

// open gives the key, asking for its passphrase the first time. Those who come meanwhile wait.
func (i *identity) open(ctx context.Context, ask func(context.Context, string) ([]byte, error)) (ssh.Signer, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.signer != nil || i.failed != nil {
		return i.signer, i.failed
	}
	if ask == nil {
		return nil, errNoTerminal
	}
	passphrase, err := ask(ctx, i.path)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err != nil {
		i.failed = fmt.Errorf("cannot learn the passphrase of %s: %w", i.path, err)
		return nil, i.failed
	}
	signer, err := ssh.ParsePrivateKeyWithPassphrase(i.text, passphrase)
	clear(passphrase)
	if err != nil {
		i.failed = fmt.Errorf("cannot open %s: wrong passphrase", i.path)
		return nil, i.failed
	}
	i.signer, i.text = signer, nil
	return signer, nil
}

// slowSigner signs with what may have to wait for a person: an agent, an encrypted key. While it
// waits, the time of the handshake stands still.
type slowSigner struct {
	public ssh.PublicKey
	clock  *clock
	sign   func(data []byte, algorithm string) (*ssh.Signature, error)
}

func (s *slowSigner) PublicKey() ssh.PublicKey { return s.public }

func (s *slowSigner) Sign(random io.Reader, data []byte) (*ssh.Signature, error) {
	return s.SignWithAlgorithm(random, data, "")
}

func (s *slowSigner) SignWithAlgorithm(_ io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	s.clock.pause()
	defer s.clock.resume()
	return s.sign(data, algorithm)
}

var _ ssh.AlgorithmSigner = (*slowSigner)(nil)

func sameKey(a, b ssh.PublicKey) bool {
	return a != nil && b != nil && bytes.Equal(a.Marshal(), b.Marshal())
}
