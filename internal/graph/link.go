package graph

import "slices"

// link finds the waits between steps, through the gates that stand between them, and the way back.
func (b *builder) link() {
	p := b.picture
	l := &linker{picture: p}
	l.finally(p.Root.finally, l.part(p.Root.body, []end{{}}))
	for _, pair := range b.path {
		p.mark(pair[0], pair[1])
	}
	p.Undo = b.undoLinks()
}

// end is where a link begins: a node, a gate, or the start.
type end struct {
	name string
	last bool // within a finally
}

type linker struct {
	picture *Picture
	last    bool // within a finally
}

func (l *linker) finally(p *part, before []end) []end {
	was := l.last
	l.last = true
	after := l.part(p, before)
	l.last = was
	return after
}

// part links what begins a part to the ends before it, and gives its own ends.
func (l *linker) part(p *part, before []end) []end {
	switch {
	case p == nil:
		return before
	case p.gate != nil:
		l.to(p.gate.Name, before)
		return []end{{name: p.gate.Name, last: l.last}}
	case p.node != nil:
		return l.node(p.node, before)
	case p.ranks != nil:
		return l.ranks(p.ranks, before)
	case p.beside != nil:
		var ends []end
		for _, branch := range p.beside {
			ends = append(ends, l.part(branch, before)...)
		}
		return ends
	}
	for _, piece := range p.series {
		before = l.part(piece, before)
	}
	return before
}

func (l *linker) node(n *Node, before []end) []end {
	if n.Kind == Block {
		return l.finally(n.finally, l.part(n.body, before))
	}
	l.to(n.Name, before)
	return []end{{name: n.Name, last: l.last}}
}

func (l *linker) ranks(ranks [][]*Node, before []end) []end {
	ends := map[*Node][]end{}
	awaited := map[*Node]bool{}
	for _, rank := range ranks {
		for _, n := range rank {
			var from []end
			for _, x := range n.before {
				from = append(from, ends[x]...)
				awaited[x] = true
			}
			if len(from) == 0 {
				from = before
			}
			ends[n] = l.node(n, from)
		}
	}
	var list []end
	for _, rank := range ranks {
		for _, n := range rank {
			if !awaited[n] {
				list = append(list, ends[n]...)
			}
		}
	}
	return list
}

func (l *linker) to(name string, before []end) {
	for _, from := range before {
		l.picture.Links = append(l.picture.Links, Link{From: from.name, To: name, Last: l.last && !from.last})
	}
}

// mark makes the links critical that lead from one node to another, directly or through gates.
func (p *Picture) mark(from, to string) bool {
	found := false
	for i, l := range p.Links {
		if l.From == from && (l.To == to || p.isGate(l.To) && p.mark(l.To, to)) {
			p.Links[i].Critical, found = true, true
		}
	}
	return found
}

func (p *Picture) isGate(name string) bool {
	return slices.ContainsFunc(p.Gates, func(g *Gate) bool { return g.Name == name })
}

// undoLinks lead from each step that can be taken back to those taken back next: the nearest ones
// before it. The way ends at a point of no return.
func (b *builder) undoLinks() []Link {
	above := map[string][]string{}
	for _, l := range b.picture.Links {
		above[l.To] = append(above[l.To], l.From)
	}
	nodes := map[string]*Node{}
	var order []*Node
	b.picture.Root.body.walk(func(n *Node) {
		nodes[n.Name] = n
		order = append(order, n)
	})
	closed := map[string]bool{}
	for _, g := range b.picture.Gates {
		closed[g.Name] = g.NoReturn
	}
	var links []Link
	for _, n := range order {
		if !n.Undo.Can || n.Kind == Block {
			continue
		}
		seen := map[string]bool{}
		var back func(name string)
		back = func(name string) {
			for _, x := range above[name] {
				if seen[x] || closed[x] {
					continue
				}
				seen[x] = true
				if up := nodes[x]; up != nil && up.Undo.Can && !up.NoReturn {
					links = append(links, Link{From: n.Name, To: x})
				} else if up == nil || !up.NoReturn {
					back(x)
				}
			}
		}
		back(n.Name)
	}
	return links
}
