package inventory

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/opsctl/opsctl/internal/source"
)

const example = `hosts:
  web[1:3].example.com: {user: deploy, vars: {zone: eu, port: 9}}
  db1: {addr: 10.0.0.9, port: 2222, jump: "me@bastion:22,[::1]:2200", identity: ~/.ssh/db}
  db2:
  "2001:DB8::1": {addr: "[2001:db8::2]"}
groups:
  web:  {hosts: ["web[1:3].example.com"], vars: {port: 8080, env: web}}
  db:   {hosts: "db*"}
  prod: {groups: [web, db], vars: {port: 1, env: prod, tier: {a: [1]}}}
  all:  {vars: {x: 1}}
  few:  {hosts: ["*:!web*:!db2", "~d.2"]}
vars: {env: none, y: 2}
`

func decode(t testing.TB, text string) (*Inventory, error) {
	t.Helper()
	node, err := source.Parse(&source.File{Name: "inventory.yaml", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return Decode(node)
}

func mustDecode(t testing.TB, text string) *Inventory {
	t.Helper()
	inv, err := decode(t, text)
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

func names(hosts []*Host) string {
	var list []string
	for _, h := range hosts {
		list = append(list, h.Name)
	}
	return strings.Join(list, " ")
}

func TestDecodeDerivesHosts(t *testing.T) {
	inv := mustDecode(t, example)
	if got, want := names(inv.Hosts), "web1.example.com web2.example.com web3.example.com db1 db2 2001:db8::1"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	web := inv.Lookup("web2.example.com")
	vars := map[string]any{"x": 1, "y": 2, "env": "web", "port": 9, "zone": "eu", "tier": map[string]any{"a": []any{1}}}
	if diff := cmp.Diff(vars, web.Vars); diff != "" {
		t.Error(diff)
	}
	origins := map[string]string{
		"x": "inventory.yaml:10:17 (all)", "y": "inventory.yaml:12:19 (all)",
		"env": "inventory.yaml:7:62 (group web)", "tier": "inventory.yaml:9:56 (group prod)",
		"port": "inventory.yaml:2:57 (host web[1:3].example.com)", "zone": "inventory.yaml:2:47 (host web[1:3].example.com)",
	}
	if diff := cmp.Diff(origins, web.Origins); diff != "" {
		t.Error(diff)
	}
	if got := strings.Join(web.Groups, " "); got != "prod web" || web.At != "inventory.yaml:2:3" || web.User != "deploy" {
		t.Errorf("got %+v", web)
	}
	db := inv.Lookup("db1")
	if db.Addr != "10.0.0.9" || db.Port != 2222 || db.Jump != "me@bastion:22,[::1]:2200" || db.Identity != "~/.ssh/db" {
		t.Errorf("got %+v", db)
	}
	six := inv.Lookup("[2001:db8:0::1]")
	if six == nil || six.Addr != "2001:db8::2" {
		t.Errorf("got %+v", six)
	}
	if got := names(inv.Group("few").Hosts); got != "db1 db2 2001:db8::1" {
		t.Errorf("few: %s", got)
	}
	if local := inv.Lookup(Local); !local.IsLocal() || six.IsLocal() {
		t.Error("the controller is not told from the others")
	}
}

func TestMembersAreExact(t *testing.T) {
	inv := mustDecode(t, `hosts: ["n[01:12]", "x[a:c]", "y[0:10:5]", plain]
groups:
  g: {hosts: ["n[02:03],plain", "x[a:c]:!xb", "~y\\d+:&*0", "!n*:!x*:!y*"]}
`)
	if got, want := names(inv.Group("g").Hosts), "n02 n03 xa xc y0 y10 plain"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Deeper groups speak after the groups around them, and of two equally deep the later in the alphabet.
func TestPrecedenceByDepth(t *testing.T) {
	inv := mustDecode(t, `hosts: [h]
groups:
  z: {groups: [m], vars: {a: z, b: z, c: z}}
  m: {groups: [a], vars: {a: m, b: m}}
  a: {hosts: [h], vars: {a: a}}
  b: {hosts: [h], vars: {a: b, c: b}}
`)
	if diff := cmp.Diff(map[string]any{"a": "a", "b": "m", "c": "z"}, inv.Lookup("h").Vars); diff != "" {
		t.Error(diff)
	}
}

func TestRangeWithOneAddrWarns(t *testing.T) {
	inv := mustDecode(t, "hosts:\n  w[1:2]: {addr: 10.0.0.1}\n")
	if len(inv.Warnings) != 1 || inv.Warnings[0].Error() != "inventory.yaml:2:3: all 2 hosts of this range get the same addr" {
		t.Errorf("got %v", inv.Warnings)
	}
}

// big is an inventory of n hosts written one by one, in groups of a hundred.
func big(n int) string {
	var b strings.Builder
	b.WriteString("hosts:\n")
	for i := range n {
		fmt.Fprintf(&b, "  host%05d.example.com: {user: u, port: 22}\n", i)
	}
	b.WriteString("groups:\n")
	for g := range n / 100 {
		fmt.Fprintf(&b, "  g%03d: {hosts: ['host[%05d:%05d].example.com'], vars: {a: 1, b: 2, c: x}}\n", g, g*100, g*100+99)
	}
	b.WriteString("vars: {a: 0, d: 4}\n")
	return b.String()
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1000, 10000} {
		text := big(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				node, err := source.Parse(&source.File{Name: "i", Text: text})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Decode(node); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("range of 10000", func(b *testing.B) {
		for b.Loop() {
			mustDecode(b, "hosts: {'h[1:10000]': {vars: {a: 1}}}\ngroups: {g: {hosts: ['h[1:10000]'], vars: {b: 1}}}\n")
		}
	})
}

func BenchmarkSelect(b *testing.B) {
	inv := mustDecode(b, big(10000))
	for _, p := range []string{"g001", "g*:!g00*", "all[100:200]", "~host0001.", "host*"} {
		b.Run(p, func(b *testing.B) {
			for b.Loop() {
				if _, err := inv.Select(p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Small texts that stand for very much are refused before they cost anything.
func TestBombsAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"hosts":   "hosts: [" + strings.Repeat("'a[1:99999]b[1:1]',", 100) + "]\n",
		"members": "hosts: ['a[1:90000]']\ngroups: {g: {hosts: [" + strings.Repeat("'a[1:90000]',", 1000) + "]}}\n",
		"long":    "hosts: ['" + strings.Repeat("a", 5000) + "[1:99999]']\n",
	} {
		if _, err := decode(t, text); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
