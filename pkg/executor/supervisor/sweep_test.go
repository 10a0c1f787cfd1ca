package supervisor

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestOldDirectoriesAreSwept(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		old := time.Now().AddDate(0, 0, -keptDays-2)
		dirs := map[string]string{}
		for _, name := range []string{"old run", "young", "run-1"} {
			dir := filepath.Join(b.o.StateDir, name)
			if err := os.MkdirAll(filepath.Join(dir, "keep"), 0o700); err != nil {
				t.Fatal(err)
			}
			dirs[name] = dir
		}
		if err := os.Remove(filepath.Join(dirs["run-1"], "keep")); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(dirs["run-1"]); err != nil { // this run's own is made by its first lane
			t.Fatal(err)
		}
		if err := os.Chmod(b.o.StateDir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(dirs["old run"], old, old); err != nil {
			t.Fatal(err)
		}
		o := b.o
		o.Sweep = true
		b.Host = NewHost(b.link, o)
		b.ready()
		until(t, "the old directory to go", func() bool { return !exists(dirs["old run"])() })
		if !exists(dirs["young"])() || !exists(dirs["run-1"])() {
			t.Error("a directory that is still wanted is gone")
		}
	})
}
