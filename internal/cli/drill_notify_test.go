package cli

import (
	"strings"
	"testing"
)

// TestDrillTellsNobody holds that neither steps nor the end of a drilled run notify anybody, shown or not.
func TestDrillTellsNobody(t *testing.T) {
	l := newListening(t, "notify: {ops: {webhook: 'SITE/'}}\n")
	l.write("r.yaml", `
name: r
notify: ops
steps:
- {id: tell, notify: {to: ops, message: begins}}
- {id: a, run: touch a, rollback: rm a, dir: `+l.dir+`}
finally:
- {id: end, notify: {to: ops, message: ends}}
`)
	for _, args := range [][]string{{}, {"-v"}} {
		out := l.want(0, append([]string{"drill", "r.yaml", "-l", "local", "--yes", "--watch", l.dir + "/a"}, args...)...)
		if posts := l.got(); len(posts) > 0 || !strings.Contains(out, "1 proved, 2 not drilled") || !strings.Contains(out, "nobody is told") {
			t.Errorf("%v: %q\n%s", args, posts, out)
		}
	}
	l.want(0, "run", "r.yaml")
	if posts := l.got(); len(posts) != 3 {
		t.Errorf("and a run tells all of it: %q", posts)
	}
}
