package graph

import "slices"

// sheet is a picture on its way to be an SVG.
type sheet struct {
	picture *Picture
	head    []label
	body    *cell
	legend  []sample
	area
}

// cell makes the cell of a part.
func (s *sheet) cell(p *part) *cell {
	switch {
	case p.gate != nil:
		return bar(p.gate)
	case p.node != nil && p.node.Kind == Block:
		return s.frame(p.node)
	case p.node != nil:
		return card(p.node)
	case p.ranks != nil:
		return s.mesh(p.ranks)
	}
	var cells []*cell
	for _, inner := range p.inner() {
		cells = append(cells, s.cell(inner))
	}
	if p.beside != nil {
		return s.row(cells)
	}
	return s.stack(cells)
}

// row puts cells side by side; where that gets too wide, in rows within a frame that says so.
func (s *sheet) row(cells []*cell) *cell {
	wide := -gapAcross
	for _, inner := range cells {
		wide += inner.w + gapAcross
	}
	if wide > rowMax && len(cells) > 2 {
		return s.grid(cells)
	}
	c := &cell{inner: cells}
	for i, inner := range cells {
		if i > 0 {
			c.w += gapAcross
		}
		inner.move(c.w, 0)
		c.w = inner.right()
		c.h = max(c.h, inner.h)
		c.tops = append(c.tops, inner.tops...)
		c.ends = append(c.ends, inner.ends...)
		c.undo = c.undo || inner.undo
	}
	return c
}

func (s *sheet) grid(cells []*cell) *cell {
	c := &cell{inner: cells, dashed: sideBySide}
	hot := false
	column := 0.0
	for _, inner := range cells {
		column = max(column, inner.w)
	}
	x, y, low := framePad, framePad/2+nameSize+lineStep, 0.0
	for _, inner := range cells {
		if x > framePad && x+column > rowMax {
			x, y = framePad, low+gapAcross
		}
		inner.move(x, y)
		x += column + gapAcross
		c.w, low = max(c.w, inner.right()+framePad), max(low, inner.bottom())
		c.undo = c.undo || inner.undo
		for _, top := range inner.tops {
			hot = hot || top.critical
		}
	}
	c.h = low + framePad
	c.labels = []label{heading(c.dashed)}
	c.frontPorts(hot)
	return c
}

// stack puts cells below each other, on one axis, with lines from each to the next, and the way back at their right.
func (s *sheet) stack(cells []*cell) *cell {
	c := &cell{inner: cells}
	left, right, undoable := 0.0, 0.0, 0
	for _, inner := range cells {
		left, right = max(left, inner.axis()), max(right, inner.w-inner.axis())
		if inner.undo {
			undoable++
		}
	}
	c.w, c.undo = left+right, undoable > 0
	for i, inner := range cells {
		x := left - inner.axis()
		if inner.gate != nil {
			inner.widen(c.w)
			x = 0
		}
		if i > 0 {
			c.h += s.gap(cells[i-1], inner)
		}
		inner.move(x, c.h)
		c.h += inner.h
	}
	for i := 1; i < len(cells); i++ {
		c.trails = append(c.trails, join(cells[i-1], cells[i], left, passes(cells, i))...)
	}
	if undoable > 1 {
		c.trails = append(c.trails, backTrails(cells, c.w+rail-6)...)
		c.w += rail
	}
	c.tops, c.ends = clonePorts(cells[0].tops), clonePorts(cells[len(cells)-1].ends)
	return c
}

// axis is the upright line of a cell that is put below and above others.
func (c *cell) axis() float64 {
	if len(c.tops) == 1 {
		return c.tops[0].x - c.x
	}
	return c.w / 2
}

// gap gives the room between two cells: more where lines have to part or to meet.
func (s *sheet) gap(above, below *cell) float64 {
	if above.gate == nil && below.gate == nil && len(above.ends)+len(below.tops) > 2 {
		return gapDown + 8
	}
	return gapDown
}

func clonePorts(ports []port) []port { return append([]port{}, ports...) }

// join draws the lines from all ends of a cell to all that begins the next one: down to a line across, and from there on.
func join(above, below *cell, axis float64, passes bool) []trail {
	var trails []trail
	switch {
	case above.gate != nil && below.gate != nil:
		return []trail{line2(point{axis, above.bottom()}, point{axis, below.y}, edgeClass(passes), true)}
	case below.gate != nil:
		for _, end := range above.ends {
			trails = append(trails, line2(end.point, point{end.x, below.y}, edgeClass(end.critical && passes), true))
		}
		return trails
	case above.gate != nil:
		for _, top := range below.tops {
			trails = append(trails, line2(point{top.x, above.bottom()}, top.point, edgeClass(top.critical && passes), true))
		}
		return trails
	}
	across := below.y - gapDown/2
	for _, critical := range []bool{false, true} { // what is critical is drawn over the rest
		for _, end := range above.ends {
			for _, top := range below.tops {
				hot := end.critical && top.critical
				if hot != critical || !hot && len(above.ends) > 1 && len(below.tops) > 1 && end != above.ends[0] && top != below.tops[0] {
					continue // the line across is there already, once is enough
				}
				points := []point{end.point, {end.x, across}, {top.x, across}, top.point}
				if end.x == top.x {
					points = []point{end.point, top.point}
				}
				trails = append(trails, trail{points: points, class: edgeClass(hot), arrow: true})
			}
		}
	}
	return trails
}

// passes tells whether the critical path leads on both sides of the gap above a cell, looking through gates.
func passes(cells []*cell, i int) bool {
	above, below := i-1, i
	for above >= 0 && cells[above].gate != nil {
		above--
	}
	for below < len(cells) && cells[below].gate != nil {
		below++
	}
	hot := func(p port) bool { return p.critical }
	return above >= 0 && below < len(cells) && slices.ContainsFunc(cells[above].ends, hot) && slices.ContainsFunc(cells[below].tops, hot)
}

func line2(a, b point, class string, arrow bool) trail {
	return trail{points: []point{a, b}, class: class, arrow: arrow}
}

func edgeClass(critical bool) string {
	if critical {
		return "edge hot"
	}
	return "edge"
}

// backTrails lead from each cell that can be taken back to the one that is taken back next. Nothing leads past a point of no
// return.
func backTrails(cells []*cell, x float64) []trail {
	var trails []trail
	var before *cell
	for _, c := range cells {
		if c.gate != nil && c.gate.NoReturn {
			before = nil
		}
		if !c.undo {
			continue
		}
		if c.loose() { // steps side by side: the way back is of them all
			trails = append(trails, trail{points: []point{{c.right(), c.y}, {c.right() + 4, c.y}, {c.right() + 4, c.bottom()}, {c.right(), c.bottom()}}, class: "undo"})
		}
		if before != nil {
			from, to := c.y+c.h/2-5, before.y+before.h/2+5
			trails = append(trails, trail{
				points: []point{{c.back(), from}, {x, from}, {x, to}, {before.back(), to}}, class: "undo", arrow: true,
			})
		}
		before = c
	}
	return trails
}

// back is where the way back leaves a cell.
func (c *cell) back() float64 {
	if c.loose() {
		return c.right() + 4
	}
	return c.right()
}

// loose tells of a cell that nothing is drawn around.
func (c *cell) loose() bool { return c.node == nil && c.dashed == "" }
