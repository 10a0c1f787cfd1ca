package graph

import "slices"

// rounds is how often the crossings of lines are looked at from above and from below.
const rounds = 6

// slot is a place in a rank: a cell, or a line on its way to a lower rank.
type slot struct {
	cell     *cell // nil: a line that passes
	critical bool
	x, w     float64
	up, down []*slot
	weight   float64
}

func (l *slot) middle() float64 { return l.x + l.w/2 }

// mesh lays out steps of which each waits for some of those above it: in ranks, each in the order that has few
// crossings, with smooth lines (after Sugiyama, Tagawa and Toda, 1981).
func (s *sheet) mesh(ranks [][]*Node) *cell {
	m := &mesh{ranks: make([][]*slot, len(ranks)), of: map[*Node]*slot{}}
	m.place(s, ranks)
	m.untangle()
	return m.draw()
}

type mesh struct {
	ranks  [][]*slot
	of     map[*Node]*slot
	rankOf map[*slot]int
}

// place makes the slots. A line that leads past ranks has a slot in each; and one that leads out leads through to the last.
func (m *mesh) place(s *sheet, ranks [][]*Node) {
	m.rankOf = map[*slot]int{}
	for r, rank := range ranks {
		for _, n := range rank {
			c := s.cell(&part{node: n})
			l := &slot{cell: c, w: c.w, critical: n.onPath}
			m.of[n], m.rankOf[l] = l, r
			m.ranks[r] = append(m.ranks[r], l)
		}
	}
	for r, rank := range ranks {
		for _, n := range rank {
			for _, before := range n.before {
				if from := m.of[before]; from != nil {
					hot := n.onPath && before.onPath
					last := m.through(from, r, hot)
					last.down = append(last.down, m.of[n])
					m.of[n].up = append(m.of[n].up, last)
				}
			}
		}
	}
	for _, rank := range ranks {
		for _, n := range rank {
			if l := m.of[n]; len(l.down) == 0 {
				m.through(l, len(ranks), l.critical)
			}
		}
	}
}

// through leads a line down to the rank above another one.
func (m *mesh) through(from *slot, rank int, critical bool) *slot {
	for r := m.rankOf[from] + 1; r < rank; r++ {
		l := &slot{w: 12, critical: critical, up: []*slot{from}}
		m.rankOf[l] = r
		from.down = append(from.down, l)
		m.ranks[r] = append(m.ranks[r], l)
		from = l
	}
	return from
}

// untangle puts each slot in the middle of those it is linked with, from above and from below in turn.
func (m *mesh) untangle() {
	for round := range rounds {
		for i := range m.ranks {
			r := i
			if round%2 == 1 {
				r = len(m.ranks) - 1 - i
			}
			m.order(m.ranks[r], round%2 == 0)
		}
	}
	wide := 0.0
	for _, rank := range m.ranks {
		wide = max(wide, span2(rank))
	}
	for _, rank := range m.ranks {
		x := (wide - span2(rank)) / 2
		for _, l := range rank {
			l.x = x
			x += l.w + gapAcross
		}
	}
}

func span2(rank []*slot) float64 {
	sum := -gapAcross
	for _, l := range rank {
		sum += l.w + gapAcross
	}
	return sum
}

func (m *mesh) order(rank []*slot, fromAbove bool) {
	for at, l := range rank {
		linked := l.up
		if !fromAbove {
			linked = l.down
		}
		l.weight = float64(at)
		if len(linked) > 0 {
			l.weight = 0
			for _, x := range linked {
				l.weight += float64(slices.Index(m.ranks[m.rankOf[x]], x)) / float64(len(linked))
			}
		}
	}
	slices.SortStableFunc(rank, func(a, b *slot) int {
		switch {
		case a.weight < b.weight:
			return -1
		case a.weight > b.weight:
			return 1
		}
		return 0
	})
}

func (m *mesh) draw() *cell {
	c := &cell{}
	y := 0.0
	tops, bottoms := make([]float64, len(m.ranks)), make([]float64, len(m.ranks))
	for r, rank := range m.ranks {
		height := 0.0
		for _, l := range rank {
			if l.cell != nil {
				l.cell.move(l.x, y)
				height = max(height, l.cell.h)
				c.inner = append(c.inner, l.cell)
				c.undo = c.undo || l.cell.undo
			}
		}
		c.w = max(c.w, rank[len(rank)-1].x+rank[len(rank)-1].w)
		tops[r], bottoms[r] = y, y+height
		y += height + 2*gapDown
	}
	c.h = y - 2*gapDown
	for r, rank := range m.ranks {
		for _, l := range rank {
			if from := (point{l.middle(), bottoms[r]}); l.cell != nil && l.cell.h < bottoms[r]-tops[r] && len(l.down) > 0 || l.cell == nil {
				start := point{l.middle(), tops[r]}
				if l.cell != nil {
					start.y = l.cell.bottom()
				}
				c.trails = append(c.trails, line2(start, from, edgeClass(l.critical && l.cell == nil), false))
			}
			for _, below := range l.down {
				c.trails = append(c.trails, trail{
					points: []point{{l.middle(), bottoms[r]}, {below.middle(), tops[r+1]}},
					class:  edgeClass(l.critical && below.critical), arrow: below.cell != nil, smooth: true,
				})
			}
			if l.cell != nil && len(l.up) == 0 {
				c.tops = append(c.tops, l.cell.tops...)
			}
			if len(l.down) == 0 {
				end := port{point{l.middle(), bottoms[r]}, l.critical}
				if l.cell != nil {
					end.y = l.cell.bottom()
				}
				c.ends = append(c.ends, end)
			}
		}
	}
	return c
}
