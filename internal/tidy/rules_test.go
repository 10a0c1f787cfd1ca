package tidy

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// TestRules tries each rule on a small tree: a rule that refuses nothing would look like a tree without faults.
// The files are given as "path: text", and what is wanted is a part of the refusal, or nothing for what is fine.
func TestRules(t *testing.T) {
	long := func(lines int) string { return strings.Repeat("// a line\n", lines) }
	for _, c := range []struct {
		name  string
		rule  rule
		files []string
		want  string
	}{
		{"broken syntax", parsed, []string{"pkg/run/a.go: package"}, "pkg/run/a.go"},

		{"to the left", layers, []string{`pkg/run/a.go: package run; import _ "github.com/opsctl/opsctl/pkg/plan"`}, ""},
		{"to the right", layers, []string{`pkg/plan/a.go: package plan; import _ "github.com/opsctl/opsctl/pkg/run"`}, "pkg/plan imports pkg/run"},
		{"hand to hand", layers, []string{`internal/journal/a.go: package journal; import _ "github.com/opsctl/opsctl/internal/view"`}, "internal/journal imports internal/view"},
		{"a package without a place", layers, []string{"pkg/new/a.go: package new"}, "pkg/new has no place"},
		{"a test with a fleet", layers, []string{`pkg/executor/remote/a_test.go: package remote; import _ "github.com/opsctl/opsctl/internal/fleet"`}, ""},
		{"a program with a fleet", layers, []string{`pkg/executor/remote/a.go: package remote; import _ "github.com/opsctl/opsctl/internal/fleet"`}, "imports internal/fleet"},
		{"a test from outside", layers, []string{`pkg/run/a_test.go: package run_test; import _ "github.com/opsctl/opsctl/pkg/run"`}, ""},

		{"a library at home", libraries, []string{`internal/source/a.go: package source; import _ "go.yaml.in/yaml/v4"`}, ""},
		{"a library abroad", libraries, []string{`pkg/runbook/a.go: package runbook; import _ "go.yaml.in/yaml/v4"`}, "is known to internal/source only"},
		{"a library below its home", libraries, []string{`internal/journal/lock/a.go: package lock; import _ "github.com/gofrs/flock"`}, ""},
		{"a new library", libraries, []string{`pkg/run/a.go: package run; import _ "example.com/x"`}, "example.com/x has no home"},
		{"a test library in a test", libraries, []string{`pkg/run/a_test.go: package run; import _ "pgregory.net/rapid"`}, ""},
		{"a test library in the program", libraries, []string{`pkg/run/a.go: package run; import _ "pgregory.net/rapid"`}, "for tests only"},

		{"durations", pure, []string{`pkg/run/a.go: package run; import "time"; const d = time.Second`}, ""},
		{"the clock", pure, []string{`pkg/run/a.go: package run; import "time"; func f() any { return time.Now() }`}, "uses time.Now"},
		{"files", pure, []string{`pkg/plan/a.go: package plan; import "os"; func f() { os.ReadFile("x") }`}, "uses os.ReadFile"},
		{"errors of files", pure, []string{`pkg/runbook/a.go: package runbook; import "os"; func f() error { return os.ErrNotExist }`}, ""},
		{"processes", pure, []string{`pkg/plan/a.go: package plan; import _ "os/exec"`}, "imports os/exec"},
		{"addresses", pure, []string{`pkg/inventory/a.go: package inventory; import _ "net/netip"`}, ""},
		{"the network", pure, []string{`pkg/inventory/a.go: package inventory; import _ "net/http"`}, "imports net/http"},
		{"a reader", pure, []string{`pkg/inventory/read.go: package inventory; import "os"; func f() { os.Open("x") }`}, ""},
		{"a goroutine in a reader", pure, []string{`pkg/inventory/read.go: package inventory; func f() { go f() }`}, "starts a goroutine"},
		{"a goroutine in a test", pure, []string{`pkg/run/a_test.go: package run; func f() { go f() }`}, ""},
		{"a lock", pure, []string{`pkg/run/a.go: package run; import _ "sync/atomic"`}, "imports sync/atomic"},
		{"impurity elsewhere", pure, []string{`internal/cli/a.go: package cli; import "time"; func f() any { return time.Now() }`}, ""},

		{"speaking past the view", terminal, []string{`internal/journal/a.go: package journal; import "os"; var f = os.Stderr`}, "uses os.Stderr"},
		{"the view", terminal, []string{`internal/view/a.go: package view; import "os"; func f() any { return os.Stderr }`}, ""},

		{"a package that says nothing", packageNames, []string{"pkg/util/a.go: package util"}, "package util says nothing"},
		{"a file that says nothing", packageNames, []string{"pkg/run/helpers_test.go: package run"}, "file name helpers says nothing"},

		{"a documented package", packageDocs, []string{"pkg/run/doc.go: // Package run is.\npackage run"}, ""},
		{"documented elsewhere", packageDocs, []string{"pkg/run/a.go: // Package run is.\npackage run"}, "has no doc.go"},
		{"a documented command", packageDocs, []string{"cmd/opsctl/main.go: // Opsctl does.\npackage main"}, ""},
		{"tests from outside alone", packageDocs, []string{"runbooks/a_test.go: package runbooks_test"}, ""},

		{"a file of 400 lines", fileSizes, []string{"pkg/run/a.go: package run\n" + long(399)}, ""},
		{"a file of 401 lines", fileSizes, []string{"pkg/run/a.go: package run\n" + long(400)}, "has 401 lines"},
		{"a function of 60 lines", functionSizes, []string{"pkg/run/a.go: package run\nfunc f() {\n" + long(58) + "}"}, ""},
		{"a function of 61 lines", functionSizes, []string{"pkg/run/a.go: package run\nfunc f() {\n" + long(59) + "}"}, "f has 61 lines"},

		{"init", inits, []string{"pkg/run/a.go: package run; func init() {}"}, "has an init function"},
		{"a method named init", inits, []string{"pkg/run/a.go: package run; type t int; func (t) init() {}"}, ""},

		{"a table", variables, []string{`pkg/run/a.go: package run; var x = map[string]int{}; func f() int { return x["a"] }`}, ""},
		{"an error", variables, []string{`pkg/run/a.go: package run; import "errors"; var x = errors.New("x")`}, ""},
		{"an embedded file", variables, []string{"pkg/run/a.go: package run\n//go:embed x\nvar x string"}, ""},
		{"an assertion", variables, []string{`pkg/run/a.go: package run; var _ error = (*t)(nil)`}, ""},
		{"a variable that waits", variables, []string{"pkg/run/a.go: package run; var x int"}, "x has no value"},
		{"a lock of the package", variables, []string{`pkg/run/a.go: package run; import "sync"; var x = sync.Mutex{}`}, "x is made by"},
		{"a test seam", variables, []string{`pkg/run/a.go: package run; import "time"; var now = time.Now`}, "now is made by"},
		{"a cache", variables, []string{`pkg/run/a.go: package run; var x = make(map[string]int)`}, "x is made by"},
		{"a table that is changed", variables, []string{`pkg/run/a.go: package run; var x = map[string]int{}`, `pkg/run/b.go: package run; func f() { x["a"] = 1 }`}, "f changes x"},
		{"a table that is emptied", variables, []string{`pkg/run/a.go: package run; var x = map[string]int{}; func f() { delete(x, "a") }`}, "f empties x"},
		{"a number that counts", variables, []string{`pkg/run/a.go: package run; var x = 1; func f() { x++ }`}, "f changes x"},
		{"a local of that name", variables, []string{`pkg/run/a.go: package run; var x = 1; func f(x int) { x++ }`}, ""},

		{"the right words", words, []string{"pkg/run/a.go: package run\n// A step needs another.\nfunc step() {}"}, ""},
		{"a wrong name", words, []string{"pkg/run/a.go: package run; func startTasks() {}"}, "startTasks: say step (written) or op (planned), not task"},
		{"a wrong comment", words, []string{"pkg/run/a.go: package run\n// The playbook.\n"}, "comment: say runbook, not playbook"},
		{"a quoted word", words, []string{"pkg/run/a.go: package run\n// Not `playbook`.\n"}, ""},
		{"a word within a word", words, []string{"pkg/run/a.go: package run; func multitasking() {}"}, ""},
		{"a word in two parts", words, []string{"pkg/run/a.go: package run; type s struct{ DependsOn string }"}, "say needs, not depends_on"},
		{"prose in two parts", words, []string{"pkg/run/a.go: package run\n// It depends on that.\n"}, ""},
		{"a word that is right there", words, []string{"pkg/inventory/a.go: package inventory\n// As in a playbook.\n"}, ""},

		{"a dry run in cli", dryRuns, []string{"internal/cli/a.go: package cli; type o struct{ dryRun bool }"}, ""},
		{"a dry run in one file", dryRuns, []string{"pkg/executor/a.go: package executor\n// A dry run.\nvar dryRun = 1"}, ""},
		{"a dry run in two files", dryRuns, []string{"pkg/executor/a.go: package executor\n// A dry run.\n", "pkg/executor/b.go: package executor; func f(dryRun bool) {}"}, "pkg/executor/b.go:1"},
		{"a dry run elsewhere", dryRuns, []string{"pkg/run/a.go: package run; func f(isDryRun bool) {}"}, "speaks of a dry run"},

		{"a note to come back", unfinished, []string{"a.sh: # TO" + "DO: later"}, "a.sh:1"},
		{"a template for mktemp", unfinished, []string{"a.sh: mktemp x.XXXXXX"}, ""},
		{"somebody's place", places, []string{"README.md: see /home/ann/src/x"}, "README.md:1"},
		{"a place like it", places, []string{"README.md: see /srv/home/ann/src/x"}, ""},

		{"a silent skip", skips, []string{`pkg/run/a_test.go: package run; func f() { t.Skip() }`}, "skips without a reason"},
		{"a told skip", skips, []string{`pkg/run/a_test.go: package run; func f() { t.Skip("no zsh") }`}, ""},
		{"a fuzzer's skip", skips, []string{`pkg/run/a_test.go: package run; func g() { f.Fuzz(func() { t.Skip() }) }`}, ""},
		{"a sleep", sleeps, []string{`pkg/run/a_test.go: package run; import "time"; func f() { time.Sleep(1) }`}, "sleeps"},
		{"a loop that looks again", sleeps, []string{`pkg/run/a_test.go: package run; import "time"; func f() { for !done() { time.Sleep(1) } }`}, ""},
		{"a loop without an end", sleeps, []string{`pkg/run/a_test.go: package run; import "time"; func f() { for { time.Sleep(1) } }`}, "sleeps"},
		{"a loop that looks so often", sleeps, []string{`pkg/run/a_test.go: package run; import "time"; func f() { for range 9 { if done() { return }; time.Sleep(1) } }`}, ""},
		{"a loop that only sleeps", sleeps, []string{`pkg/run/a_test.go: package run; import "time"; func f() { for range 9 { time.Sleep(1) } }`}, "sleeps"},
		{"a clock of its own", sleeps, []string{`pkg/run/a_test.go: package run; import "time"; func f() { synctest.Test(t, func() { time.Sleep(1) }) }`}, ""},

		{"an exception for nobody", tables, nil, "pkg/inventory/read.go: an exception is made"},
	} {
		t.Run(c.name, func(t *testing.T) {
			small := fstest.MapFS{}
			for _, file := range c.files {
				name, text, _ := strings.Cut(file, ": ")
				small[name] = &fstest.MapFile{Data: []byte(text)}
			}
			loaded, err := load(small)
			if err != nil {
				t.Fatal(err)
			}
			found := c.rule.check(loaded)
			said := c.rule.tell(found)
			switch {
			case c.want == "" && len(found) > 0:
				t.Errorf("refused, and it is fine:%s", said)
			case c.want != "" && !strings.Contains(said, c.want):
				t.Errorf("wanted %q, and it says:%s", c.want, said)
			}
		})
	}
}

func TestSplit(t *testing.T) {
	for name, want := range map[string][]string{
		"step":         {"step"},
		"nextStep":     {"next", "step"},
		"HTTPServer":   {"http", "server"},
		"dependsOnAll": {"depends", "on", "all"},
		"run_id":       {"run", "id"},
		"_":            nil,
		"":             nil,
	} {
		if got := split(name); !slices.Equal(got, want) {
			t.Errorf("split(%q) = %q, want %q", name, got, want)
		}
	}
}
