package inventory

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const fleet = `hosts: ["web[0:4]", "db[1:3]", "a.b-c", 10.0.0.1, "::1", cache]
groups:
  web: {hosts: ["web?"]}
  db: {hosts: ["db*"]}
  east: {hosts: [web0, web2, db1, cache]}
  prod: {groups: [web, db]}
  empty: {}
`

func TestSelect(t *testing.T) {
	inv := mustDecode(t, fleet)
	tests := []struct{ patterns, want string }{ // patterns of one list are separated by |
		{"web", "web0 web1 web2 web3 web4"},
		{"all", "web0 web1 web2 web3 web4 db1 db2 db3 a.b-c 10.0.0.1 ::1 cache"},
		{"local", "local"},
		{"cache,local,web0", "local web0 cache"},
		{"db1,db1,db", "db1 db2 db3"},
		{"web[0]", "web0"},
		{"web[-1]", "web4"},
		{"web[0:2]", "web0 web1 web2"},
		{"web[3:]", "web3 web4"},
		{"web[:1]", "web0 web1"},
		{"web[-2:]", "web3 web4"},
		{"web[1:-2]", "web1 web2 web3"},
		{"web[:]", "web0 web1 web2 web3 web4"},
		{"web[9]", ""},
		{"web[-9]", ""},
		{"web[3:99]", "web3 web4"},
		{"web[-99:0]", "web0"},
		{"all[5:6]", "db1 db2"},
		{"d*[1]", "db2"},
		{"web,db:&east", "web0 web2 db1"},
		{"web:!east,db", "web1 web3 web4 db2 db3"},
		{"web:&east:!web0", "web2"},
		{"prod:!web[0:3]", "web4 db1 db2 db3"},
		{"!prod", "a.b-c 10.0.0.1 ::1 cache"},
		{"&east", "web0 web2 db1 cache"},
		{"all,!prod", "a.b-c 10.0.0.1 ::1 cache"},
		{"all|!prod", "a.b-c 10.0.0.1 ::1 cache"},
		{"web:&east|db:!east", "web0 web2 db2 db3"},
		{"web|db|&east", "web0 web2 db1"},
		{"*", "web0 web1 web2 web3 web4 db1 db2 db3 a.b-c 10.0.0.1 ::1 cache"},
		{"a*", "a.b-c"},
		{"l*", ""},
		{"e*", "web0 web2 db1 cache"},
		{"nothing*", ""},
		{"empty", ""},
		{"~web[12]|db3", "web1 web2 db3"},
		{"~(web|d)b", "db1 db2 db3"},
		{"~^.{2,3}$", "web0 web1 web2 web3 web4 db1 db2 db3 ::1"},
		{"~(?:web)[34]:!web4", "web3"},
		{"~eb", ""},
		{"a.b-c , 10.0.0.1,[::1]", "a.b-c 10.0.0.1 ::1"},
		{"[0:0::1]", "::1"},
	}
	for _, tt := range tests {
		patterns := []string{tt.patterns}
		if !strings.Contains(tt.patterns, "~") {
			patterns = strings.Split(tt.patterns, "|")
		} else if rest, ok := strings.CutSuffix(tt.patterns, "|db3"); ok {
			patterns = []string{rest, "db3"}
		}
		got, err := inv.Select(patterns...)
		if err != nil || names(got) != tt.want {
			t.Errorf("%s: got %q, %v; want %q", tt.patterns, names(got), err, tt.want)
		}
	}
	if got, err := inv.Select(); err != nil || len(got) != 0 {
		t.Errorf("no pattern: got %v, %v", got, err)
	}
}

func TestSelectUnknown(t *testing.T) {
	inv := mustDecode(t, fleet)
	_, err := inv.Select("wbe1,db", "caches", "xyzzyxyzzy")
	want := `cannot find a host or group named "wbe1" in the inventory; did you mean "web1"?
cannot find a host or group named "caches" in the inventory; did you mean "cache"?
cannot find a host or group named "xyzzyxyzzy" in the inventory`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	var unknown *UnknownError
	if _, err = inv.Select("db:!ec[0]"); !errors.As(err, &unknown) || unknown.Offset != 4 || unknown.Word != "ec" {
		t.Errorf("got %+v", unknown)
	}
}

func TestParsePatternErrors(t *testing.T) {
	tests := []struct {
		text   string
		offset int
		want   string
	}{
		{"", 0, "a name is missing here"},
		{"web,", 4, "a name is missing here"},
		{"web,,db", 4, "a name is missing here"},
		{"web:&", 5, "a name is missing here"},
		{"web:db", 3, `":" joins only as ":&" (and) or ":!" (not)`},
		{"::1", 0, `a name is missing here`},
		{"web,-oX", 4, `"-oX" is not a name`},
		{"we b", 2, "a space is not allowed in a name"},
		{"we\nb", 2, "a newline is not allowed in a name"},
		{"a,b%h", 3, "'%' is not allowed in a name"},
		{"web[1", 3, `a "[" without its "]" at the end`},
		{"web[1]x", 3, `a "[" without its "]" at the end`},
		{"web[]", 3, `cannot read "[]" as a position`},
		{"web[a]", 3, `cannot read "[a]" as a position`},
		{"web[2:1]", 3, `the positions "[2:1]" run backwards`},
		{"web[1:2:3]", 3, `cannot read "[1:2:3]" as a position`},
		{"web[99999999]", 3, `cannot read "[99999999]" as a position`},
		{"db,~(", 4, "cannot read the regular expression: missing closing ): `^(?:()`"},
		{"[1:2]", 0, `"[1:2]" is not a name`},
		{"web]", 3, "']' is not allowed in a name"},
	}
	for _, tt := range tests {
		_, err := ParsePattern(tt.text)
		var bad *PatternError
		if !errors.As(err, &bad) || bad.Message != tt.want || bad.Offset != tt.offset {
			t.Errorf("%q: got %+v, want %d %s", tt.text, err, tt.offset, tt.want)
		}
	}
	_, err := ParsePattern("ü,a:b")
	if want := `cannot read the host pattern "ü,a:b" at character 4: ":" joins only as ":&" (and) or ":!" (not)`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What a pattern picks is what its terms say, taken one by one.
func TestSelectIsSetAlgebra(t *testing.T) {
	inv := mustDecode(t, fleet)
	words := []string{"web", "db", "east", "prod", "web0", "db*", "~.*[12]", "all[2:6]", "local", "[::1]", "empty"}
	pick := func(t *rapid.T, text string) map[*Host]bool {
		hosts, err := inv.Select(text)
		if err != nil {
			t.Fatal(err)
		}
		set := map[*Host]bool{}
		for i, h := range hosts {
			if set[h] || i > 0 && hosts[i-1].index >= h.index {
				t.Fatalf("%s: out of order or twice: %s", text, names(hosts))
			}
			set[h] = true
		}
		return set
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(words).Draw(t, "first")
		in := pick(t, text)
		var ands, nots []map[*Host]bool
		for range rapid.IntRange(0, 5).Draw(t, "more") {
			word := rapid.SampledFrom(words).Draw(t, "word")
			set := pick(t, word)
			switch join := rapid.SampledFrom([]string{",", ":&", ":!", ",&", ",!"}).Draw(t, "join"); join {
			case ",":
				text += join + word
				for h := range set {
					in[h] = true
				}
			case ":&", ",&":
				text += join + word
				ands = append(ands, set)
			default:
				text += join + word
				nots = append(nots, set)
			}
		}
		got := pick(t, text)
		for _, h := range append([]*Host{inv.local}, inv.Hosts...) {
			want := in[h]
			for _, set := range ands {
				want = want && set[h]
			}
			for _, set := range nots {
				want = want && !set[h]
			}
			if got[h] != want {
				t.Fatalf("%s: %s is %v", text, h.Name, got[h])
			}
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, s := range []string{"web[0:2],db:&east:!~x(y|z){1,2}", "[::1]", "all[-1]", "!a,&b", "~\\", "a[1:2", "~[[:alpha:]]"} {
		f.Add(s)
	}
	inv := mustDecode(f, fleet)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := ParsePattern(text)
		if err != nil {
			var bad *PatternError
			if !errors.As(err, &bad) || bad.Offset < 0 || bad.Offset > len(text) || bad.Error() == "" {
				t.Fatalf("%q: %+v", text, err)
			}
			return
		}
		hosts, err := inv.SelectParsed(p)
		for i := 1; err == nil && i < len(hosts); i++ {
			if hosts[i-1].index >= hosts[i].index {
				t.Fatalf("%q: out of order", text)
			}
		}
	})
}

var safeName = regexp.MustCompile(`^[A-Za-z0-9_:][A-Za-z0-9._:-]*$`)

func FuzzRange(f *testing.F) {
	for _, s := range []string{"web[1:20].example.com", "[01:10]x[a:f]", "[0:10:5]", "[::1]", "a[1:", "a]", "[-1:2]", "[9:999999999]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, bad := expandRange(text)
		if bad != nil {
			if bad.offset < 0 || bad.offset+bad.width > len(text) {
				t.Fatalf("%q: %+v", text, bad)
			}
			return
		}
		if len(list) == 0 || len(list) > HostsMax {
			t.Fatalf("%q: %d names", text, len(list))
		}
		seen := map[string]bool{}
		for _, name := range list[:min(len(list), 1000)] {
			if CheckHostName(name) == nil && !safeName.MatchString(name) {
				t.Fatalf("%q: accepts %q", text, name)
			}
			seen[name] = true
		}
		if strings.Count(text, "[") == 1 && len(seen) != min(len(list), 1000) {
			t.Fatalf("%q: a name twice", text)
		}
	})
}

func TestRange(t *testing.T) {
	tests := []struct{ text, want string }{
		{"plain", "plain"},
		{"w[1:3]", "w1 w2 w3"},
		{"w[08:11].x", "w08.x w09.x w10.x w11.x"},
		{"w[9:11]", "w9 w10 w11"},
		{"[a:c][1:2]", "a1 a2 b1 b2 c1 c2"},
		{"w[0:10:5]", "w0 w5 w10"},
		{"w[X:Z]", "wX wY wZ"},
		{"[2001:0db8::1]", "2001:db8::1"},
		{"w[1:100001]", `1+10: cannot read the range "[1:100001]": it stands for more than 100000 hosts`},
		{"w[1:1000][1:1000]", `9+8: cannot take the range "w[1:1000][1:1000]": it stands for more than 100000 hosts`},
		{"w[3:1]", `1+5: cannot read the range "[3:1]": it runs backwards`},
		{"w[01:100]", `1+8: cannot read the range "[01:100]": with zeros in front both ends must have the same length`},
		{"w[a:Z]", `1+5: cannot read the range "[a:Z]": both ends must be of one case`},
		{"w[a:9]", `1+5: cannot read the range "[a:9]": its ends must be two numbers or two letters`},
		{"w[5]", `1+3: cannot read the range "[5]": it needs a first and a last`},
		{"w[1:2", `1+1: cannot read the range in "w[1:2": the bracket has no partner`},
		{"w1:2]", `4+1: cannot read the range in "w1:2]": the bracket has no partner`},
		{"w[1:2:0]", `1+7: cannot read the range "[1:2:0]": the stride must be a number above 0`},
	}
	for _, tt := range tests {
		list, bad := expandRange(tt.text)
		got := strings.Join(list, " ")
		if bad != nil {
			got = fmt.Sprintf("%d+%d: %s", bad.offset, bad.width, bad.message)
		}
		if got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.text, got, tt.want)
		}
	}
}
