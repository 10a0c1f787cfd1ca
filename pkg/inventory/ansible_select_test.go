package inventory

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// patternHosts is the inventory on which patterns are compared. In most of its groups the hosts stand in
// the order of the inventory, so that positions count alike; "mixed" is there for those that do not.
const patternHosts = `lone1
lone2

[web]
web[0:4]

[db]
db[1:3]

[cache]
c1.example.com
c2.example.com

[east]
web0
web2
db1
c1.example.com

[west]
web1
web3
db2

[prod:children]
web
db

[site:children]
prod
cache

[mixed]
web3
web1
lone2

[empty]

[addr]
10.0.0.1
10.0.0.22
`

// samePatterns mean the same to Ansible and to us.
var samePatterns = []string{
	"all", "web", "db", "prod", "site", "empty", "ungrouped", "addr", "web1", "lone1", "c1.example.com", "10.0.0.1",
	"web*", "w*", "*.example.com", "db?", "?b1", "*b*", "*1", "c*", "10.*", "10.0.0.?", "e*", "*", "*o*", "web?:!web3",
	"web,db", "web, db", "web1,db1,lone1", "db1,web1", "web,web", "web,east", "lone*,cache",
	"web:&east", "web,&east", "prod:&east", "web:&east:&west", "db:&db1", "all:&west", "w*:&e*", "site:&cache",
	"web:!web3", "all:!prod", "web:!east", "prod:!web:!db1", "all:!*1", "all:!ungrouped", "web,!web0,!web1", "!prod", "&east", "all,!site",
	"web:&east:!web0", "prod:&east:!db1", "web,db,&east,!web2",
	"web[0]", "web[4]", "web[-1]", "web[-2]", "web[0:2]", "web[1:]", "web[3:4]", "web[2:99]", "db[0]", "prod[0]", "prod[5:6]",
	"all[0]", "web[1]:&west", "all:!web[0]", "web[0],db[0]", "east[1:2]", "web[0:0]", "web[9]",
	"~web[13]", "~web[13]$", "~(web|db)2", "~.*example", "~^db", "~c[12]\\.", "~lone", "~10\\.0", "~web:!web1", "~[wd].*[02]$", "all:!~web", "prod:&~.*1$",
}

// otherPatterns mean something else to Ansible, on purpose: docs/reference/patterns.md tells of each.
// What begins with "error: " is what is said instead of hosts.
var otherPatterns = []struct{ pattern, ours, ansible string }{
	// a word that nobody has is a mistake, and not nobody
	{"wbe1", `error: cannot find a host or group named "wbe1"`, ""},
	{"web,nobody", `error: cannot find a host or group named "nobody"`, "web0 web1 web2 web3 web4"},
	{"localhost", `error: cannot find a host or group named "localhost"`, "localhost"},
	{"local", "local", ""},
	{"@names", "error: '@' is not allowed in a name", ""},
	// "or" is a comma
	{"web:db", `error: ":" joins only as ":&" (and) or ":!" (not)`, "db1 db2 db3 web0 web1 web2 web3 web4"},
	{"web,db:&east:!web2", "db1 web0", "web0 web1 web2 web3 web4"},
	{"web,", "error: a name is missing here", "web0 web1 web2 web3 web4"},
	// positions
	{"web[-2:]", "web3 web4", "web2"},
	{"web[:1]", "web0 web1", "web1"},
	{"web[1:-2]", "web1 web2 web3", "web1"},
	{"site[0:3]", "web0 web1 web2 web3", "c1.example.com c2.example.com web0 web1"},
	{"web[2:1]", "error: the positions \"[2:1]\" run backwards", ""},
	{"mixed[0]", "lone2", "web3"},
	{"web*[5]", "", "web0"},
	// brackets are positions, and nothing else
	{"web[!1]", "error: cannot read \"[!1]\" as a position", "web0 web2 web3 web4"},
	{"[wd]*1", `error: a "[" without its "]" at the end`, "db1 web1"},
	// a pattern does not match "all" by accident
	{"a*", "10.0.0.1 10.0.0.22", "10.0.0.1 10.0.0.22 c1.example.com c2.example.com db1 db2 db3 lone1 lone2 web0 web1 web2 web3 web4"},
	{"~.ll", "", "10.0.0.1 10.0.0.22 c1.example.com c2.example.com db1 db2 db3 lone1 lone2 web0 web1 web2 web3 web4"},
	// regular expressions are RE2, and may hold commas and colons
	{"~web(?!1)", "error: cannot read the regular expression", "web0 web1 web2 web3 web4"},
	{"~web[01]{1,2}$", "web0 web1", ""},
}

// TestPatternsAgree holds what patterns pick against what they pick for Ansible.
func TestPatternsAgree(t *testing.T) {
	needAnsible(t, "ansible")
	if len(samePatterns) < 60 {
		t.Fatalf("only %d patterns", len(samePatterns))
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "hosts")
	if err := os.WriteFile(path, []byte(patternHosts), 0o600); err != nil {
		t.Fatal(err)
	}
	inv := mustLoad(t, path)
	for _, pattern := range samePatterns {
		t.Run("same "+pattern, func(t *testing.T) {
			t.Parallel()
			if ours, theirs := pickedByUs(inv, pattern), pickedByAnsible(t, dir, pattern); ours != theirs {
				t.Errorf("opsctl  %s\nAnsible %s", ours, theirs)
			}
		})
	}
	for _, p := range otherPatterns {
		t.Run("other "+p.pattern, func(t *testing.T) {
			t.Parallel()
			begins(t, "opsctl", pickedByUs(inv, p.pattern), p.ours)
			begins(t, "Ansible", pickedByAnsible(t, dir, p.pattern), p.ansible)
		})
	}
}

// begins compares hosts wholly, and messages where they begin.
func begins(t *testing.T, who, got, want string) {
	t.Helper()
	if got != want && (!strings.HasPrefix(want, "error: ") || !strings.HasPrefix(got, want)) {
		t.Errorf("%s: got %q, want %q", who, got, want)
	}
}

func pickedByUs(inv *Inventory, pattern string) string {
	hosts, err := inv.Select(pattern)
	if err != nil {
		message := err.Error()
		if bad, ok := err.(*PatternError); ok { //nolint:errorlint // Select gives it as it is
			message = bad.Message
		}
		return "error: " + message
	}
	return strings.Join(sorted(strings.Fields(names(hosts))), " ")
}

func pickedByAnsible(t *testing.T, dir, pattern string) string {
	t.Helper()
	out, complaint, err := callAnsible(t, dir, "ansible", pattern, "-i", "hosts", "--list-hosts")
	if err != nil {
		_, message, found := strings.Cut(complaint, "ERROR! ")
		if !found {
			t.Fatalf("%v: %s", err, complaint)
		}
		return "error: " + message
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	head := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(strings.TrimSpace(line), "hosts (") })
	if head < 0 {
		t.Fatalf("what is this? %s", out)
	}
	hosts := sorted(strings.Fields(strings.Join(lines[head+1:], " ")))
	if want := fmt.Sprintf("hosts (%d):", len(hosts)); strings.TrimSpace(lines[head]) != want {
		t.Fatalf("got %q, want %q", lines[head], want)
	}
	return strings.Join(hosts, " ")
}
