package plan

import (
	"errors"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// node is a step as it will be laid out: once for each item of a foreach, and, of an included
// runbook, with the values that this include gives.
type node struct {
	src    *runbook.Step
	scope  *Scope
	env    map[string]any // what is known before the run
	items  []Item
	path   string // full id; of a root that of its block
	prefix string // of the ids inside
	parent *node
	before []*node // siblings it waits for
	kids   []*node
	always []*node
	gate   *node

	target []*inventory.Host // in inventory order, before the limit
	chosen []*inventory.Host // after it
	place  *inventory.Host   // of a delegate; nil: each host itself
	whole  *Targets
	exits  []int // steps of the plan that end it
}

// walk calls visit for the node and all in it.
func (n *node) walk(visit func(*node)) {
	visit(n)
	for _, list := range [][]*node{n.kids, n.always} {
		for _, kid := range list {
			kid.walk(visit)
		}
	}
	if n.gate != nil {
		n.gate.walk(visit)
	}
}

// expand makes the nodes of the runbook, and those of its finally.
func (b *builder) expand(rb *runbook.Runbook) (root *node, last []*node) {
	scope := b.plan.Scopes[0]
	root = &node{src: rb.Root, scope: scope, env: b.envOf(scope, nil)}
	b.inside(root)
	ends := &node{src: rb.Root, scope: scope, env: root.env, prefix: "finally/", parent: root}
	return root, b.siblings(ends, rb.Finally)
}

// inside expands what stands in a block.
func (b *builder) inside(n *node) {
	n.kids = b.siblings(n, n.src.Steps)
	if len(n.src.Always) > 0 {
		ends := *n
		ends.prefix += "finally/"
		n.always = b.siblings(&ends, n.src.Always)
		for _, kid := range n.always {
			kid.parent = n
		}
	}
	if n.src.Rollout != nil && n.src.Rollout.Gate != nil {
		n.gate = &node{src: n.src.Rollout.Gate, scope: n.scope, env: n.env, items: n.items, path: n.prefix + "gate", parent: n}
	}
}

// siblings expands the steps of a block and finds what each waits for. A foreach without items is
// not there: who waits for it waits for what it would have waited for.
func (b *builder) siblings(parent *node, list []*runbook.Step) []*node {
	made := map[*runbook.Step][]*node{}
	for _, s := range list {
		made[s] = b.each(parent, s)
	}
	var ends func(*runbook.Step) []*node
	ends = func(s *runbook.Step) []*node {
		nodes := made[s]
		switch {
		case len(nodes) == 0:
			var all []*node
			for _, before := range s.Before {
				all = append(all, ends(before)...)
			}
			return all
		case s.ForEach != nil && !s.Parallel:
			return nodes[len(nodes)-1:]
		}
		return nodes
	}
	var kids []*node
	for _, s := range list {
		for i, n := range made[s] {
			if i > 0 && !s.Parallel {
				n.before = made[s][i-1 : i]
			} else {
				for _, before := range s.Before {
					n.before = append(n.before, ends(before)...)
				}
			}
			kids = append(kids, n)
		}
	}
	return kids
}

// each makes the nodes of one step: one, or one for each item.
func (b *builder) each(parent *node, s *runbook.Step) []*node {
	if s.ForEach == nil {
		return []*node{b.one(parent, s, parent.env, parent.items, "")}
	}
	items, err := s.ForEach.Items(parent.env)
	if err != nil {
		b.problem(s.ForEach.Node, "%s", err)
		return nil
	}
	var nodes []*node
	for _, item := range items {
		if b.nodes++; b.nodes > runbook.StepsMax {
			b.problem(s.ForEach.Node, "with all their items these would be more than %d steps", runbook.StepsMax)
			return nodes
		}
		env := make(map[string]any, len(parent.env)+1)
		for k, v := range parent.env {
			env[k] = v
		}
		env["item"] = item.Value
		around := append(append([]Item{}, parent.items...), Item{Step: s, Item: item})
		nodes = append(nodes, b.one(parent, s, env, around, "["+item.Key+"]"))
	}
	return nodes
}

func (b *builder) one(parent *node, s *runbook.Step, env map[string]any, items []Item, suffix string) *node {
	n := &node{src: s, scope: parent.scope, env: env, items: items, path: parent.prefix + s.ID + suffix, parent: parent}
	n.prefix = n.path + "/"
	switch {
	case s.Action == "runbook":
		b.include(n)
	case s.IsBlock():
		b.inside(n)
	}
	return n
}

// include expands an included runbook: a block in a block, with values of its own.
func (b *builder) include(n *node) {
	inner := n.src.Include.Runbook
	given := map[string]runbook.Given{}
	at := map[string]*source.Node{}
	scope := &Scope{Runbook: inner, Outer: n.scope, Items: n.items, Secret: map[string]bool{}}
	for _, v := range n.src.Include.With {
		value, err := v.Compute(n.env)
		if err != nil {
			b.problem(v.Node, "%s", err)
			return
		}
		given[v.Name], at[v.Name] = runbook.Given{Value: value}, v.Node
		if text, ok := value.(string); ok && v.Node.Kind == source.Scalar && !strings.Contains(v.Node.Text, "${{") {
			given[v.Name] = runbook.Given{Text: &text}
		}
	}
	values, err := inner.Values(given)
	if wrong := runbook.ParamErrors(nil); errors.As(err, &wrong) {
		for _, e := range wrong {
			where := at[e.Name]
			if where == nil {
				where = n.src.Include.File
			}
			b.problem(where, "param %q: %s", e.Name, e.Message).Hint = e.Hint
		}
		return
	}
	for _, p := range inner.Params {
		scope.Secret[p.Name] = p.Secret
	}
	for _, v := range n.src.Include.With {
		scope.Secret[v.Name] = scope.Secret[v.Name] || v.Secret
	}
	b.compute(scope, values)
	b.plan.Scopes = append(b.plan.Scopes, scope)
	root := &node{src: inner.Root, scope: scope, env: b.envOf(scope, nil), items: n.items, path: n.prefix + rootID, prefix: n.prefix, parent: n}
	b.inside(root)
	n.kids = []*node{root}
}

// compute evaluates the vars of a document, each after those it is made of.
func (b *builder) compute(scope *Scope, params map[string]any) {
	scope.Values = map[string]any{}
	for k, v := range params {
		scope.Values[k] = v
	}
	env := b.envOf(scope, nil)
	for _, v := range scope.Runbook.Vars {
		value, err := v.Compute(env)
		if err != nil {
			b.problem(v.Node, "%s", err)
			continue
		}
		scope.Values[v.Name], env[v.Name] = value, value
		secret := v.Secret
		for _, name := range v.Names() {
			secret = secret || scope.Secret[name]
		}
		scope.Secret[v.Name] = secret
	}
}

// envOf gives the names that are known before the run.
func (b *builder) envOf(scope *Scope, more map[string]any) map[string]any {
	env := map[string]any{}
	for k, v := range scope.Values {
		env[k] = v
	}
	for k, v := range b.general {
		env[k] = v
	}
	env["runbook"] = map[string]any{"name": scope.Runbook.Name}
	for k, v := range more {
		env[k] = v
	}
	return env
}
