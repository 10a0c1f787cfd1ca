package executor

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/opsctl/opsctl/pkg/runbook"
)

// stdinMax bounds the local file that a command reads as its stdin, in bytes.
const stdinMax = 8 << 20

// nothing is the script of an undo that only puts kept files back.
const nothing = ":"

// keepFiles lets the attempt keep copies of the files that its step names, and its undo put them back.
func (l *loop) keepFiles(a *attempt) error {
	if len(a.step.Source.SaveFiles) == 0 {
		return nil
	}
	if l.Keeper == nil {
		return fmt.Errorf("there is nothing here that keeps files")
	}
	render := l.scopes.renderer(a)
	var paths []string
	for _, t := range a.step.Source.SaveFiles {
		path, err := render(t)
		if err != nil {
			return err
		}
		paths = append(paths, path)
	}
	keep, restore, err := l.Keeper(a.key(), paths)
	if err != nil {
		return err
	}
	a.cmd.Prepare = keep
	if a.sealed == nil && !a.late {
		a.sealed = sealCommand(a, Command{Script: nothing, Shell: "sh", Sudo: a.cmd.Sudo, Timeout: a.cmd.Timeout, KillAfter: a.cmd.KillAfter})
		a.sealed.When = "completed"
	}
	if a.sealed != nil {
		a.sealed.Restore = restore
	}
	a.restore = restore
	return nil
}

// stdin gives what a command reads, as owner says it.
func (l *loop) stdin(s *runbook.Stdin, dir string, render func(*runbook.Text) (string, error)) (string, error) {
	if s == nil {
		return "", nil
	}
	if s.Text != nil {
		return render(s.Text)
	}
	path, err := render(s.File)
	if err != nil {
		return "", err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", fmt.Errorf("cannot read stdin: %w", err)
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("cannot read stdin: %s is not a regular file", path)
	case info.Size() > stdinMax:
		return "", fmt.Errorf("cannot read stdin: %s has %d bytes; at most %d are taken, copy puts larger files on a host", path, info.Size(), stdinMax)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read stdin: %w", err)
	}
	return string(text), nil
}
