package secret

import (
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
)

// Encrypt encrypts a text with age, armored. Each of to is a recipient (age1…, ssh-ed25519 …,
// ssh-rsa …), or a file that lists some, one a line. No error holds anything of the text.
func Encrypt(text Secret, to []string) (string, error) {
	recipients, err := recipientsOf(to)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	armored := armor.NewWriter(&out)
	w, err := age.Encrypt(armored, recipients...)
	if err != nil { // it says which recipients do not go together
		return "", fmt.Errorf("cannot encrypt to these recipients: %w", err)
	}
	_, err = w.Write([]byte(text.Reveal()))
	if err := errors.Join(err, w.Close(), armored.Close()); err != nil {
		return "", fmt.Errorf("cannot encrypt: %w", err)
	}
	return out.String(), nil
}

func recipientsOf(to []string) (all []age.Recipient, err error) {
	for _, name := range to {
		if strings.HasPrefix(name, "age1") || strings.HasPrefix(name, "ssh-") {
			r, err := parseRecipient(name)
			if err != nil {
				return nil, fmt.Errorf("%q is not a recipient of age", name) // a recipient is public
			}
			all = append(all, r)
			continue
		}
		listed, err := readRecipients(name)
		if err != nil {
			return nil, err
		}
		all = append(all, listed...)
	}
	if len(all) == 0 {
		return nil, errors.New("cannot encrypt to nobody: there is no recipient")
	}
	return all, nil
}

// readRecipients does not repeat lines: the file could be one of identities, named by mistake.
func readRecipients(path string) (all []age.Recipient, err error) {
	text, err := readOpen(path, identityMax)
	if err != nil {
		return nil, err
	}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		r, err := parseRecipient(line)
		if err != nil {
			return nil, fmt.Errorf("%s:%d is not a recipient of age (age1…, ssh-ed25519 … or ssh-rsa …)", path, i+1)
		}
		all = append(all, r)
	}
	if all == nil {
		return nil, fmt.Errorf("%s lists no recipient", path)
	}
	return all, nil
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
