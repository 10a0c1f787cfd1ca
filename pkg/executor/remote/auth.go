package remote

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/opsctl/opsctl/pkg/executor"
)

// candidate is one key that may be offered to a host.
type candidate struct {
	label  string // where it comes from, for people
	public ssh.PublicKey
	cert   *ssh.Certificate // offered in place of public
	signer ssh.Signer       // where it signs at once
	// Otherwise, by whom it is signed:
	locked *identity
	agent  *keyAgent
}

func (c *candidate) describe() string {
	kind := strings.TrimPrefix(c.public.Type(), "ssh-")
	if c.cert != nil {
		kind = "certificate " + kind
	}
	return fmt.Sprintf("%s (%s %s)", c.label, kind, ssh.FingerprintSHA256(c.public))
}

// offer is the keys for a host, in order, and why others are not among them.
type offer struct {
	candidates []candidate
	missing    []string
}

// offerFor gathers the keys that s allows; hosts of the same settings share one gathering. The
// order is that of ssh: certificates, the agent's keys that are named, its others, files.
func (d *Dialer) offerFor(ctx context.Context, s *Settings) offer {
	key := fmt.Sprintf("%q %q %q %v %q", s.IdentityFiles, s.CertificateFiles, s.IdentityAgent, s.IdentitiesOnly, s.PubkeyAlgorithms)
	d.gathering.Lock()
	defer d.gathering.Unlock()
	if o, ok := d.offers[key]; ok {
		return o
	}
	o := d.gather(ctx, s)
	if ctx.Err() == nil {
		d.offers[key] = o
	}
	return o
}

func (d *Dialer) gather(ctx context.Context, s *Settings) offer {
	var o offer
	agentKeys, held := d.agentKeys(s, &o)
	identities := d.identities(ctx, s, &o)
	var named, others, files []candidate
	for _, k := range agentKeys {
		c := candidate{label: "agent: " + excerpt(k.Comment), public: k, agent: held}
		i := slices.IndexFunc(identities, func(i *identity) bool { return sameKey(i.public, k) })
		switch {
		case i >= 0:
			c.label = identities[i].path + " in the agent"
			named = append(named, c)
		case !s.IdentitiesOnly:
			others = append(others, c)
		}
	}
	for _, i := range identities {
		inAgent := slices.ContainsFunc(named, func(c candidate) bool { return sameKey(c.public, i.public) })
		switch {
		case inAgent:
		case !i.private():
			o.missing = append(o.missing, i.path+" is not there, and the agent does not hold it")
		case i.locked() && d.options.Passphrase == nil:
			o.missing = append(o.missing, i.path+": "+errNoTerminal.Error())
		case i.locked():
			files = append(files, candidate{label: i.path, public: i.public, locked: i})
		default:
			files = append(files, candidate{label: i.path, public: i.public, signer: i.ready()})
		}
	}
	plain := slices.Concat(named, others, files)
	o.candidates = append(d.certified(s, plain, agentKeys, held, &o), plain...)
	o.provable(s)
	return o
}

// identities reads the files that s names. One whose public half only its passphrase tells is
// opened now.
func (d *Dialer) identities(ctx context.Context, s *Settings, o *offer) []*identity {
	var out []*identity
	for _, path := range s.IdentityFiles {
		i := d.identity(path)
		switch {
		case i.why != nil:
			o.missing = append(o.missing, i.why.Error())
			continue
		case i.public == nil:
			signer, err := i.open(ctx, d.options.Passphrase)
			if err != nil {
				o.missing = append(o.missing, i.path+": "+err.Error())
				continue
			}
			i.public = signer.PublicKey()
		}
		out = append(out, i)
	}
	return out
}

func (d *Dialer) agentKeys(s *Settings, o *offer) ([]*agent.Key, *keyAgent) {
	socket := s.IdentityAgent
	if socket == "" || socket == "SSH_AUTH_SOCK" {
		socket = d.options.AgentSocket
	}
	if socket == "" || socket == "none" {
		return nil, nil
	}
	a := d.keyAgent(socket)
	keys, err := a.list()
	if err != nil {
		o.missing = append(o.missing, err.Error())
		return nil, nil
	}
	return keys, a
}

// certified pairs certificates with the keys they certify: those named, and KEY-cert.pub beside a key.
func (d *Dialer) certified(s *Settings, plain []candidate, agentKeys []*agent.Key, held *keyAgent, o *offer) []candidate {
	keys := slices.Clone(plain)
	for _, k := range agentKeys {
		keys = append(keys, candidate{public: k, agent: held})
	}
	files := slices.Clone(s.CertificateFiles)
	for _, path := range s.IdentityFiles {
		files = append(files, path+"-cert.pub")
	}
	var out []candidate
	for n, path := range files {
		cert, ok := readPublic(path).(*ssh.Certificate)
		if !ok {
			if n < len(s.CertificateFiles) {
				o.missing = append(o.missing, path+" holds no certificate that can be read")
			}
			continue
		}
		i := slices.IndexFunc(keys, func(c candidate) bool { return sameKey(c.public, cert.Key) })
		if i < 0 {
			o.missing = append(o.missing, "the key of the certificate "+path+" is not at hand")
			continue
		}
		c := keys[i]
		c.label, c.cert = path, cert
		out = append(out, c)
	}
	return out
}

// signers makes the candidates ready for one handshake.
func (d *Dialer) signers(ctx context.Context, s *Settings, o offer, clock *clock) ([]ssh.Signer, error) {
	out := make([]ssh.Signer, 0, len(o.candidates))
	for _, c := range o.candidates {
		signer := c.signer
		switch {
		case c.locked != nil:
			signer = &slowSigner{public: c.public, clock: clock, sign: func(data []byte, algorithm string) (*ssh.Signature, error) {
				opened, err := c.locked.open(ctx, d.options.Passphrase)
				if err != nil {
					return nil, err
				}
				return signAs(opened, data, algorithm)
			}}
		case c.agent != nil:
			signer = &slowSigner{public: c.public, clock: clock, sign: func(data []byte, algorithm string) (*ssh.Signature, error) {
				return c.agent.sign(c.public, data, algorithm)
			}}
		}
		var err error
		if signer, err = c.restricted(s, signer); err != nil {
			return nil, fmt.Errorf("cannot use %s: %w", c.label, err)
		}
		if c.cert != nil {
			if signer, err = ssh.NewCertSigner(c.cert, signer); err != nil {
				return nil, fmt.Errorf("cannot use the certificate %s: %w", c.label, err)
			}
		}
		out = append(out, signer)
	}
	return out, nil
}

// tooManyKeys is what sshd says after MaxAuthTries.
const tooManyKeys = "Too many authentication failures"

// authFailed says which keys a host refused, and what may be done.
func authFailed(s *Settings, o offer, allowed []string, cause error) error {
	e := &executor.HostError{Class: classAuth, Hop: s.hop()}
	tried := make([]string, 0, len(o.candidates))
	for _, c := range o.candidates {
		tried = append(tried, c.describe())
	}
	var why string
	switch {
	case strings.Contains(cause.Error(), tooManyKeys):
		why = "it gave up after too many keys"
		e.Hint = "offer fewer: set IdentitiesOnly yes and the right IdentityFile"
	case len(allowed) > 0 && !slices.Contains(allowed, "publickey"):
		why = "it accepts no keys, only " + excerpt(strings.Join(allowed, ", "))
		e.Hint = "enable PubkeyAuthentication on the host"
	case len(o.candidates) == 0:
		why = "there is no key to offer"
		e.Hint = "name one with --identity, or start an agent that holds one"
	case signingFailed(cause):
		why = rootOf(cause).Error()
		e.Hint = "unlock the key or the agent, or name another one with --identity"
	default:
		why = "it refused every key"
		e.Hint = "check the user, and that its authorized_keys on the host holds one of these keys"
	}
	e.Message = fmt.Sprintf("cannot log in to %s at %s as %s: %s", s.hop(), s.address(), s.User, why)
	if len(tried) > 0 {
		e.Message += "; tried " + strings.Join(tried, ", ")
	}
	if len(o.missing) > 0 {
		e.Message += "; not offered: " + strings.Join(o.missing, "; ")
	}
	return e
}

// signingFailed tells an error of our own keys from the refusal of a host, which the SSH library
// begins with its name.
func signingFailed(cause error) bool { return !strings.HasPrefix(rootOf(cause).Error(), "ssh: ") }

// rootOf takes off what the SSH library put in front.
func rootOf(err error) error {
	if inner := errors.Unwrap(err); inner != nil && strings.HasPrefix(err.Error(), "ssh: ") {
		return inner
	}
	return err
}

func signAs(signer ssh.Signer, data []byte, algorithm string) (*ssh.Signature, error) {
	if as, ok := signer.(ssh.AlgorithmSigner); ok {
		return as.SignWithAlgorithm(nil, data, algorithm)
	}
	return signer.Sign(nil, data)
}
