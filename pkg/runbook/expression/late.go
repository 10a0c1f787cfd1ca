package expression

import (
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
)

// Names under which Eval finds functions in its environment.
const (
	StepFunction   = "__step"   // gives the results of a step, by its path
	TextFunction   = "__text"   // gives what a step printed, by its path and stdout or stderr
	ResultFunction = "__result" // gives what this attempt printed: stdout or stderr
	SecretFunction = "__secret" // gives a secret, by its name
	HostsFunction  = "hosts"    // gives the hosts that a pattern picks
)

// raw(x) is x; what it means for a script is the script's business.
var raw = expr.Function("raw", func(params ...any) (any, error) { return params[0], nil }, new(func(any) any))

// hosts("pattern") is typed here, and found in the environment when it is asked.
var hosts = expr.Function(HostsFunction, func(...any) (any, error) { return nil, nil }, new(func(string) []map[string]any))

// late compiles the expression once more so that the results of steps, and secrets, are asked for one
// by one, when evaluation comes to them: what is not known yet then fails only where it matters, and
// a secret that is not needed is not fetched.
func (e *Expression) late(text string) *Error {
	late := &latePatch{}
	program, err := expr.Compile(text, expr.AllowUndefinedVariables(), raw, expr.Patch(late))
	if err != nil {
		return syntaxError(text, err)
	}
	switch late.dynamic {
	case "steps":
		return &Error{Width: len(text), Message: "a step is named by its id here", Hint: `write steps.<id>.stdout`}
	case "secrets":
		return &Error{Width: len(text), Message: "a secret is named here, not computed", Hint: `write secrets.<name>`}
	}
	e.program = program
	return nil
}

// latePatch turns steps.a.steps.b into __step("a/b"), and secrets.a into __secret("a").
type latePatch struct{ dynamic string }

func (p *latePatch) Visit(node *ast.Node) {
	member, ok := (*node).(*ast.MemberNode)
	if !ok {
		return
	}
	name, isName := member.Property.(*ast.StringNode)
	if id, ok := member.Node.(*ast.IdentifierNode); ok && (id.Value == "steps" || id.Value == "secrets") {
		switch {
		case !isName:
			p.dynamic = id.Value
		case id.Value == "steps":
			ast.Patch(node, lateCall(StepFunction, name.Value))
		default:
			ast.Patch(node, lateCall(SecretFunction, name.Value))
		}
		return
	}
	if isName {
		p.field(node, member, name.Value)
	}
}

// field patches what is taken from something that was patched before.
func (p *latePatch) field(node *ast.Node, member *ast.MemberNode, name string) {
	printed := name == "stdout" || name == "stderr"
	switch inside := member.Node.(type) {
	case *ast.IdentifierNode:
		if inside.Value == "result" && printed {
			ast.Patch(node, lateCall(ResultFunction, name))
		}
	case *ast.CallNode:
		if path, ok := stepPath(inside); ok && printed {
			ast.Patch(node, lateCall(TextFunction, path, name))
		}
	case *ast.MemberNode:
		key, isKey := inside.Property.(*ast.StringNode)
		if path, ok := stepPath(inside.Node); ok && isKey && key.Value == "steps" {
			ast.Patch(node, lateCall(StepFunction, path+"/"+name))
		}
	}
}

// stepPath reads a call of the function that gives results.
func stepPath(node ast.Node) (string, bool) {
	call, ok := node.(*ast.CallNode)
	if !ok {
		return "", false
	}
	callee, ok := call.Callee.(*ast.IdentifierNode)
	if !ok || callee.Value != StepFunction {
		return "", false
	}
	return call.Arguments[0].(*ast.StringNode).Value, true
}

func lateCall(function string, words ...string) ast.Node {
	call := &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}}
	for _, word := range words {
		call.Arguments = append(call.Arguments, &ast.StringNode{Value: word})
	}
	return call
}

// calls tells whether an expression calls a function.
func calls(node ast.Node, function string) bool {
	c := &callFinder{function: function}
	ast.Walk(&node, c)
	return c.found
}

type callFinder struct {
	function string
	found    bool
}

func (c *callFinder) Visit(node *ast.Node) {
	if call, ok := (*node).(*ast.CallNode); ok {
		if name, ok := call.Callee.(*ast.IdentifierNode); ok && name.Value == c.function {
			c.found = true
		}
	}
}
