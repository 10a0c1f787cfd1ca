//go:build unix

package remote

import (
	"slices"
	"strings"
	"testing"
)

func TestSignatures(t *testing.T) {
	paths := keygen(t, "rsa", "ed25519")
	rsa, ed25519 := readPublic(paths[0]+".pub"), readPublic(paths[1]+".pub")
	for spec, want := range map[string]string{
		"":                 "rsa-sha2-512,rsa-sha2-256 / rsa-sha2-512,rsa-sha2-256 / ssh-ed25519",
		"+ssh-rsa":         "rsa-sha2-512,rsa-sha2-256,ssh-rsa / rsa-sha2-512,rsa-sha2-256 / ssh-ed25519",
		"rsa-sha2-256":     "rsa-sha2-256 /  / ",
		"-rsa-sha2-512*":   "rsa-sha2-256 / rsa-sha2-256 / ssh-ed25519",
		"^ssh-ed25519":     "rsa-sha2-512,rsa-sha2-256 / rsa-sha2-512,rsa-sha2-256 / ssh-ed25519",
		"rsa-*-cert-v01@*": " / rsa-sha2-512,rsa-sha2-256 / ",
	} {
		s := &Settings{}
		if spec != "" {
			s.PubkeyAlgorithms = strings.Split(spec, ",")
		}
		got := strings.Join(signatures(s, rsa, false), ",") + " / " + strings.Join(signatures(s, rsa, true), ",") + " / " + strings.Join(signatures(s, ed25519, false), ",")
		if got != want {
			t.Errorf("%q: got %s, want %s", spec, got, want)
		}
	}
}

// A real sshd takes an RSA key by SHA-2 and not by SHA-1 alone, and is not shown a key that is excluded.
func TestOpenSSHPubkeyAlgorithms(t *testing.T) {
	key := keygen(t, "rsa")[0]
	f := startSSHD(t, 1, "AuthorizedKeysFile "+key+".pub")
	for _, test := range []struct {
		algorithms []string
		works      bool
		word       string
	}{
		{nil, true, ""},
		{[]string{"rsa-sha2-256"}, true, ""},
		{[]string{"ssh-rsa"}, false, ""},
		{[]string{"ssh-ed25519"}, false, "PubkeyAcceptedAlgorithms leaves nothing for a key of type ssh-rsa"},
	} {
		s := realSettings(f, 0)
		s.IdentityFiles, s.PubkeyAlgorithms = []string{key}, test.algorithms
		d := newTestDialer(t, Options{})
		_, err := newTestLinker(t, d, s).Shell(patience(t), "")
		if (err == nil) != test.works || err != nil && !strings.Contains(err.Error(), test.word) {
			t.Errorf("%q: %v", test.algorithms, err)
		}
		offered, missing := d.Identities(t.Context(), s)
		if test.word != "" && (len(offered) > 0 || !slices.ContainsFunc(missing, func(m string) bool { return strings.Contains(m, test.word) })) {
			t.Errorf("%q: offered %v, missing %v", test.algorithms, offered, missing)
		}
	}
}
