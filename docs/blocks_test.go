package docs_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// TestBlocks reads every block that is not run.
func TestBlocks(t *testing.T) {
	house := houseInventory(t)
	for _, p := range pages(t) {
		t.Run(p.name, func(t *testing.T) {
			inventories, shown := map[string]string{"inventory.yaml": house}, map[string]string{}
			for i := range p.blocks {
				b := &p.blocks[i]
				if name := b.words["inventory"]; name != "" {
					inventories[name] = b.text
				}
				if name := b.words["runbook"]; name != "" {
					shown[name] = b.text
				}
				if err := tryBlock(b, inventories, shown); err != nil {
					t.Errorf("docs/%s:%d: %s", p.name, b.line, err)
				}
			}
		})
	}
}

// houseInventory is the inventory that the pages use where they show no other.
func houseInventory(t *testing.T) string {
	t.Helper()
	for _, b := range readPage(t, "README.md").blocks {
		if b.words["inventory"] == "inventory.yaml" {
			return b.text
		}
	}
	t.Fatal("README.md shows no inventory.yaml")
	return ""
}

// complaint is an error that needs no more than its text.
type complaint string

func (c complaint) Error() string { return string(c) }

// tryBlock reads one block; shown are the runbooks above it, which it may include.
func tryBlock(b *block, inventories, shown map[string]string) error {
	switch b.lang {
	case "console", "text", "ini":
		return nil
	case "sh":
		c := exec.Command("sh", "-n")
		c.Stdin = strings.NewReader(b.text)
		out, err := c.CombinedOutput()
		if err != nil {
			return complaint(out)
		}
		return nil
	case "json":
		if !json.Valid([]byte(b.text)) {
			return complaint("it is no JSON")
		}
		return nil
	case "yaml":
		return tryYAML(b, inventories, shown)
	}
	return complaint("what is a block of " + b.lang + "? docs_test.go lists what there is")
}

func tryYAML(b *block, inventories, shown map[string]string) error {
	loader := runbook.Loader{Read: func(path string) (string, error) {
		text, ok := shown[path]
		if !ok {
			return "", os.ErrNotExist
		}
		return text, nil
	}}
	switch {
	case b.has("runbook"):
		err := tryRunbook(loader, b.words["runbook"], b.text, b.words["with"], inventories["inventory.yaml"])
		if !b.has("invalid") {
			return err
		}
		if err == nil {
			return complaint("it is called invalid, and is not")
		}
		return nil
	case b.has("steps"):
		return tryRunbook(loader, "steps", "name: steps\nhosts: web\nparams: {version: {default: v1.4.2}}\nsteps:\n"+indent(b.text), "", inventories["inventory.yaml"])
	case b.has("inventory"):
		_, err := decodeInventory(b.text)
		return err
	}
	_, err := source.Parse(&source.File{Name: "block", Text: b.text})
	return err
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n  ") + "\n"
}

func decodeInventory(text string) (*inventory.Inventory, error) {
	node, err := source.Parse(&source.File{Name: "inventory.yaml", Text: text})
	if err != nil {
		return nil, err
	}
	return inventory.Decode(node)
}

// tryRunbook loads a runbook and, where its params are known, plans it.
func tryRunbook(loader runbook.Loader, name, text, with, hosts string) error {
	rb, _, err := loader.LoadText(text, name, ".")
	if err != nil {
		return complaint(rendered(err))
	}
	given := map[string]runbook.Given{}
	for _, pair := range strings.FieldsFunc(with, func(r rune) bool { return r == ';' }) {
		key, value, _ := strings.Cut(pair, "=")
		given[key] = runbook.Given{Text: &value}
	}
	for _, p := range rb.Params {
		if _, ok := given[p.Name]; !ok && !p.Given {
			return nil // it cannot be planned without
		}
	}
	values, err := rb.Values(given)
	if err != nil {
		return err
	}
	inv, err := decodeInventory(hosts)
	if err != nil {
		return err
	}
	if _, err = plan.Build(rb, inv, plan.Options{Values: values}); err != nil {
		return complaint(rendered(err))
	}
	return nil
}

func rendered(err error) string {
	problems, ok := source.AsProblems(err)
	if !ok {
		return err.Error()
	}
	var b strings.Builder
	for _, p := range problems {
		b.WriteString("\n" + p.Render())
	}
	return b.String()
}
