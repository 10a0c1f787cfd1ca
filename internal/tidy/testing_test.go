package tidy

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

var skips = rule{
	name: "a skipped test says why",
	why:  "a test that is silently not run is believed to pass",
	way:  "t.Skip(\"zsh is not installed\"): what is missing, so that somebody can bring it",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			ast.Inspect(s.file, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok || !s.test {
					return true
				}
				if silent(call) {
					found = append(found, t.refuse(s, call.Pos(), "skips without a reason"))
				}
				// A fuzzer's input that is of no interest is passed over in silence.
				return selected(call.Fun) != "f.Fuzz"
			})
		}
		return found
	},
}

func silent(call *ast.CallExpr) bool {
	name := selected(call.Fun)
	owner, verb, _ := strings.Cut(name, ".")
	if !slices.Contains([]string{"t", "b", "f", "tb"}, owner) {
		return false
	}
	switch verb {
	case "SkipNow":
		return true
	case "Skip", "Skipf":
		if len(call.Args) == 0 {
			return true
		}
		text, literal := call.Args[0].(*ast.BasicLit)
		return literal && strings.Trim(text.Value, "\"` ") == ""
	}
	return false
}

// sleepers are files whose tests sleep otherwise than in a loop that looks again, each with its reason.
var sleepers = map[string]string{}

var sleeps = rule{
	name: "tests do not sleep for luck",
	why:  "a sleep is too short on a slow machine and too long on all others",
	way: "wait for the thing itself: a channel, a loop that looks again until a deadline, synctest.Test with its own clock; " +
		"an exception gets its reason in sleepers of internal/tidy/testing_test.go",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			if !s.test || sleepers[s.path] != "" || !s.knows("time") {
				continue
			}
			// The loops, and the tests with a clock of their own, seen so far.
			var fine []ast.Node
			ast.Inspect(s.file, func(n ast.Node) bool {
				if looks(n) {
					fine = append(fine, n)
				}
				if e, ok := n.(*ast.SelectorExpr); ok && selected(e) == "time.Sleep" && !within(e.Pos(), fine) {
					found = append(found, t.refuse(s, e.Pos(), "sleeps"))
				}
				return true
			})
		}
		return found
	},
}

// looks tells whether a sleep within this node waits for something: a loop with an end, or a bubble with its own clock.
func looks(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.ForStmt:
		return n.Cond != nil || leaves(n.Body)
	case *ast.RangeStmt:
		return leaves(n.Body)
	case *ast.CallExpr:
		return selected(n.Fun) == "synctest.Test"
	}
	return false
}

// leaves tells whether a loop is left from inside.
func leaves(body *ast.BlockStmt) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ReturnStmt:
			found = true
		case *ast.BranchStmt:
			found = found || n.Tok == token.BREAK
		}
		return !found
	})
	return found
}

func within(at token.Pos, nodes []ast.Node) bool {
	return slices.ContainsFunc(nodes, func(n ast.Node) bool { return n.Pos() <= at && at < n.End() })
}
