package drill

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func snapshotOf(t *testing.T, ignore []string, fields ...string) *Snapshot {
	t.Helper()
	s := NewSnapshot()
	if err := s.Read("web1", []byte(strings.Join(fields, "\x00")+"\x00"), ignore); err != nil {
		t.Fatal(err)
	}
	return s
}

// words writes differences on a line each.
func words(list []Difference) string {
	var lines []string
	for _, d := range list {
		lines = append(lines, strings.Join([]string{d.Host, d.Path + d.Step, d.What, d.Before, d.After}, " "))
	}
	return strings.Join(lines, "\n")
}

func TestCompare(t *testing.T) {
	const file, private, dir, link = "-rw-r--r--/0/0/root/root", "-rw-------./0/0/root/root", "drwxr-xr-x/0/0/root/root", "lrwxrwxrwx/0/0/root/root"
	for _, c := range []struct {
		name, want    string
		before, after []string
	}{
		{"the same", "", []string{"/a", file, "", "11"}, []string{"/a", file, "", "11"}},
		{"content", "web1 /a content  ", []string{"/a", file, "", "11"}, []string{"/a", file, "", "22"}},
		{"mode", "web1 /a mode rw-r--r-- rw-------", []string{"/a", file, "", "11"}, []string{"/a", private, "", "11"}},
		{"owner and group", "web1 /a group root ops\nweb1 /a owner root 7", []string{"/a", file, "", ""}, []string{"/a", "-rw-r--r--/7/8/UNKNOWN/ops", "", ""}},
		{"appeared", "web1 /b appeared  directory", []string{"/a", file, "", ""}, []string{"/a", file, "", "", "/b", dir, "", ""}},
		{"vanished", "web1 /b vanished symlink ", []string{"/a", file, "", "", "/b", link, "x", ""}, []string{"/a", file, "", ""}},
		{"another kind", "web1 /a kind file symlink", []string{"/a", file, "", "11"}, []string{"/a", link, "b", ""}},
		{"target", "web1 /a target v1 v2", []string{"/a", link, "v1", ""}, []string{"/a", link, "v2", ""}},
		{"the mode of a link", "", []string{"/a", link, "v1", ""}, []string{"/a", "lrwxr-xr-x/0/0/root/root", "v1", ""}},
		{"a pipe", "web1 /p appeared  special file", []string{"/a", file, "", ""}, []string{"/a", file, "", "", "/p", "prw-r--r--/0/0/root/root", "", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := words(Compare(snapshotOf(t, nil, c.before...), snapshotOf(t, nil, c.after...))); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCompareChecks(t *testing.T) {
	before, after := NewSnapshot(), NewSnapshot()
	before.Checks[Place{Host: "web1", Step: "a"}], after.Checks[Place{Host: "web1", Step: "a"}] = "no", "yes"
	before.Checks[Place{Host: "db1", Step: "a"}], after.Checks[Place{Host: "db1", Step: "a"}] = "no", "no"
	if got := words(Compare(before, after)); got != "web1 a check no yes" {
		t.Error(got)
	}
}

func TestReadRefuses(t *testing.T) {
	for answer, want := range map[string]string{
		"/a\x00x":                                 "cannot understand what web1 says about its files",
		"/a\x00rw\x00\x00\x00":                    `cannot understand what web1 says about /a: "rw"`,
		"!\x00/big\x00count\x00\x00":              "cannot watch /big on web1: there are more than 5000 files and directories",
		"!\x00/big\x00bytes\x00\x00":              "cannot watch /big on web1: there are more than 256 MiB",
		"/a\x00-rw-r--r--/0/0/root\x00\x00\x00":   "/a",
		"/a\x00-rw-r--r--/0/0/r/r\x00\x00\x00end": "its files",
	} {
		if err := NewSnapshot().Read("web1", []byte(answer), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %s", answer, err, want)
		}
	}
	if err := NewSnapshot().Read("web1", nil, nil); err != nil {
		t.Errorf("a host on which nothing is there: %v", err)
	}
}

func TestWhatIsIgnored(t *testing.T) {
	const file = "-rw-r--r--/0/0/root/root"
	for pattern, want := range map[string]bool{
		"*.log": true, "a.log": true, "/srv/app/a.log": true, "/srv/app": true, "/srv/*": true, "app": true,
		"*.txt": false, "/srv/a.log": false, "srv/app": false, "[": false,
	} {
		s := snapshotOf(t, []string{pattern}, "/srv/app/a.log", file, "", "")
		if got := len(s.Entries) == 0; got != want {
			t.Errorf("%s: ignored %v", pattern, got)
		}
	}
}

func TestWatched(t *testing.T) {
	got, err := Watched([]string{"/srv/app/", "/etc/x.conf", "~/y", "/srv", "rel/z"})
	const want = "r /etc/x.conf\nr /srv\nr /srv/app\nr rel/z\nr ~/y\ne /etc\ne rel\n"
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	for _, p := range []string{"", "a\nb", "a\x00b"} {
		if _, err := Watched([]string{p}); err == nil {
			t.Errorf("%q is watched", p)
		}
	}
}

func TestJudge(t *testing.T) {
	differ := []Difference{{What: Appeared}}
	for _, c := range []struct {
		trial Trial
		want  Verdict
	}{
		{Trial{Changed: true, HasUndo: true, Undone: true}, Proved},
		{Trial{Changed: true, HasUndo: true, Undone: true, Differ: differ}, Wrong},
		{Trial{Changed: true, HasUndo: true}, Wrong},
		{Trial{Changed: true}, Missing},
		{Trial{Changed: true, Differ: differ}, Missing},
		{Trial{Changed: true, Declared: true, Differ: differ}, Declared},
		{Trial{HasUndo: true, Nothing: "its check holds already"}, NotDrilled},
		{Trial{HasUndo: true, Nothing: "its check holds already", Differ: differ}, Wrong},
		{Trial{HasUndo: true, Before: "a failed"}, NotReached},
		{Trial{Changed: true, HasUndo: true, Undone: true, Broken: "the undo of a failed"}, Wrong},
	} {
		got, why := Judge(c.trial)
		if got != c.want || (why == "") != (got == Proved) {
			t.Errorf("%+v: %s, %q", c.trial, got, why)
		}
		if fine := got == Proved || got == Declared || got == NotDrilled; got.Fine() != fine {
			t.Errorf("%s is fine: %v", got, got.Fine())
		}
	}
}

// TestAStepIsNotBlamedForAnother holds that a step answers for what it leaves, on whatever host it is seen.
func TestAStepIsNotBlamedForAnother(t *testing.T) {
	at := func(host, path string) Difference {
		return Difference{Place: Place{Host: host, Path: path}, What: Content}
	}
	left := Leftovers{}
	left.Note("log", []Difference{at("web1", "/log")})
	left.Note("other", []Difference{at("web1", "/log"), at("db1", "/x")})
	own, others := left.Blame("new", []Difference{at("web1", "/log"), at("web2", "/log"), at("web1", "/new"), at("db1", "/x")})
	if !reflect.DeepEqual(own, []Difference{at("web1", "/new")}) || !slices.Equal(others, []string{"log", "other"}) {
		t.Errorf("own %v, of others %v", own, others)
	}
	if own, others := left.Blame("log", []Difference{at("web2", "/log")}); len(own) != 1 || len(others) != 0 {
		t.Errorf("own %v, of others %v", own, others)
	}
}
