package format

import (
	"flag"
	"io/fs"
	"math/rand"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
)

var update = flag.Bool("update", false, "write the golden files anew")

func format(t testing.TB, text string) string {
	t.Helper()
	out, err := formatted(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

func formatted(text string) (string, error) { return Format(&source.File{Name: "f.yaml", Text: text}) }

// TestGolden lays out testdata/*.yaml and compares with the .golden beside it.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, name := range files {
		t.Run(filepath.Base(name), func(t *testing.T) {
			text := read(t, name)
			got := format(t, text)
			holds(t, text, got)
			golden := strings.TrimSuffix(name, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := read(t, golden); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// holds checks what must be true of every text that was laid out.
func holds(t testing.TB, before, after string) {
	t.Helper()
	again, err := Format(&source.File{Name: "again.yaml", Text: after})
	if err != nil {
		t.Fatalf("cannot format its own output: %v\nbefore\n%q\nafter\n%q", err, before, after)
	}
	if again != after {
		t.Fatalf("not idempotent\nbefore\n%q\nafter\n%q\nagain\n%q", before, after, again)
	}
	if a, b := value(t, before), value(t, after); !reflect.DeepEqual(a, b) {
		t.Fatalf("values differ\nbefore\n%q\nafter\n%q", before, after)
	}
}

func value(t testing.TB, text string) any {
	t.Helper()
	n, err := source.Parse(&source.File{Name: "f.yaml", Text: text})
	if err != nil {
		t.Fatalf("%v\n%q", err, text)
	}
	return n.Value()
}

func TestSmallThings(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"spaces", "a:   1\nb : 2\n", "a: 1\nb: 2\n"},
		{"list below its key", "a:\n- 1\n-   2\n", "a:\n  - 1\n  - 2\n"},
		{"four columns", "a:\n    b:\n        - c: 1\n          d: 2\n", "a:\n  b:\n    - c: 1\n      d: 2\n"},
		{"dash alone", "a:\n  -\n    b: 1\n    c: 2\n", "a:\n  - b: 1\n    c: 2\n"},
		{"list in list", "a:\n-   - 1\n    - 2\n", "a:\n  - - 1\n    - 2\n"},
		{"ends of lines", "a: 1  \r\nb: |\r\n   x\r\n   y\r\n", "a: 1\nb: |\n  x\n  y\n"},
		{"no end", "a: 1", "a: 1\n"},
		{"blank lines", "\n\na: 1\n\n\n\nb: 2\n\n", "a: 1\n\nb: 2\n"},
		{"comments", "#!/usr/bin/env opsctl\n#x\n##\na: 1 #y\n", "#!/usr/bin/env opsctl\n# x\n##\na: 1 # y\n"},
		{"commented-out YAML", "a:\n  #- b: 1\n  #  c: 2\n  # said\n\n  #  d\n  - e\n", "a:\n  # - b: 1\n  #   c: 2\n  # said\n\n  #  d\n  - e\n"},
		{"comment of a nested block", "a:\n    b: 1\n    # of a\n# of c\nc: 2\n", "a:\n  b: 1\n  # of a\n# of c\nc: 2\n"},
		{"comment instead of a value", "a:\n    # b: 1\nc: 2\n", "a:\n  # b: 1\nc: 2\n"},
		{"comment that goes on", "a: 1     # one\n         # two\nb: 2\n", "a: 1     # one\n         # two\nb: 2\n"},
		{"comments below each other", "a:   1  # one\nbcd: 2  # two\n", "a: 1    # one\nbcd: 2  # two\n"},
		{"comment at a list below its key", "a:\n- 1\n# of b\nb: 2\n", "a:\n  - 1\n# of b\nb: 2\n"},
		{"flow", "a: { b : 1,c: [1,2 , 3 ] }\n", "a: {b: 1, c: [1, 2, 3]}\n"},
		{"flow of keys without values", "a: {b: , c}\n", "a: {b: , c}\n"},
		{"flow on lines", "a: [\n      1, 2,\n   {b: 1,\n c: 2}\n      ]\n", "a: [\n  1, 2,\n  {b: 1,\n    c: 2}\n]\n"},
		{"flow with comments", "a: [1, #one\n   2]\n", "a: [1, # one\n  2]\n"},
		{"block scalar", "a:\n    b: |2-\n         x\n        y\n    c: 1\n", "a:\n  b: |2-\n       x\n      y\n  c: 1\n"},
		{"block scalar with blanks", "a: |\n    x  \n\n      y\n\n\nb: 1\n", "a: |\n  x  \n\n    y\n\nb: 1\n"},
		{"block scalar that keeps", "a: |+\n    x\n\n\nb: 1\n", "a: |+\n  x\n\n\nb: 1\n"},
		{"block scalar at the end without one", "a: |\n    x", "a: |\n  x"},
		{"folded", "a: >-   # why\n   x\n   y\n", "a: >-   # why\n  x\n  y\n"},
		{"plain on lines", "a: x\n      y\n\n      z\n", "a: x\n  y\n\n  z\n"},
		{"quoted on lines", "a: \"x  \n      y\\\n\n   z\"\n", "a: \"x\n  y\\\n\n  z\"\n"},
		{"value below", "a:\n       x\n", "a:\n  x\n"},
		{"anchors", "a: &x   {b: 1}\nc: &y\n    d: 1\ne: *x\nf: {<<: *x, g: *y }\nh:\n    <<:   *y\n", "a: &x {b: 1}\nc: &y\n  d: 1\ne: *x\nf: {<<: *x, g: *y}\nh:\n  <<: *y\n"},
		{"quotes of keys", "'a':  \"b\"\n\"c\": 'd'\n", "'a': \"b\"\n\"c\": 'd'\n"},
		{"document start", "---   # x\na: 1\n", "---   # x\na: 1\n"},
		{"json", "{\"a\":1,\"b\":[{\"c\":\"d\"}]}\n", "{\"a\": 1, \"b\": [{\"c\": \"d\"}]}\n"},
		{"expressions", "a: ${{ b }}\nc: {d: \"${{ e }}\"}\n", "a: ${{ b }}\nc: {d: \"${{ e }}\"}\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := format(t, tt.text)
			if got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			holds(t, tt.text, got)
		})
	}
}

func TestLongFlowMaps(t *testing.T) {
	long := strings.Repeat("x", 60)
	text := "steps:\n  - {id: a, run: " + long + ", env: {A: b}, why: " + long + "} # why\n  - {id: b, run: x} # stays\n"
	want := "steps:\n  - # why\n    id: a\n    run: " + long + "\n    env: {A: b}\n    why: " + long + "\n  - {id: b, run: x} # stays\n"
	if got := format(t, text); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	noted := "a: {b: " + long + ",\n  # said\n  c: " + long + "}\n"
	if got := format(t, noted); got != noted {
		t.Errorf("got\n%s", got)
	}
}

func TestRefusals(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"not YAML", "a: [1\n", "f.yaml:1:5: cannot read this as YAML"},
		{"a question mark", "a:\n  ? b\n  : c\n", `f.yaml:2:3: cannot format this: a key with "?" before it`},
		{"a text alone", "hello\n", "f.yaml:1:1: cannot format this: it is a single text"},
		{"a strange end of a line", "a: \"b\u2028c\"\n", "f.yaml:1:6: cannot format this: a character that some take"},
		{"empty", "\n", "f.yaml: is empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out, err := formatted(tt.text)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, %q; want %q", err, out, tt.want)
			}
		})
	}
}

// TestSafety makes sure that a layout that changed a value, or lost a comment, would be found.
func TestSafety(t *testing.T) {
	file := &source.File{Name: "f.yaml", Text: "a: 1\nb: {c: x} # said\n"}
	tree, err := source.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"a: 1\nb: {c: y} # said\n":  "f.yaml:2:8: cannot format this: this value would change",
		"a: 1\nb: {c: \"x\"} #said": "f.yaml:2:8: cannot format this: this value would change",
		"a: 1\nb: {c: x}\n":         "f.yaml:1:1: cannot format this: something written here would be lost",
		"a: [1\n":                   "f.yaml:1:5: cannot format this: it could not be read any more",
	} {
		if p := changed(file, tree, text); p == nil || p.Error() != want {
			t.Errorf("%q: got %v, want %s", text, p, want)
		}
	}
	if p := changed(file, tree, file.Text); p != nil {
		t.Error(p)
	}
}

var yamlBlock = regexp.MustCompile("(?s)```yaml[^\n]*\n(.*?)```")

// corpus is all the YAML in the tree: files, and the examples of the documentation.
func corpus(t testing.TB) []string {
	t.Helper()
	var texts []string
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml":
			texts = append(texts, read(t, path))
		case ".md":
			for _, m := range yamlBlock.FindAllStringSubmatch(read(t, path), -1) {
				texts = append(texts, m[1])
			}
		}
		return nil
	})
	if err != nil || len(texts) < 50 {
		t.Fatalf("only %d texts: %v", len(texts), err)
	}
	return texts
}

// TestCorpus lays out all the YAML in the tree.
func TestCorpus(t *testing.T) {
	for _, text := range corpus(t) {
		if n, err := source.Parse(&source.File{Text: text}); err == nil && n.Kind != source.Scalar {
			holds(t, text, format(t, text))
		}
	}
}

// TestMutations changes the YAML of the tree at random, and lays out what is still YAML.
func TestMutations(t *testing.T) {
	texts := corpus(t)
	random := rand.New(rand.NewSource(7))
	laidOut, refused := 0, 0
	for range 6000 {
		text := texts[random.Intn(len(texts))]
		for range 1 + random.Intn(4) {
			text = mutate(random, text)
		}
		if n, err := source.Parse(&source.File{Text: text}); err != nil || n.Kind == source.Scalar || n.Kind == source.Null {
			continue
		}
		out, err := formatted(text)
		if err != nil {
			refused++
			continue
		}
		laidOut++
		holds(t, text, out)
	}
	if laidOut < 1000 || refused > laidOut/50 {
		t.Errorf("%d laid out, %d refused", laidOut, refused)
	}
}

// mutate makes one change that people make, or that an accident does.
func mutate(random *rand.Rand, text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	i := random.Intn(len(lines))
	at := random.Intn(len(lines[i]) + 1)
	insert := func(words ...string) { lines[i] = lines[i][:at] + words[random.Intn(len(words))] + lines[i][at:] }
	switch random.Intn(9) {
	case 0:
		insert(" ", "  ", "\t")
	case 1:
		insert(" # x", " #", "#y", "\n", "\n\n")
	case 2:
		insert("{", "}", "[", "]", ",", ": ", ":", "- ", "\"", "'", "|\n", ">-\n", "&a ", "*a", "!t ", "\\", "?")
	case 3:
		lines[i] = "  " + lines[i]
	case 4:
		lines[i] = strings.TrimPrefix(lines[i], " ")
	case 5:
		lines[i] += []string{"  ", " # said", " |", "\n\n\n", "\n# alone", "\n      # deep"}[random.Intn(6)]
	case 6: // deeper, all of it
		for k := range lines {
			in := indentation(lines[k])
			lines[k] = pad(in) + lines[k]
		}
	case 7:
		return strings.Join(lines, "\r\n")
	case 8:
		lines = append(lines[:i:i], lines[min(len(lines), i+1):]...)
	}
	return strings.Join(lines, "\n")
}

func FuzzFormat(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add(text, int64(1))
	}
	f.Fuzz(func(t *testing.T, text string, seed int64) {
		random := rand.New(rand.NewSource(seed))
		if len(text) > 20_000 {
			return
		}
		for range seed % 4 {
			text = mutate(random, text)
		}
		out, err := formatted(text)
		if err != nil {
			_ = err.Error()
			return
		}
		holds(t, text, out)
	})
}

// TestShipped makes sure that the YAML which comes with opsctl is laid out.
func TestShipped(t *testing.T) {
	for _, pattern := range []string{"../../runbooks/*.yaml", "../cli/starter/*.yaml", "../cli/starter/runbooks/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, name := range files {
			if text := read(t, name); format(t, text) != text {
				t.Errorf("%s is not laid out; go run ./cmd/opsctl fmt runbooks internal/cli/starter", name)
			}
		}
	}
}
