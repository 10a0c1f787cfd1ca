package secret

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
)

// Recipients are those who can decrypt what is encrypted to them.
type Recipients struct {
	Lines []string // age1…, ssh-ed25519 … or ssh-rsa …, without repeats
	keys  []age.Recipient
}

// ReadRecipients reads them: each of to is a recipient, or a file that lists some, one a line.
func ReadRecipients(to []string) (*Recipients, error) {
	all, known := &Recipients{}, map[string]bool{}
	for _, name := range to {
		lines, err := recipientLines(name)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			if known[line.text] {
				continue
			}
			known[line.text] = true
			key, err := parseRecipient(line.text)
			if err != nil { // lines of a file are not repeated: it could be one of identities, named by mistake
				return nil, fmt.Errorf("%s is not a recipient of age (age1…, ssh-ed25519 … or ssh-rsa …)", line.where)
			}
			all.Lines, all.keys = append(all.Lines, line.text), append(all.keys, key)
		}
	}
	if all.keys == nil {
		return nil, errors.New("there is no recipient to encrypt to")
	}
	return all, nil
}

type recipientLine struct{ text, where string }

func recipientLines(name string) (lines []recipientLine, err error) {
	if strings.HasPrefix(name, "age1") || strings.HasPrefix(name, "ssh-") {
		return []recipientLine{{text: name, where: fmt.Sprintf("%q", name)}}, nil
	}
	text, err := readOpen(name, identityMax)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, recipientLine{text: line, where: fmt.Sprintf("%s:%d", name, i+1)})
		}
	}
	return lines, nil
}

func parseRecipient(text string) (age.Recipient, error) {
	switch {
	case strings.HasPrefix(text, "ssh-"):
		return agessh.ParseRecipient(text)
	case strings.HasPrefix(text, "age1pq1"):
		return age.ParseHybridRecipient(text)
	}
	return age.ParseX25519Recipient(text)
}

// Encrypt encrypts a text to all recipients with age, armored. No error holds anything of the text.
func (r *Recipients) Encrypt(text Secret) (string, error) {
	if len(text.Reveal()) > documentMax {
		return "", fmt.Errorf("cannot encrypt more than %d KiB", documentMax>>10)
	}
	var out strings.Builder
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, r.keys...)
	if err != nil { // it says which recipients do not go together
		return "", fmt.Errorf("cannot encrypt to these recipients: %w", err)
	}
	_, err = w.Write([]byte(text.Reveal()))
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return "", fmt.Errorf("cannot encrypt: %w", err)
	}
	return out.String(), nil
}

// Decrypt gives the whole text of a file encrypted with age, as it is, and does not keep it.
func (f *Fetcher) Decrypt(ctx context.Context, path string) (Secret, error) {
	text, err := f.decryptAge(ctx, f.path(path))
	if err != nil {
		return Secret{}, failure(Source{Kind: Age, Name: path}, err)
	}
	return New(text), nil
}

// Encrypted tells whether a text is an age file.
func Encrypted(text Secret) bool { return encrypted(text.Reveal()) }

// CheckKeys tells whether keys can be looked up in a text. The error says where it is not right, and
// holds nothing of the text.
func CheckKeys(text Secret) error {
	_, err := parse(text.Reveal())
	return err
}
