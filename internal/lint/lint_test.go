package lint

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/pkg/runbook"
)

// included are the runbooks that others of these tests include.
var included = map[string]string{
	"inner.yaml": "name: inner\nparams: {who: {type: string}}\nsteps: [{id: greet, run: sudo echo, rollback: a}]\n",
}

var update = flag.Bool("update", false, "write the golden files anew")

// check loads a runbook and gives what is found in it.
func check(t *testing.T, name, text string, options Options) []Finding {
	t.Helper()
	rb, _, err := runbook.Loader{Read: func(path string) (string, error) { return included[filepath.Base(path)], nil }}.LoadText(text, name, ".")
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return Check(rb, options)
}

func rendered(found []Finding) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(f.Problem().Render())
	}
	return b.String()
}

// TestExamples holds each rule to its own examples: the bad one is found, at the place that
// testdata/examples.golden shows, and nothing else is; the good one is clean.
func TestExamples(t *testing.T) {
	var b strings.Builder
	for _, r := range Rules() {
		if r.Summary == "" || r.Why == "" || r.Bad == "" || r.Good == "" {
			t.Errorf("%s: it is not told whole", r.Name)
		}
		bad := check(t, "runbooks/bad.yaml", r.Bad, Options{Only: []string{r.Name}})
		if len(bad) == 0 {
			t.Errorf("%s: nothing is found in\n%s", r.Name, r.Bad)
		}
		for _, f := range bad {
			if f.Rule != r.Name {
				t.Errorf("%s: found by %s", r.Name, f.Rule)
			}
		}
		for _, f := range check(t, "good.yaml", r.Good, Options{}) {
			if f.Severity == Warning || f.Rule == r.Name {
				t.Errorf("%s: found in the good one:\n%s", r.Name, f.Problem().Render())
			}
		}
		fmt.Fprintf(&b, "== %s\n%s", r.Name, rendered(bad))
	}
	golden(t, "testdata/examples.golden", b.String())
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// FuzzCheck looks at whatever loads, and must not fall over it: every place lies in the file.
func FuzzCheck(f *testing.F) {
	for _, r := range Rules() {
		f.Add(r.Bad)
		f.Add(r.Good)
	}
	f.Fuzz(func(t *testing.T, text string) {
		rb, _, err := runbook.LoadText(text, "runbooks/x.yaml", ".")
		if err != nil || strings.ContainsAny(text, "\r\u0085\u2028\u2029") { // other ends of lines than people count
			return
		}
		for _, found := range Check(rb, Options{}) {
			line := found.File.Line(found.Pos.Line)
			if found.Pos.Line < 1 || found.Pos.Column < 1 || found.Pos.Column > len([]rune(line))+1 || found.EndColumn <= found.Pos.Column ||
				found.EndColumn > max(len([]rune(line)), found.Pos.Column)+1 {
				t.Errorf("%+v is nowhere in\n%s", found, text)
			}
		}
	})
}
