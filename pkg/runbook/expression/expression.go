package expression

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/opsctl/opsctl/internal/source"
)

// LengthMax bounds the text of one expression, in bytes.
const LengthMax = 16 << 10

// Type is the type of a value an expression may use.
type Type = types.Type

// Map is the type of a map with known fields; the field Extra allows others, of the type given for it.
type Map = types.Map

// Extra is the field of a Map that stands for all fields not named.
const Extra = types.Extra

// The types of values.
var (
	String = types.String
	Int    = types.Int
	Float  = types.Float64
	Bool   = types.Bool
	Any    = types.Any
)

// ListOf is the type of a list.
func ListOf(t Type) Type { return types.Array(t) }

// Want says what an expression must give.
type Want int

// What an expression may have to give.
const (
	WantAny Want = iota
	WantBool
)

// Computed stands in a Ref for a part that is not a plain name: steps.copy[item].stdout.
const Computed = "*"

// Ref is a name an expression uses, with what is taken from it: steps.build.stdout.
type Ref struct {
	Path   []string
	Offset int // in the expression, in bytes
}

func (r Ref) String() string { return strings.Join(r.Path, ".") }

// Expression is a compiled expression.
type Expression struct {
	Source string
	Refs   []Ref
	Raw    bool // the whole expression is raw(…)
	Hosts  bool // it asks hosts(…)

	program *vm.Program
}

// Error is what is wrong with an expression.
type Error struct {
	Offset  int // in bytes
	Width   int
	Message string
	Hint    string
}

func (e *Error) Error() string { return e.Message }

// disabled are functions whose answer depends on when they are asked.
var disabled = []string{"now", "date", "duration", "timezone"}

// Compile checks an expression against the names in scope.
func Compile(text string, scope Map, want Want) (*Expression, *Error) {
	if strings.TrimSpace(text) == "" {
		return nil, &Error{Width: 1, Message: "the expression is empty", Hint: "quote the whole value if it starts with ! or #"}
	}
	if len(text) > LengthMax {
		return nil, &Error{Width: 1, Message: fmt.Sprintf("the expression is %d bytes long; the limit is %d", len(text), LengthMax)}
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, syntaxError(text, err)
	}
	e := &Expression{Source: text}
	inner := tree.Node
	if call, ok := inner.(*ast.CallNode); ok {
		if name, ok := call.Callee.(*ast.IdentifierNode); ok && name.Value == "raw" && len(call.Arguments) == 1 {
			e.Raw = true
		}
	}
	e.Refs = collect(text, tree.Node)
	options := []expr.Option{expr.Env(scope), raw, hosts}
	for _, name := range disabled {
		options = append(options, expr.DisableBuiltin(name))
	}
	if want == WantBool {
		options = append(options, expr.AsBool())
	}
	if e.program, err = expr.Compile(text, options...); err != nil {
		return nil, typeError(text, scope, err)
	}
	e.Hosts = calls(tree.Node, HostsFunction)
	if e.uses("steps") || e.uses("secrets") || e.uses("result") || e.Hosts {
		return e, e.late(text)
	}
	return e, nil
}

func (e *Expression) uses(name string) bool {
	for _, r := range e.Refs {
		if r.Path[0] == name {
			return true
		}
	}
	return false
}

// Uses tells whether the expression takes anything from the name.
func (e *Expression) Uses(name string) bool { return e != nil && e.uses(name) }

// Eval evaluates the expression. The error of a function in env is returned as it is.
func (e *Expression) Eval(env map[string]any) (any, error) {
	value, err := expr.Run(e.program, env)
	if err == nil {
		return value, nil
	}
	var located *file.Error
	if errors.As(err, &located) {
		if located.Prev != nil {
			return nil, located.Prev
		}
		if m := nilFetch.FindStringSubmatch(located.Message); m != nil {
			return nil, fmt.Errorf("cannot evaluate %q: there is no %q here (was the step skipped?); ?. and ?? give another value", e.Source, m[1])
		}
		return nil, fmt.Errorf("cannot evaluate %q: %s", e.Source, located.Message)
	}
	return nil, fmt.Errorf("cannot evaluate %q: %w", e.Source, err)
}

var nilFetch = regexp.MustCompile(`cannot fetch (\S+) from <nil>`)

// collect lists the names an expression uses, in the order of their places.
func collect(text string, node ast.Node) []Ref {
	c := &collector{chained: map[ast.Node]bool{}, local: map[string]bool{}}
	ast.Walk(&node, c)
	var refs []Ref
	for _, n := range c.order {
		if c.chained[n] {
			continue
		}
		if path := chain(n); path != nil && !c.local[path[0]] {
			refs = append(refs, Ref{Path: path, Offset: byteOffset(text, start(n))})
		}
	}
	sort.SliceStable(refs, func(i, j int) bool { return refs[i].Offset < refs[j].Offset })
	return refs
}

type collector struct {
	order   []ast.Node
	chained map[ast.Node]bool // parts of a longer chain, or the name of a function
	local   map[string]bool   // let x = …
}

func (c *collector) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.MemberNode:
		c.chained[n.Node] = true
		c.order = append(c.order, n)
	case *ast.IdentifierNode:
		c.order = append(c.order, n)
	case *ast.CallNode:
		c.chained[n.Callee] = true
	case *ast.ChainNode:
		c.chained[n] = true
	case *ast.VariableDeclaratorNode:
		c.local[n.Name] = true
	}
}

func chain(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		return []string{n.Value}
	case *ast.ChainNode:
		return chain(n.Node)
	case *ast.MemberNode:
		path := chain(n.Node)
		if path == nil {
			return nil
		}
		if name, ok := n.Property.(*ast.StringNode); ok {
			return append(path, name.Value)
		}
		return append(path, Computed)
	}
	return nil
}

func start(n ast.Node) int {
	switch n := n.(type) {
	case *ast.MemberNode:
		return start(n.Node)
	case *ast.ChainNode:
		return start(n.Node)
	}
	return n.Location().From
}

// byteOffset turns a count of characters into a count of bytes.
func byteOffset(text string, runes int) int {
	for i := range text {
		if runes == 0 {
			return i
		}
		runes--
	}
	return len(text)
}

func located(text string, err error) (*Error, bool) {
	var f *file.Error
	if !errors.As(err, &f) {
		return &Error{Width: len(text), Message: err.Error()}, false
	}
	return &Error{Offset: byteOffset(text, f.From), Width: max(1, f.To-f.From), Message: f.Message}, true
}

func mustParse(text string) ast.Node {
	tree, err := parser.Parse(text)
	if err != nil { // it parsed a moment ago
		return &ast.NilNode{}
	}
	return tree.Node
}

func fields(scope Map) []string {
	var names []string
	for name := range scope {
		if name != Extra && !strings.HasPrefix(name, "__") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	return names
}

// among offers the nearest name, or lists those there are.
func among(word string, names []string) string {
	if hint := source.DidYouMean(word, names); hint != "" {
		return hint
	}
	if len(names) == 0 {
		return ""
	}
	const shown = 12
	if len(names) > shown {
		return "there are " + strings.Join(names[:shown], ", ") + ", …"
	}
	return "there is " + strings.Join(names, ", ")
}
