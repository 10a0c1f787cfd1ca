package cli

import (
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// findRunbook gives the path of a runbook: a file, or a name in runbooks/ of the project.
func (a *app) findRunbook(name string) (string, error) {
	if _, err := os.Stat(name); err == nil {
		return name, nil
	}
	dirs := []string{"runbooks"}
	if a.project != "" {
		dirs = append(dirs, filepath.Join(a.project, "runbooks"))
	}
	var names []string
	for _, dir := range dirs {
		for _, end := range []string{"", ".yaml", ".yml"} {
			if path := filepath.Join(dir, name+end); isFile(path) {
				return path, nil
			}
		}
		names = append(names, runbooksIn(dir)...)
	}
	names = append(names, runbooksIn(".")...)
	hint := source.DidYouMean(name, names)
	if hint == "" {
		hint = "give a file, or the name of one in runbooks/"
	}
	return "", invalid("there is no runbook "+name, hint)
}

func runbooksIn(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // no such directory: no names to offer
	}
	var names []string
	for _, e := range entries {
		if end := filepath.Ext(e.Name()); end == ".yaml" || end == ".yml" {
			names = append(names, strings.TrimSuffix(e.Name(), end), e.Name())
		}
	}
	sort.Strings(names)
	return names
}

func (a *app) loadRunbook(name string) (*runbook.Runbook, string, error) {
	path, err := a.findRunbook(name)
	if err != nil {
		return nil, "", err
	}
	rb, warnings, err := a.loader(path).Load(path)
	if err != nil {
		if _, ok := source.AsProblems(err); ok {
			return nil, path, err
		}
		return nil, path, invalid("cannot read "+path+": "+reason(err), "")
	}
	for _, w := range warnings {
		a.note(w.Render())
	}
	return rb, path, nil
}

// loader reads runbooks of the project: what they include must stand in it. The root is told as path
// is, relative or absolute, so that the two can be compared.
func (a *app) loader(path string) runbook.Loader {
	root := a.project
	if root == "" {
		return runbook.Loader{}
	}
	if here, err := os.Getwd(); err == nil && !filepath.IsAbs(path) {
		abs := root
		if !filepath.IsAbs(root) {
			abs = filepath.Join(here, root)
		}
		if rel, err := filepath.Rel(here, abs); err == nil {
			root = rel
		}
	} else if abs, err := filepath.Abs(root); err == nil {
		root = abs
	}
	if rel, err := filepath.Rel(root, filepath.Dir(path)); err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return runbook.Loader{} // a runbook of elsewhere
	}
	return runbook.Loader{Root: root}
}

// loadInventory reads the inventory: -i, or inventory.yaml beside the runbook or in the project.
func (a *app) loadInventory(runbookPath string) (*inventory.Inventory, error) {
	sources := a.settings.Inventory
	if len(sources) == 0 {
		for _, dir := range []string{filepath.Dir(runbookPath), a.project, "."} {
			if file := filepath.Join(dir, "inventory.yaml"); dir != "" && isFile(file) {
				sources = []string{file}
				break
			}
		}
	}
	inv, err := inventory.Load(sources)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil, invalid("cannot read the inventory: "+err.Error(), "")
		}
		return nil, err
	}
	for _, w := range inv.Warnings {
		a.note(w.Render())
	}
	return inv, nil
}

// note says something to people, on standard error.
func (a *app) note(text string) {
	if a.settings.Output == "json" || a.settings.Output == "quiet" {
		return
	}
	if a.screen != nil {
		a.screen.Note(strings.TrimRight(text, "\n"))
		return
	}
	writeLine(a.err, strings.TrimRight(text, "\n"))
}
