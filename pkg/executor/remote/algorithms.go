package remote

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/opsctl/opsctl/pkg/executor"
)

// algorithms are what a connection may agree on.
type algorithms struct {
	ciphers, macs, keyExchanges, hostKeys []string
}

// algorithmsOf applies the lists of s to the defaults: everything the SSH library has and holds
// safe, aes128-gcm first. Only what s names itself may be more than that.
func algorithmsOf(s *Settings) (algorithms, error) {
	safe, unsafe := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	var a algorithms
	for _, l := range []struct {
		into             *[]string
		option           string
		asked, safe, old []string
	}{
		{&a.ciphers, "Ciphers", s.Ciphers, safe.Ciphers, unsafe.Ciphers},
		{&a.macs, "MACs", s.MACs, safe.MACs, unsafe.MACs},
		{&a.keyExchanges, "KexAlgorithms", s.KeyExchanges, safe.KeyExchanges, unsafe.KeyExchanges},
		{&a.hostKeys, "HostKeyAlgorithms", s.HostKeyAlgorithms, safe.HostKeys, unsafe.HostKeys},
	} {
		got := choose(l.asked, l.safe, slices.Concat(l.safe, l.old))
		if len(got) == 0 {
			return a, &executor.HostError{
				Class: classLink, Hop: s.hop(),
				Message: fmt.Sprintf("cannot connect to %s: nothing is left of %s %s",
					s.label(), l.option, excerpt(strings.Join(l.asked, ","))),
				Hint: "available are " + strings.Join(l.safe, ","),
			}
		}
		*l.into = got
	}
	return a, nil
}

// choose reads one list of ssh_config(5): in place of the defaults, or with +, -, ^ a change to them.
func choose(asked, defaults, known []string) []string {
	if len(asked) == 0 {
		return defaults
	}
	asked = slices.Clone(asked)
	var sign byte
	if f := asked[0]; f != "" && strings.IndexByte("+-^", f[0]) >= 0 {
		sign, asked[0] = f[0], f[1:]
	}
	named := expand(asked, known)
	switch sign {
	case '+':
		return union(defaults, named)
	case '^':
		return union(named, defaults)
	case '-':
		return slices.DeleteFunc(slices.Clone(defaults), func(a string) bool {
			return slices.Contains(named, a)
		})
	default:
		return named
	}
}

// expand keeps of the names and patterns asked for what is known, in the order asked.
func expand(asked, known []string) []string {
	var out []string
	for _, pattern := range asked {
		for _, k := range known {
			if wildcard(pattern, k) && !slices.Contains(out, k) {
				out = append(out, k)
			}
		}
	}
	return out
}

func union(first, then []string) []string {
	out := slices.Clone(first)
	for _, a := range then {
		if !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// hostKeysFor orders the host key algorithms so that a server with several keys shows one we know:
// certificates first where an authority is known for it, then the known types, then the others.
func hostKeysFor(allowed []string, known knownKeys) []string {
	rank := func(algo string) int {
		certificate := strings.Contains(algo, "-cert-v01@")
		switch {
		case certificate && known.authority:
			return 0
		case !certificate && slices.Contains(known.types, keyTypeOf(algo)):
			return 1
		case certificate:
			return 4
		case algo == ssh.KeyAlgoED25519:
			return 2
		default:
			return 3
		}
	}
	out := slices.Clone(allowed)
	slices.SortStableFunc(out, func(a, b string) int { return rank(a) - rank(b) })
	return out
}

// keyTypeOf is the type of the keys that a signature algorithm is for.
func keyTypeOf(algo string) string {
	switch algo {
	case ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512:
		return ssh.KeyAlgoRSA
	default:
		return algo
	}
}
