package graph

// wayBack finds, for each step that can be taken back, those that are taken back next: the nearest ones before it. The way
// ends at a point of no return.
type wayBack struct {
	nodes  map[string]*Node
	above  map[string][]string // what leads to each name
	closed map[string]bool     // gates
	next   map[string][]string // of joints: where the way goes on from there
}

func (p *Picture) undoLinks() []Link {
	w := &wayBack{nodes: map[string]*Node{}, above: map[string][]string{}, closed: map[string]bool{}, next: map[string][]string{}}
	for _, l := range p.Links {
		w.above[l.To] = append(w.above[l.To], l.From)
	}
	for _, g := range p.Gates {
		w.closed[g.Name] = g.NoReturn
	}
	var undone []string
	p.Root.body.walk(func(n *Node) {
		w.nodes[n.Name] = n
		if n.Undo.Can && n.Kind != Block {
			undone = append(undone, n.Name)
		}
	})
	for _, joint := range p.Joints { // the upper ones come first
		w.next[joint] = w.from(joint)
	}
	used := map[string]bool{}
	var links []Link
	add := func(name string, next []string) {
		for _, to := range next {
			links = append(links, Link{From: name, To: to})
			used[to] = true
		}
	}
	for _, name := range undone {
		add(name, w.from(name))
	}
	for i := len(p.Joints) - 1; i >= 0; i-- {
		if joint := p.Joints[i]; used[joint] {
			add(joint, w.next[joint])
		}
	}
	return links
}

// from gives where the way back leads from a step or a joint.
func (w *wayBack) from(name string) []string {
	var list []string
	seen := map[string]bool{}
	var back func(name string)
	back = func(name string) {
		for _, x := range w.above[name] {
			if seen[x] || w.closed[x] {
				continue
			}
			seen[x] = true
			switch up := w.nodes[x]; {
			case up != nil && up.NoReturn:
			case up != nil && up.Undo.Can, up == nil && len(w.next[x]) > 0:
				list = append(list, x)
			default:
				back(x)
			}
		}
	}
	back(name)
	return list
}
