package runbook

import "github.com/opsctl/opsctl/internal/source"

// notify reads what a step tells.
func (d *decoder) notify(n *source.Node) *Notify {
	t := &Notify{Node: n}
	known := d.each(n, "notify", keys{"to": d.raw(&t.To), "message": d.raw(&t.Message)})
	if known && (n.Get("to") == nil || n.Get("message") == nil) {
		d.problem(n, "notify needs to and message").Hint = mapHints["notify"]
	}
	return t
}

// notices reads whom a runbook tells how its runs ended: a target, or a list of them.
func (d *decoder) notices(rb *Runbook, n *source.Node) {
	for _, item := range d.items(n) {
		t := &Notify{Node: item}
		if item.Kind != source.Map {
			if d.raw(&t.To)(item); t.To != nil {
				rb.Notices = append(rb.Notices, t)
			}
			continue
		}
		known := d.each(item, "notify", keys{"to": d.raw(&t.To), "message": d.raw(&t.Message), "on": func(n *source.Node) { t.On = d.times(n) }})
		if known && item.Get("to") == nil {
			d.problem(item, "notify needs to").Hint = "notify: {to: ops, on: failure}"
		}
		if t.To != nil {
			rb.Notices = append(rb.Notices, t)
		}
	}
}

func (d *decoder) times(n *source.Node) []string {
	list := []string{} // an empty one is never the time
	for _, item := range d.items(n) {
		var word string
		if d.oneOf(&word, NotifyTimes...)(item); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// notTold are keys that say something of a change, or of a command; a message is neither.
var notTold = []string{"effect", "save", "save_files", "changed_if", "stdin", "point_of_no_return"}

// onlyTells refuses what a step that only tells something cannot mean.
func (d *decoder) onlyTells(s *Step) {
	for _, word := range notTold {
		if n := s.Node.Get(word); n != nil {
			d.problem(n, "notify changes nothing on a host, so %s has no meaning here", word).Hint = "leave it out"
		}
	}
	if s.Rollback != nil && !s.Rollback.None {
		d.problem(s.Node.Get("rollback"), "what was told cannot be taken back").Hint = "rollback: none"
	}
}
