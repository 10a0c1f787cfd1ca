package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// purePackages take data and give data: no files, no network, no clock, no goroutines.
var purePackages = []string{
	"pkg/runbook", "pkg/runbook/language", "pkg/runbook/expression", "pkg/runbook/shell",
	"pkg/inventory", "pkg/inventory/sshconfig",
	"pkg/plan", "pkg/run", "internal/lint", "internal/format", "internal/graph", "internal/importer",
}

// readers are the files of pure packages that read files; all else there is given what they read.
var readers = map[string]string{
	"pkg/inventory/read.go":              "reads inventories: files, and directories of them",
	"pkg/inventory/read_directory.go":    "reads directories of inventories, group_vars and host_vars",
	"pkg/inventory/read_program.go":      "runs programs that print an inventory",
	"pkg/inventory/read_ssh.go":          "reads an ssh_config as an inventory",
	"pkg/inventory/sshconfig/load.go":    "follows Include of an ssh_config",
	"pkg/inventory/sshconfig/expand.go":  "looks up the home directories behind ~ and ~name",
	"pkg/inventory/sshconfig/options.go": "knows what ssh takes from this machine when it is not told: home, user, name",
}

// impure are the packages of the standard library that touch the world, or wait for it.
var impure = []string{
	"os", "net", "syscall", "io/ioutil", "log", "sync", "context", "runtime", "unsafe", "plugin", "testing",
	"crypto/rand", "math/rand", "database/sql", "golang.org/x/sys", "golang.org/x/sync",
}

// harmless are those below the above that only look at text.
var harmless = []string{"net/netip", "net/url", "net/mail", "net/textproto"}

// osNames may be taken from os all the same: they are values, not acts.
var osNames = []string{"os.ErrNotExist", "os.ErrExist", "os.ErrPermission"}

var clock = []string{
	"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc", "time.Tick", "time.NewTimer", "time.NewTicker",
	"time.Local", "time.LoadLocation",
}

var pure = rule{
	name: "pure packages stay pure",
	why: "order, waves, retry, rollback and resume are tested to exhaustion in milliseconds, and replayed, because nothing there " +
		"depends on when or where it runs",
	way: "take the bytes, the time or the random number as an argument, and let the executor or internal/cli fetch it; a reader " +
		"of files has its name in readers of internal/tidy/purity_test.go",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			if s.test || !slices.Contains(purePackages, s.dir) {
				continue
			}
			if _, ok := readers[s.path]; !ok {
				found = append(found, t.touches(s)...)
			}
			found = append(found, t.waits(s)...)
		}
		return found
	},
}

// touches finds what reaches out of the program.
func (t *tree) touches(s *source) (found []refusal) {
	for _, i := range s.imports() {
		if i.path != "os" && below(i.path, impure) && !slices.Contains(harmless, i.path) {
			found = append(found, t.refuse(s, i.at, fmt.Sprintf("%s imports %s", s.dir, i.path)))
		}
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		e, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if name := selected(e); strings.HasPrefix(name, "os.") && !slices.Contains(osNames, name) && s.knows("os") {
			found = append(found, t.refuse(s, e.Pos(), "uses "+name))
		}
		return true
	})
	return found
}

// waits finds clocks and goroutines, which no reader needs either.
func (t *tree) waits(s *source) (found []refusal) {
	refuse := func(at token.Pos, what string) { found = append(found, t.refuse(s, at, what)) }
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			refuse(n.Pos(), "starts a goroutine")
		case *ast.SelectStmt:
			refuse(n.Pos(), "waits on channels")
		case *ast.ChanType:
			refuse(n.Pos(), "has a channel")
		case *ast.SelectorExpr:
			if name := selected(n); slices.Contains(clock, name) && s.knows("time") {
				refuse(n.Pos(), "uses "+name)
			}
		}
		return true
	})
	return found
}

func (s *source) knows(name string) bool {
	return slices.ContainsFunc(s.imports(), func(i imported) bool { return i.path == name })
}

// speakers may write to the terminal.
var speakers = []string{"internal/view", "internal/cli", "cmd/opsctl"}

var outLoud = []string{"os.Stdout", "os.Stderr", "fmt.Print", "fmt.Printf", "fmt.Println", "log.Print", "log.Printf", "log.Println", "log.Fatal", "log.Fatalf"}

var terminal = rule{
	name: "only view and cli speak to the terminal",
	why:  "standard output carries the result asked for; a line written past the view breaks --output json and the repainted screen",
	way:  "return an error, emit an event, or take an io.Writer",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			if s.test || below(s.dir, speakers) || s.file.Name.Name == "main" {
				continue
			}
			ast.Inspect(s.file, func(n ast.Node) bool {
				e, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				name := selected(e)
				library, _, _ := strings.Cut(name, ".")
				if slices.Contains(outLoud, name) && s.knows(library) {
					found = append(found, t.refuse(s, e.Pos(), "uses "+name))
				}
				return true
			})
		}
		return found
	},
}
