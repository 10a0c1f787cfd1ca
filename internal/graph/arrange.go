package graph

import (
	"fmt"
	"math/bits"
	"slices"
)

// part is how nodes of a block stand to each other. One field is set.
type part struct {
	node   *Node
	gate   *Gate
	series []*part   // one after the other
	beside []*part   // side by side
	ranks  [][]*Node // neither: each waits only for some of those in ranks above
}

// arrange takes the order of siblings apart: into pieces that stand one after the other (all of one
// wait for all of the one before), or side by side (none waits for the other), as far as that goes.
// What is left, steps that wait for some of those before and not for others, stands in ranks.
func (b *builder) arrange(siblings []*Node) *part {
	a := &arranger{builder: b, at: map[*Node]int{}}
	order := ordered(siblings)
	for i, n := range order {
		a.at[n] = i
		row := make([]uint64, (len(order)+63)/64)
		for _, before := range n.before {
			j := a.at[before]
			row[j/64] |= 1 << (j % 64)
			for w, bits := range a.above[j] {
				row[w] |= bits
			}
		}
		a.above = append(a.above, row)
	}
	return a.part(order)
}

// ordered puts each node after those it waits for; needs may name a step written later.
func ordered(siblings []*Node) []*Node {
	var order []*Node
	placed := map[*Node]bool{}
	var place func(*Node)
	place = func(n *Node) {
		if placed[n] {
			return
		}
		placed[n] = true
		for _, before := range n.before {
			place(before)
		}
		order = append(order, n)
	}
	for _, n := range siblings {
		place(n)
	}
	return order
}

type arranger struct {
	*builder
	at    map[*Node]int
	above [][]uint64 // for each node, by its place in order: all that come before it
}

func (a *arranger) part(nodes []*Node) *part {
	if len(nodes) == 1 {
		p := &part{node: nodes[0]}
		if nodes[0].NoReturn {
			return &part{series: []*part{p, a.newGate(true)}}
		}
		return p
	}
	if pieces := a.pieces(nodes); len(pieces) > 1 {
		return a.inSeries(pieces)
	}
	if branches := a.branches(nodes); len(branches) > 1 {
		p := &part{}
		for _, branch := range branches {
			p.beside = append(p.beside, a.part(branch))
		}
		return p
	}
	return &part{ranks: a.ranks(nodes)}
}

// pieces cuts nodes where all on one side come before all on the other. Put in the order of how
// many come before each, a place is such a cut where that number is the number of those written
// before the place.
func (a *arranger) pieces(nodes []*Node) [][]*Node {
	within := make([]uint64, len(a.above[0]))
	for _, n := range nodes {
		i := a.at[n]
		within[i/64] |= 1 << (i % 64)
	}
	count := map[*Node]int{}
	for _, n := range nodes {
		for w, row := range a.above[a.at[n]] {
			count[n] += bits.OnesCount64(row & within[w])
		}
	}
	sorted := slices.Clone(nodes)
	slices.SortStableFunc(sorted, func(x, y *Node) int { return count[x] - count[y] })
	var pieces [][]*Node
	for i, n := range sorted {
		if count[n] == i {
			pieces = append(pieces, nil)
		}
		last := len(pieces) - 1
		pieces[last] = append(pieces[last], n)
	}
	return pieces
}

// branches are the nodes that hang together, whatever waits for what among them.
func (a *arranger) branches(nodes []*Node) [][]*Node {
	branch := map[*Node]*Node{} // to another of the same branch; the first one leads to itself
	for _, n := range nodes {
		branch[n] = n
	}
	first := func(n *Node) *Node {
		for branch[n] != n {
			branch[n] = branch[branch[n]]
			n = branch[n]
		}
		return n
	}
	for _, n := range nodes {
		for _, before := range n.before {
			if branch[before] != nil {
				branch[first(n)] = first(before)
			}
		}
	}
	var list [][]*Node
	number := map[*Node]int{}
	written := slices.Clone(nodes)
	slices.SortStableFunc(written, func(x, y *Node) int { return x.index - y.index })
	for _, n := range written {
		f := first(n)
		if _, known := number[f]; !known {
			number[f] = len(list)
			list = append(list, nil)
		}
		list[number[f]] = append(list[number[f]], n)
	}
	return list
}

// ranks puts each node one rank below the lowest it waits for.
func (a *arranger) ranks(nodes []*Node) [][]*Node {
	rank := map[*Node]int{}
	var ranks [][]*Node
	for _, n := range ordered(nodes) {
		if !slices.Contains(nodes, n) { // nodes of another piece come into the order too
			continue
		}
		r := 0
		for _, before := range n.before {
			if above, within := rank[before]; within {
				r = max(r, above+1)
			}
		}
		rank[n] = r
		for len(ranks) <= r {
			ranks = append(ranks, nil)
		}
		ranks[r] = append(ranks[r], n)
	}
	return ranks
}

// inSeries puts pieces one after the other, with gates between them.
func (a *arranger) inSeries(pieces [][]*Node) *part {
	p := &part{}
	add := func(x *part) {
		if x.series != nil {
			p.series = append(p.series, x.series...)
		} else {
			p.series = append(p.series, x)
		}
	}
	for i, piece := range pieces {
		if i > 0 && allWait(piece) {
			add(a.newGate(false))
		}
		add(a.part(piece))
	}
	return p
}

// allWait tells whether all that begin a piece wait for all hosts of what ends the one before.
func allWait(piece []*Node) bool {
	var begin []*Node
	for _, n := range piece {
		if slices.ContainsFunc(n.before, func(x *Node) bool { return slices.Contains(piece, x) }) {
			continue
		}
		if !n.waits {
			return false
		}
		begin = append(begin, n)
	}
	for _, n := range begin {
		n.gated = true
	}
	return true
}

func (b *builder) newGate(noReturn bool) *part {
	g := &Gate{Name: fmt.Sprintf("g%d", len(b.picture.Gates)+1), NoReturn: noReturn}
	b.picture.Gates = append(b.picture.Gates, g)
	return &part{gate: g}
}

// then puts a part behind another one; either may be nil.
func (p *part) then(next *part) *part {
	switch {
	case p == nil:
		return next
	case next == nil:
		return p
	}
	both := &part{}
	for _, x := range []*part{p, next} {
		if x.series != nil {
			both.series = append(both.series, x.series...)
		} else {
			both.series = append(both.series, x)
		}
	}
	return both
}

// inner gives the parts that a part is made of, the upper ones first.
func (p *part) inner() []*part {
	if p.ranks == nil {
		return slices.Concat(p.series, p.beside)
	}
	var list []*part
	for _, rank := range p.ranks {
		for _, n := range rank {
			list = append(list, &part{node: n})
		}
	}
	return list
}

// titled is what is set apart from the steps of a block.
type titled struct {
	part *part
	said string
}

// last gives what comes after the steps of a block. The gate of a wave waits for the finally of the block, which is that of
// the wave; the finally of the runbook is after all waves.
func (n *Node) last() []titled {
	list := []titled{{n.finally, always}, {n.gate, afterWave}}
	if n.Name == "" {
		slices.Reverse(list)
	}
	return slices.DeleteFunc(list, func(t titled) bool { return t.part == nil })
}

// walk calls visit for every node inside a block, from above.
func (n *Node) walk(visit func(*Node)) {
	n.body.walk(visit)
	n.finally.walk(visit)
	n.gate.walk(visit)
}

func (p *part) walk(visit func(*Node)) {
	if p == nil {
		return
	}
	if p.node != nil {
		visit(p.node)
		p.node.walk(visit)
	}
	for _, inner := range p.inner() {
		inner.walk(visit)
	}
}
