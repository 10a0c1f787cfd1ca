package inventory

import (
	"strings"
	"testing"

	"github.com/opsctl/opsctl/internal/source"
)

func decodeText(t *testing.T, text string) (*Inventory, error) {
	t.Helper()
	node, err := source.Parse(&source.File{Name: "i.yaml", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return Decode(node)
}

// The nearest word wins: the host's, then that of inner groups, outer groups, all.
func TestTransport(t *testing.T) {
	inv, err := decodeText(t, `
hosts: {own: {transport: builtin}, inner: {}, outer: {}, free: {}}
groups:
  a_inner: {hosts: [own, inner], transport: openssh}
  b_outer: {groups: [a_inner], hosts: [outer], transport: builtin}
  all: {transport: openssh}
`)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"own": Builtin, "inner": OpenSSH, "outer": Builtin, "free": OpenSSH} {
		if got := inv.Lookup(name).Transport; got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		if got := Restore(inv.Snapshot()).Lookup(name).Transport; got != want {
			t.Errorf("%s, restored: %q, want %q", name, got, want)
		}
	}
	if _, err := decodeText(t, "hosts: {a: {transport: telnet}}\n"); err == nil || !strings.Contains(err.Error(), `"telnet" is not a transport`) {
		t.Errorf("got %v", err)
	}
	if _, err := decodeText(t, "hosts: [a]\ngroups: {g: {transport: telnet}}\n"); err == nil || !strings.Contains(err.Error(), `"telnet" is not a transport`) {
		t.Errorf("got %v", err)
	}
}
