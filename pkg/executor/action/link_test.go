package action

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLink(t *testing.T) {
	shells(t, func(t *testing.T, m *machine) {
		for _, c := range []struct {
			name  string
			host  map[string]string
			path  string
			to    string
			diff  string
			fails string
		}{
			{name: "new", path: "new/cur rent", to: "v 1", diff: "+ BASE/new/cur rent → v 1\n"},
			{name: "switched", host: map[string]string{"v1/f": "1", "v2/f": "2", "current": "→v1"}, path: "current", to: "v2", diff: "~ BASE/current: v1 → v2\n"},
			{name: "leading_nowhere", host: map[string]string{"current": "→nowhere"}, path: "current", to: "-n", diff: "~ BASE/current: nowhere → -n\n"},
			{name: "a_file", host: map[string]string{"f": "x"}, path: "f", to: "y", fails: "something else is there"},
			{name: "a_directory", host: map[string]string{"d/f": "x"}, path: "d", to: "y", fails: "something else is there"},
		} {
			base := filepath.Join(t.TempDir(), "host")
			put(t, base, map[string]string{"other": ""})
			put(t, base, c.host)
			age(t, base, rand.New(rand.NewPCG(1, 2)))
			before := snapshot(t, base)
			w := work(t, base, fmt.Sprintf("link: {path: %q, to: %q}", filepath.Join(base, c.path), c.to))
			p, said := m.do(t, w, c.name)
			if c.fails != "" {
				if !strings.Contains(said, c.fails) || !strings.Contains(m.script(w.Do(c.name, "")), c.fails) || snapshot(t, base) != before {
					t.Errorf("%s: %q", c.name, said)
				}
				continue
			}
			to, err := os.Readlink(filepath.Join(base, c.path))
			if said != "" || err != nil || to != c.to || p.Diff != strings.ReplaceAll(c.diff, "BASE", base) {
				t.Errorf("%s: %s %q %v %q", c.name, said, to, err, p.Diff)
			}
			if p, said := m.do(t, w, c.name); !p.Same || said != "" {
				t.Errorf("%s: %+v %s", c.name, p, said)
			}
			for range 2 {
				if said := m.script(w.Undo(c.name)); said != "" || snapshot(t, base) != before {
					t.Errorf("%s: undo: %s\n%s\n%s", c.name, said, snapshot(t, base), before)
				}
			}
		}
	})
}
