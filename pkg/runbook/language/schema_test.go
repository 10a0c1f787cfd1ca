package language_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/language"
)

func compiled(t *testing.T, text []byte, id string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(id, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(id)
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestTheSchemaTakesEveryRunbook goes through the runbooks of the tree that opsctl takes.
func TestTheSchemaTakesEveryRunbook(t *testing.T) {
	schema := compiled(t, language.Schema(), language.SchemaID)
	tried := 0
	for name, text := range runbooksOfTheTree(t) {
		if _, _, err := runbook.LoadText(text, name, t.TempDir()); err != nil {
			continue // it shows a mistake, or is none
		}
		n, err := source.Parse(&source.File{Name: name, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(n.Value()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tried++
	}
	if tried < 80 {
		t.Errorf("only %d runbooks were found", tried)
	}
}

// runbooksOfTheTree gives every YAML document with steps: files, and those inside of test scripts and of pages.
func runbooksOfTheTree(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	add := func(name, text string) {
		if strings.Contains(text, "steps:") {
			found[name] = text
		}
	}
	root := filepath.Join("..", "..", "..")
	fenced := regexp.MustCompile("(?ms)^```yaml([^\n]*)\n(.*?)^```$")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		kind := filepath.Ext(path)
		if kind != ".yaml" && kind != ".txtar" && kind != ".md" {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch kind {
		case ".yaml":
			add(path, string(data))
		case ".txtar":
			for _, f := range txtar.Parse(data).Files {
				add(path+":"+f.Name, string(f.Data))
			}
		case ".md":
			for i, m := range fenced.FindAllStringSubmatch(string(data), -1) {
				text := m[2]
				if strings.HasPrefix(m[1], " steps") {
					text = language.Example{Text: text, Fleet: true}.Runbook()
				}
				add(fmt.Sprintf("%s, block %d", path, i+1), text)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// unseen are the mistakes of pkg/runbook/testdata/mistakes that only opsctl sees: what is wrong there is not the shape of the
// document.
var unseen = map[string]string{
	"expressions are compiled by opsctl": "name-unknown field-unknown step-unknown step-field-unknown step-without-field step-itself output-undeclared " +
		"result-too-early saved-undeclared saved-elsewhere result-in-started-rollback outcome-too-early host-in-hosts var-of-host vars-cycle " +
		"expression-type condition-type condition-compares-types condition-one-equals expression-unclosed expression-empty " +
		"expression-shell-syntax expression-clock function-unknown raw-secret raw-output secret-unknown notify-step-early notify-end-secret foreach-of-output item-without-foreach",
	"the order of steps is more than their shape": "step-later step-beside id-twice name-twice id-taken need-unknown need-of-other-block need-self need-cycle id-gate",
	"scripts are parsed by opsctl": "shell-unclosed-quote shell-unclosed-if shell-array shell-value-arithmetic shell-value-dollar-quote shell-value-heredoc " +
		"shell-value-comment shell-value-function shell-value-assignment shell-value-python",
	"a default is held against its param":      "param-default-type param-default-enum param-default-min param-default-max param-default-pattern",
	"a regular expression is more than a text": "param-pattern-wrong param-pattern-lookahead",
	"names are held against each other":        "param-name-reserved var-name-reserved param-and-var",
	"keys far from each other are held against each other": "rollout-nested rollout-in-finally finally-with-rollback rollback-of-read wait-that-changes " +
		"gate-with-id gate-is-block save-files-of-read notify-taken-back none-env none-copy none-words none-secret",
	"of a number YAML keeps no octal digits": "mode-not-octal",
	"a path may be made of values":           "dest-relative save-files-relative",
	"what is included is another file":       "include-missing include-outside include-of-value include-itself",
}

// unreadable are mistakes for which the document is no YAML: every editor shows them.
const unreadable = "map-for-text if-quote param-pattern-backslash expression-in-flow yaml-tab yaml-duplicate-key yaml-second-document " +
	"yaml-unknown-anchor yaml-deep yaml-colon yaml-unclosed-list yaml-indentation yaml-empty yaml-percent"

func TestTheSchemaRefusesMistakesOfShape(t *testing.T) {
	schema := compiled(t, language.Schema(), language.SchemaID)
	reasons := map[string]string{}
	for reason, names := range unseen {
		for _, name := range strings.Fields(names) {
			reasons[name] = reason
		}
	}
	files, err := filepath.Glob("../testdata/mistakes/*.yaml")
	if err != nil || len(files) < 100 {
		t.Fatalf("%d mistakes, %v", len(files), err)
	}
	seen := 0
	for _, file := range files {
		_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".yaml"), "-")
		if _, _, err := runbook.Load(file); err == nil {
			t.Errorf("%s: opsctl takes it", file)
		}
		n, err := source.ReadFile(file, file)
		if (err != nil) != slices.Contains(strings.Fields(unreadable), name) {
			t.Errorf("%s: is it YAML? %v", file, err)
		}
		if err != nil {
			continue
		}
		refused := schema.Validate(n.Value())
		switch reason := reasons[name]; {
		case refused == nil && reason == "":
			t.Errorf("%s: the schema takes it", file)
		case refused != nil && reason != "":
			t.Errorf("%s is called unseen, for %s, and is seen: %v", file, reason, refused)
		case refused != nil:
			seen++
		}
		delete(reasons, name)
	}
	for _, name := range slices.Sorted(maps.Keys(reasons)) {
		t.Errorf("there is no mistake called %s", name)
	}
	if seen < 60 {
		t.Errorf("only %d mistakes are seen by the schema", seen)
	}
}

// TestEveryMistakeSaysWhatItIs keeps the corpus readable.
func TestEveryMistakeSaysWhatItIs(t *testing.T) {
	files, err := filepath.Glob("../testdata/mistakes/*")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`^[0-9]{3}-[a-z0-9-]+\.(yaml|golden)$`)
	for _, file := range files {
		if !named.MatchString(filepath.Base(file)) {
			t.Errorf("%s: what is it?", file)
		}
		if filepath.Ext(file) != ".yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if first, _, _ := strings.Cut(string(text), "\n"); !strings.HasPrefix(first, "# ") || !strings.HasSuffix(first, ".") {
			t.Errorf("%s does not begin with a comment that says what is wrong", file)
		}
	}
}
