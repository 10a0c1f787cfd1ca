package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/format"
	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/run"
)

type fmtOptions struct {
	check bool
	diff  bool
}

func newFmt(a *app) *cobra.Command {
	var o fmtOptions
	cmd := &cobra.Command{
		Use: "fmt [FILE…]", GroupID: "write",
		Short: "Lay out YAML files: indentation, spaces, blank lines",
		Long: `Lay out runbooks, inventories and opsctl.yaml. Comments, the order of keys, quotes and the content of
scripts stay as they are; a file that would say something else afterwards is left alone, and so is one
that cannot be read. FILE may be a directory, or - for standard input, which goes to standard output.
Without one, opsctl.yaml, inventory.yaml and all of runbooks/ of the project are laid out.`,
		Example: "  opsctl fmt\n  opsctl fmt deploy.yaml runbooks\n  opsctl fmt --check\n  opsctl fmt --diff deploy.yaml\n  opsctl fmt - < deploy.yaml",
		RunE: func(_ *cobra.Command, args []string) error {
			code, err := a.formatAll(args, o)
			if err != nil {
				return err
			}
			return ended(code)
		},
	}
	cmd.Flags().BoolVar(&o.check, "check", false, "write nothing; list the files that would change, and exit 1 if there are any")
	cmd.Flags().BoolVar(&o.diff, "diff", false, "write nothing; show what would change")
	return cmd
}

// layoutData is what fmt says of one file to a program.
type layoutData struct {
	File     string        `json:"file"`
	OK       bool          `json:"ok"`
	Changed  bool          `json:"changed"` // or would be, with --check and --diff
	Problems []problemData `json:"problems"`
}

func (a *app) formatAll(args []string, o fmtOptions) (code int, err error) {
	if slices.Contains(args, "-") {
		if len(args) > 1 {
			return 0, usage("- is standard input, and stands alone", "opsctl fmt - < deploy.yaml")
		}
		return a.formatInput(o)
	}
	files, err := a.filesToFormat(args)
	if err != nil {
		return 0, err
	}
	for _, path := range files {
		bad, err := a.formatFile(path, o)
		if err != nil {
			return 0, err
		}
		code = max(code, bad)
	}
	return code, nil
}

// filesToFormat lists the files that are meant: those named, those in directories that are named, or those of the project.
func (a *app) filesToFormat(args []string) ([]string, error) {
	if len(args) > 0 {
		return yamlFiles(args)
	}
	var found []string
	for _, name := range []string{"opsctl.yaml", "inventory.yaml", "runbooks"} {
		path := filepath.Join(a.project, name)
		if _, err := os.Stat(path); err == nil {
			found = append(found, path)
		}
	}
	if len(found) == 0 {
		return nil, usage("there is no project here to lay out", "opsctl fmt FILE…")
	}
	return yamlFiles(found)
}

// yamlFiles gives the files among paths, and all YAML files in directories among them.
func yamlFiles(paths []string) (files []string, err error) {
	for _, path := range paths {
		err := filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && at != path && strings.HasPrefix(d.Name(), "."):
				return filepath.SkipDir
			case !d.IsDir() && (at == path || filepath.Ext(at) == ".yaml" || filepath.Ext(at) == ".yml"):
				files = append(files, at)
			}
			return nil
		})
		if err != nil {
			return nil, invalid("cannot read "+path+": "+reason(err), "")
		}
	}
	return files, nil
}

func (a *app) formatInput(o fmtOptions) (int, error) {
	text, err := io.ReadAll(io.LimitReader(a.in, source.BytesMax+1))
	if err != nil {
		return 0, invalid("cannot read standard input: "+reason(err), "")
	}
	out, err := format.Format(&source.File{Name: "-", Text: string(text)})
	if err != nil {
		return 0, err
	}
	if o.check || o.diff {
		return a.tellLayout("-", string(text), out, o)
	}
	return 0, a.print(out)
}

func (a *app) formatFile(path string, o fmtOptions) (code int, err error) {
	before, after, err := layOutFile(path)
	if err != nil {
		if a.settings.Output == "json" {
			v := verdict{File: path, Problems: []problemData{}}
			code = v.addError(err)
			return code, a.printJSON(layoutData{File: path, Problems: v.Problems})
		}
		return a.fail(err), nil
	}
	if before != after && !o.check && !o.diff {
		if err := replaceFile(path, after); err != nil {
			return 0, &exitError{code: run.CodeFailed, message: fmt.Sprintf("cannot write %s: %s", path, reason(err))}
		}
	}
	return a.tellLayout(path, before, after, o)
}

// layOutFile reads a file and gives its text as it is, and as it should be.
func layOutFile(path string) (before, after string, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", "", invalid("cannot read "+path+": "+reason(err), "")
	}
	after, err = format.Format(&source.File{Name: path, Text: string(text)})
	return string(text), after, err
}

// tellLayout says what became of a file, and gives the exit code.
func (a *app) tellLayout(path, before, after string, o fmtOptions) (code int, err error) {
	changed := before != after
	if changed && o.check {
		code = run.CodeFailed
	}
	switch {
	case a.settings.Output == "json":
		return code, a.printJSON(layoutData{File: path, OK: true, Changed: changed, Problems: []problemData{}})
	case !changed:
		return 0, nil
	case o.diff:
		return code, a.print(format.Diff(path, before, after))
	case o.check || a.settings.Output != "quiet":
		return code, a.print(path + "\n")
	}
	return code, nil
}

// replaceFile puts a text in the place of a file in one stroke: whoever reads it sees the one or the other, and so does
// who comes after a crash. The file keeps its permissions; where its name is a symbolic link, that stays one.
func replaceFile(path, text string) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
