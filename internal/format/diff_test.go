package format

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestDiff(t *testing.T) {
	before := "a: 1\nb: 2\nc: 3\nd: 4\ne: 5\nf:   6\ng: 7\nh: 8\ni: 9\nj: 10\nk: 11\nl: 12\nm: 13\nn:   14\n"
	want := `--- x.yaml
+++ x.yaml (formatted)
@@ -3,7 +3,7 @@
 c: 3
 d: 4
 e: 5
-f:   6
+f: 6
 g: 7
 h: 8
 i: 9
@@ -11,4 +11,4 @@
 k: 11
 l: 12
 m: 13
-n:   14
+n: 14
`
	if got := Diff("x.yaml", before, format(t, before)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := Diff("x.yaml", before, before); got != "" {
		t.Errorf("nothing differs, and it says\n%s", got)
	}
}

// TestDiffCanBeApplied gives diffs of the YAML of the tree to patch.
func TestDiffCanBeApplied(t *testing.T) {
	program, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("patch is not installed")
	}
	dir := t.TempDir()
	for _, before := range append(corpus(t), read(t, "testdata/runbook.yaml")) {
		after, err := formatted(before)
		if err != nil || after == before {
			continue
		}
		name := filepath.Join(dir, "x.yaml")
		write(t, name, before)
		write(t, filepath.Join(dir, "diff"), Diff("x.yaml", before, after))
		if out, err := exec.Command(program, "-d", dir, "-i", "diff", "x.yaml").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if got := read(t, name); got != after {
			t.Fatalf("got\n%s\nwant\n%s", got, after)
		}
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
