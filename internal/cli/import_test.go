package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// importedFiles are what the package that imports tries itself with; "run" ones are really run here.
const importedFiles = "../importer/testdata"

// importAndRun imports a file in a directory, and runs what comes out.
func importAndRun(t *testing.T, dir, file string, args ...string) {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(importedFiles, file))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("XDG_STATE_HOME", filepath.Join(t.TempDir(), "state"))
	made := filepath.Join(t.TempDir(), "made.yaml")
	for _, words := range [][]string{{"import", file, "--out", made}, append([]string{"run", made, "--output", "plain"}, args...)} {
		var out, errs bytes.Buffer
		if code := Main(words, strings.NewReader(""), &out, &errs); code > 1 { // 1: a failure that is tolerated
			text, _ := os.ReadFile(made)
			t.Fatalf("opsctl %s: exit code %d\n%s%s\n%s", strings.Join(words, " "), code, out.String(), errs.String(), text)
		}
	}
}

// effects tells what is in a directory: names, modes, contents.
func effects(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s %s", info.Mode(), name)
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			to, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " → %s", strings.ReplaceAll(to, dir, "DIR"))
		case d.Type().IsRegular():
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %q", text)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestImportedAnsible holds the effects of what was imported against those of Ansible itself.
func TestImportedAnsible(t *testing.T) {
	ansible, err := exec.LookPath("ansible-playbook")
	if err != nil {
		t.Skip("ansible-playbook is not installed")
	}
	home, theirs, ours := t.TempDir(), t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	c := exec.Command(ansible, "-i", "localhost,", filepath.Join(importedFiles, "ansible/run_local.yaml"))
	c.Env = append(os.Environ(), "TRIAL="+theirs, "ANSIBLE_LOCAL_TEMP="+home, "ANSIBLE_NOCOWS=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("ansible-playbook: %v\n%s", err, out)
	}
	t.Setenv("TRIAL", ours)
	importAndRun(t, t.TempDir(), "ansible/run_local.yaml")
	want := effects(t, theirs)
	if strings.Count(want, "\n") < 12 {
		t.Fatalf("Ansible did too little:\n%s", want)
	}
	if diff := cmp.Diff(want, effects(t, ours)); diff != "" {
		t.Errorf("-ansible +opsctl:\n%s", diff)
	}
}

func TestImportedTaskfile(t *testing.T) {
	dir := t.TempDir()
	importAndRun(t, dir, "taskfile/run_local.yaml", "-p", "task=default", "-p", "CLI_ARGS=a,b c")
	want := `drwxr-xr-x out
-rw-r--r-- out/alpha "alpha\n"
-rw-r--r-- out/args "a b c\n"
-rw-r--r-- out/beta "beta\n"
-rw-r--r-- out/first "first\n"
-rw-r--r-- out/greeting "it's out default\n"
-rw-r--r-- out/log "a 'quoted' text\nlast\ndeferred\n"
-rw-r--r-- out/notes "item x\nitem y\n"
`
	if diff := cmp.Diff(want, effects(t, dir)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestImportedSpot(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home) // commands of spot begin there, and ours do
	importAndRun(t, t.TempDir(), "spot/local.yaml")
	got := effects(t, filepath.Join(home, "out"))
	want := `-rw-r--r-- greeting "it's me on local\n"
-rw-r--r-- lines "line 1\nline 2\nline 3\n"
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestImportedIsLaidOut holds what import writes against what fmt would make of it.
func TestImportedIsLaidOut(t *testing.T) {
	files, err := filepath.Glob(importedFiles + "/*/*.yaml")
	if err != nil || len(files) < 30 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	dir := t.TempDir()
	for i, file := range files {
		made := filepath.Join(dir, fmt.Sprintf("%d.yaml", i))
		var out, errs bytes.Buffer
		if code := Main([]string{"import", file, "--out", made}, strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("%s: %s", file, errs.String())
		}
	}
	var out, errs bytes.Buffer
	if code := Main([]string{"fmt", "--diff", dir}, strings.NewReader(""), &out, &errs); code != 0 || out.Len() > 0 {
		t.Errorf("exit code %d\n%s%s", code, out.String(), errs.String())
	}
}
