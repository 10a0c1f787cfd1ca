package sshconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// segment is the lines under one Host or Match line, or those of a file before the first.
type segment struct {
	parent   int // the segment this one stands in, or continues; -1: none
	hosts    []hostPattern
	criteria []criterion
	lines    []*directive
}

// loader reads files into the segments of a Resolver.
type loader struct {
	r        *Resolver
	problems source.Problems
	files    int
	bytes    int
	seen     map[string]bool
}

func (l *loader) problem(file *source.File, line int, message, hint string) {
	if len(l.problems) < problemsMax {
		p := &source.Problem{File: file, Message: message, Hint: hint}
		if line > 0 {
			text := file.Line(line)
			indent := len(text) - len(strings.TrimLeft(text, whitespace))
			p.Pos = source.Pos{Line: line, Column: indent + 1}
			p.Width = len([]rune(strings.TrimSpace(text)))
		}
		l.problems = append(l.problems, p)
	}
}

func (l *loader) overrides(list []string) {
	for _, text := range list {
		file := &source.File{Name: "-o", Text: text}
		d, err := parseDirective(text)
		switch {
		case err != nil:
			l.problem(file, 1, err.Error(), "it is written Key=Value")
		case d == nil:
			l.problem(file, 0, "is empty", "it is written Key=Value")
		case d.key == "host" || d.key == "match" || d.key == "include":
			l.problem(file, 1, fmt.Sprintf("cannot use %q outside of a file", d.key), "")
		default:
			d.file = "-o"
			l.r.overrides = append(l.r.overrides, d)
		}
	}
}

// top reads one of the files that Options name.
func (l *loader) top(path string, system, required bool) {
	text, err := l.read(path)
	file := &source.File{Name: path}
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
		return
	case err != nil:
		l.problem(file, 0, "cannot read the ssh configuration: "+cause(err), "")
		return
	}
	if why := l.permissions(path, system || required); why != "" {
		l.problem(file, 0, why, "chmod go-w "+path)
		return
	}
	dir := filepath.Join(l.r.options.Home, ".ssh")
	if system {
		dir = "/etc/ssh"
	}
	file.Text = text
	l.parse(file, place{dir: dir, parent: -1})
}

// permissions refuses, as ssh does, a user's own file that others may write.
func (l *loader) permissions(path string, trusted bool) string {
	if trusted || l.r.options.ReadFile != nil {
		return ""
	}
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o022 != 0 {
		return "can be written by others, so ssh does not use it"
	}
	return ""
}

func (l *loader) read(path string) (string, error) {
	if l.files++; l.files > FilesMax {
		return "", fmt.Errorf("more than %d files are included", FilesMax)
	}
	read := l.r.options.ReadFile
	if read == nil {
		read = os.ReadFile
		if info, err := os.Stat(path); err == nil && info.Size() > FileBytesMax {
			return "", fmt.Errorf("it is longer than %d bytes", FileBytesMax)
		}
	}
	text, err := read(path)
	if err == nil && len(text) > FileBytesMax {
		err = fmt.Errorf("it is longer than %d bytes", FileBytesMax)
	}
	if l.bytes += len(text); l.bytes > TotalBytesMax && err == nil {
		err = fmt.Errorf("all files together are longer than %d bytes", TotalBytesMax)
	}
	return string(text), err
}

func cause(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// place is where the lines of a file belong.
type place struct {
	dir    string // for relative includes
	parent int
	depth  int
}

func (l *loader) parse(file *source.File, at place) {
	current := l.open(segment{parent: at.parent})
	number := 0
	for line := range strings.SplitSeq(file.Text, "\n") {
		number++
		d, err := parseDirective(line)
		if err != nil {
			l.problem(file, number, err.Error(), "")
			continue
		}
		if d == nil {
			continue
		}
		d.file, d.line = file.Name, number
		if len(l.r.segments) > segmentsMax {
			l.problem(file, number, fmt.Sprintf("more than %d Host and Match lines", segmentsMax), "")
			return
		}
		switch d.key {
		case "host":
			current = l.open(segment{parent: at.parent, hosts: parseHosts(d.args)})
			l.note(d)
		case "match":
			criteria, err := parseCriteria(line)
			if err != nil {
				l.problem(file, number, err.Error(), "")
			}
			for _, c := range criteria {
				l.r.hasFinal = l.r.hasFinal || c.kind == "final"
			}
			current = l.open(segment{parent: at.parent, criteria: criteria})
		case "include":
			l.include(file, d, place{dir: at.dir, parent: current, depth: at.depth + 1})
			current = l.open(segment{parent: current}) // what follows still belongs to the same Host
		default:
			l.r.segments[current].lines = append(l.r.segments[current].lines, d)
		}
	}
}

func (l *loader) open(s segment) int {
	l.r.segments = append(l.r.segments, s)
	return len(l.r.segments) - 1
}

// note remembers concrete names for Hosts.
func (l *loader) note(d *directive) {
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	for _, name := range d.args {
		if !strings.ContainsAny(name, "*?!") && !l.seen[name] {
			l.seen[name] = true
			l.r.entries = append(l.r.entries, Entry{Name: name, File: d.file, Line: d.line})
		}
	}
}

func (l *loader) include(file *source.File, d *directive, at place) {
	if at.depth > IncludeDepth {
		l.problem(file, d.line, fmt.Sprintf("includes are nested deeper than %d", IncludeDepth), "does a file include itself?")
		return
	}
	for _, pattern := range d.args {
		path := pattern
		if rest, ok := strings.CutPrefix(path, "~"); ok {
			expanded, err := l.r.tilde("~" + rest)
			if err != nil {
				l.problem(file, d.line, err.Error(), "")
				continue
			}
			path = expanded
		} else if !filepath.IsAbs(path) {
			path = filepath.Join(at.dir, path)
		}
		found, err := l.r.options.Glob(path)
		if err != nil {
			l.problem(file, d.line, fmt.Sprintf("cannot read %q as a file pattern", pattern), "")
		}
		for _, name := range found {
			if l.files > FilesMax {
				return
			}
			text, err := l.read(name)
			if err != nil { // ssh goes on without a file it may not read
				if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
					l.problem(file, d.line, fmt.Sprintf("cannot include %s: %s", name, cause(err)), "")
				}
				continue
			}
			l.parse(&source.File{Name: name, Text: text}, at)
		}
	}
}

// index sorts the segments into those of named hosts and the rest.
func (r *Resolver) index() {
	names := make([][]string, len(r.segments)) // nil: any host
	for i := range r.segments {
		s := &r.segments[i]
		if names[i] = concrete(s.hosts); names[i] == nil && s.parent >= 0 {
			names[i] = names[s.parent]
		}
		if names[i] == nil {
			r.general = append(r.general, i)
			continue
		}
		for _, n := range names[i] {
			if list := r.named[n]; len(list) == 0 || list[len(list)-1] != i {
				r.named[n] = append(list, i)
			}
		}
	}
}
