package action

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/local"
	"github.com/opsctl/opsctl/pkg/runbook"
)

var _ executor.Actions = New

var names = []string{"a", "b c", "-n", "it's", `q"$x`, "new\nline", "end\n", "ä", "Ё", "日本", `back\slash`, "*", ".hidden", "~", "\x81\x88"}

func put(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		p := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(content, "→"); ok {
			err = os.Symlink(target, p)
		} else {
			err = os.WriteFile(p, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// age gives everything old and odd times, so that a touched one shows.
func age(t *testing.T, root string, r *rand.Rand) {
	t.Helper()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		at := time.Unix(1_600_000_000+r.Int64N(1e6), 0)
		if err := os.Chtimes(p, at, at); err != nil {
			return err
		}
		modes := []fs.FileMode{0o644, 0o600, 0o755, 0o4755, 0o2711, 0o1777, 0o444}
		m := modes[r.IntN(len(modes))]
		set := m & 0o777
		if m&0o4000 != 0 {
			set |= fs.ModeSetuid
		}
		if m&0o2000 != 0 {
			set |= fs.ModeSetgid
		}
		if m&0o1000 != 0 {
			set |= fs.ModeSticky
		}
		if d.IsDir() {
			set |= 0o700
		}
		return os.Chmod(p, set)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		at := time.Unix(1_500_000_000+r.Int64N(1e6), 0)
		return os.Chtimes(p, at, at)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// grow makes a random tree. Which names are directories is the same for all trees of a seed.
func grow(t *testing.T, root string, r *rand.Rand, depth int) {
	t.Helper()
	for i, name := range names {
		if r.IntN(3) == 0 {
			continue
		}
		p := filepath.Join(root, name)
		switch {
		case i%5 == 1 && depth < 2:
			if err := os.Mkdir(p, 0o755); err != nil {
				t.Fatal(err)
			}
			grow(t, p, r, depth+1)
		case i%5 == 2 && r.IntN(2) == 0:
			put(t, root, map[string]string{name: fmt.Sprint("→target ", r.IntN(2))})
		default:
			put(t, root, map[string]string{name: strings.Repeat("x\n", r.IntN(3))})
		}
	}
}

func TestDoThenUndoIsNothing(t *testing.T) {
	shells(t, func(t *testing.T, m *machine) {
		seeds := uint64(2)
		if m.shell[0] == "dash" {
			seeds = 3
		}
		for seed := range seeds {
			r := rand.New(rand.NewPCG(seed, 1))
			base := t.TempDir()
			src, dest := filepath.Join(base, "src"), filepath.Join(base, "host", "dest")
			put(t, base, map[string]string{"src/x": "x", "host/other": "o"})
			if seed != 2 {
				put(t, dest, map[string]string{"y": "y"})
				grow(t, dest, r, 0)
			}
			grow(t, src, r, 0)
			age(t, filepath.Join(base, "host"), r)
			before := snapshot(t, filepath.Join(base, "host"))
			step := fmt.Sprintf("copy: {src: src/, dest: %q, delete: %v, exclude: ['.hid*']}", dest, seed != 1)
			_, said := m.do(t, work(t, base, step), "k")
			if said != "" {
				t.Fatalf("seed %d: %s", seed, said)
			}
			if p, said := m.do(t, work(t, base, step), "k"); !p.Same || said != "" {
				t.Fatalf("seed %d: not the same after a do: %+v %s", seed, p, said)
			}
			for range 2 {
				if said := m.script(work(t, base, step).Undo("k")); said != "" {
					t.Fatalf("seed %d: %s", seed, said)
				}
				if after := snapshot(t, filepath.Join(base, "host")); after != before {
					t.Fatalf("seed %d:\n%s\nis not\n%s", seed, after, before)
				}
			}
		}
	})
}

// TestABrokenDoIsUndone ends a do before each of its changes, tries again, and takes it back.
func TestABrokenDoIsUndone(t *testing.T) {
	shells(t, func(t *testing.T, m *machine) {
		stride := 5
		if m.shell[0] == "dash" {
			stride = 1
		}
		for cut := 0; ; cut += stride {
			r := rand.New(rand.NewPCG(7, 7))
			base := t.TempDir()
			dest := filepath.Join(base, "host", "dest")
			put(t, base, map[string]string{"src/a": "1", "src/b/c": "2", "src/d": "3", "host/dest/a": "old", "host/dest/e/f": "gone", "host/dest/d": "3"})
			age(t, filepath.Join(base, "host"), r)
			before := snapshot(t, filepath.Join(base, "host"))
			m.runDir = t.TempDir()
			step := fmt.Sprintf("copy: {src: src, dest: %q, delete: true}", dest)
			w := work(t, base, step)
			if _, err := w.Probe(context.Background(), m, executor.Command{}); err != nil {
				t.Fatal(err)
			}
			files, err := w.Files()
			if err != nil {
				t.Fatal(err)
			}
			c := w.Do("k", m.stage(t, files))
			lines := strings.SplitAfter(c.Script, "\n")
			begin := 0
			for i, line := range lines {
				if strings.HasPrefix(line, "op_begin 'k'") {
					begin = i
				}
			}
			if begin+cut >= len(lines) {
				break
			}
			at := lines[begin+cut]
			if strings.HasPrefix(at, "op_back") || strings.HasPrefix(at, "'") { // inside of a quoted text
				continue
			}
			c.Script = strings.Join(lines[:begin+cut], "") + "kill -9 $$\n"
			if strings.HasPrefix(at, "op_put") {
				c.Script = strings.Join(lines[:begin+cut], "") + "op_rename() { kill -9 $$; }\n" + strings.Join(lines[begin+cut:], "")
			}
			if m.script(c) == "" {
				t.Fatal("it was not killed")
			}
			if cut%2 == 0 {
				if _, said := m.do(t, work(t, base, step), "k"); said != "" {
					t.Fatalf("cut %d: %s", cut, said)
				}
			}
			if said := m.script(work(t, base, step).Undo("k")); said != "" && cut > 0 {
				t.Fatalf("cut %d: %s", cut, said)
			}
			if after := snapshot(t, filepath.Join(base, "host")); after != before {
				t.Fatalf("cut %d before %q:\n%s\nis not\n%s", cut, at, after, before)
			}
		}
	})
}

func TestCopyOfOneFile(t *testing.T) {
	shells(t, func(t *testing.T, m *machine) {
		for _, c := range []struct {
			name, copy string
			host       map[string]string
			want       string // a part of the snapshot after it
			diff       string
			fails      string
		}{
			{name: "new, with parents", copy: "{content: hi, dest: BASE/host/new/deep/f}", want: `"/new/deep/f" -rw-r--r-- 0:0 "hi"`, diff: "+ BASE/host/new/deep/f (0644)\n--- before\n+++ after\n@@ -0,0 +1,1 @@\n+hi\n"},
			{name: "mode", copy: "{content: hi, dest: BASE/host/f, mode: 4755}", host: map[string]string{"f": "hi"}, want: `"/f" urwxr-xr-x`, diff: "0644"},
			{name: "into a directory", copy: "{src: s.txt, dest: BASE/host/}", want: `"/s.txt" -rw-r--r-- 0:0 "one\ntwo\n"`},
			{name: "onto a directory", copy: "{src: s.txt, dest: BASE/host}", fails: "a directory is there; end dest with /"},
			{name: "a symlink is followed", copy: "{content: new, dest: BASE/host/l}", host: map[string]string{"l": "→t", "t": "old"}, want: `"/t" -rw-r--r-- 0:0 "new"`},
			{name: "a difference", copy: "{src: s.txt, dest: BASE/host/f}", host: map[string]string{"f": "one\nthree\n"}, want: `"one\ntwo\n"`, diff: " one\n-three\n+two\n"},
			{name: "empty", copy: "{content: '', dest: BASE/host/f}", host: map[string]string{"f": "x"}, want: `"/f" -rw-r--r-- 0:0 ""`},
			{name: "a template", copy: "{src: t.txt, dest: BASE/host/f, template: true}", want: `"I am web1\n"`},
			{name: "a file is in the way", copy: "{content: x, dest: BASE/host/f/g}", host: map[string]string{"f": "x"}, fails: "cannot make the directory"},
			{name: "home", copy: "{content: x, dest: ~/f}"},
			{name: "owner", copy: "{content: x, dest: BASE/host/f, owner: nobody, mode: 2755}", host: map[string]string{"f": "x"}, want: `"/f" grwxr-xr-x 65534:0 "x"`},
		} {
			if os.Getuid() != 0 && strings.Contains(c.want, "0:") {
				continue
			}
			base := t.TempDir()
			put(t, base, map[string]string{"s.txt": "one\ntwo\n", "t.txt": "I am ${{ host.name }}\n", "host/other": "x"})
			put(t, filepath.Join(base, "host"), c.host)
			put(t, m.runDir, map[string]string{"home/here": ""})
			age := time.Unix(1_500_000_000, 0)
			if err := os.Chtimes(filepath.Join(base, "host"), age, age); err != nil {
				t.Fatal(err)
			}
			before := snapshot(t, filepath.Join(base, "host"))
			key := strings.ReplaceAll(c.name, " ", "_")
			w := work(t, base, "copy: "+strings.ReplaceAll(c.copy, "BASE", base))
			p, said := m.do(t, w, key)
			if c.fails != "" {
				if !strings.Contains(said, c.fails) || snapshot(t, filepath.Join(base, "host")) != before {
					t.Errorf("%s: %q", c.name, said)
				}
				continue
			}
			after := snapshot(t, filepath.Join(base, "host"))
			if said != "" || !strings.Contains(after, c.want) || !strings.Contains(p.Diff, strings.ReplaceAll(c.diff, "BASE", base)) {
				t.Errorf("%s: %s\n%s\n%s", c.name, said, p.Diff, after)
			}
			if said := m.script(w.Undo(key)); said != "" || snapshot(t, filepath.Join(base, "host")) != before {
				t.Errorf("%s: undo: %s\n%s\n%s", c.name, said, snapshot(t, filepath.Join(base, "host")), before)
			}
		}
	})
}

func TestWhatCopyRefuses(t *testing.T) {
	for step, want := range map[string]string{
		"copy: {content: x, dest: \"${{ 'rel/f' }}\"}":            "cannot use copy.dest",
		"copy: {content: x, dest: /d/}":                           "needs the name of a file",
		"copy: {src: ., dest: /, delete: true}":                   "would empty /",
		"copy: {content: x, dest: /f, owner: '-x'}":               "is not a name",
		"copy: {src: ., dest: /f, exclude: ['[']}":                "is not a pattern",
		"link: {path: \"${{ 'rel' }}\", to: x}":                   "cannot use link.path",
		"wait: {tcp: localhost}":                                  "is not host:port",
		"wait: {http: 'ftp://x'}":                                 "is not a URL",
		"copy: {src: missing, dest: /f, template: true}":          "there is no such file",
		"copy: {content: x, dest: /f, delete: true}":              "they are for a directory",
		"copy: {content: x, dest: /f, owner: root, exclude: [a]}": "they are for a directory",
	} {
		if _, _, err := load(t, t.TempDir(), step); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", step, err, want)
		}
	}
	if w, q, err := New(&runbook.Step{}, ".", nil); w != nil || q != nil || err != nil {
		t.Error(w, q, err)
	}
	w := work(t, t.TempDir(), "copy: {src: missing, dest: /f}")
	if _, err := w.Files(); err == nil || !strings.Contains(err.Error(), "missing: there is no such file") {
		t.Error(err)
	}
}

func TestUndoWithoutARecord(t *testing.T) {
	m := newMachine(t, []string{"sh"})
	if said := m.script(undo("never")); !strings.Contains(said, "exit 1: cannot take it back: what was replaced was not kept") {
		t.Error(said)
	}
}

func TestExcluded(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"*.log", "a/b.log", true},
		{"*.log", "a/b.txt", false},
		{"node_modules/", "x/node_modules/y", true},
		{"a/*.go", "a/b.go", true},
		{"a/*.go", "x/a/b.go", false},
		{"a/**/z", "a/z", true},
		{"a/**/z", "a/b/c/z", true},
		{"/top", "top", true},
		{"/top", "a/top", false},
		{"**", "a", true},
		{"*", "", false},
	} {
		if got := excluded([]string{c.pattern}, c.path); got != c.want {
			t.Errorf("%s %s: %v", c.pattern, c.path, got)
		}
	}
}

// TestOnTheLocalHost takes the way of the executor: staged, and run under the supervisor.
func TestOnTheLocalHost(t *testing.T) {
	base := t.TempDir()
	put(t, base, map[string]string{"src/a b": "1", "src/new\nline/c": "2", "host/dest/a b": "0"})
	h := local.New(local.Options{RunID: "r", StateDir: t.TempDir()})
	defer func() { _ = h.Close() }()
	ctx := context.Background()
	if _, err := h.Ready(ctx, nil); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, filepath.Join(base, "host"))
	w := work(t, base, fmt.Sprintf("copy: {src: src, dest: %q}", filepath.Join(base, "host", "dest")))
	p, err := w.Probe(ctx, h, executor.Command{})
	if err != nil || !strings.Contains(p.Diff, "2 new, 1 changed, 0 deleted") {
		t.Fatal(p, err)
	}
	files, err := w.Files()
	if err != nil {
		t.Fatal(err)
	}
	staged, err := h.Stage(ctx, "", "k", files)
	if err != nil {
		t.Fatal(err)
	}
	if e := h.Run(ctx, executor.Attempt{ID: "k.do.1", Command: w.Do("k", staged)}, nil); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	if p, err := w.Probe(ctx, h, executor.Command{}); err != nil || !p.Same {
		t.Fatal(p, err)
	}
	if e := h.Run(ctx, executor.Attempt{ID: "k.undo.1", Command: w.Undo("k")}, nil); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	if after := snapshot(t, filepath.Join(base, "host")); after != before {
		t.Fatalf("%s\nis not\n%s", after, before)
	}
}

func TestCksum(t *testing.T) {
	c := newCksum()
	if _, err := c.Write([]byte("123456789")); err != nil || c.String() != "930766865 9" { // the check value of CRC-32/CKSUM
		t.Fatal(c)
	}
}
