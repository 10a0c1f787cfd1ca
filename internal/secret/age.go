package secret

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// No error of the age library is passed on: its parsers quote what they could not read, and that
// may be a secret that somebody forgot to encrypt.

// ageIntro begins every binary age file (https://age-encryption.org/v1).
const ageIntro = "age-encryption.org/"

// decryptAge decrypts a file, armored or not.
func (f *Fetcher) decryptAge(ctx context.Context, path string) (string, error) {
	text, err := readOpen(path, 2*documentMax)
	if err != nil {
		return "", err
	}
	if !encrypted(text) {
		return "", refuse("encrypt it: opsctl secret encrypt FILE --to RECIPIENT", "it is not encrypted with age")
	}
	where := "none was looked for"
	return decrypt(text, &where, f.byPassphrase(ctx, path), &lazyKeys{read: func() (keys []age.Identity, err error) {
		keys, where, err = f.identities(ctx)
		return keys, err
	}})
}

// encrypted tells whether a text is an age file.
func encrypted(text string) bool {
	return strings.HasPrefix(text, ageIntro) || strings.HasPrefix(strings.TrimSpace(text), armor.Header)
}

// decrypt tries the keys; where they came from is known once they were tried.
func decrypt(text string, where *string, keys ...age.Identity) (string, error) {
	clear, err := age.Decrypt(unarmored(text), keys...)
	var r *refusal
	var none *age.NoIdentityMatchError
	switch {
	case err == nil:
		return readAll(clear, documentMax)
	case errors.As(err, &r):
		return "", r
	case errors.As(err, &none):
		return "", refuse("its owner can encrypt it to your recipient too; $OPSCTL_AGE_IDENTITY names another identity", "no identity here can decrypt it (%s)", *where)
	}
	return "", refuse("take it from a backup, or encrypt it anew", "it is damaged, or was altered")
}

func unarmored(text string) io.Reader {
	if strings.HasPrefix(text, ageIntro) {
		return strings.NewReader(text)
	}
	return armor.NewReader(strings.NewReader(text))
}

// passphraseKey opens what was encrypted with a passphrase, and asks for it only then.
type passphraseKey struct {
	open func(stanzas []*age.Stanza) ([]byte, error)
}

func (k *passphraseKey) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if !byPassphrase(stanzas) {
		return nil, age.ErrIncorrectIdentity
	}
	return k.open(stanzas)
}

func byPassphrase(stanzas []*age.Stanza) bool {
	return len(stanzas) == 1 && stanzas[0].Type == "scrypt"
}

// byPassphrase asks until the passphrase of a file is right.
func (f *Fetcher) byPassphrase(ctx context.Context, path string) *passphraseKey {
	return &passphraseKey{open: func(stanzas []*age.Stanza) (key []byte, err error) {
		_, err = f.passphrase(ctx, path, func(text string) (bool, error) {
			if text == "" {
				return false, nil
			}
			k, err := age.NewScryptIdentity(text)
			if err != nil {
				return false, err
			}
			k.SetMaxWorkFactor(scryptWorkMax)
			key, err = k.Unwrap(stanzas)
			if err != nil && !errors.Is(err, age.ErrIncorrectIdentity) {
				return false, refuse("encrypt it anew with age", "its passphrase takes more work than opsctl does, or it is damaged")
			}
			return err == nil, nil
		})
		return key, err
	}}
}

// passphrase asks for that of a file, a few times.
func (f *Fetcher) passphrase(ctx context.Context, path string, right func(string) (bool, error)) (string, error) {
	question := "passphrase of " + path
	for range passphraseTries {
		text, err := f.ask(ctx, question)
		if err != nil {
			return "", err
		}
		ok, err := right(text)
		if ok || err != nil {
			return text, err
		}
		question = "that is not right; passphrase of " + path
	}
	return "", refuse("", "the passphrase of %s was not right, %d times", path, passphraseTries)
}

// NewIdentity makes an age identity: the text of a file to be kept, and its recipient, which
// anybody may know.
func NewIdentity() (text Secret, recipient string, err error) {
	k, err := age.GenerateX25519Identity()
	if err != nil {
		return Secret{}, "", fmt.Errorf("cannot make a key: %w", err)
	}
	recipient = k.Recipient().String()
	return New("# recipient: " + recipient + "\n" + k.String() + "\n"), recipient, nil
}
