package supervisor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
)

func staged(path, body string, mode fs.FileMode) executor.StagedFile {
	return executor.StagedFile{Path: path, Mode: mode, Size: int64(len(body)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader([]byte(body))), nil
	}}
}

func TestStage(t *testing.T) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	bodies := map[string]string{
		"small": "text\n", "dash": "-n", "-dash": "x", "a/b/c d'e": string(all), "empty": "", "%s\\n": "%d\\",
		"large": string(bytes.Repeat(all, 8<<10)), "a/middle": string(bytes.Repeat(all, 2000)),
	}
	files := []executor.StagedFile{{Path: "d", Mode: fs.ModeDir | 0o755}, {Path: "link", Mode: fs.ModeSymlink, Link: "a/b"}}
	for path, body := range bodies {
		files = append(files, staged(path, body, 0o640))
	}
	b := newBed(t)
	for range 2 { // it may be repeated
		dir, err := b.Stage(context.Background(), "", "tree", files)
		if err != nil {
			t.Fatal(err)
		}
		for path, body := range bodies {
			got, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil || string(got) != body {
				t.Errorf("%s: %v, %d bytes, want %d", path, err, len(got), len(body))
			}
			info, err := os.Stat(filepath.Join(dir, path))
			if err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("%s: %v %v", path, info.Mode(), err)
			}
		}
		info, err := os.Stat(filepath.Join(dir, "d"))
		if err != nil || info.Mode() != fs.ModeDir|0o755 {
			t.Errorf("d: %v %v", info, err)
		}
		if to, err := os.Readlink(filepath.Join(dir, "link")); to != "a/b" {
			t.Errorf("link: %q %v", to, err)
		}
		if e, out, _ := b.run(filepath.Base(t.TempDir()), executor.Command{Script: `cat "$OPSCTL_RUN_DIR/stage/tree/small"`}); e.Exit != 0 || out != "text\n" {
			t.Errorf("%+v %q", e, out)
		}
		if left, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*.tmp")); len(left) > 0 || err != nil {
			t.Errorf("left behind: %q %v", left, err)
		}
	}
}

func TestStageRefuses(t *testing.T) {
	b := newBed(t)
	wrong := staged("x", "123", 0o600)
	wrong.Size = 4
	for name, files := range map[string][]executor.StagedFile{
		"path":  {staged("../x", "", 0o600)},
		"size":  {wrong},
		"twice": {staged("x", "1", 0o600), staged("x/y", "1", 0o600)},
	} {
		var he *executor.HostError
		dir, err := b.Stage(context.Background(), "", "bad", files)
		if !errors.As(err, &he) || he.Message == "" {
			t.Errorf("%s: %q %v", name, dir, err)
		}
	}
	for _, name := range []string{"", "..", "a/b", "a b"} {
		if _, err := b.Stage(context.Background(), "", name, nil); err == nil {
			t.Errorf("%q is taken for a name", name)
		}
	}
}
