package runbook_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

var update = flag.Bool("update", false, "rewrite what is said of the mistakes of testdata/mistakes")

// leaks are words of the program that mean nothing to who writes a runbook.
var leaks = regexp.MustCompile(`interface ?\{|map\[|\*source\.|\*runbook\.|goroutine|panic|!!(str|map|int)|\bnil pointer\b|<nil>|unexpected token|cannot unmarshal`)

// TestMistakes loads every document of testdata/mistakes, each of which has one mistake, and compares all
// that is said of it: the place, the line, the word underlined, what was expected and the way out. Texts are
// rewritten by
//
//	go test ./pkg/runbook -run TestMistakes -update
//
// and reviewed as a diff, as the author of the document would read them.
func TestMistakes(t *testing.T) {
	files, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d mistakes, at least 60 are promised: %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(name, func(t *testing.T) {
			said := say(t, file)
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(said), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if said != string(want) {
				t.Errorf("got\n%s\nwant\n%s", said, want)
			}
			if leak := leaks.FindString(said); leak != "" {
				t.Errorf("%q means nothing to the author:\n%s", leak, said)
			}
		})
	}
}

// say gives what is said of a document, which must be refused.
func say(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = runbook.LoadText(string(text), filepath.Base(file), filepath.Dir(file))
	if err == nil {
		t.Fatal("it was not refused")
	}
	if _, ok := source.AsProblems(err); !ok {
		t.Fatalf("it is not told as problems: %v", err)
	}
	return err.Error() + "\n"
}
