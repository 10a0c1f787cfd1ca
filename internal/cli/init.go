package cli

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
)

// starter is the project that init writes, file by file as it stands.
//
//go:embed starter
var starter embed.FS

func newInit(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "init [DIR]", GroupID: "write",
		Short: "Begin a project: configuration, inventory and a first runbook",
		Long: `Write opsctl.yaml, inventory.yaml and runbooks/hello.yaml into a directory, by default this one. The runbook
works as it is, on this machine. Files that exist are never overwritten.`,
		Example: "  opsctl init\n  opsctl init operations",
		Args:    atMost(1, "at most one directory"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.beginProject(first(args, ".")) },
	}
}

func (a *app) beginProject(dir string) error {
	root, err := fs.Sub(starter, "starter")
	if err != nil {
		return err
	}
	var files []string
	err = fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, file := range files { // all are looked at before the first is written
		if _, err := os.Lstat(filepath.Join(dir, file)); err == nil {
			return usage(filepath.Join(dir, file)+" exists already, and is not overwritten; nothing was written", "opsctl init DIR writes elsewhere")
		}
	}
	for _, file := range files {
		if err := writeStarter(root, file, filepath.Join(dir, file)); err != nil {
			return err
		}
		writeLine(a.out, "wrote "+filepath.Join(dir, file))
	}
	enter := ""
	if dir != "." {
		enter = "  cd " + dir + "\n"
	}
	return a.print("\nnext:\n" + enter + strings.Join([]string{
		"  opsctl validate hello", "  opsctl plan hello", "  opsctl run hello -p who=you", "  opsctl rollback", "",
	}, "\n"))
}

func writeStarter(root fs.FS, file, path string) error {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return err
	}
	cannot := func(err error) error { return usage(fmt.Sprintf("cannot write %s: %s", path, reason(err)), "") }
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return cannot(err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return cannot(err)
	}
	if _, err := f.Write(text); err != nil {
		_ = f.Close()
		return cannot(err)
	}
	if err := f.Close(); err != nil {
		return cannot(err)
	}
	return nil
}
