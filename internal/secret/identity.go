package secret

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"
)

// unlockedKeys is what a passphrase opened.
type unlockedKeys struct {
	keys       []age.Identity // of an encrypted file of identities
	passphrase Secret         // of an SSH key
}

// identityFile is a place where identities may be; one that need not be there is a default.
type identityFile struct {
	path     string
	optional bool
}

// DefaultIdentity is where the identity of a person is kept, unless they say otherwise.
func DefaultIdentity(env func(string) (string, bool)) string {
	return filepath.Join(configDir(env), "opsctl", "age.txt")
}

func configDir(env func(string) (string, bool)) string {
	if dir, ok := env("XDG_CONFIG_HOME"); ok && filepath.IsAbs(dir) {
		return dir
	}
	home, _ := env("HOME")
	return filepath.Join(home, ".config")
}

// identityFiles lists them: those given, else those of the environment, else those at the usual places.
func (f *Fetcher) identityFiles() (files []identityFile) {
	for _, path := range f.Identities {
		files = append(files, identityFile{path: path})
	}
	if files != nil {
		return files
	}
	for _, name := range []string{"OPSCTL_AGE_IDENTITY", "SOPS_AGE_KEY_FILE"} {
		if path, ok := f.lookup(name); ok && path != "" {
			files = append(files, identityFile{path: path})
		}
	}
	return append(files,
		identityFile{path: DefaultIdentity(f.lookup), optional: true},
		identityFile{path: filepath.Join(configDir(f.lookup), "sops", "age", "keys.txt"), optional: true})
}

// lazyKeys are identities that are had when they are needed.
type lazyKeys struct {
	read func() ([]age.Identity, error)
}

func (l *lazyKeys) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if byPassphrase(stanzas) { // no identity opens that
		return nil, age.ErrIncorrectIdentity
	}
	keys, err := l.read()
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		key, err := k.Unwrap(stanzas)
		if !errors.Is(err, age.ErrIncorrectIdentity) {
			return key, err
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// identities reads them all, and says where it looked. Those that want a passphrase come last.
func (f *Fetcher) identities(ctx context.Context) (keys []age.Identity, where string, err error) {
	var asking []age.Identity
	var looked []string
	for _, file := range f.identityFiles() {
		if _, err := os.Stat(file.path); file.optional && errors.Is(err, fs.ErrNotExist) {
			looked = append(looked, file.path+" is not there")
			continue
		}
		found, asks, err := f.readIdentities(ctx, file.path)
		switch {
		case err != nil && file.optional: // another may do
			looked = append(looked, err.Error())
			continue
		case err != nil:
			return nil, "", err
		case asks:
			asking = append(asking, found...)
		default:
			keys = append(keys, found...)
		}
		looked = append(looked, "tried "+file.path)
	}
	return append(keys, asking...), strings.Join(looked, "; "), nil
}

func (f *Fetcher) readIdentities(ctx context.Context, path string) (keys []age.Identity, asks bool, err error) {
	text, err := readPrivate(path, identityMax)
	switch {
	case err != nil:
		return nil, false, err
	case encrypted(text):
		return []age.Identity{f.lockedFile(ctx, path, text)}, true, nil
	case strings.HasPrefix(strings.TrimSpace(text), "-----BEGIN"):
		return f.sshIdentity(ctx, path, []byte(text))
	}
	keys, err = parseIdentities(path, text)
	return keys, false, err
}

func parseIdentities(path, text string) (keys []age.Identity, err error) {
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, err := parseIdentity(line)
		if err != nil {
			return nil, refuse(identityHint(line), "%s:%d is not an age identity", path, i+1)
		}
		keys = append(keys, key)
	}
	if keys == nil {
		return nil, refuse("opsctl secret keygen makes one", "%s holds no age identity", path)
	}
	return keys, nil
}

func parseIdentity(line string) (age.Identity, error) {
	if strings.HasPrefix(line, "AGE-SECRET-KEY-PQ-1") {
		return age.ParseHybridIdentity(line)
	}
	return age.ParseX25519Identity(line)
}

func identityHint(line string) string {
	switch {
	case strings.HasPrefix(line, "AGE-PLUGIN-"):
		return "age's plugins are programs; let age run them: {command: [age, -d, -i, IDENTITY, FILE]}"
	case strings.HasPrefix(line, "age1"):
		return "it is a recipient; the identity begins with AGE-SECRET-KEY-"
	}
	return "it begins with AGE-SECRET-KEY-; opsctl secret keygen makes one"
}

// lockedFile is a file of identities that is encrypted with a passphrase, which is asked for once.
func (f *Fetcher) lockedFile(ctx context.Context, path, text string) age.Identity {
	return &lazyKeys{read: func() ([]age.Identity, error) {
		opened, err := f.unlocked.get(ctx, path, func() (unlockedKeys, error) {
			where := path + " is not encrypted with a passphrase"
			inner, err := decrypt(text, &where, f.byPassphrase(ctx, path))
			if err != nil {
				return unlockedKeys{}, err
			}
			keys, err := parseIdentities(path, inner)
			return unlockedKeys{keys: keys}, err
		})
		return opened.keys, err
	}}
}

// sshIdentity takes an SSH key, RSA or Ed25519, as an identity.
func (f *Fetcher) sshIdentity(ctx context.Context, path string, pem []byte) (keys []age.Identity, asks bool, err error) {
	broken := refuse("age takes RSA and Ed25519 keys", "%s is not an SSH key that age can use", path)
	key, err := agessh.ParseIdentity(pem)
	var locked *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return []age.Identity{key}, false, nil
	case !errors.As(err, &locked):
		return nil, false, broken
	case locked.PublicKey == nil: // of the old PEM forms, which do not tell it
		return nil, false, refuse("ssh-keygen -p -f "+path+" writes it in the newer form", "%s is encrypted in an old form", path)
	}
	lazy := &lockedSSH{}
	lazy.key, err = agessh.NewEncryptedSSHIdentity(locked.PublicKey, pem, func() ([]byte, error) {
		var opened unlockedKeys
		opened, lazy.failed = f.unlockSSH(ctx, path, pem)
		return []byte(opened.passphrase.Reveal()), lazy.failed
	})
	if err != nil {
		return nil, false, broken
	}
	return []age.Identity{lazy}, true, nil
}

// unlockSSH asks for the passphrase of an SSH key, once for all that the key decrypts.
func (f *Fetcher) unlockSSH(ctx context.Context, path string, pem []byte) (unlockedKeys, error) {
	return f.unlocked.get(ctx, path, func() (unlockedKeys, error) {
		text, err := f.passphrase(ctx, path, func(text string) (bool, error) {
			_, err := ssh.ParseRawPrivateKeyWithPassphrase(pem, []byte(text))
			return err == nil, nil
		})
		return unlockedKeys{passphrase: New(text)}, err
	})
}

// lockedSSH is an SSH key with a passphrase. The library turns the error of who was asked into a
// text, so it is kept here.
type lockedSSH struct {
	key    age.Identity
	failed error
}

func (l *lockedSSH) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	key, err := l.key.Unwrap(stanzas)
	if l.failed != nil {
		return nil, l.failed
	}
	return key, err
}
