package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestGraphIsWhatTheProgramDraws keeps the picture of the guide as the program draws it today; -update draws it anew.
func TestGraphIsWhatTheProgramDraws(t *testing.T) {
	const picture = "graph.svg"
	dir := t.TempDir()
	inventory := filepath.Join(dir, "inventory.yaml")
	fleet := "hosts: {\"web[1:5]\": {}, db1: {}}\ngroups: {web: {hosts: [\"web[1:5]\"]}, db: {hosts: [db1]}}\n"
	if err := os.WriteFile(inventory, []byte(fleet), 0o600); err != nil {
		t.Fatal(err)
	}
	drawn := filepath.Join(dir, picture)
	cmd := exec.Command("opsctl", "graph", "../runbooks/rolling-deploy.yaml", "-i", inventory, "-p", "version=v1.4.2", "-o", drawn)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_STATE_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got, err := os.ReadFile(drawn)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(picture, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s is not what opsctl draws today; go test ./docs -run TestGraph -update draws it anew", picture)
	}
}
