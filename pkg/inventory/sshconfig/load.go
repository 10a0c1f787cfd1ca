package sshconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

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
	order    int      // of the last line
	ignored  []string // the lists of IgnoreUnknown so far
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
		case d.unknown && !l.noteUnknown(d):
			l.problem(file, 1, unknownOption(d), unknownHint(d))
		default:
			d.file = "-o"
			l.number(d)
			l.r.overrides = append(l.r.overrides, d)
		}
	}
}

// top reads one of the files that Options name.
func (l *loader) top(path string, system, required bool) {
	text, err := l.read(path)
	file := &source.File{Name: path}
	switch {
	case (errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)) && !required:
		return // as ssh does
	case err != nil:
		l.problem(file, 0, "cannot read the ssh configuration: "+cause(err), "")
		return
	}
	if !system && !required && !l.trusted(file, 0, path) {
		return
	}
	dir := filepath.Join(l.r.options.Home, ".ssh")
	if system {
		dir = "/etc/ssh"
	}
	file.Text = text
	l.parse(file, place{dir: dir, parent: -1})
}

// trusted refuses, as ssh does, files that others own or may write.
func (l *loader) trusted(file *source.File, line int, path string) bool {
	if l.r.options.ReadFile != nil {
		return true
	}
	info, err := os.Stat(path)
	if err != nil {
		return true // reading it tells
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case info.Mode().Perm()&0o022 != 0:
		l.problem(file, line, path+" can be written by others, so ssh does not use it", "chmod go-w "+path)
	case ok && owner.Uid != 0 && int(owner.Uid) != os.Getuid():
		l.problem(file, line, path+" belongs to somebody else, so ssh does not use it", "chown it, or name it with -F")
	default:
		return true
	}
	return false
}

func (l *loader) read(path string) (string, error) {
	if l.files++; l.files > FilesMax {
		return "", fmt.Errorf("more than %d files are included", FilesMax)
	}
	read := l.r.options.ReadFile
	if read == nil {
		read = os.ReadFile
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return "", nil // ssh reads nothing from it, and says nothing
		case err == nil && info.Size() > FileBytesMax:
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
		l.number(d)
		if len(l.r.segments) > segmentsMax {
			l.problem(file, number, fmt.Sprintf("more than %d Host and Match lines", segmentsMax), "")
			return
		}
		switch d.key {
		case "host":
			if slices.Contains(d.args, "") {
				l.problem(file, number, "a name is empty", "")
			}
			current = l.open(segment{parent: at.parent, hosts: parseHosts(d.args)})
			l.note(d)
		case "match":
			current = l.open(segment{parent: at.parent, criteria: l.criteria(file, number, line)})
		case "include":
			l.include(file, d, place{dir: at.dir, parent: current, depth: at.depth + 1})
			current = l.open(segment{parent: current}) // what follows still belongs to the same Host
		default:
			if d.unknown && !l.noteUnknown(d) {
				l.problem(file, number, unknownOption(d), unknownHint(d))
			}
			l.r.segments[current].lines = append(l.r.segments[current].lines, d)
		}
	}
}

func (l *loader) criteria(file *source.File, number int, line string) []criterion {
	criteria, err := parseCriteria(line)
	if err != nil {
		l.problem(file, number, err.Error(), "")
	}
	for _, c := range criteria {
		l.r.hasFinal = l.r.hasFinal || c.kind == "final"
	}
	return criteria
}

// number gives a line its place among all.
func (l *loader) number(d *directive) {
	l.order++
	d.order = l.order
	if d.key == "ignoreunknown" {
		l.ignored = append(l.ignored, d.args[0])
	}
}

// noteUnknown tells whether a line that ssh does not know may be one that an IgnoreUnknown before it
// allows; then it is for Resolve to say, which knows whether that one applies.
func (l *loader) noteUnknown(d *directive) bool {
	if !slices.ContainsFunc(l.ignored, func(list string) bool { return matchList(list, d.key, true) }) {
		return false
	}
	l.r.unknown = append(l.r.unknown, d)
	return true
}

func unknownOption(d *directive) string { return fmt.Sprintf("ssh has no option %q", d.key) }

func unknownHint(d *directive) string {
	if near := source.DidYouMean(d.key, slices.Sorted(maps.Keys(keywords))); near != "" {
		return near
	}
	return "if a newer ssh knows it: IgnoreUnknown " + d.key + ", in a line before it"
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
		path, err := l.includePath(pattern, at.dir)
		if err != nil {
			l.problem(file, d.line, err.Error(), "")
			continue
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
			switch {
			case errors.Is(err, fs.ErrNotExist): // a link to nowhere
			case err != nil:
				l.problem(file, d.line, fmt.Sprintf("cannot include %s: %s", name, cause(err)), "")
			case l.trusted(file, d.line, name):
				l.parse(&source.File{Name: name, Text: text}, at)
			}
		}
	}
}

// includePath is the file pattern of an Include: beside the user's or the system's files where it is
// relative, with "~" and variables expanded.
func (l *loader) includePath(pattern, dir string) (string, error) {
	if pattern == "" {
		return "", errors.New("the value is empty")
	}
	if strings.Contains(pattern, "${") {
		var err error
		if pattern, err = l.r.variables(pattern, func(value string) string { return value }); err != nil {
			return "", err
		}
	}
	if strings.HasPrefix(pattern, "~") {
		return l.r.tilde(pattern)
	}
	if !filepath.IsAbs(pattern) {
		return filepath.Join(dir, pattern), nil
	}
	return pattern, nil
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
