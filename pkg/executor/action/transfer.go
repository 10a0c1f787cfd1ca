package action

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
)

// fetch brings the files here, small ones together.
func (w *fetching) fetch(ctx context.Context, h executor.Prober, c executor.Command, sink executor.Sink) error {
	all, err := w.find(ctx, h, c)
	if err != nil {
		return err
	}
	place, err := w.open(true)
	if err != nil {
		return fmt.Errorf("cannot fetch to %s: %w", w.dest, err)
	}
	defer func() { _ = place.Close() }() // every file was closed by itself
	for rest := all.files; len(rest) > 0; {
		n := together(rest)
		var differ []found
		for _, f := range rest[:n] {
			if !f.isHere(place, all.sumName) {
				differ = append(differ, f)
			}
		}
		if len(differ) == 1 && differ[0].size > chunkMax {
			err = w.large(ctx, h, c, place, differ[0])
		} else {
			err = w.small(ctx, h, c, place, differ)
		}
		if err != nil {
			return err
		}
		for _, f := range rest[:n] {
			w.name(f, sink)
		}
		rest = rest[n:]
	}
	all.mention(sink)
	return nil
}

// open gives the directory of the host, made where that is wanted, as a root that no name leads out of.
func (w *fetching) open(made bool) (*os.Root, error) {
	project, err := os.OpenRoot(w.dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = project.Close() }() // it stands for a directory, and holds nothing
	if made {
		if err := project.MkdirAll(w.dest, 0o755); err != nil {
			return nil, err
		}
	}
	return project.OpenRoot(w.dest)
}

// together counts the files that go into one answer.
func together(files []found) int {
	n, size := 0, int64(0)
	for _, f := range files {
		if size += f.size; n > 0 && size > chunkMax {
			break
		}
		n++
	}
	return n
}

// isHere tells whether the file was fetched before, and is as it is there.
func (f *found) isHere(place *os.Root, sumName string) bool {
	info, err := place.Lstat(f.rel)
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.size || f.sum == "" {
		return false
	}
	file, err := place.Open(f.rel)
	if err != nil {
		return false
	}
	defer func() { _ = file.Close() }() // it was only read
	var sum string
	if sumName == "cksum" {
		crc := newCksum()
		_, err = io.Copy(crc, file)
		sum = crc.String()
	} else {
		hash := sha256.New()
		_, err = io.Copy(hash, file)
		sum = hex.EncodeToString(hash.Sum(nil))
	}
	return err == nil && sum == f.sum
}

// small gets several files by one answer, each behind a frame that none of them can hold.
func (w *fetching) small(ctx context.Context, h executor.Prober, c executor.Command, place *os.Root, files []found) error {
	if len(files) == 0 {
		return nil
	}
	frame := "\n" + rand.Text() + "\n"
	script := ""
	for _, f := range files {
		script += "printf '\\n%s\\n' " + strings.TrimSpace(frame) + "\n"
		if f.size > 0 {
			script += f.piece(f.size, 0)
		}
	}
	out, err := ask(ctx, h, c, script)
	if err != nil {
		return fmt.Errorf("cannot fetch %s: %w", w.src, err)
	}
	parts := strings.Split(out, frame)
	if len(parts) != len(files)+1 || parts[0] != "" {
		return fmt.Errorf("cannot fetch %s: the answer makes no sense", w.src)
	}
	for i, f := range files {
		if err := f.write(place, func(to io.Writer) error {
			if int64(len(parts[i+1])) != f.size {
				return errShorter
			}
			_, err := io.WriteString(to, parts[i+1])
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

// large gets one file piece by piece. What was appended meanwhile is left for the next time.
func (w *fetching) large(ctx context.Context, h executor.Prober, c executor.Command, place *os.Root, f found) error {
	return f.write(place, func(to io.Writer) error {
		for at := int64(0); at < f.size; at += chunkMax {
			out, err := ask(ctx, h, c, f.piece(chunkMax, at/chunkMax))
			if err != nil {
				return err
			}
			want := min(chunkMax, f.size-at)
			if int64(len(out)) < want {
				return errShorter
			}
			if _, err := io.WriteString(to, out[:want]); err != nil {
				return err
			}
		}
		return nil
	})
}

// piece is a script that prints so many bytes of the file, which is never more.
func (f *found) piece(size, skip int64) string {
	return fmt.Sprintf("[ -r %[1]s ] || { printf 'cannot read %%s\\n' %[1]s >&2; exit 1; }\ndd if=%[1]s bs=%[2]d skip=%[3]d count=1 2>/dev/null\n", f.remote, size, skip)
}

var errShorter = errors.New("it became shorter while it was read")

// write puts a file in its place, at once. Only its owner may read it: nobody knows what it holds.
func (f *found) write(place *os.Root, fill func(io.Writer) error) error {
	fail := func(err error) error { return fmt.Errorf("cannot fetch %s: %w", visible(f.rel), err) }
	dir, name := filepath.Split(f.rel)
	if dir != "" {
		if err := place.MkdirAll(filepath.Clean(dir), 0o755); err != nil {
			return fail(err)
		}
	}
	tmp := filepath.Join(dir, temporary(name, rand.Text()))
	file, err := place.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fail(err)
	}
	err = errors.Join(fill(file), file.Close())
	if err == nil {
		err = place.Rename(tmp, f.rel)
	}
	if err != nil {
		_ = place.Remove(tmp) // it is of no use; the error that led here is told
		return fail(err)
	}
	return nil
}
