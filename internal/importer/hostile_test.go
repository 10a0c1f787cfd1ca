package importer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
)

func TestRefused(t *testing.T) {
	tests := []struct {
		name, text string
		kind       Kind
		only, want string
	}{
		{"empty", " \n", "", "", "f.yml: is empty"},
		{"binary", "\x7fELF\x00\x01", "", "", "f.yml: is not text"},
		{"no YAML", "a: [b", Ansible, "", "f.yml:1:5: cannot read this as YAML"},
		{"a list of nothing", "[]", "", "", "f.yml:1:1: cannot tell what this is"},
		{"a map of something", "a: 1", "", "", "cannot tell what this is"},
		{"a text", "hello", "", "", "cannot tell what this is"},
		{"two documents", "tasks: {a: x}\n---\ntasks: {b: x}\n", "", "", "a second document starts here"},
		{"large", "# " + strings.Repeat("x", source.BytesMax), "", "", "the limit is"},
		{"deep", "tasks: " + strings.Repeat("[", 100) + strings.Repeat("]", 100), "", "", "nested deeper than 64"},
		{"not a Taskfile", "- hosts: all", Taskfile, "", "a Taskfile is a map with tasks, this is a list"},
		{"a Taskfile without tasks", "version: 3\ntasks: {}", "", "", "there are no tasks in this Taskfile"},
		{"not of spot", "- hosts: all", Spot, "", "a playbook of spot is a map with tasks, this is a list"},
		{"spot without tasks", "targets: {a: {}}", "", "", "there are no tasks in this playbook"},
		{"not of Ansible", "tasks: {a: x}", Ansible, "", "a playbook of Ansible is a list of plays, this is a map"},
		{"Ansible without plays", "[]", Ansible, "", "there are no plays"},
		{"a task that is not there", "tasks: {build: x}", "", "biuld", `there is no task "biuld"`},
		{"a play that is not there", "- hosts: all", "", "x", `there is no play "x"`},
		{"a spot task that is not there", "tasks: [{name: a}]", "", "x", `there is no task "x"`},
		{"a kind that is none", "a: 1", "make", "", `cannot import from "make"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{File: "f.yml", Kind: tt.kind}
			if tt.only != "" {
				o.Only = []string{tt.only}
			}
			_, err := Import([]byte(tt.text), o)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// TestMuch imports what is as large as it may be, and tasks that call each other over and over.
func TestMuch(t *testing.T) {
	var many, calls strings.Builder
	many.WriteString("- hosts: all\n  tasks:\n")
	for i := range 600 {
		fmt.Fprintf(&many, "    - {name: step %d, command: 'echo {{ x%d }}', register: r%d, when: r%d is changed}\n", i, i, i, max(0, i-1))
	}
	calls.WriteString("version: '3'\ntasks:\n")
	for i := range 30 {
		fmt.Fprintf(&calls, "  t%d: {cmds: [{task: t%d}, {task: t%d}, echo]}\n", i, i+1, i+1)
	}
	for name, text := range map[string]string{"many": many.String(), "calls": calls.String()} {
		r, err := Import([]byte(text), Options{File: "f.yml", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		loads(t, r.Runbook)
	}
}

// TestTooMuch holds that what is left out is told, and counted.
func TestTooMuch(t *testing.T) {
	text := "- hosts: all\n  tasks:\n" + strings.Repeat("    - command: uptime\n", stepsMax+10)
	r, err := Import([]byte(text), Options{File: "f.yml"})
	if err != nil {
		t.Fatal(err)
	}
	if r.Total != stepsMax+10 || r.Imported != stepsMax {
		t.Errorf("%d of %d", r.Imported, r.Total)
	}
	if want := fmt.Sprintf("# import: line %d: more than", stepsMax+3); !strings.Contains(r.Runbook, want) {
		t.Errorf("%q is missing in\n%s", want, r.Runbook[:200])
	}
}

// FuzzTaskfile, FuzzSpot and FuzzAnsible hold that whatever is imported loads, and that nothing makes them stumble.
func FuzzTaskfile(f *testing.F) { fuzz(f, Taskfile) }

func FuzzSpot(f *testing.F) { fuzz(f, Spot) }

func FuzzAnsible(f *testing.F) { fuzz(f, Ansible) }

func fuzz(f *testing.F, kind Kind) {
	files, err := filepath.Glob(filepath.Join("testdata", string(kind), "*.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Import([]byte(text), Options{File: "f.yml", Name: "fuzz", Kind: kind})
		if err != nil {
			return
		}
		loads(t, r.Runbook)
		if strings.ContainsAny(r.Runbook, "\x02\x03\x04") {
			t.Errorf("a mark of ours is left:\n%s", r.Runbook)
		}
		if r.Imported < 0 || r.Imported > r.Total {
			t.Errorf("%d of %d", r.Imported, r.Total)
		}
		if r.Inventory != "" {
			if why := refusal(r.Inventory); why != "" {
				t.Errorf("the inventory: %s\n%s", why, r.Inventory)
			}
		}
	})
}
