package importer

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsctl/opsctl/pkg/runbook"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestGolden imports testdata/KIND/*.yaml and compares what comes out, with the summary beneath. A line "# only: NAME"
// chooses what is imported, "# param: NAME" is a param.
func TestGolden(t *testing.T) {
	for _, kind := range Kinds {
		files, err := filepath.Glob(filepath.Join("testdata", string(kind), "*.yaml"))
		if err != nil || len(files) < 10 {
			t.Fatalf("%s: %d files, %v", kind, len(files), err)
		}
		for _, file := range files {
			t.Run(strings.TrimSuffix(file, ".yaml"), func(t *testing.T) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				o := Options{File: filepath.Base(file), Name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
				for _, line := range strings.Split(string(text), "\n") {
					if name, ok := strings.CutPrefix(line, "# only: "); ok {
						o.Only = append(o.Only, name)
					}
					if name, ok := strings.CutPrefix(line, "# param: "); ok {
						o.Params = append(o.Params, name)
					}
				}
				r, err := Import(text, o)
				if err != nil {
					t.Fatal(err)
				}
				if r.Kind != kind {
					t.Errorf("it is taken for %s", r.Kind)
				}
				loads(t, r.Runbook)
				golden(t, strings.TrimSuffix(file, ".yaml")+".golden", told(r))
			})
		}
	}
}

// told is all of a result as one text.
func told(r *Result) string {
	text := r.Runbook + fmt.Sprintf("\n# %d of %d %ss imported\n", r.Imported, r.Total, r.Word)
	if r.Inventory != "" {
		text += "\n# inventory:\n" + r.Inventory
	}
	return text
}

func loads(t *testing.T, text string) {
	t.Helper()
	if _, _, err := runbook.LoadText(text, "imported.yaml", "."); err != nil {
		t.Errorf("it does not load:\n%v\n%s", err, text)
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
