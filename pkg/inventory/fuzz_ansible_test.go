package inventory

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/opsctl/opsctl/internal/source"
)

func sourceFile(text string) *source.File { return &source.File{Name: "f", Text: text} }

// seeds are the files of testdata/ansible.
func seeds(f *testing.F) {
	paths, err := filepath.Glob("testdata/ansible/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatal("where are the inventories?", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(string(file.Data))
			if _, json, found := strings.Cut(string(file.Data), "echo '"); found {
				f.Add(strings.TrimSuffix(strings.TrimSpace(json), "'"))
			}
		}
	}
}

// buildable builds what a reader made, and holds it to what must be true of every inventory.
func buildable(t *testing.T, d *draft, tr *troubles) {
	t.Helper()
	inv, err := build([]*draft{d}, nil, tr)
	if err != nil {
		if _, ok := source.AsProblems(err); !ok || err.Error() == "" {
			t.Fatalf("got %v", err)
		}
		return
	}
	for _, w := range inv.Warnings {
		_ = w.Render()
	}
	in := map[*Host]bool{}
	for _, g := range inv.Groups {
		if checkGroupName(g.Name) != nil {
			t.Fatalf("bad group %q", g.Name)
		}
		for _, h := range g.Hosts {
			in[h] = true
		}
	}
	for _, h := range inv.Hosts {
		if CheckHostName(h.Name) != nil || inv.Lookup(h.Name) != h || h.Addr != "" && CheckHostName(h.Addr) != nil || h.User != "" && checkUser(h.User) != nil {
			t.Fatalf("bad host %+v", h)
		}
		if h.Jump != "" && checkJump(h.Jump) != nil || !in[h] || h.At == "" {
			t.Fatalf("bad host %+v", h)
		}
	}
}

func FuzzINI(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 || strings.Count(text, ":") > 200 { // ranges within the limits may still be long
			return
		}
		tr := &troubles{expanded: expandedMax - 10_000}
		buildable(t, decodeINI(sourceFile(text), tr), tr)
	})
}

func FuzzDynamicJSON(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		node, bad := parseJSON(sourceFile(text))
		if bad != nil {
			_ = bad.Render()
			return
		}
		tr := &troubles{}
		asked := func(host string) *source.Node {
			answer, _ := parseJSON(sourceFile(`{"asked": "` + host + `"}`))
			return answer
		}
		buildable(t, decodeDynamic(node, tr, asked), tr)
	})
}

func FuzzAnsibleYAML(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		tr := &troubles{expanded: expandedMax - 10_000}
		node, scalar := parseAnsible(sourceFile(text), tr)
		if node == nil || node.Kind != source.Map {
			return
		}
		buildable(t, decodeAnsibleYAML(node, scalar, tr), tr)
	})
}

// FuzzLiteral holds values to one rule: what is no literal is the text itself.
func FuzzLiteral(f *testing.F) {
	for _, text := range []string{"1", "'a'", "[1, {'k': (2,)}]", "0x1F", "1_0.5e3", "{1}", "-1", "b'x'", "\"\\u00e9\"", "a=b", "1,", "(", "'''x'''", "1 # c"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value, strange := pythonLiteral(text)
		if strange != "" && value != text {
			t.Fatalf("%q: %v, %s", text, value, strange)
		}
		if _, err := splitWords(text, true); err != nil && err.Error() == "" {
			t.Fatal("an error that says nothing")
		}
	})
}
