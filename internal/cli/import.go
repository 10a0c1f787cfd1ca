package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/importer"
	"github.com/opsctl/opsctl/internal/source"
)

// importFlags are what a person says about an import.
type importFlags struct {
	from      string
	out       string
	inventory string
	named     []string // what is imported, whatever FILE calls it
	plays     []string
	params    []string
}

func newImport(a *app) *cobra.Command {
	var flags importFlags
	cmd := &cobra.Command{
		Use: "import FILE", GroupID: "write",
		Short: "Make a runbook of a Taskfile, a spot playbook or an Ansible playbook",
		Long: `Make a runbook of what there is already: a Taskfile of go-task, a playbook of spot, or the plain part of a
playbook of Ansible. What it is, is told from its content. The runbook is printed; it always loads. What cannot be said
in it stands there as a comment, "# import: …", with the line it comes from. FILE may be - for standard input.`,
		Example: "  opsctl import Taskfile.yml\n  opsctl import Taskfile.yml --task deploy --out deploy.yaml\n  opsctl import site.yml --play 'Deploy the shop' --param version > shop.yaml\n  opsctl import spot.yml --out runbooks/site.yaml --inventory-out inventory.yaml\n  curl -fsS https://example.com/playbook.yml | opsctl import - --from ansible",
		Args:    exactly(1, "one file"),
		RunE:    func(_ *cobra.Command, args []string) error { return a.importFile(args[0], &flags) },
	}
	cmd.Flags().StringVar(&flags.from, "from", "", "what FILE is: `KIND` is taskfile, spot or ansible")
	cmd.Flags().StringVar(&flags.out, "out", "", "write the runbook to `FILE` instead of standard output")
	cmd.Flags().StringVar(&flags.inventory, "inventory-out", "", "write the hosts that FILE names to an inventory `FILE`")
	cmd.Flags().StringArrayVar(&flags.named, "task", nil, "only this task; repeatable: `NAME`")
	cmd.Flags().StringArrayVar(&flags.plays, "play", nil, "only this play; repeatable: `NAME`")
	cmd.Flags().StringArrayVar(&flags.params, "param", nil, "a `NAME` that was given with -e: a param, not a variable of a host; repeatable")
	return cmd
}

func (a *app) importFile(name string, flags *importFlags) error {
	kind := importer.Kind(flags.from)
	if kind != "" && !slices.Contains(importer.Kinds, kind) {
		return usage(fmt.Sprintf("--from: %q is not one of taskfile, spot, ansible", flags.from), "")
	}
	text, err := a.readImport(name)
	if err != nil {
		return err
	}
	for _, path := range []string{flags.out, flags.inventory} { // all are looked at before the first is written
		if _, err := os.Lstat(path); path != "" && err == nil {
			return usage(path+" exists already, and is not overwritten; nothing was written", "name another file, or move that one away")
		}
	}
	r, err := importer.Import(text, importer.Options{File: name, Name: importedName(cmp.Or(flags.out, name)), Kind: kind, Params: flags.params, Only: slices.Concat(flags.named, flags.plays)})
	if err != nil {
		return err
	}
	return a.showImport(name, r, flags)
}

// readImport reads the file, or standard input.
func (a *app) readImport(name string) ([]byte, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			hint := ""
			if errors.Is(err, fs.ErrNotExist) {
				hint = "opsctl import Taskfile.yml"
			}
			return nil, usage(fmt.Sprintf("cannot read %s: %s", name, reason(err)), hint)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, source.BytesMax+1)) // what is larger is refused by its reader
	if err != nil {
		return nil, usage(fmt.Sprintf("cannot read %s: %s", name, reason(err)), "")
	}
	return text, nil
}

// importedName gives a runbook the name of the file it is made of; where that tells nothing, of the directory.
func importedName(file string) string {
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	if slices.Contains([]string{"taskfile", "spot", "playbook", "site", "main", "-"}, strings.ToLower(name)) {
		if path, err := filepath.Abs(file); err == nil {
			if dir := filepath.Base(filepath.Dir(path)); dir != string(filepath.Separator) {
				return dir
			}
		}
	}
	return name
}

// imported is what import says to a program.
type imported struct {
	Kind      string       `json:"kind"`
	Runbook   string       `json:"runbook"`
	Inventory string       `json:"inventory,omitempty"`
	Total     int          `json:"total"`
	Imported  int          `json:"imported"`
	Remarks   []remarkData `json:"remarks"`
}

type remarkData struct {
	Line int    `json:"line,omitempty"`
	Text string `json:"text"`
}

func (a *app) showImport(name string, r *importer.Result, flags *importFlags) error {
	text := r.Runbook
	if flags.inventory == "" {
		text = r.Whole()
	} else if r.Inventory == "" {
		a.note(name + " names no hosts: " + flags.inventory + " is not written")
	} else if err := writeNew(flags.inventory, r.Inventory); err != nil {
		return err
	}
	if flags.out != "" {
		if err := writeNew(flags.out, text); err != nil {
			return err
		}
	}
	switch {
	case a.settings.Output == "json":
		data := imported{string(r.Kind), r.Runbook, r.Inventory, r.Total, r.Imported, []remarkData{}}
		for _, m := range r.Remarks {
			data.Remarks = append(data.Remarks, remarkData(m))
		}
		return a.printJSON(data)
	case flags.out == "":
		if err := a.print(text); err != nil {
			return err
		}
	}
	a.note(name + ": " + r.Summary())
	return nil
}

// writeNew writes a file that was not there.
func writeNew(path, text string) error {
	cannot := func(err error) error { return usage(fmt.Sprintf("cannot write %s: %s", path, reason(err)), "") }
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return cannot(err)
	}
	if _, err := f.WriteString(text); err != nil {
		_ = f.Close()
		return cannot(err)
	}
	if err := f.Close(); err != nil {
		return cannot(err)
	}
	return nil
}
