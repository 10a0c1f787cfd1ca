package tidy

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// makers give values that nobody changes afterwards.
var makers = []string{
	"errors.New", "fmt.Errorf", "regexp.MustCompile", "strings.NewReplacer", "template.Must", "netip.MustParsePrefix", "netip.MustParseAddr", "time.Date", "time.Unix",
}

// variableExceptions are package variables of another shape, as "path:name", each with its reason.
var variableExceptions = map[string]string{
	"pkg/runbook/expression/late.go:raw":          "an option of the expression library, which is a value to us",
	"pkg/runbook/expression/late.go:hosts":        "an option of the expression library, which is a value to us",
	"pkg/runbook/expression/expression.go:String": "a type of the expression library under a name of ours",
	"pkg/runbook/expression/expression.go:Int":    "a type of the expression library under a name of ours",
	"pkg/runbook/expression/expression.go:Float":  "a type of the expression library under a name of ours",
	"pkg/runbook/expression/expression.go:Bool":   "a type of the expression library under a name of ours",
	"pkg/runbook/expression/expression.go:Any":    "a type of the expression library under a name of ours",
}

var variables = rule{
	name: "package variables are constants by nature",
	why:  "a variable of the package is state without an owner: tests cannot run side by side, and two runs of one program share it",
	way: "make it a const, a field, or an argument; a table, an error, a regexp is fine as long as nobody assigns to it; " +
		"an exception gets its reason in variableExceptions of internal/tidy/variables_test.go",
	check: func(t *tree) (found []refusal) {
		for _, files := range t.packages() {
			names := map[string]bool{}
			for _, s := range files {
				for _, v := range packageVariables(s) {
					names[v.name.Name] = true
					if what := v.shape(s); what != "" && variableExceptions[s.path+":"+v.name.Name] == "" {
						found = append(found, t.refuse(s, v.name.Pos(), what))
					}
				}
			}
			for _, s := range files {
				found = append(found, t.assignments(s, names)...)
			}
		}
		return found
	},
}

type variable struct {
	name     *ast.Ident
	typ      ast.Expr
	value    ast.Expr // nil where it has none of its own
	embedded bool
}

func packageVariables(s *source) (all []variable) {
	for _, d := range s.file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			v := spec.(*ast.ValueSpec)
			for i, name := range v.Names {
				if name.Name == "_" {
					continue
				}
				one := variable{name: name, typ: v.Type, embedded: embeds(g.Doc) || embeds(v.Doc)}
				if i < len(v.Values) {
					one.value = v.Values[i]
				}
				all = append(all, one)
			}
		}
	}
	return all
}

func embeds(comment *ast.CommentGroup) bool {
	return comment != nil && slices.ContainsFunc(comment.List, func(c *ast.Comment) bool {
		return strings.HasPrefix(c.Text, "//go:embed ")
	})
}

// shape says what is wrong with a variable's declaration.
func (v variable) shape(s *source) string {
	switch {
	case v.embedded:
		return ""
	case v.value == nil:
		return fmt.Sprintf("%s has no value, so it waits to be changed", v.name.Name)
	case !constant(v.value, s.test):
		return fmt.Sprintf("%s is made by something that is not known to be constant", v.name.Name)
	}
	return ""
}

func constant(e ast.Expr, test bool) bool {
	switch e := e.(type) {
	case *ast.BasicLit, *ast.Ident: // an identifier is a constant, true, nil, or another of these variables
		return true
	case *ast.ParenExpr:
		return constant(e.X, test)
	case *ast.UnaryExpr:
		return e.Op != token.AND && constant(e.X, test)
	case *ast.BinaryExpr:
		return constant(e.X, test) && constant(e.Y, test)
	case *ast.CompositeLit:
		name := selected(e.Type)
		return !strings.HasPrefix(name, "sync.") && !strings.HasPrefix(name, "atomic.")
	case *ast.CallExpr:
		if _, conversion := e.Fun.(*ast.ArrayType); conversion {
			return true
		}
		name := selected(e.Fun)
		if own, ok := e.Fun.(*ast.Ident); ok && !slices.Contains([]string{"make", "new"}, own.Name) {
			// A function of the package itself, that puts a table together.
			return true
		}
		return slices.Contains(makers, name) || test && strings.HasPrefix(name, "flag.")
	}
	return false
}

// assignments finds functions that change a variable of their package. It goes by names, so a local variable of the same
// name anywhere in a function lets the function pass: that is seldom, and the compiler's vet knows shadows better.
func (t *tree) assignments(s *source, names map[string]bool) (found []refusal) {
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		locals := localNames(f)
		refuse := func(e ast.Expr, how string) {
			if root := rootOf(e); root != nil && names[root.Name] && !locals[root.Name] {
				found = append(found, t.refuse(s, e.Pos(), fmt.Sprintf("%s %s %s, a variable of its package", f.Name.Name, how, root.Name)))
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for _, e := range n.Lhs {
					if n.Tok != token.DEFINE {
						refuse(e, "changes")
					}
				}
			case *ast.IncDecStmt:
				refuse(n.X, "changes")
			case *ast.UnaryExpr:
				if _, isName := n.X.(*ast.Ident); isName && n.Op == token.AND {
					refuse(n.X, "takes the address of")
				}
			case *ast.CallExpr:
				if b, ok := n.Fun.(*ast.Ident); ok && len(n.Args) > 0 && (b.Name == "delete" || b.Name == "clear") {
					refuse(n.Args[0], "empties")
				}
			}
			return true
		})
	}
	return found
}

func localNames(f *ast.FuncDecl) map[string]bool {
	names := map[string]bool{}
	add := func(e ast.Expr) {
		if id, ok := e.(*ast.Ident); ok {
			names[id.Name] = true
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				add(id)
			}
		case *ast.AssignStmt:
			for _, e := range n.Lhs {
				if n.Tok == token.DEFINE {
					add(e)
				}
			}
		case *ast.RangeStmt:
			if n.Tok == token.DEFINE {
				add(n.Key)
				add(n.Value)
			}
		case *ast.ValueSpec:
			for _, id := range n.Names {
				add(id)
			}
		}
		return true
	})
	return names
}

// rootOf gives x for x, x[i], x.y, *x. A name of another package is nobody's variable here.
func rootOf(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.IndexExpr:
		return rootOf(e.X)
	case *ast.SelectorExpr:
		return rootOf(e.X)
	case *ast.StarExpr:
		return rootOf(e.X)
	case *ast.ParenExpr:
		return rootOf(e.X)
	}
	return nil
}
