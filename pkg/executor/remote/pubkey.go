package remote

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// signatures gives the algorithms with which a key may be proved to a host, best first:
// PubkeyAcceptedAlgorithms over the defaults, in which SHA-1 is not.
func signatures(s *Settings, key ssh.PublicKey, certificate bool) []string {
	safe, unsafe := withCertificates(ssh.SupportedAlgorithms().PublicKeyAuths), withCertificates(ssh.InsecureAlgorithms().PublicKeyAuths)
	allowed := choose(s.PubkeyAlgorithms, safe, slices.Concat(safe, unsafe))
	algorithms := []string{key.Type()}
	if key.Type() == ssh.KeyAlgoRSA {
		algorithms = []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return slices.DeleteFunc(algorithms, func(name string) bool {
		if certificate {
			name = certificateName(name)
		}
		return !slices.Contains(allowed, name)
	})
}

func withCertificates(algorithms []string) []string {
	out := slices.Clone(algorithms)
	for _, name := range algorithms {
		out = append(out, certificateName(name))
	}
	return out
}

// certificateName is the algorithm for a certificate of a key, as OpenSSH names it.
func certificateName(algorithm string) string {
	return strings.TrimSuffix(algorithm, "@openssh.com") + "-cert-v01@openssh.com"
}

// provable takes out the keys that no algorithm is left for.
func (o *offer) provable(s *Settings) {
	o.candidates = slices.DeleteFunc(o.candidates, func(c candidate) bool {
		if len(signatures(s, c.public, c.cert != nil)) > 0 {
			return false
		}
		o.missing = append(o.missing, fmt.Sprintf("%s: PubkeyAcceptedAlgorithms leaves nothing for a key of type %s", c.label, c.public.Type()))
		return true
	})
}

// restricted is a signer that uses nothing but what is allowed.
func (c *candidate) restricted(s *Settings, signer ssh.Signer) (ssh.Signer, error) {
	able, ok := signer.(ssh.AlgorithmSigner)
	if !ok { // it has one way to sign, that of its type
		return signer, nil
	}
	return ssh.NewSignerWithAlgorithms(able, signatures(s, c.public, c.cert != nil))
}
