package runbook

import (
	"regexp"
	"strconv"

	"github.com/opsctl/opsctl/internal/source"
)

// runbook reads the top level: what is the runbook's own, and what every block may say.
func (d *decoder) runbook(n *source.Node) *Runbook {
	rb := &Runbook{File: n.File}
	rb.Root = &Step{Node: n, Action: "steps", In: rb}
	root := rb.Root
	d.rb = rb
	k := d.sharedKeys(root)
	k["name"] = d.text(&rb.Name)
	k["description"] = d.text(&rb.Description)
	k["owner"] = d.text(&rb.Owner)
	k["docs"] = d.text(&rb.Docs)
	k["tags"] = d.strings(&rb.Tags)
	k["params"] = func(n *source.Node) { d.params(rb, n) }
	k["vars"] = func(n *source.Node) { d.vars(rb, n) }
	k["outputs"] = d.outputs(&rb.Outputs)
	k["deadline"] = d.duration(&rb.Deadline)
	k["notify"] = func(n *source.Node) { d.notices(rb, n) }
	k["secrets"] = func(n *source.Node) { d.secrets(rb, n) }
	k["steps"] = func(n *source.Node) { root.Steps = d.steps(n, root) }
	k["rollout"] = func(n *source.Node) { root.Rollout = d.rollout(n, root) }
	k["finally"] = func(n *source.Node) { rb.Finally = d.finally(n, root) }
	known := d.each(n, "a runbook", k)
	root.Name, root.Title = rb.Name, rb.Name
	if !known {
		return rb
	}
	if rb.Name == "" && n.Get("name") == nil {
		d.problem(n, "a runbook needs a name").Hint = "name: what-it-does"
	}
	if n.Get("steps") == nil {
		d.problem(n, "a runbook needs steps").Hint = "steps: [{run: uptime}]"
	}
	return rb
}

func (d *decoder) finally(n *source.Node, root *Step) []*Step {
	list := d.steps(n, root)
	for _, s := range list {
		s.Walk(func(s *Step) {
			s.Finally = true
			if s.Rollback != nil && !s.Rollback.None {
				d.problem(s.Node.Get("rollback"), "what finally does is never taken back").Hint = "rollback: none"
			}
		})
	}
	return list
}

func (d *decoder) vars(rb *Runbook, n *source.Node) {
	if n.Kind != source.Map {
		d.problem(n, "vars is a map of names and values, this is %s", n.Describe())
		return
	}
	for _, p := range n.Pairs {
		if !nameText.MatchString(p.Key.Text) {
			d.problem(p.Key, "%q cannot be the name of a var", p.Key.Text).Hint = "letters, digits and _"
			continue
		}
		rb.Vars = append(rb.Vars, &Var{Name: p.Key.Text, Key: p.Key, Node: p.Value})
	}
}

func (d *decoder) outputs(target *[]Output) func(*source.Node) {
	return func(n *source.Node) {
		if n.Kind != source.Map {
			d.problem(n, "outputs is a map of names and expressions, this is %s", n.Describe())
			return
		}
		for _, p := range n.Pairs {
			o := Output{Name: p.Key.Text}
			if !nameText.MatchString(o.Name) {
				d.problem(p.Key, "%q cannot be the name of an output", o.Name).Hint = "letters, digits and _"
			}
			if d.cond(&o.Expr)(p.Value); o.Expr != nil {
				*target = append(*target, o)
			}
		}
	}
}

func (d *decoder) rollout(n *source.Node, block *Step) *Rollout {
	r := &Rollout{Node: n}
	waves := func(n *source.Node) {
		for _, item := range d.items(n) {
			if s, ok := d.size(item, 1); ok {
				r.Waves = append(r.Waves, s)
			}
		}
	}
	if n.Kind == source.Scalar || n.Kind == source.List {
		waves(n)
		return r
	}
	known := d.each(n, "rollout", keys{
		"waves": waves,
		"max_failures": func(n *source.Node) {
			r.MaxFailures, _ = d.size(n, 0)
		},
		"max_unreachable": func(n *source.Node) {
			if s, ok := d.size(n, 0); ok {
				r.MaxUnreachable = &s
			}
		},
		"soak":   d.durationOrText(d.duration(&r.Soak), &r.SoakText),
		"gate":   func(n *source.Node) { r.Gate = d.gate(n, block) },
		"spread": func(n *source.Node) { r.Spread = d.spread(n) },
	})
	if known && n.Get("waves") == nil {
		d.problem(n, "rollout needs waves").Hint = "waves: [1, 25%, 100%]"
	}
	return r
}

// gateID is the id of a gate in its block.
const gateID = "gate"

// gate reads the step that must succeed after each wave.
func (d *decoder) gate(n *source.Node, block *Step) *Step {
	g := d.step(n)
	g.Parent = block
	switch {
	case g.ID != "":
		d.problem(n.Get("id"), "a gate has no id: it is known as %q", gateID)
	case g.IsBlock():
		d.problem(g.Key, "a gate is one step, not a block")
	case g.ForEach != nil || g.Once || g.NeedsGiven || g.Delegate != nil:
		d.problem(n, "a gate takes neither foreach, once, needs nor delegate")
	case g.Rollback != nil && !g.Rollback.None:
		d.problem(n.Get("rollback"), "a gate is never taken back").Hint = "rollback: none"
	}
	if g.ID = gateID; !g.effectGiven && g.Notify == nil { // it looks, and changes nothing, unless it says so
		g.Effect = Read
	}
	return g
}

func (d *decoder) spread(n *source.Node) *Spread {
	s := &Spread{Max: 1}
	if d.each(n, "spread", keys{"by": d.cond(&s.By), "max": d.int(&s.Max, 1)}) && s.By == nil {
		d.problem(n, "spread needs by").Hint = "spread: {by: host.vars.rack, max: 1}"
	}
	return s
}

var sizeText = regexp.MustCompile(`^([0-9]{1,6})(%?)$`)

func (d *decoder) size(n *source.Node, least int) (Size, bool) {
	m := sizeText.FindStringSubmatch(n.Text)
	if n.Kind != source.Scalar || m == nil {
		d.problem(n, "a number of hosts or a percentage is needed here, this is %s", n.Describe()).Hint = "5, or 25%"
		return Size{}, false
	}
	var s Size
	var err error
	if s.Count, err = strconv.Atoi(m[1]); err != nil {
		d.problem(n, "a number of hosts is needed here")
		return s, false
	}
	s.Percent = m[2] != ""
	if s.Count < least || s.Percent && s.Count > 100 {
		d.problem(n, "%s is out of range", n.Describe())
		return s, false
	}
	return s, true
}
