package inventory

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// ansibleTimeMax bounds one call of Ansible, which takes half a second when nothing else runs.
const ansibleTimeMax = 2 * time.Minute

// needAnsible skips a test where ansible-core is not there to be compared with.
func needAnsible(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not here (package ansible-core)", program)
		}
	}
}

// callAnsible runs a program of Ansible in a directory, without any configuration. An inventory it cannot
// read is a failure and not a warning.
func callAnsible(t *testing.T, dir string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), ansibleTimeMax)
	defer cancel()
	c := exec.CommandContext(ctx, args[0], args[1:]...)
	var out, complaint bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = dir, &out, &complaint
	home := t.TempDir()
	if err := os.WriteFile(filepath.Join(home, "ansible.cfg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8", "ANSIBLE_CONFIG=" + filepath.Join(home, "ansible.cfg"), "ANSIBLE_NOCOLOR=1",
		"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=true", "ANSIBLE_LOCALHOST_WARNING=false",
	}
	err = c.Run()
	return out.String(), complaint.String(), err
}

// ansibleCase is an inventory of testdata/ansible: files, and above them lines that say what to expect.
type ansibleCase struct {
	dir     string
	sources []string
	error   string // both refuse it, and we say this
	refused string // we refuse it and say this; Ansible takes it
	warning string // we say this
	skip    string // Ansible cannot be asked
}

func readAnsibleCase(t *testing.T, path string) ansibleCase {
	t.Helper()
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c := ansibleCase{dir: t.TempDir()}
	for _, line := range strings.Split(strings.TrimSpace(string(archive.Comment)), "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "sources":
			c.sources = strings.Fields(value)
		case "error":
			c.error = value
		case "refused":
			c.refused = value
		case "warning":
			c.warning = value
		case "skip":
			c.skip = value
		default:
			t.Fatalf("%s: what is %q?", path, line)
		}
	}
	for _, f := range archive.Files {
		name := filepath.Join(c.dir, f.Name)
		mode := os.FileMode(0o600)
		if bytes.HasPrefix(f.Data, []byte("#!")) {
			mode = 0o700
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, mode); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func (c *ansibleCase) load() (*Inventory, error) {
	var sources []string
	for _, s := range c.sources {
		sources = append(sources, filepath.Join(c.dir, s))
	}
	return Load(sources)
}

// here takes the directory of the test off a message.
func (c *ansibleCase) here(text string) string { return strings.ReplaceAll(text, c.dir+"/", "") }

// ansibleSeen is what Ansible makes of an inventory.
type ansibleSeen struct {
	Hosts    []string
	Groups   map[string][]string // with the hosts of the groups in them
	Children map[string][]string
	Vars     map[string]map[string]any
}

// seenByAnsible asks ansible-inventory --list.
func seenByAnsible(t *testing.T, c *ansibleCase) (*ansibleSeen, error) {
	t.Helper()
	args := []string{"ansible-inventory", "--list"}
	for _, s := range c.sources {
		args = append(args, "-i", s)
	}
	out, complaint, err := callAnsible(t, c.dir, args...)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, complaint)
	}
	var groups map[string]struct{ Hosts, Children []string }
	var meta struct {
		Meta struct {
			HostVars map[string]map[string]any `json:"hostvars"`
		} `json:"_meta"`
	}
	if err := json.Unmarshal([]byte(out), &groups); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	dec := json.NewDecoder(strings.NewReader(out))
	dec.UseNumber()
	if err := dec.Decode(&meta); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	seen := &ansibleSeen{Groups: map[string][]string{}, Children: map[string][]string{}, Vars: map[string]map[string]any{}}
	var all func(group string) []string
	all = func(group string) []string {
		hosts := slices.Clone(groups[group].Hosts)
		for _, child := range groups[group].Children {
			hosts = append(hosts, all(child)...)
		}
		return slices.Compact(sorted(hosts))
	}
	delete(groups, "_meta")
	seen.Hosts = all("all")
	for name, g := range groups { // groups with nothing in them stand only with their parents
		for _, known := range append([]string{name}, g.Children...) {
			seen.Groups[known] = all(known)
			seen.Children[known] = sorted(groups[known].Children)
		}
	}
	for host, vars := range meta.Meta.HostVars {
		seen.Vars[host] = plain(vars).(map[string]any)
	}
	forAnsible(seen)
	return seen, nil
}

// forAnsible drops what we have not: the group "all", and that "ungrouped" is in it.
func forAnsible(seen *ansibleSeen) {
	delete(seen.Groups, All)
	delete(seen.Children, All)
	if _, ok := seen.Groups[Ungrouped]; !ok {
		seen.Groups[Ungrouped], seen.Children[Ungrouped] = []string{}, []string{}
	}
}

func sorted(list []string) []string {
	list = append([]string{}, list...)
	slices.Sort(list)
	return list
}

// plain gives numbers as ints and floats, so that 1 and 1.0 are told apart.
func plain(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if text, ok := v["__ansible_unsafe"]; ok { // how ansible-inventory writes what has the tag !unsafe
			return text
		}
		for key, inner := range v {
			v[key] = plain(inner)
		}
	case []any:
		for i, inner := range v {
			v[i] = plain(inner)
		}
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return v.String()
		}
		return f
	}
	return value
}

// seenByUs gives our inventory in the same shape.
func seenByUs(inv *Inventory) *ansibleSeen {
	seen := &ansibleSeen{Groups: map[string][]string{}, Children: map[string][]string{}, Vars: map[string]map[string]any{}}
	name := func(hosts []*Host) []string {
		list := []string{}
		for _, h := range hosts {
			list = append(list, h.Name)
		}
		return sorted(list)
	}
	seen.Hosts = name(inv.Hosts)
	for _, g := range inv.Groups {
		seen.Groups[g.Name], seen.Children[g.Name] = name(g.Hosts), sorted(g.Groups)
	}
	for _, h := range inv.Hosts {
		if len(h.Vars) > 0 {
			seen.Vars[h.Name] = h.Vars
		}
	}
	return seen
}

// TestAnsibleAgrees holds what we read from an inventory against what Ansible reads from it.
func TestAnsibleAgrees(t *testing.T) {
	files, err := filepath.Glob("testdata/ansible/*.txtar")
	if err != nil || len(files) < 30 {
		t.Fatal("where are the inventories?", err)
	}
	_, missing := exec.LookPath("ansible-inventory")
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			c := readAnsibleCase(t, path) // before any is run, as in TestProgramsThatFail
			t.Parallel()
			inv, err := c.load()
			c.expect(t, inv, err)
			if c.skip != "" {
				return
			}
			if missing != nil {
				t.Skip("ansible-inventory is not here (package ansible-core)")
			}
			seen, refusal := seenByAnsible(t, &c)
			switch {
			case c.error != "" && refusal == nil:
				t.Error("Ansible takes it; it is refused:, not error:")
			case c.error == "" && refusal != nil:
				t.Errorf("Ansible refuses it: %v", refusal)
			case c.error == "" && c.refused == "":
				if diff := cmp.Diff(seen, seenByUs(inv)); diff != "" {
					t.Errorf("-Ansible +opsctl\n%s", diff)
				}
			}
		})
	}
}

// expect holds our problems against what the case says of them.
func (c *ansibleCase) expect(t *testing.T, inv *Inventory, err error) {
	t.Helper()
	if want := c.error + c.refused; want != "" {
		if err == nil || !strings.Contains(c.here(err.Error()), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		return
	}
	if err != nil {
		t.Fatal(c.here(err.Error()))
	}
	var told []string
	for _, w := range inv.Warnings {
		told = append(told, c.here(w.Error()))
	}
	if c.warning != "" && !strings.Contains(strings.Join(told, "\n"), c.warning) {
		t.Errorf("got the warnings %q, want %q", told, c.warning)
	}
}

// TestLargeInventoryAgrees compares two thousand hosts in groups of groups, with vars of each.
func TestLargeInventoryAgrees(t *testing.T) {
	needAnsible(t, "ansible-inventory")
	t.Parallel()
	var b strings.Builder
	b.WriteString("[all:vars]\ndomain=example.com\n")
	for rack := range 40 {
		fmt.Fprintf(&b, "[rack%02d]\n", rack)
		for n := range 50 {
			fmt.Fprintf(&b, "h%02d%02d ansible_host=10.0.%d.%d slot=%d tags=\"['r%d', %d]\" name='host %d of rack %d'\n", rack, n, rack, n, n, rack, n, n, rack)
		}
		fmt.Fprintf(&b, "[rack%02d:vars]\nrack=%d\nansible_port=%d\n", rack, rack, 2000+rack)
		fmt.Fprintf(&b, "[row%d:children]\nrack%02d\n[row%d:vars]\nrow=%d\nrack=row\n", rack/8, rack, rack/8, rack/8)
	}
	for n := range 7 {
		fmt.Fprintf(&b, "[every%d]\nh[00:39:%d]0%d\n[every%d:vars]\nevery=%d\nansible_group_priority=%d\n", n, n+1, n, n, n, 10-n)
	}
	b.WriteString("[site:children]\nrow0\nrow1\nrow2\nrow3\nrow4\n")
	c := ansibleCase{dir: t.TempDir(), sources: []string{"hosts"}}
	if err := os.WriteFile(filepath.Join(c.dir, "hosts"), []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	inv, err := c.load()
	if err != nil {
		t.Fatal(err)
	}
	if len(inv.Hosts) != 2000 || inv.Lookup("h3949").Port != 2039 {
		t.Errorf("got %d hosts, %+v", len(inv.Hosts), inv.Lookup("h3949"))
	}
	seen, err := seenByAnsible(t, &c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(seen, seenByUs(inv)); diff != "" {
		t.Errorf("-Ansible +opsctl\n%s", diff)
	}
}
