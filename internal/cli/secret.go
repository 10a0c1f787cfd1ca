package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/secret"
)

// plainMax bounds what is encrypted, in bytes; a file of secrets is a page or two.
const plainMax = 1 << 20

func newSecret(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "secret", GroupID: "write",
		Short: "Keep secrets in files encrypted with age",
		Long: `Make and change files of secrets that are encrypted with age, so that they can stand beside the runbooks.
Whoever has an identity can decrypt what was encrypted to its recipient.`,
		Example: "  opsctl secret keygen\n  opsctl secret edit secrets.yaml.age --to age1…",
		Args:    noCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSecretKeygen(a), newSecretEncrypt(a), newSecretEdit(a))
	return cmd
}

func newSecretKeygen(a *app) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "keygen",
		Short: "Make an identity, and print its recipient",
		Long: `Make an age identity in a file that only you can read, and print its recipient, which anybody may know. An
existing file is never overwritten.`,
		Example: "  opsctl secret keygen\n  opsctl secret keygen --out ci.txt",
		Args:    exactly(0, "no arguments"),
		RunE:    func(*cobra.Command, []string) error { return a.makeIdentity(out) },
	}
	cmd.Flags().StringVar(&out, "out", "", "`FILE` to write (default ~/.config/opsctl/age.txt)")
	return cmd
}

func (a *app) makeIdentity(path string) error {
	if path == "" {
		path = secret.DefaultIdentity(os.LookupEnv)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return usage(fmt.Sprintf("cannot write %s: %s", path, reason(err)), "--out FILE writes elsewhere")
		}
	}
	key, recipient, err := secret.NewIdentity()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return usage(path+" exists already, and is not overwritten: what was encrypted to it would be lost", "--out FILE writes elsewhere")
	case err != nil:
		return usage(fmt.Sprintf("cannot write %s: %s", path, reason(err)), "--out FILE writes elsewhere")
	}
	_, err = f.WriteString(key.Reveal())
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return usage(fmt.Sprintf("cannot write %s: %s", path, reason(err)), "")
	}
	a.note("wrote " + path + "; who has it can read your secrets, and without it nobody can")
	return a.print(recipient + "\n")
}

type encryptOptions struct {
	to  []string
	out string
}

func newSecretEncrypt(a *app) *cobra.Command {
	var o encryptOptions
	cmd := &cobra.Command{
		Use:   "encrypt FILE --to RECIPIENT",
		Short: "Encrypt a file of secrets",
		Long: `Encrypt FILE, or standard input when it is -, to standard output or a file. RECIPIENT is what keygen printed
(age1…), an SSH public key (ssh-ed25519 …, ssh-rsa …), or a file that lists some, one a line. With --out they are
listed in FILE.recipients too, for opsctl secret edit.`,
		Example: `  opsctl secret encrypt secrets.yaml --to team.txt --out secrets.yaml.age
  pass show db | opsctl secret encrypt - --to age1… > db.age`,
		Args: exactly(1, "one file, or - for standard input"),
		RunE: func(_ *cobra.Command, args []string) error { return a.encryptSecrets(args[0], o) },
	}
	cmd.Flags().StringArrayVar(&o.to, "to", nil, "`RECIPIENT`, or a file that lists some; repeatable")
	cmd.Flags().StringVar(&o.out, "out", "", "`FILE` to write; it is replaced as a whole")
	return cmd
}

func (a *app) encryptSecrets(path string, o encryptOptions) error {
	if len(o.to) == 0 {
		return usage("encrypt wants to know who can decrypt it", "--to age1…, or --to FILE that lists recipients")
	}
	recipients, err := secret.ReadRecipients(o.to)
	if err != nil {
		return usage(err.Error(), "opsctl secret keygen makes an identity and prints its recipient")
	}
	text, err := a.readPlain(path)
	if err != nil {
		return err
	}
	if secret.Encrypted(text) {
		return usage(path+" is encrypted already", "opsctl secret edit "+path+" --to … encrypts it to others")
	}
	if err := errors.Join(checkSecrets(path, text), checkSecrets(o.out, text)); err != nil {
		return err
	}
	if o.out == "" {
		sealed, err := recipients.Encrypt(text)
		if err != nil {
			return usage(err.Error(), "")
		}
		return a.print(sealed)
	}
	if err := seal(o.out, text, recipients); err != nil {
		return err
	}
	said := "wrote " + o.out + " and " + o.out + recipientsEnding
	if path != "-" && path != o.out {
		said += "; " + path + " still holds the secrets in clear"
	}
	a.note(said)
	return nil
}

func (a *app) readPlain(path string) (secret.Secret, error) {
	in := a.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return secret.Secret{}, usage(fmt.Sprintf("cannot read %s: %s", path, reason(err)), "")
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, plainMax+1))
	switch {
	case err != nil:
		return secret.Secret{}, usage(fmt.Sprintf("cannot read %s: %s", path, reason(err)), "")
	case len(text) > plainMax:
		return secret.Secret{}, usage(fmt.Sprintf("%s is longer than %d KiB", path, plainMax>>10), "")
	case len(text) == 0:
		return secret.Secret{}, usage(path+" is empty", "")
	}
	return secret.New(string(text)), nil
}

// checkSecrets looks whether keys can be looked up in what is called YAML or JSON.
func checkSecrets(path string, text secret.Secret) error {
	switch filepath.Ext(strings.TrimSuffix(path, ".age")) {
	case ".yaml", ".yml", ".json":
		if err := secret.CheckKeys(text); err != nil {
			return invalid(path+": "+err.Error(), "")
		}
	}
	return nil
}
