package action

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
)

func TestLine(t *testing.T) {
	big := strings.Repeat("x=1\n", 3000)
	for _, c := range []struct {
		name, step, before, after string
	}{
		{"the last that matches", `match: ^port=, line: port=80`, "port=1\n#port=2\nport=3\nz\n", "port=1\n#port=2\nport=80\nz\n"},
		{"appended", `match: ^port=, line: port=80`, "a\n", "a\nport=80\n"},
		{"appended to a line without an end", `match: ^port=, line: port=80`, "a", "a\nport=80\n"},
		{"appended to nothing", `line: port=80`, "", "port=80\n"},
		{"the last line stays without an end", `match: ^port=, line: port=80`, "a\nport=1", "a\nport=80"},
		{"carriage returns stay", `match: ^port=1$, line: port=80`, "a\r\nport=1\r\nb\r\n", "a\r\nport=80\r\nb\r\n"},
		{"carriage returns are appended", `line: port=80`, "a\r\nb", "a\r\nb\r\nport=80\r\n"},
		{"there already", `line: b`, "a\nb\nc", "a\nb\nc"},
		{"there, and matched no more", `match: '^# *port', line: port=80`, "port=80\nz\n", "port=80\nz\n"},
		{"part of a line is not the line", `line: b`, "abc\n", "abc\nb\n"},
		{"taken out", `match: ^a, absent: true`, "a\r\nb\naa\nb\na", "b\nb\n"},
		{"taken out whole", `line: a.b, absent: true`, "a.b\naxb\na.b\n", "axb\n"},
		{"nothing to take out", `match: ^q, absent: true`, "a\n", "a\n"},
		{"all taken out", `match: '.*', absent: true`, "a\nb", ""},
		{"every byte stays", `match: ^k, line: v$1\&`, "\x00\xff\n\n k\nk\n\xc3\n", "\x00\xff\n\n k\nv$1\\&\n\xc3\n"},
		{"much", `match: ^y, line: y=2`, big + "y=1\n" + big, big + "y=2\n" + big},
		{"a value is no pattern", `match: '^${{ "a.c" }}$', line: new`, "abc\na.c\nabc\n", "abc\nnew\nabc\n"},
		{"raw is one", `match: '${{ raw("a.c") }}', line: axc`, "abc\nabcd\nz\n", "abc\naxc\nz\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := work(t, "", fmt.Sprintf("line: {path: /f, %s}", c.step)).(*lining)
			if got := w.edit(c.before); got != c.after {
				t.Errorf("%q\nis not\n%q", got, c.after)
			}
			if again := w.edit(c.after); again != c.after {
				t.Errorf("a second time it gives %q", again)
			}
		})
	}
}

// TestLineOnHosts does it, and takes it back, on every shell.
func TestLineOnHosts(t *testing.T) {
	shells(t, func(t *testing.T, m *machine) {
		base := filepath.Join(t.TempDir(), "host")
		put(t, base, map[string]string{
			"real dir/it's": "a\r\n\x00\xff\nport=1\nend", "link": "→real dir/it's", "gone": "→nowhere/at all", "real dir/other": "o", "d/f": "x",
		})
		age(t, base, rand.New(rand.NewPCG(3, 4)))
		before := snapshot(t, base)
		step := func(name, rest string) executor.Work {
			return work(t, base, fmt.Sprintf("line: {path: %q, %s}", filepath.Join(base, name), rest))
		}
		w := step("link", `match: ^port, line: "port=80 $(id) 'x'"`)
		mode := func() os.FileMode {
			info, err := os.Stat(filepath.Join(base, "link"))
			if err != nil {
				t.Fatal(err)
			}
			return info.Mode()
		}
		was := mode()
		p, said := m.do(t, w, "k")
		data, err := os.ReadFile(filepath.Join(base, "real dir/it's"))
		if said != "" || err != nil || string(data) != "a\r\n\x00\xff\nport=80 $(id) 'x'\nend" || mode() != was || p.Diff != "~ "+filepath.Join(base, "link")+"\n" {
			t.Fatalf("%q %v %q %v → %v %q", said, err, data, was, mode(), p.Diff)
		}
		if to, err := os.Readlink(filepath.Join(base, "link")); err != nil || to != "real dir/it's" {
			t.Errorf("the symlink: %q %v", to, err)
		}
		if p, said := m.do(t, w, "k"); !p.Same || said != "" {
			t.Errorf("again: %+v %s", p, said)
		}
		for range 2 {
			if said := m.script(w.Undo("k")); said != "" || snapshot(t, base) != before {
				t.Fatalf("undo: %s\n%s\n%s", said, snapshot(t, base), before)
			}
		}
		for name, want := range map[string]string{"d": "it is not a file", "none": "there is no such file", "gone": "there is no such file"} {
			if _, said := m.do(t, step(name, `line: x`), "n"); !strings.Contains(said, want) || snapshot(t, base) != before {
				t.Errorf("%s: %q", name, said)
			}
		}
		if p, said := m.do(t, step("none", `line: x, absent: true`), "n"); !p.Same || said != "" {
			t.Errorf("%+v %q", p, said)
		}
	})
}

// TestLineIsNotWrittenOverAnother sees to it that what somebody else wrote in the meantime stays.
func TestLineIsNotWrittenOverAnother(t *testing.T) {
	shells(t, func(t *testing.T, m *machine) {
		base := t.TempDir()
		put(t, base, map[string]string{"f": "port=1\n"})
		file := filepath.Join(base, "f")
		w := work(t, base, fmt.Sprintf("line: {path: %q, match: ^port, line: port=80}", file))
		p, err := w.Probe(context.Background(), m, executor.Command{})
		want := "~ " + file + "\n--- before\n+++ after\n@@ -1,1 +1,1 @@\n-port=1\n+port=80\n"
		if err != nil || p.Diff != want {
			t.Fatalf("%v %q", err, p.Diff)
		}
		files, err := w.Files()
		if err != nil {
			t.Fatal(err)
		}
		put(t, base, map[string]string{"f": "port=1\ntheirs\n"})
		said := m.script(w.Do("k", m.stage(t, files)))
		data, err := os.ReadFile(file)
		if !strings.Contains(said, "it was changed by somebody else in the meantime") || err != nil || string(data) != "port=1\ntheirs\n" {
			t.Errorf("%q %v %q", said, err, data)
		}
		if _, said := m.do(t, w, "k"); said != "" {
			t.Fatal(said)
		}
		if data, err = os.ReadFile(file); err != nil || string(data) != "port=80\ntheirs\n" {
			t.Errorf("%v %q", err, data)
		}
		if said := m.script(w.Undo("k")); said != "" {
			t.Fatal(said)
		}
		if data, err = os.ReadFile(file); err != nil || string(data) != "port=1\ntheirs\n" {
			t.Errorf("after the undo: %v %q", err, data)
		}
	})
}
