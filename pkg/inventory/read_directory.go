package inventory

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// What Ansible leaves out of a directory of inventories.
var (
	leftOutNames = regexp.MustCompile(`^\.|^host_vars$|^group_vars$|^vars_plugins$`)
	leftOutEnds  = regexp.MustCompile(`(?:\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.cfg|\.retry)$`)
)

// directory reads every inventory in a directory, in the order of their names, as Ansible does.
func (l *loader) directory(path string, depth int) {
	entries, err := os.ReadDir(path)
	if err != nil {
		l.refuse(path, "cannot read the directory: "+cause(err), "")
		return
	}
	if depth > directoryMax {
		l.refuse(path, fmt.Sprintf("more than %d directories within each other", directoryMax), "")
		return
	}
	found := false
	for _, e := range entries {
		inner := filepath.Join(path, e.Name())
		if leftOutNames.MatchString(e.Name()) || leftOutEnds.MatchString(e.Name()) {
			continue
		}
		if strings.HasSuffix(e.Name(), ".ini") {
			l.add(&source.Problem{
				File: &source.File{Name: inner}, Warning: true, Message: "is left out: Ansible reads no .ini in a directory of inventories",
				Hint: "rename it, or name it with -i",
			})
			continue
		}
		found = true
		if isDirectory(inner) {
			l.directory(inner, depth+1)
		} else if !isBlank(inner) {
			l.file(inner)
		}
	}
	if !found && depth == 0 {
		l.refuse(path, "is a directory without an inventory in it", "name the file, or the directory that holds it")
	}
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// isBlank tells of a file that has nothing in it; what cannot be read is told of by who reads it.
func isBlank(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == 0
}

// varsTrees reads group_vars and host_vars beside Ansible's sources: the files of the groups and hosts there are.
func (l *loader) varsTrees() []varsTree {
	groups, hosts := map[string]bool{All: true, Ungrouped: true}, map[string]bool{}
	for _, d := range l.drafts {
		for i := range d.hosts {
			hosts[d.hosts[i].name] = true
		}
		for i := range d.groups {
			groups[d.groups[i].name] = true
		}
	}
	var trees []varsTree
	left := varsBytesMax
	for _, dir := range l.dirs {
		trees = append(trees, varsTree{
			groups: l.varsOf(filepath.Join(dir, "group_vars"), groups, ownerOf, &left),
			hosts:  l.varsOf(filepath.Join(dir, "host_vars"), hosts, func(host string) string { return "host " + host }, &left),
		})
	}
	return trees
}

// varsEnds are the ends a file of vars may have, in the order in which Ansible looks for one.
var varsEnds = []string{"", ".yml", ".yaml", ".json"}

// varsOf reads what one directory has for the names given.
func (l *loader) varsOf(dir string, names map[string]bool, owner func(string) string, left *int) map[string][]variable {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		l.add(&source.Problem{File: &source.File{Name: dir}, Warning: !isDirectory(dir), Message: "cannot read the directory: " + cause(err)})
		return nil
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name()] = true
	}
	found := map[string][]variable{}
	for _, e := range entries {
		for _, end := range varsEnds {
			name, ok := strings.CutSuffix(e.Name(), end)
			if !ok || !names[name] {
				continue
			}
			path := filepath.Join(dir, e.Name())
			if first := firstOf(there, name); first != e.Name() {
				l.add(&source.Problem{File: &source.File{Name: path}, Warning: true, Message: fmt.Sprintf("is left out: Ansible takes %s and looks no further", first)})
				continue
			}
			found[name] = l.varsPath(path, owner(name), 0, left)
		}
	}
	return found
}

func firstOf(there map[string]bool, name string) string {
	for _, end := range varsEnds {
		if there[name+end] {
			return name + end
		}
	}
	return ""
}

// varsPath reads a file of vars, or a directory of them, the later winning.
func (l *loader) varsPath(path, owner string, depth int, left *int) []variable {
	if !isDirectory(path) {
		return l.varsFile(path, owner, left)
	}
	entries, err := os.ReadDir(path)
	if err != nil || depth > directoryMax {
		message := fmt.Sprintf("more than %d directories within each other", directoryMax)
		if err != nil {
			message = "cannot read the directory: " + cause(err)
		}
		l.add(&source.Problem{File: &source.File{Name: path}, Message: message})
		return nil
	}
	var vars []variable
	for _, e := range entries {
		inner, end := filepath.Join(path, e.Name()), filepath.Ext(e.Name())
		if strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), "~") || !slices.Contains(varsEnds, end) || isDirectory(inner) && end != "" {
			continue
		}
		vars = append(vars, l.varsPath(inner, owner, depth+1, left)...)
	}
	return vars
}

func (l *loader) varsFile(path, owner string, left *int) []variable {
	if isBlank(path) {
		return nil
	}
	text, message, hint := readText(path, min(SourceBytesMax, max(0, *left)))
	*left -= len(text)
	file := &source.File{Name: path, Text: text}
	switch {
	case message == blankFile:
		return nil
	case message != "":
		l.add(&source.Problem{File: file, Message: message, Hint: hint})
		return nil
	}
	return decodeVars(file, owner, &l.troubles)
}
