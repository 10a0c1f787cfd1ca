package graph

// Sizes of cards and frames, in pixels.
const (
	cardPad     = 10.0
	cardRoom    = 230.0 // for texts
	cardNameMin = 60.0
	iconRoom    = 20.0
	framePad    = 16.0
	bandHeight  = 18.0
	barHeight   = 18.0
	barMin      = 150.0
	gapDown     = 24.0
	gapAcross   = 24.0
	rail        = 26.0
	rowMax      = 1300.0
)

// card makes the cell of a step.
func card(n *Node) *cell {
	c := &cell{node: n, undo: n.Undo.Can}
	name := cutTo(n.ID, nameSize, true, cardRoom-iconRoom)
	y := cardPad + nameSize
	title := label{x: cardPad + iconRoom, y: y, text: name, size: nameSize, bold: true, class: "ink"}
	facts := n.Facts
	if action := "  " + facts[0]; title.area().w+width(action, factSize, false) <= cardRoom-iconRoom {
		title.tail, facts = action, facts[1:]
	}
	c.labels = append(c.labels, title)
	wide := max(cardNameMin, iconRoom+title.area().w)
	add := func(text, class string) {
		y += lineStep
		c.labels = append(c.labels, label{x: cardPad, y: y, text: text, size: factSize, class: class})
		wide = max(wide, width(text, factSize, false))
	}
	if n.Result != nil {
		for _, line := range wrapTo(n.Result.words(), " · ", factSize, cardRoom) {
			add(line, "ink")
		}
	}
	if n.Critical {
		add("on the critical path", "hot")
	}
	for _, line := range wrapTo(facts, " · ", factSize, cardRoom) {
		add(line, "dim")
	}
	switch {
	case n.Undo.Can:
		add(cutTo("↺ "+n.Undo.Text, factSize, false, cardRoom), "back")
	case n.Undo.None:
		add("no undo", "dim")
	}
	c.area = area{0, 0, wide + 2*cardPad, y + cardPad}
	c.frontPorts(n.onPath)
	return c
}

// frontPorts lets lines in at the top and out at the bottom.
func (c *cell) frontPorts(critical bool) {
	c.tops = []port{{point{c.middle(), c.y}, critical}}
	c.ends = []port{{point{c.middle(), c.bottom()}, critical}}
}

func bar(g *Gate) *cell {
	wide := max(barMin, width(g.label(), factSize, true)+2*cardPad)
	c := &cell{gate: g, area: area{0, 0, wide, barHeight}}
	c.frontPorts(false)
	return c
}

// widen gives a bar its width and its words.
func (c *cell) widen(wide float64) {
	c.w = max(c.w, wide)
	text := c.gate.label()
	c.labels = []label{{x: c.middle(), y: c.y + 13, text: text, size: factSize, bold: true, class: "onbar", middle: true}}
	c.frontPorts(false)
}

// frame puts a block around what is inside it.
func (s *sheet) frame(n *Node) *cell {
	c := &cell{node: n, undo: n.Undo.Can}
	body := s.inside(n)
	room := max(body.w, cardRoom)
	y := framePad/2 + nameSize
	wide := body.w
	add := func(text string, size float64, bold bool, class string) {
		c.labels = append(c.labels, label{x: framePad, y: y, text: text, size: size, bold: bold, class: class})
		wide = max(wide, width(text, size, bold))
		y += lineStep
	}
	add(cutTo(n.ID, nameSize, true, room), nameSize, true, "ink")
	facts := n.Facts
	if n.Result != nil {
		facts = append(n.Result.words(), facts...)
	}
	for _, line := range wrapTo(facts, " · ", factSize, room) {
		add(line, factSize, false, "dim")
	}
	if n.Undo.Can {
		add(cutTo("↺ "+n.Undo.Text, factSize, false, room), factSize, false, "back")
	}
	for i, wave := range n.Waves {
		text := cutTo(wave, factSize, false, room-2*cardPad)
		top := y - factSize + 2
		c.bands = append(c.bands, area{framePad, top + float64(i)*2, 0, bandHeight})
		c.labels = append(c.labels, label{x: framePad + cardPad, y: top + float64(i)*2 + 13, text: text, size: factSize, class: "ink"})
		wide = max(wide, width(text, factSize, false)+2*cardPad)
		y += bandHeight
	}
	if len(n.Waves) > 0 {
		y += float64(len(n.Waves))*2 + 4
	}
	for i := range c.bands {
		c.bands[i].w = wide
	}
	body.move(framePad+(wide-body.w)/2, y)
	c.inner = []*cell{body}
	c.undo = c.undo || body.undo
	c.area = area{0, 0, wide + 2*framePad, body.bottom() + framePad}
	c.frontPorts(n.onPath)
	return c
}

// inside stacks what a block holds and what it does at last.
func (s *sheet) inside(n *Node) *cell {
	c := &cell{}
	if n.body != nil {
		c = s.cell(n.body)
	}
	for _, last := range n.last() {
		c = s.stack([]*cell{c, s.apart(last)})
		if last.part == n.finally {
			c.trails[len(c.trails)-1].class += " last"
		}
	}
	return c
}

// apart puts a frame with a title around what is set apart from the steps of a block.
func (s *sheet) apart(p titled) *cell {
	inner := s.cell(p.part)
	c := &cell{dashed: p.said, inner: []*cell{inner}}
	wide := max(inner.w, width(p.said, nameSize, true))
	inner.move(framePad+(wide-inner.w)/2, framePad/2+nameSize+lineStep)
	c.labels = []label{heading(p.said)}
	c.area = area{0, 0, wide + 2*framePad, inner.bottom() + framePad}
	c.frontPorts(false)
	return c
}

// heading is the title of a frame that is no block.
func heading(text string) label {
	return label{x: framePad, y: framePad/2 + nameSize, text: text, size: nameSize, bold: true, class: "ink"}
}
