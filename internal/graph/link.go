package graph

import "fmt"

// link finds the waits between steps, through the gates that stand between them, and the way back.
func (b *builder) link() {
	p := b.picture
	l := &linker{picture: p}
	l.finally(p.Root.finally, l.part(p.Root.gate, l.part(p.Root.body, []end{{}})))
	if len(b.path) > 0 {
		out := map[string][]int{}
		for i, l := range p.Links {
			out[l.From] = append(out[l.From], i)
		}
		for _, pair := range b.path {
			p.mark(out, pair[0], pair[1])
		}
	}
	p.Undo = p.undoLinks()
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
		return l.ranks(p.ranks, l.joined(before))
	case p.beside != nil:
		var ends []end
		before = l.joined(before)
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

// endsMax is how many lines may lead to each of several steps without being joined first.
const endsMax = 3

// joined lets many lines meet before they part again.
func (l *linker) joined(before []end) []end {
	if len(before) <= endsMax {
		return before
	}
	name := fmt.Sprintf("j%d", len(l.picture.Joints)+1)
	l.picture.Joints = append(l.picture.Joints, name)
	l.to(name, before)
	return []end{{name: name, last: l.last}}
}

func (l *linker) node(n *Node, before []end) []end {
	if n.Kind == Block {
		return l.part(n.gate, l.finally(n.finally, l.part(n.body, before)))
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
// out are the links that leave each name.
func (p *Picture) mark(out map[string][]int, from, to string) bool {
	found := false
	for _, i := range out[from] {
		if l := &p.Links[i]; l.To == to || p.passes(l.To) && p.mark(out, l.To, to) {
			l.Critical, found = true, true
		}
	}
	return found
}

// passes tells of the name of a gate or a joint: lines lead through it.
func (p *Picture) passes(name string) bool { return name != "" && name[0] != 'n' }
