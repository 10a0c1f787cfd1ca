package graph

// area is a rectangle, in pixels.
type area struct{ x, y, w, h float64 }

func (a area) right() float64  { return a.x + a.w }
func (a area) bottom() float64 { return a.y + a.h }
func (a area) middle() float64 { return a.x + a.w/2 }

func (a area) moved(dx, dy float64) area { return area{a.x + dx, a.y + dy, a.w, a.h} }

// holds tells whether another area lies within this one.
func (a area) holds(b area) bool {
	const hair = 0.01
	return b.x >= a.x-hair && b.y >= a.y-hair && b.right() <= a.right()+hair && b.bottom() <= a.bottom()+hair
}

// meets tells whether two areas share more than an edge.
func (a area) meets(b area) bool {
	const hair = 0.01
	return a.x < b.right()-hair && b.x < a.right()-hair && a.y < b.bottom()-hair && b.y < a.bottom()-hair
}

// label is a text in its place; y is its base line, x where it begins, or its middle.
type label struct {
	x, y   float64
	text   string
	size   float64
	bold   bool
	class  string
	tail   string // said behind it, smaller
	middle bool
}

// area is the room that a label takes, above and below its base line.
func (l label) area() area {
	a := area{l.x, l.y - l.size, width(l.text, l.size, l.bold) + width(l.tail, factSize, false), l.size * 1.25}
	if l.middle {
		a.x -= a.w / 2
	}
	return a
}

// point is a place of a line.
type point struct{ x, y float64 }

// trail is a line through points, with an arrow at its end or without.
type trail struct {
	points []point
	class  string
	arrow  bool
	smooth bool // curves instead of corners
}

// cell is a part that has its place: a card, a frame, a bar, or what holds others.
type cell struct {
	area
	node   *Node // of a card or a frame
	gate   *Gate // of a bar
	labels []label
	bands  []area // of waves, in a frame
	inner  []*cell
	trails []trail
	tops   []port // where lines come in
	ends   []port // where lines go out
	undo   bool   // something in it can be taken back
	dashed string // the title of a frame around what is inside, and no block
}

// port is where a line meets a cell.
type port struct {
	point
	critical bool
}

// move moves a cell with all that is in it.
func (c *cell) move(dx, dy float64) {
	c.area = c.moved(dx, dy)
	for i := range c.labels {
		c.labels[i].x += dx
		c.labels[i].y += dy
	}
	for i := range c.bands {
		c.bands[i] = c.bands[i].moved(dx, dy)
	}
	for _, t := range c.trails {
		for i := range t.points {
			t.points[i].x += dx
			t.points[i].y += dy
		}
	}
	for _, ports := range [][]port{c.tops, c.ends} {
		for i := range ports {
			ports[i].x += dx
			ports[i].y += dy
		}
	}
	for _, inner := range c.inner {
		inner.move(dx, dy)
	}
}

func (c *cell) walk(visit func(*cell)) {
	visit(c)
	for _, inner := range c.inner {
		inner.walk(visit)
	}
}
