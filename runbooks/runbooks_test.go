package runbooks_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/runbooks"
)

// hosts is an inventory on which every runbook of the library can be planned.
const hosts = `
hosts:
  web[1:5]: {}
  db1: {vars: {app: /opt/shop}}
groups:
  web: {hosts: ["web[1:5]"]}
  db: {hosts: [db1]}
`

// params are what the runbooks want to be given.
var params = map[string]map[string]string{
	"rolling-deploy.yaml": {"version": "v1.4.2"},
}

func TestEveryRunbookIsValidAndCanBePlanned(t *testing.T) {
	names, err := fs.Glob(runbooks.Files, "*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("the library holds %d runbooks, %v", len(names), err)
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			rb := load(t, name)
			p := build(t, rb, params[name])
			if p.OpCount == 0 {
				t.Error("the plan is empty")
			}
			if rb.Name+".yaml" != name {
				t.Errorf("it calls itself %s", rb.Name)
			}
			if rb.Description == "" || !strings.HasPrefix(rb.File.Text, "# ") {
				t.Error("it does not say what it does")
			}
			for _, param := range rb.Params {
				if param.Help == "" {
					t.Errorf("param %s does not say what it is", param.Name)
				}
			}
			rb.Root.Walk(func(s *runbook.Step) {
				if s.Effect == runbook.Change && s.Action != "steps" && !s.Finally && s.Rollback == nil && !s.BuiltinUndo() {
					t.Errorf("step %s changes something and says nothing about its rollback", s.Path)
				}
			})
		})
	}
}

func TestRollingDeployGoesInWavesAndKnowsItsWayBack(t *testing.T) {
	p := build(t, load(t, "rolling-deploy.yaml"), params["rolling-deploy.yaml"])
	if len(p.Rollouts) != 1 {
		t.Fatalf("%d rollouts", len(p.Rollouts))
	}
	var sizes []int
	for _, wave := range p.Rollouts[0].Waves {
		sizes = append(sizes, len(wave))
	}
	if len(sizes) != 3 || sizes[0] != 1 || sizes[1] != 2 || sizes[2] != 2 {
		t.Errorf("the waves are %v", sizes)
	}
	undo := map[string]plan.Undo{}
	for _, s := range p.Steps {
		undo[s.ID] = s.Undo
		if s.Source.Finally || s.Source.ID == "prune" {
			continue
		}
		if s.OnFailure != plan.Rollback || s.Back != plan.ScopeRun {
			t.Errorf("a failure of %s is answered by %v of %s", s.ID, s.OnFailure, s.Back)
		}
	}
	for _, id := range []string{"upload", "migrate", "switch/activate", "switch/activate/link"} {
		if undo[id] != plan.UndoCompleted {
			t.Errorf("%s cannot be taken back", id)
		}
	}
}

func TestRollingDeployRefusesWrongParams(t *testing.T) {
	rb := load(t, "rolling-deploy.yaml")
	for name, given := range map[string]map[string]string{
		"no version":       {},
		"no such version":  {"version": "latest"},
		"code as version":  {"version": "v1.0.0; reboot"},
		"one release only": {"version": "v1.0.0", "keep": "1"},
		"no port":          {"version": "v1.0.0", "port": "0"},
		"no path":          {"version": "v1.0.0", "health": "status"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := rb.Values(texts(given)); err == nil {
				t.Error("they are taken")
			}
		})
	}
}

func load(t *testing.T, name string) *runbook.Runbook {
	t.Helper()
	text, err := runbooks.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	rb, warnings, err := runbook.LoadText(string(text), name, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range warnings {
		t.Error(w.Render())
	}
	return rb
}

func build(t *testing.T, rb *runbook.Runbook, given map[string]string) *plan.Plan {
	t.Helper()
	values, err := rb.Values(texts(given))
	if err != nil {
		t.Fatal(err)
	}
	node, err := source.Parse(&source.File{Name: "inventory.yaml", Text: hosts})
	if err != nil {
		t.Fatal(err)
	}
	inv, err := inventory.Decode(node)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.Build(rb, inv, plan.Options{Values: values})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func texts(given map[string]string) map[string]runbook.Given {
	values := map[string]runbook.Given{}
	for name, text := range given {
		values[name] = runbook.Given{Text: &text}
	}
	return values
}
