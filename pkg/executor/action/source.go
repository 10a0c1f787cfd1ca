package action

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

type itemKind byte

const (
	dirKind  itemKind = 'd'
	fileKind itemKind = 'f'
	linkKind itemKind = 'l'
)

// item is one thing to be on the host. Directories come before what is in them.
type item struct {
	rel    string // below dest; "" is dest itself
	kind   itemKind
	mode   uint32
	size   int64
	target string // of a symlink
	path   string // here, unless data holds the content
	data   []byte
	held   bool
	sums   map[string]string // by the name of the sum
}

// tree is all of it.
type tree struct {
	single bool // one file, and no directory
	items  []item
}

func (it *item) open() (io.ReadCloser, error) {
	if it.held {
		return io.NopCloser(bytes.NewReader(it.data)), nil
	}
	return os.Open(it.path)
}

// sum makes the sum that the host can make, too.
func (it *item) sum(name string) (string, error) {
	if s := it.sums[name]; s != "" {
		return s, nil
	}
	f, err := it.open()
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %s", it.path, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var s string
	if name == "cksum" {
		crc := newCksum()
		if _, err = io.Copy(crc, f); err == nil {
			s = crc.String()
		}
	} else {
		h := sha256.New()
		if _, err = io.Copy(h, f); err == nil {
			s = hex.EncodeToString(h.Sum(nil))
		}
	}
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %s", it.path, err)
	}
	if it.sums == nil {
		it.sums = map[string]string{}
	}
	it.sums[name] = s
	return s, nil
}

// load reads what is to be copied, once.
func (w *copying) load() error {
	if w.tree != nil {
		return nil
	}
	if w.src == "" {
		it := item{kind: fileKind, data: w.content, held: true, size: int64(len(w.content)), mode: w.permissions(0)}
		w.tree = &tree{single: true, items: []item{it}}
		return nil
	}
	info, err := os.Stat(w.src)
	if err != nil {
		return fmt.Errorf("cannot copy %s: %s", w.src, reason(err))
	}
	t := &tree{single: !info.IsDir()}
	switch {
	case t.single && !info.Mode().IsRegular():
		return fmt.Errorf("cannot copy %s: it is neither a file nor a directory", w.src)
	case t.single && w.remove:
		return fmt.Errorf("cannot use copy.delete: %s is a file, not a directory", w.src)
	case t.single:
		if w.into {
			w.dest, w.into = path.Join(w.dest, filepath.Base(w.src)), false
		}
		if w.dest == "~" || w.dest == "/" {
			return fmt.Errorf("cannot copy the file %s onto the directory %s: end dest with / to put it there", w.src, w.dest)
		}
		err = w.file(t, "", w.src, info)
	default:
		err = w.walk(t)
	}
	if err == nil {
		w.tree = t
	}
	return err
}

func reason(err error) string {
	if os.IsNotExist(err) {
		return "there is no such file or directory"
	}
	return err.Error()
}

func (w *copying) walk(t *tree) error {
	root, err := filepath.EvalSymlinks(w.src)
	if err != nil {
		return fmt.Errorf("cannot copy %s: %s", w.src, reason(err))
	}
	return filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("cannot copy %s: %s", w.src, reason(err))
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if rel == "." {
			rel = ""
		}
		if excluded(w.exclude, rel) {
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if len(t.items) == itemsMax {
			return fmt.Errorf("cannot copy %s: it holds more than %d files", w.src, itemsMax)
		}
		switch {
		case d.IsDir():
			t.items = append(t.items, item{rel: rel, kind: dirKind, mode: 0o755})
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			t.items = append(t.items, item{rel: rel, kind: linkKind, target: target})
			return err
		case !d.Type().IsRegular():
			return fmt.Errorf("cannot copy %s: it is not a file, a directory or a symlink", p)
		}
		info, err := d.Info()
		if err != nil {
			return fmt.Errorf("cannot copy %s: %s", p, reason(err))
		}
		return w.file(t, rel, p, info)
	})
}

func (w *copying) file(t *tree, rel, p string, info fs.FileInfo) error {
	it := item{rel: rel, kind: fileKind, mode: w.permissions(info.Mode()), size: info.Size(), path: p}
	if w.expand != nil {
		if info.Size() > templateMax {
			return fmt.Errorf("cannot use %s as a template: it is larger than %d bytes", p, templateMax)
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return fmt.Errorf("cannot copy %s: %s", p, reason(err))
		}
		if it.data, err = w.expand(string(text)); err != nil {
			return fmt.Errorf("cannot fill in the template %s: %s", p, err)
		}
		it.held, it.size = true, int64(len(it.data))
	}
	t.items = append(t.items, it)
	return nil
}

// expander fills in the expressions of a text that came from a file.
func expander(name string, render func(*runbook.Text) (string, error)) func(string) ([]byte, error) {
	return func(text string) ([]byte, error) {
		compiled, errs := expression.CompileText(text, expression.Map{expression.Extra: expression.Any})
		if len(errs) > 0 {
			line := 1 + strings.Count(text[:min(errs[0].Offset, len(text))], "\n")
			return nil, fmt.Errorf("line %d: %s", line, errs[0].Message)
		}
		node := &source.Node{File: &source.File{Name: name, Text: text}, Kind: source.Scalar, Text: text}
		out, err := render(&runbook.Text{Node: node, Text: compiled})
		return []byte(out), err
	}
}

// excluded tells whether a path, or a directory it is in, fits a pattern: * and ? within a name, **
// for any directories. A pattern without a slash fits names at any depth.
func excluded(patterns []string, rel string) bool {
	if rel == "" {
		return false
	}
	segments := strings.Split(rel, "/")
	for _, p := range patterns {
		p = strings.TrimSuffix(p, "/")
		if !strings.Contains(p, "/") {
			p = "**/" + p
		}
		want := strings.Split(strings.TrimPrefix(p, "/"), "/")
		for n := 1; n <= len(segments); n++ {
			if fits(want, segments[:n]) {
				return true
			}
		}
	}
	return false
}

func fits(want, segments []string) bool {
	if len(want) == 0 {
		return len(segments) == 0
	}
	if want[0] == "**" {
		return fits(want[1:], segments) || len(segments) > 0 && fits(want, segments[1:])
	}
	if len(segments) == 0 {
		return false
	}
	ok, err := path.Match(want[0], segments[0])
	return err == nil && ok && fits(want[1:], segments[1:])
}
