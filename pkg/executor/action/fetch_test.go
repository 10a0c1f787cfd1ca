package action

import (
	"context"
	"crypto/rand"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
)

// fetched does it and gives what it printed on both streams.
func fetched(t *testing.T, dir string, h executor.Prober, step string) told {
	t.Helper()
	var r told
	_, q, err := load(t, dir, "fetch: "+step)
	if err != nil {
		return told{Ending: executor.Ending{Message: err.Error()}}
	}
	r.Ending = q.Ask(context.Background(), h, executor.Command{}, r.sink)
	return r
}

func (r *told) sink(s executor.Stream, p []byte) {
	if s == executor.Stdout {
		r.out += string(p)
	} else {
		r.errs += string(p)
	}
}

// files gives what is below a directory, without the directories.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		if all[rel] = "→"; d.Type()&fs.ModeSymlink != 0 {
			return nil
		}
		data, err := os.ReadFile(p)
		all[rel] = string(data)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}

func TestFetch(t *testing.T) {
	shells(t, func(t *testing.T, m *machine) {
		base, here := t.TempDir(), t.TempDir()
		much := make([]byte, 77)
		if m.shell[0] == "dash" { // once is enough
			much = make([]byte, 2*chunkMax+77)
		}
		if _, err := rand.Read(much); err != nil {
			t.Fatal(err)
		}
		given := map[string]string{"empty": "", "a b/it's": "x\x00\xff\n", "a b/-n/new\nline": "y", "much": string(much), ".hidden": "h", "every": "\n\n"}
		put(t, filepath.Join(base, "log"), given)
		put(t, filepath.Join(base, "log"), map[string]string{"link": "→empty", "dir": "→a b"})
		if err := os.Mkdir(filepath.Join(base, "log", "nothing"), 0o755); err != nil {
			t.Fatal(err)
		}
		before := snapshot(t, base)
		if m.path != os.Getenv("PATH") && len(m.shell) == 1 { // dd is one of POSIX's tools, too
			if err := os.Symlink("/bin/dd", filepath.Join(m.path, "dd")); err != nil {
				t.Fatal(err)
			}
		}
		r := fetched(t, here, m, `{src: "`+base+`/log", dest: logs/today}`)
		var want []string
		for name := range given {
			want = append(want, "logs/today/web1/"+name)
		}
		slices.Sort(want)
		got := files(t, filepath.Join(here, "logs/today/web1"))
		if r.Ending != (executor.Ending{}) || r.out != strings.Join(want, "\n")+"\n" || r.errs != "left out: dir (a symlink)\nleft out: link (a symlink)\n" || len(got) != len(given) {
			t.Fatalf("%+v, %d files", r, len(got))
		}
		for name, content := range given {
			if got[name] != content {
				t.Errorf("%q is not as it is there", name)
			}
		}
		if snapshot(t, base) != before {
			t.Error("something was changed on the host")
		}
		one := fetched(t, here, m, `{src: "`+base+`/log/every", dest: "${{ 'o' + 'ne' }}"}`)
		if got := files(t, filepath.Join(here, "one")); one.out != "one/web1/every\n" || len(got) != 1 || got["web1/every"] != "\n\n" {
			t.Errorf("%+v %q", one, got)
		}
		for src, want := range map[string]string{
			"/log/link": "it is a symlink to empty; name that", "/log/none": "there is no such file or directory", "/log/empty/x": "there is no such file or directory",
		} {
			if r := fetched(t, here, m, `{src: "`+base+src+`", dest: n}`); r.Exit != 1 || !strings.Contains(r.Message, want) {
				t.Errorf("%s: %+v", src, r)
			}
		}
	})
}

// TestFetchListsWhatItWouldWrite sees to it that listing leaves nothing, and what is here is not sent again.
func TestFetchListsWhatItWouldWrite(t *testing.T) {
	base, here := t.TempDir(), t.TempDir()
	m := newMachine(t, []string{"sh"})
	put(t, base, map[string]string{"log/a": "1", "log/b": "22", "log/c": "333"})
	put(t, here, map[string]string{"logs/web1/a": "1", "logs/web1/b": "21", "logs/web1/old": "o"})
	before := snapshot(t, here)
	_, q, err := load(t, here, `fetch: {src: "`+base+`/log", dest: logs/}`)
	if err != nil {
		t.Fatal(err)
	}
	var r told
	r.Ending = q.(executor.Lister).List(context.Background(), m, executor.Command{}, r.sink)
	if r.out != "logs/web1/a\nlogs/web1/b\nlogs/web1/c\n" || r.errs != "~ logs/web1/b (2 bytes)\n+ logs/web1/c (3 bytes)\n" || snapshot(t, here) != before {
		t.Errorf("%+v\n%s", r, snapshot(t, here))
	}
	info, err := os.Stat(filepath.Join(here, "logs/web1/a"))
	if err != nil {
		t.Fatal(err)
	}
	if r := fetched(t, here, m, `{src: "`+base+`/log", dest: logs/}`); r.out != "logs/web1/a\nlogs/web1/b\nlogs/web1/c\n" {
		t.Errorf("%+v", r)
	}
	got := files(t, filepath.Join(here, "logs/web1"))
	again, err := os.Stat(filepath.Join(here, "logs/web1/a"))
	if err != nil || !os.SameFile(info, again) || len(got) != 4 || got["b"] != "22" || got["c"] != "333" || got["old"] != "o" {
		t.Errorf("%v %q", err, got)
	}
}

// lying is a host that answers what it likes.
type lying struct {
	executor.Prober
	answers *[]string
}

func (l lying) Ask(_ context.Context, c executor.Command, sink executor.Sink) executor.Ending {
	if len(*l.answers) == 0 {
		return executor.Ending{Verdict: executor.NotLearned, Class: "link", Message: "it says no more"}
	}
	_, frame, _ := strings.Cut(c.Script, `'\n%s\n' `)
	frame, _, _ = strings.Cut(frame, "\n")
	sink(executor.Stdout, []byte(strings.ReplaceAll((*l.answers)[0], "FRAME", "\n"+frame+"\n")))
	*l.answers = (*l.answers)[1:]
	return executor.Ending{}
}

func TestFault_77_FetchWritesNothingOutside(t *testing.T) {
	dir, file := "drwxr-xr-x/4/0/0/root/root\n\x00", "-rw-r--r--/4/0/0/root/root\n\x00"
	for _, c := range []struct {
		what, message string
		answers       []string
	}{
		{"up", "leads out of the directory", []string{"k sha256\x00s 0\n" + dir + "f ../evil\x00", "k sha256\x00s 0\n" + file}},
		{"up inside", "leads out of the directory", []string{"k sha256\x00s 0\n" + dir + "f a/../../evil\x00", "k sha256\x00s 0\n" + file}},
		{"absolute", "leads out of the directory", []string{"k sha256\x00s 0\n" + dir + "f /tmp/evil\x00", "k sha256\x00s 0\n" + file}},
		{"a device", "", []string{"k sha256\x00s 0\n" + dir + "f dev\x00", "k sha256\x00s 0\nbrw-r--r--/4/0/0/root/root\n\x00"}},
		{"through a symlink here", "path escapes from parent", []string{"k sha256\x00s 0\n" + dir + "f out/evil\x00", "k sha256\x00s 0\n" + file, "FRAME1234"}},
		{"too large", "is too much", []string{"k sha256\x00s 0\n-rw-r--r--/99999999999/0/0/root/root\n\x00"}},
		{"no answer", "it says no more", nil},
		{"nonsense", "cannot read what is on the host", []string{"hello"}},
		{"less than it said", "it became shorter", []string{"k sha256\x00s 0\n" + file, "FRAME123"}},
		{"another content", "the answer makes no sense", []string{"k sha256\x00s 0\n" + file, "12345"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			base := t.TempDir()
			put(t, base, map[string]string{"project/logs/web1/x": "x", "project/logs/web1/out": "→../../../outside", "outside/y": "y"})
			before := files(t, base)
			r := fetched(t, filepath.Join(base, "project"), lying{answers: &c.answers}, "{src: /var/log, dest: logs}")
			if !strings.Contains(r.Message, c.message) || (r.Ending == (executor.Ending{})) != (c.message == "") || !maps.Equal(files(t, base), before) {
				t.Errorf("%+v\n%q", r, files(t, base))
			}
		})
	}
	for step, want := range map[string]string{
		`{src: /x, dest: /tmp}`:              "does not lead to a place below the runbook's directory",
		`{src: /x, dest: a/../..}`:           "does not lead to a place below the runbook's directory",
		`{src: "${{ 'x' }}", dest: a}`:       "is not an absolute path on the host",
		`{src: /x, dest: "${{ '' }}"}`:       "does not lead to a place below",
		`{src: /x, dest: "${{ '../' }}out"}`: "does not lead to a place below",
	} {
		if r := fetched(t, t.TempDir(), lying{}, step); !strings.Contains(r.Message, want) {
			t.Errorf("%s: %+v", step, r)
		}
	}
}
