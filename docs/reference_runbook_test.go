package docs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/language"
)

// TestReferenceOfRunbooks holds reference/runbook.md, which is made of the table of keys, against it. TestBlocks loads and plans
// its examples, as it does those of every page.
func TestReferenceOfRunbooks(t *testing.T) {
	sameFile(t, "reference/runbook.md", language.Reference())
}

// TestSchemaFiles holds the schemas that stand here for editors against those that the program prints.
func TestSchemaFiles(t *testing.T) {
	sameFile(t, "schema/runbook.schema.json", string(language.Schema()))
	sameFile(t, "schema/inventory.schema.json", string(language.InventorySchema()))
}

func sameFile(t *testing.T, name, want string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != want {
		t.Errorf("%s is not what the code makes; run: go test ./docs -run '%s' -update, and look at the difference", name, t.Name())
	}
}

// TestEveryKeyHasItsPlace looks for each key in the page, by the link that leads to it and by its heading.
func TestEveryKeyHasItsPlace(t *testing.T) {
	p := readPage(t, "reference/runbook.md")
	anchors := anchorsOf(p)
	count := 0
	for _, o := range language.Objects() {
		for _, k := range o.Keys {
			if o.Later || k.Later {
				continue
			}
			found, _ := language.Lookup(o.Name + "." + k.Name)
			if len(found) != 1 {
				t.Fatalf("%s.%s: found %d times", o.Name, k.Name, len(found))
			}
			anchor := strings.ReplaceAll(found[0].Path(), ".", "")
			if !anchors[anchor] || !strings.Contains(p.text, "](#"+anchor+")") {
				t.Errorf("reference/runbook.md does not tell %s", found[0].Path())
			}
			count++
		}
	}
	if count < 90 {
		t.Errorf("the table has only %d keys", count)
	}
}

// TestKeysNotYet holds the honest list against the decoder.
func TestKeysNotYet(t *testing.T) {
	told := section(readPage(t, "reference/runbook.md").text, "Keys not yet")
	keys := language.Later()
	for _, planned := range language.Planned() {
		if !slices.Contains(keys, planned) {
			t.Errorf("%s is planned, and not told as later", planned)
		}
	}
	for _, key := range keys {
		if !strings.Contains(told, "`"+key+"`") {
			t.Errorf("%s is not told as not yet", key)
		}
		_, _, err := runbook.LoadText("name: x\nsteps: [{run: 'true', "+key+": 1}]\n", "x.yaml", ".")
		if err == nil || !strings.Contains(rendered(err), "is not supported by this version") {
			t.Errorf("%s is told as not yet, and the decoder says: %v", key, err)
		}
	}
}

// TestExamplesRun runs the examples of keys that say that they succeed on any machine.
func TestExamplesRun(t *testing.T) {
	count := 0
	for _, o := range language.Objects() {
		for _, k := range o.Keys {
			if o.Later || k.Later || !k.Example.Runs || o.Name == "step" && k.On&language.Top != 0 {
				continue // those of the runbook, too, are told once
			}
			count++
			t.Run(o.Name+"."+k.Name, func(t *testing.T) {
				t.Parallel()
				runExample(t, k.Example)
			})
		}
	}
	if count < 40 {
		t.Errorf("only %d examples are run", count)
	}
}

func runExample(t *testing.T, e language.Example) {
	t.Helper()
	dir, text := t.TempDir(), e.Runbook()
	files := map[string]string{"example.yaml": text}
	if e.Beside != "" {
		files[language.Name(e.Beside)] = e.Beside
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"validate", "example.yaml"}, {"plan", "example.yaml"}, {"run", "example.yaml", "--yes"}, {"rollback", "--yes"}} {
		cmd := exec.Command("opsctl", args...)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + dir, "XDG_STATE_HOME=" + filepath.Join(dir, "state"), "USER=me", "PATH=" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("opsctl %s: %v\n%s\n%s", strings.Join(args, " "), err, out, text)
		}
	}
}

// section gives the text below a heading, to the next one of its level or above.
func section(text, title string) string {
	var b strings.Builder
	level := 0
	code := false
	for _, line := range strings.Split(text, "\n") {
		code = code != strings.HasPrefix(line, "```")
		if hashes := len(line) - len(strings.TrimLeft(line, "#")); hashes > 0 && !code {
			if level > 0 && hashes <= level {
				return b.String()
			}
			if strings.Trim(line, "#` ") == title {
				level = hashes
			}
		}
		if level > 0 {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// TestInventoriesFitTheirSchema tries the inventories that the pages show, and some that are wrong.
func TestInventoriesFitTheirSchema(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(language.InventorySchema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(language.InventorySchemaID, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile(language.InventorySchemaID)
	if err != nil {
		t.Fatal(err)
	}
	fits := func(text string) error {
		n, err := source.Parse(&source.File{Name: "inventory.yaml", Text: text})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return schema.Validate(n.Value())
	}
	count := 0
	for _, p := range pages(t) {
		for _, b := range p.blocks {
			if !b.has("inventory") || b.lang != "yaml" {
				continue
			}
			count++
			if err := fits(b.text); err != nil {
				t.Errorf("%s:%d: %v", p.name, b.line, err)
			}
		}
	}
	if count < 3 {
		t.Errorf("the pages show only %d inventories", count)
	}
	for _, wrong := range []string{
		"host: [web1]", "hosts: web1", "hosts: [[web1]]", "hosts: {web1: deploy}", "hosts: {web1: {usr: deploy}}", "hosts: {web1: {port: 0}}",
		"hosts: {web1: {port: ssh}}", "groups: [web]", "groups: {web: [web1]}", "groups: {web: {host: [web1]}}", "vars: [a]",
	} {
		if fits(wrong) == nil {
			t.Errorf("the schema takes %s", wrong)
		}
		if _, err := decodeInventory(wrong); err == nil {
			t.Errorf("opsctl takes %s", wrong)
		}
	}
}
