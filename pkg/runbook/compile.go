package runbook

import (
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

func strconvQuote(s string) string { return strconv.Quote(s) }

// compiler compiles every expression and script of a runbook against what is known at its place.
type compiler struct {
	*decoder
	rb     *Runbook
	base   expression.Map
	secret map[string]bool       // params and vars whose values are not to be seen
	bare   map[*source.Node]bool // keys that were said to be of no use without a shell
}

func (d *decoder) compile(rb *Runbook) {
	c := &compiler{decoder: d, rb: rb, secret: map[string]bool{"secrets": true}}
	c.names()
	c.base = baseScope(rb)
	c.vars()
	c.secretSources()
	for _, o := range rb.Outputs {
		c.cond(o.Expr, &scope{base: c.base, step: rb.End(), ending: rb.By == nil, whole: rb.By == nil, secrets: c.secretTypes()}, expression.WantAny)
	}
	for _, n := range rb.Notices {
		c.text(n.To, &scope{base: c.base})
		c.text(n.Message, &scope{base: c.base, ending: true})
	}
	c.shared(rb.Root, c.at(rb.Root))
	rb.own(c.step)
}

// at is what expressions of a step may use.
func (c *compiler) at(s *Step) *scope {
	return &scope{base: c.base, step: s, ending: s.Finally, item: s.loops(), secrets: c.secretTypes()}
}

// early is what they may use where a value has to be known before the run.
func (c *compiler) early(s *Step) *scope { return &scope{base: c.base, item: s.loops()} }

func (c *compiler) secretTypes() expression.Map {
	m := expression.Map{}
	for _, s := range c.rb.Secrets {
		m[s.Name] = expression.String
	}
	return m
}

// secretSources compiles where secrets come from: of params, and of the host.
func (c *compiler) secretSources() {
	for _, s := range c.rb.Secrets {
		for _, t := range append([]*Text{s.Source}, s.Argv...) {
			c.text(t, &scope{base: c.base, hosted: true})
			for _, e := range textExprs(t) {
				s.Hosts = s.Hosts || e.Uses("host")
			}
		}
	}
}

func textExprs(t *Text) []*expression.Expression {
	if t == nil || t.Text == nil {
		return nil
	}
	return t.Exprs()
}

// CheckTemplate finds what is wrong with the expressions of a file that a step of the runbook renders.
func (rb *Runbook) CheckTemplate(s *Step, file *source.File) source.Problems {
	node := &source.Node{File: file, Pos: source.Pos{Line: 1, Column: 1}, Kind: source.Scalar, Text: file.Text}
	c := &compiler{decoder: &decoder{}, rb: rb, base: baseScope(rb)}
	c.text(&Text{Node: node}, c.at(s))
	return c.problems
}

// names holds params and vars against each other and against what is always there.
func (c *compiler) names() {
	taken := map[string]string{
		"host": "the host of the step", "steps": "the results of steps", "result": "the result of the attempt", "saved": "saved values",
		"secrets": "the secrets", "item": "the item of foreach", "run": "the run", "runbook": "the runbook", "env": "the environment",
		"hosts": "a function", "raw": "a function", "true": "a value", "false": "a value", "nil": "a value", "let": "a word of expressions",
		"in": "a word of expressions", "not": "a word of expressions", "and": "a word of expressions", "or": "a word of expressions", "if": "a word of expressions", "else": "a word of expressions",
		"matches": "a word of expressions", "contains": "a word of expressions", "startsWith": "a word of expressions", "endsWith": "a word of expressions",
	}
	note := func(n *source.Node, name, what string) {
		if other := taken[name]; other != "" {
			c.problem(n, "the name %q is taken by %s", name, other).Hint = "params and vars share one set of names: call it something else"
		}
		taken[name] = what + " of the same name"
	}
	for _, p := range c.rb.Params {
		note(p.Node, p.Name, "a param")
		c.secret[p.Name] = p.Secret
	}
	for _, v := range c.rb.Vars {
		note(v.Key, v.Name, "a var")
	}
}

// vars compiles the vars and puts them into an order in which each comes after those it uses.
func (c *compiler) vars() {
	byName := map[string]*Var{}
	for _, v := range c.rb.Vars {
		byName[v.Name] = v
		c.varTexts(v, v.Node, &scope{base: c.base})
	}
	const open, done = 1, 2
	mark := map[*Var]int{}
	var ordered []*Var
	var path []string
	var visit func(*Var)
	visit = func(v *Var) {
		if mark[v] == done {
			return
		}
		path = append(path, v.Name)
		if mark[v] == open {
			loop := path
			for len(loop) > 1 && loop[0] != v.Name {
				loop = loop[1:]
			}
			c.problem(v.Key, "these vars are made of each other: %s", strings.Join(loop, " → "))
			path = path[:len(path)-1]
			return
		}
		mark[v] = open
		for _, e := range v.exprs() {
			for _, r := range e.Refs {
				if other := byName[r.Path[0]]; other != nil {
					visit(other)
				}
				v.Secret = v.Secret || c.secret[r.Path[0]]
			}
		}
		mark[v], path = done, path[:len(path)-1]
		c.secret[v.Name] = v.Secret
		ordered = append(ordered, v)
	}
	for _, v := range c.rb.Vars {
		visit(v)
	}
	c.rb.Vars = ordered
}

// varTexts compiles the scalars of a value that hold expressions, at any depth.
func (c *compiler) varTexts(v *Var, n *source.Node, sc *scope) {
	if v.texts == nil {
		v.texts = map[*source.Node]*Text{}
	}
	for _, item := range n.Items {
		c.varTexts(v, item, sc)
	}
	for _, p := range n.Pairs {
		c.varTexts(v, p.Value, sc)
	}
	if n.Kind == source.Scalar && strings.Contains(n.Text, "${{") {
		v.texts[n] = &Text{Node: n}
		c.text(v.texts[n], sc)
	}
}

// Names gives the params and vars that the var is made of.
func (v *Var) Names() []string {
	var names []string
	for _, e := range v.exprs() {
		for _, r := range e.Refs {
			names = append(names, r.Path[0])
		}
	}
	return names
}

// exprs lists the expressions that the var is made of, in the order written.
func (v *Var) exprs() []*expression.Expression {
	var list []*expression.Expression
	var walk func(*source.Node)
	walk = func(n *source.Node) {
		for _, item := range n.Items {
			walk(item)
		}
		for _, p := range n.Pairs {
			walk(p.Value)
		}
		if t := v.texts[n]; t != nil && t.Text != nil {
			list = append(list, t.Exprs()...)
		}
	}
	walk(v.Node)
	return list
}

func (c *compiler) note(n *source.Node, errs ...*expression.Error) {
	for _, e := range errs {
		c.problems.Add(n.ProblemAt(e.Offset, e.Width, e.Message, e.Hint))
	}
}

func (c *compiler) text(t *Text, sc *scope) {
	if t == nil {
		return
	}
	text := t.Node.Text
	compiled, errs := expression.CompileText(text, sc.typesFor(text, false))
	if len(errs) > 0 && strings.Contains(text, "steps") {
		compiled, errs = expression.CompileText(text, sc.typesFor(text, true))
	}
	c.note(t.Node, errs...)
	if len(errs) > 0 {
		return
	}
	t.Text = compiled
	for _, e := range compiled.Exprs() {
		c.checkRefs(t.Node, sc, e.Refs)
	}
}

func (c *compiler) cond(x *Cond, sc *scope, want expression.Want) {
	if x == nil {
		return
	}
	text := x.Node.Text
	inner := strings.TrimSpace(text)
	if strings.HasPrefix(inner, "${{") && strings.HasSuffix(inner, "}}") {
		inner = strings.TrimSpace(inner[3 : len(inner)-2]) // bare is enough here, but no mistake
	}
	lead := max(0, strings.Index(text, inner))
	e, err := expression.Compile(inner, sc.typesFor(inner, false), want)
	if err != nil && strings.Contains(inner, "steps") {
		e, err = expression.Compile(inner, sc.typesFor(inner, true), want)
	}
	if err != nil {
		err.Offset += lead
		c.note(x.Node, err)
		return
	}
	x.Expression = e
	c.checkRefs(x.Node, sc, e.Refs)
}

// isSecret tells whether an expression's value must not be seen.
func (c *compiler) isSecret(e *expression.Expression) bool {
	for _, r := range e.Refs {
		if c.secret[r.Path[0]] {
			return true
		}
	}
	return false
}

// remote are the names whose values came from a host.
var remote = []string{"steps", "saved", "result"}

func (c *compiler) script(s *Script, shellName string, sc *scope) {
	if s == nil {
		return
	}
	s.Shell = shellName
	for _, word := range s.Argv {
		c.text(word, sc)
	}
	if s.Argv != nil {
		return
	}
	t := &Text{Node: s.Node}
	before := len(c.problems)
	if c.text(t, sc); len(c.problems) > before {
		return
	}
	var parts []shell.Part
	var uses []shell.Use
	for _, p := range t.Pieces {
		if p.Expr == nil {
			parts = append(parts, shell.Part{Text: p.Literal, Value: -1, Offset: p.Offset})
			continue
		}
		use := shell.Use{Raw: p.Expr.Raw, Secret: c.isSecret(p.Expr) || !sc.result && p.Expr.Uses("result")} // what is not known yet goes by variable too
		if use.Raw && (use.Secret || usesAny(p.Expr, remote)) {
			c.problems.Add(s.Node.ProblemAt(p.Offset, p.Width, "raw() would let a secret, or a value that came from a host, become code", "leave raw() out: the command then sees exactly the value"))
			use = shell.Use{} // said once
		}
		parts = append(parts, shell.Part{Text: "${{" + p.Expr.Source + "}}", Value: len(uses), Offset: p.Offset})
		uses = append(uses, use)
		s.Exprs = append(s.Exprs, p.Expr)
	}
	c.quoting(s, parts, uses)
}

func usesAny(e *expression.Expression, names []string) bool {
	for _, name := range names {
		if e.Uses(name) {
			return true
		}
	}
	return false
}

// quoting finds out how each value must be quoted where it stands.
func (c *compiler) quoting(s *Script, parts []shell.Part, uses []shell.Use) {
	dialect := shell.Posix
	switch s.Shell {
	case "sh":
	case "bash":
		dialect = shell.Bash
	case NoShell:
		plain, problems := shell.ParsePlain(parts, uses)
		for _, p := range problems {
			c.problems.Add(s.Node.ProblemAt(p.Offset, p.Width, p.Message, p.Hint))
		}
		s.Plain = plain
		return
	default:
		if len(uses) > 0 {
			c.problems.Add(s.Node.ProblemAt(firstValue(parts), 3, "no value can go into a script for "+s.Shell+": its quoting is not known", "give it by env: {NAME: ${{ … }}}"))
		}
		return
	}
	parsed, problems := shell.Parse(parts, dialect, uses)
	for _, p := range problems {
		c.problems.Add(s.Node.ProblemAt(p.Offset, p.Width, p.Message, p.Hint))
	}
	s.Parsed = parsed
}

func firstValue(parts []shell.Part) int {
	for _, p := range parts {
		if p.Value >= 0 {
			return p.Offset
		}
	}
	return 0
}
