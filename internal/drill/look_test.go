package drill

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// look runs the script in a shell, as a host would.
func look(t *testing.T, shell []string, env map[string]string, paths ...string) *Snapshot {
	t.Helper()
	text, err := Watched(paths)
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(shell[0], append(shell[1:], "-c", "set -eu\n"+LookScript)...)
	command.Stdin = strings.NewReader(text)
	for k, v := range env {
		command.Env = append(command.Env, k+"="+v)
	}
	command.Env = append(command.Env, "PATH="+os.Getenv("PATH"), "HOME="+filepath.Dir(paths[0]))
	var errs bytes.Buffer
	command.Stderr = &errs
	out, err := command.Output()
	if err != nil || errs.Len() > 0 {
		t.Fatalf("%v: %s", err, errs.String())
	}
	s := NewSnapshot()
	if err := s.Read("host", out, nil); err != nil {
		t.Fatal(err)
	}
	return s
}

// tree makes files of many kinds, with names that shells like to break at.
func tree(t *testing.T) (dir string, names []string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "top")
	names = []string{"", "plain", "a b", " lead", "trail ", "new\nline", "new\n", "-dash", `back\slash`, "quote'\"$(x)`", "sub", "sub/*", "sub/ünï"}
	for _, name := range names {
		path := filepath.Join(dir, name)
		var err error
		if name == "" || name == "sub" {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte("content of "+name), 0o640)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, to := range map[string]string{"link": "plain", "away": "/no/where\n", "updir": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return dir, names
}

func TestLookInEveryShell(t *testing.T) {
	for _, shell := range [][]string{{"sh"}, {"dash"}, {"bash"}, {"busybox", "sh"}, {"ksh"}, {"zsh", "--emulate", "sh"}} {
		t.Run(strings.Join(shell, " "), func(t *testing.T) {
			if _, err := exec.LookPath(shell[0]); err != nil {
				t.Skip(err)
			}
			dir, names := tree(t)
			before := look(t, shell, LookEnv(), dir)
			for _, name := range names {
				e, ok := before.Entries[Place{Host: "host", Path: filepath.Join(dir, name)}]
				if !ok {
					t.Errorf("%q was not seen", name)
				}
				if name == "plain" && (e.Kind != '-' || e.Mode != "rw-r-----" || len(e.Content) < 8) {
					t.Errorf("%q is %+v", name, e)
				}
				if name == "away" && (e.Kind != 'l' || e.Target != "/no/where\n") {
					t.Errorf("%q is %+v", name, e)
				}
			}
			if d := Compare(before, look(t, shell, LookEnv(), dir)); len(d) > 0 {
				t.Errorf("nothing was changed, and this differs: %v", d)
			}
			spoil(t, dir)
			var got []string
			for _, d := range Compare(before, look(t, shell, LookEnv(), dir)) {
				got = append(got, strings.TrimPrefix(d.Path, dir+"/")+" "+d.What)
			}
			if want := "away target|new\nline content|plain mode|sub/* vanished|zz appeared"; strings.Join(got, "|") != want {
				t.Errorf("this differs: %q", got)
			}
		})
	}
}

func spoil(t *testing.T, dir string) {
	t.Helper()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.Chmod(in("plain"), 0o600), os.WriteFile(in("new\nline"), []byte("other"), 0o640), os.Remove(in("sub/*")), os.WriteFile(in("zz"), nil, 0o600),
		os.Remove(in("away")), os.Symlink("/no/where", in("away")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestLookAtDirectoriesAbove(t *testing.T) {
	dir, _ := tree(t)
	s := look(t, []string{"sh"}, LookEnv(), filepath.Join(dir, "sub", "not-there"), "~/top/plain")
	if _, ok := s.Entries[Place{Host: "host", Path: filepath.Join(dir, "sub")}]; !ok {
		t.Errorf("the directory above was not seen: %v", s.Entries)
	}
	if _, ok := s.Entries[Place{Host: "host", Path: filepath.Join(dir, "sub/*")}]; ok {
		t.Error("what is in the directory above is none of its business")
	}
}

func TestLookAtTooMuch(t *testing.T) {
	dir, _ := tree(t)
	if err := os.WriteFile(filepath.Join(dir, "big"), bytes.Repeat([]byte("x"), 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ count, kib, want string }{{"3", "9999", "more than 5000 files"}, {"9999", "10", "more than 256 MiB"}} {
		text, err := Watched([]string{dir})
		if err != nil {
			t.Fatal(err)
		}
		command := exec.Command("sh", "-c", LookScript)
		command.Stdin = strings.NewReader(text)
		command.Env = append(os.Environ(), "LOOK_COUNT="+c.count, "LOOK_KIB="+c.kib)
		out, err := command.Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := NewSnapshot().Read("host", out, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("count %s, KiB %s: %v", c.count, c.kib, err)
		}
	}
}
