package action

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// copying puts a file, or the content of a directory, on a host.
type copying struct {
	src, dest    string // src is "" where the content is given
	content      []byte
	into         bool // dest is the directory that a single file goes into
	mode         *uint32
	owner, group string
	remove       bool
	exclude      []string
	expand       func(text string) ([]byte, error) // nil: no template

	tree *tree // of src, once it was read
	todo *todo // once the host was asked
}

// Path is where the copy changes something.
func (w *copying) Path() string { return w.dest }

// ownerName is a name of a user or group, or its number.
var ownerName = regexp.MustCompile(`^[A-Za-z0-9_.][A-Za-z0-9_.@\\ -]*\$?$`)

func newCopying(c *runbook.Copy, dir string, render func(*runbook.Text) (string, error)) (*copying, error) {
	w := &copying{mode: c.Mode, remove: c.Delete, exclude: c.Exclude}
	var err error
	for _, v := range []struct {
		to   *string
		text *runbook.Text
	}{{&w.dest, c.Dest}, {&w.src, c.Src}, {&w.owner, c.Owner}, {&w.group, c.Group}} {
		if *v.to, err = render(v.text); err != nil {
			return nil, err
		}
	}
	for _, name := range []string{w.owner, w.group} {
		if name != "" && !ownerName.MatchString(name) {
			return nil, fmt.Errorf("cannot use copy.owner or copy.group: %q is not a name", name)
		}
	}
	for _, pattern := range w.exclude {
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("cannot use copy.exclude: %q is not a pattern", pattern)
		}
	}
	w.into = strings.HasSuffix(w.dest, "/")
	if w.dest, err = hostPath("copy.dest", w.dest); err != nil {
		return nil, err
	}
	if w.remove && (w.dest == "/" || w.dest == "~") {
		return nil, fmt.Errorf("cannot use copy.delete: it would empty %s", w.dest)
	}
	if c.Src == nil {
		return w, w.contentOnly(c, render)
	}
	if w.src == "" {
		return nil, fmt.Errorf("cannot use copy.src: it is empty")
	}
	if !filepath.IsAbs(w.src) {
		w.src = filepath.Join(dir, w.src)
	}
	if c.Template {
		w.expand = expander(w.src, render)
		return w, w.load() // what render may be asked for is there only now
	}
	return w, nil
}

func (w *copying) contentOnly(c *runbook.Copy, render func(*runbook.Text) (string, error)) error {
	text, err := render(c.Content)
	if err != nil {
		return err
	}
	if w.into || w.dest == "~" || w.dest == "/" {
		return fmt.Errorf("cannot use copy.dest: content needs the name of a file, and %s/ is a directory", strings.TrimSuffix(w.dest, "/"))
	}
	if w.remove || len(w.exclude) > 0 {
		return fmt.Errorf("cannot use copy.delete or copy.exclude with content: they are for a directory")
	}
	w.content = []byte(text)
	return w.load()
}

// Files gives what is to be sent: only what differs, where the host was asked before.
func (w *copying) Files() ([]executor.StagedFile, error) {
	if err := w.load(); err != nil {
		return nil, err
	}
	var files []executor.StagedFile
	for _, i := range w.work().put {
		if it := &w.tree.items[i]; it.kind == fileKind {
			files = append(files, executor.StagedFile{Path: stagedName(i), Mode: 0o600, Size: it.size, Open: it.open})
		}
	}
	return files, nil
}

// stagedName is a number: names that hosts may dislike stay in the script, quoted.
func stagedName(i int) string { return fmt.Sprintf("%06d", i) }

// at is the path of something below dest, as a word.
func at(rel string) string {
	if rel == "" {
		return `"$op_root"`
	}
	return `"$op_root"` + shell.Quote("/"+rel)
}

// temporaryAt is the path of its temporary.
func (w *copying) temporaryAt(rel, key string) string {
	if rel == "" {
		return `"${op_root%/*}"` + shell.Quote("/"+temporary(path.Base(w.dest), key))
	}
	return at(path.Join(path.Dir(rel), temporary(path.Base(rel), key)))
}

// Do writes the script that copies. The src was read before, for Files.
func (w *copying) Do(key, staged string) executor.Command {
	if err := w.load(); err != nil {
		return executor.Command{Shell: "sh", Script: "printf '%s\\n' " + shell.Quote(err.Error()) + " >&2\nexit 1\n"}
	}
	r := newRecorder(key)
	r.resolve = "op_resolve " + word(w.dest) + "\n"
	if w.tree.single {
		r.want("op_want_file", at(""))
	} else {
		r.want("op_want_dir", at(""))
	}
	r.above(w.dest)
	if w.tree.single {
		r.direct(`"${op_root%/*}/."`)
	}
	todo := w.work()
	w.doDirs(r, todo)
	w.doFiles(r, todo, staged)
	w.doRemovals(r, todo)
	return r.command()
}

// touch records the directory that a change is made in.
func (w *copying) touch(r *recorder, rel string) {
	if rel == "" {
		return
	}
	dir := path.Dir(rel)
	if dir == "." {
		dir = ""
	}
	r.record(at(dir), "", "")
}

func (w *copying) doDirs(r *recorder, todo *todo) {
	for _, i := range todo.mkdir {
		it := &w.tree.items[i]
		if it.rel == "" {
			r.direct(`"${op_root%/*}/."`)
		} else {
			r.want("op_want_own_dir", at(it.rel))
			w.touch(r, it.rel)
		}
		r.record(at(it.rel), "", "")
		r.change("op_mkdir %s 0755 %s %s", at(it.rel), shell.Quote(w.owner), shell.Quote(w.group))
	}
}

func (w *copying) doFiles(r *recorder, todo *todo, staged string) {
	sent := false
	for _, i := range todo.put {
		it := &w.tree.items[i]
		tmp := w.temporaryAt(it.rel, r.key)
		r.want("op_want_file", at(it.rel))
		w.touch(r, it.rel)
		r.record(at(it.rel), tmp, "")
		if it.kind == linkKind {
			r.change("op_link %s %s %s", shell.Quote(it.target), at(it.rel), tmp)
			continue
		}
		file := shell.Quote(staged + "/" + stagedName(i))
		if !sent {
			sent = true
			r.want("op_want_staged", file)
		}
		r.change("op_put %s %s %s %05o %s %s", file, at(it.rel), tmp, it.mode, shell.Quote(w.owner), shell.Quote(w.group))
	}
	for _, i := range todo.attr {
		it := &w.tree.items[i]
		w.touch(r, it.rel)
		r.record(at(it.rel), w.temporaryAt(it.rel, r.key), "")
		r.change("op_attr %s %05o %s %s", at(it.rel), it.mode, shell.Quote(w.owner), shell.Quote(w.group))
	}
}

func (w *copying) doRemovals(r *recorder, todo *todo) {
	for _, rel := range todo.remove { // their directories first, so that these come back before them
		w.touch(r, rel)
		r.record(at(rel), w.temporaryAt(rel, r.key), "")
		r.change("rm -f %s", at(rel))
	}
	for i := len(todo.rmdir) - 1; i >= 0; i-- {
		r.change("rmdir %s", at(todo.rmdir[i]))
	}
}

// Undo takes it back.
func (w *copying) Undo(key string) executor.Command { return undo(key) }

// permissions are those that git would keep, unless mode says others.
func (w *copying) permissions(m fs.FileMode) uint32 {
	switch {
	case w.mode != nil:
		return *w.mode
	case m&0o100 != 0:
		return 0o755
	}
	return 0o644
}
