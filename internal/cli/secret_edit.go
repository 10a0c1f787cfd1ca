package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/secret"
)

// recipientsEnding is that of the file beside an encrypted one which lists who can decrypt it: the
// encrypted file does not tell.
const recipientsEnding = ".recipients"

// editorTime is what an editor gets to end by itself when opsctl is told to.
const editorTime = 5 * time.Second

func newSecretEdit(a *app) *cobra.Command {
	var to []string
	cmd := &cobra.Command{
		Use:   "edit FILE",
		Short: "Change a file of secrets in your editor, or begin one",
		Long: `Decrypt FILE, open it in $VISUAL or $EDITOR, and encrypt it again to the recipients in FILE.recipients, or to
those given. While it is edited, the text stands in a directory of your own in memory where there is one; it is
removed afterwards with all the editor left beside it. A FILE that is not there begins empty.`,
		Example: "  opsctl secret edit secrets.yaml.age\n  opsctl secret edit new.yaml.age --to age1…\n  opsctl secret edit secrets.yaml.age --to team.txt   # to others than before",
		Args:    exactly(1, "one file"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.editSecrets(cmd.Context(), args[0], to) },
	}
	cmd.Flags().StringArrayVar(&to, "to", nil, "`RECIPIENT`, or a file that lists some; repeatable")
	return cmd
}

func (a *app) editSecrets(ctx context.Context, path string, to []string) error {
	recipients, err := recipientsFor(path, to)
	if err != nil {
		return err
	}
	sealed, err := os.ReadFile(path)
	text := secret.New("")
	switch {
	case err == nil:
		if text, err = a.fetcher("").Decrypt(ctx, path); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return usage(fmt.Sprintf("cannot read %s: %s", path, reason(err)), "")
	}
	edited, err := a.edit(ctx, path, text)
	if err != nil {
		return err
	}
	switch {
	case edited.Empty():
		return usage("there is nothing in it; nothing was written", "")
	case edited.Reveal() == text.Reveal() && len(to) == 0:
		a.note("nothing was changed")
		return nil
	}
	if now, err := os.ReadFile(path); err == nil && !bytes.Equal(now, sealed) {
		return usage(path+" was changed by somebody else meanwhile; nothing was written", "edit it again")
	}
	if err := seal(path, edited, recipients); err != nil {
		return err
	}
	a.note("encrypted " + path + " to:\n  " + strings.Join(recipients.Lines, "\n  "))
	return nil
}

func recipientsFor(path string, to []string) (*secret.Recipients, error) {
	if len(to) == 0 {
		if _, err := os.Stat(path + recipientsEnding); err != nil {
			return nil, usage(fmt.Sprintf("there is no %s that tells who can decrypt it", path+recipientsEnding), "--to age1…, or --to FILE that lists recipients")
		}
		to = []string{path + recipientsEnding}
	}
	recipients, err := secret.ReadRecipients(to)
	if err != nil {
		return nil, usage(err.Error(), "opsctl secret keygen makes an identity and prints its recipient")
	}
	return recipients, nil
}

// edit gives a text to a person's editor until what comes back can be read.
func (a *app) edit(ctx context.Context, path string, text secret.Secret) (edited secret.Secret, err error) {
	// An editor does with Ctrl-C what it likes; all else that ends opsctl has to leave no text behind.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)
	dir, err := a.privateDir()
	if err != nil {
		return edited, err
	}
	defer func() {
		if gone := os.RemoveAll(dir); gone != nil {
			err = errors.Join(err, usage("cannot remove "+dir+", which holds the secrets in clear: "+reason(gone), "remove it"))
		}
	}()
	draft := filepath.Join(dir, strings.TrimSuffix(filepath.Base(path), ".age"))
	if err := os.WriteFile(draft, []byte(text.Reveal()), 0o600); err != nil {
		return edited, usage("cannot write to "+dir+": "+reason(err), "")
	}
	for {
		if err := a.openEditor(ctx, draft); err != nil {
			return edited, err
		}
		if edited, err = a.readDraft(draft); err != nil {
			return edited, err
		}
		err := checkSecrets(path, edited)
		if err == nil || edited.Empty() {
			return edited, nil
		}
		if a.settings.Yes || !a.asks() || a.confirm(err.Error()+"\nedit it again?") != nil {
			return edited, err
		}
	}
}

func (a *app) readDraft(draft string) (secret.Secret, error) {
	if info, err := os.Stat(draft); err == nil && info.Size() == 0 {
		return secret.New(""), nil
	}
	return a.readPlain(draft)
}

// privateDir makes a directory that only this person can enter, in memory where that can be had.
func (a *app) privateDir() (string, error) {
	for _, parent := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/dev/shm"} {
		if parent == "" {
			continue
		}
		if dir, err := os.MkdirTemp(parent, "opsctl-secret-*"); err == nil { // with mode 0700
			return dir, nil
		}
	}
	dir, err := os.MkdirTemp("", "opsctl-secret-*")
	if err != nil {
		return "", usage("cannot make a directory for the text: "+reason(err), "set TMPDIR to a place where you can write")
	}
	a.note("there is no directory in memory here, so the text is on disk while you edit it: " + dir)
	return dir, nil
}

// openEditor runs the editor as git does: the variable is shell, the file its last argument.
func (a *app) openEditor(ctx context.Context, draft string) error {
	editor := "vi"
	for _, name := range []string{"EDITOR", "VISUAL"} {
		if text := os.Getenv(name); text != "" {
			editor = text
		}
	}
	script := editor + ` "$@"`
	if !strings.ContainsAny(editor, ";&|<>=(){}\n") {
		script = "exec " + script // so that a signal reaches the editor, and not a shell around it
	}
	command := exec.CommandContext(ctx, "sh", "-c", script, editor, draft)
	command.Stdin, command.Stdout, command.Stderr = a.in, a.out, a.err
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = editorTime
	if err := command.Run(); err != nil {
		return usage(fmt.Sprintf("the editor %s did not end well (%s); nothing was written", editor, reason(err)), "EDITOR names another one")
	}
	return nil
}

// seal replaces an encrypted file as a whole, and lists its recipients beside it.
func seal(path string, text secret.Secret, recipients *secret.Recipients) error {
	sealed, err := recipients.Encrypt(text)
	if err != nil {
		return usage(err.Error(), "")
	}
	if err := replace(path, sealed); err != nil {
		return err
	}
	return replace(path+recipientsEnding, strings.Join(recipients.Lines, "\n")+"\n")
}

// replace writes a file beside the old one, and puts it in its place once it is whole on the disk.
func replace(path, text string) error {
	mode := fs.FileMode(0o644)
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	cannot := func(err error) error { return usage(fmt.Sprintf("cannot write %s: %s", path, reason(err)), "") }
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return cannot(err)
	}
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return cannot(err)
	}
	if err := os.Rename(f.Name(), path); err != nil {
		_ = os.Remove(f.Name())
		return cannot(err)
	}
	return nil
}
