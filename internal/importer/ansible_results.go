package importer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// after says what is done with a result: its name, whether it failed or changed anything, whether to try again, whom to notify.
func (r *ansible) after(s *step, n *source.Node, module string, c context) {
	register := textOf(n.Get("register"))
	own := c.names.inner()
	own.own, own.module = firstOf(register, " "), module
	if changed := n.Get("changed_when"); changed != nil {
		r.judge(s, "changed_if", changed, own)
	}
	if failed := n.Get("failed_when"); failed != nil {
		r.judge(s, "failed_if", failed, own)
	}
	if n.Get("until") != nil || n.Get("retries") != nil {
		r.until(s, n, own)
	}
	if isFalse(n.Get("check_mode")) && (s.keys.get("run") != nil || s.keys.get("script") != nil) {
		s.keys.set("effect", "read")
	}
	if register != "" {
		s.id = register
		r.results[register] = &registered{s, module}
		delete(r.facts, register)
	}
	for _, item := range itemsOf(n.Get("notify")) {
		r.notify(s, item)
	}
}

// judge says by an expression whether a step failed, or changed anything.
func (r *ansible) judge(s *step, key string, n *source.Node, own *names) {
	p, err := r.allOf(n, own)
	if err != nil {
		if key == "changed_if" { // it is only told differently
			s.remark(n.Pos.Line, "changed_when cannot be said: %s", err)
			return
		}
		s.fail("%s: %s", strings.Replace(key, "_if", "_when", 1), err)
		return
	}
	if key == "changed_if" && p.expr == "true" || s.keys.get("wait") != nil || s.keys.get("assert") != nil {
		return
	}
	s.keys.set(key, expression(p.expr))
}

// expression is one of ours as it is written.
func expression(expr string) value {
	if expr == "true" || expr == "false" {
		return bare(expr)
	}
	return expr
}

// until tries again. Ansible tries once, and then as often as retries says.
func (r *ansible) until(s *step, n *source.Node, own *names) {
	retries, ok := source.ParseScalar(firstOf(textOf(n.Get("retries")), "3")).(int)
	if !ok || retries < 0 || retries > 900 {
		s.fail("retries: it is a number here")
		return
	}
	m := mapping{{"attempts", bare(fmt.Sprint(retries + 1))}}
	delay := firstOf(textOf(n.Get("delay")), "5")
	d, ok := source.ParseScalar(delay).(int)
	if !ok || d < 0 {
		s.fail("delay: it is a number here")
		return
	}
	m.set("delay", bare(fmt.Sprintf("%ds", d)))
	s.keys.set("retry", m)
	if n.Get("until") == nil {
		return
	}
	p, err := r.allOf(n.Get("until"), own)
	if err != nil {
		s.fail("until: %s", err)
		return
	}
	no := negation(p)
	failed := phrase{expr: "result.exit_code != 0", strength: comparison, sort: truth, late: true}
	switch old := s.keys.get("failed_if").(type) {
	case string:
		failed = phrase{expr: old, sort: truth}
	case bare:
		failed = atom(string(old), truth)
	}
	if no.expr == failed.expr {
		return // it is tried again where it fails, which is what is asked for
	}
	if failed.expr == "false" {
		s.keys.set("failed_if", no.expr)
		return
	}
	s.keys.set("failed_if", join2("or", disjunction, truth, failed, no).expr)
}

// handler is a task that runs at the end, if somebody notified it.
type handler struct {
	node      *source.Node
	names     []string
	notified  []*step
	context   context
	everAsked bool
}

func (r *ansible) readHandlers(list *source.Node, c context) {
	r.handlers = nil
	for _, n := range itemsOf(list) {
		h := &handler{node: n, context: c}
		if name := textOf(n.Get("name")); name != "" {
			h.names = append(h.names, name)
		}
		for _, topic := range itemsOf(n.Get("listen")) {
			h.names = append(h.names, topic.Text)
		}
		r.handlers = append(r.handlers, h)
	}
}

func (r *ansible) notify(s *step, n *source.Node) {
	found := false
	for _, h := range r.handlers {
		if slices.Contains(h.names, n.Text) {
			h.notified, h.everAsked, found = append(h.notified, s), true, true
		}
	}
	if !found {
		s.remark(n.Pos.Line, "there is no handler %s in this file", brief(n.Text))
	}
}

// flush puts the handlers that were notified here, in the order in which they are declared.
func (r *ansible) flush(into *step, c context) {
	for _, h := range r.handlers {
		if len(h.notified) == 0 {
			continue
		}
		s := r.draft.add(into, h.node)
		s.counted = true
		s.name = titleOf(firstOf(h.names...))
		cond := r.anyChanged(s, h)
		h.notified = nil
		module, args := moduleOf(h.node)
		if module == "" {
			s.fail("it does not say what it does")
			continue
		}
		r.fill(s, h.node, module, args, h.context)
		if old, ok := s.keys.get("if").(string); ok {
			cond = grouping(cond) + " and " + grouping(old)
		}
		s.keys.set("if", cond)
	}
}

func grouping(cond string) string {
	if strings.Contains(cond, " or ") || strings.Contains(cond, " ? ") {
		return "(" + cond + ")"
	}
	return cond
}

// anyChanged says that one of the steps that notified a handler changed something.
func (r *ansible) anyChanged(s *step, h *handler) string {
	var list []string
	for _, by := range h.notified {
		if by.broken != "" {
			continue
		}
		switch {
		case !by.foreach:
			list = append(list, reference(by)+`.outcome == "changed"`)
		case by.items != "":
			list = append(list, "any("+by.items+", "+reference(by)+`[#].outcome == "changed")`)
		default:
			s.fail("it is notified by a loop whose items are not known")
		}
	}
	if len(list) == 0 {
		s.fail("what notifies it was not imported")
		return "false"
	}
	return strings.Join(slices.Compact(list), " or ")
}

// unnotified tells of handlers that nobody in this file notifies.
func (r *ansible) unnotified(remark func(int, string, ...any)) {
	for _, h := range r.handlers {
		if !h.everAsked {
			remark(h.node.Pos.Line, "the handler %s is not imported: nothing in this file notifies it", brief(firstOf(h.names...)))
		}
	}
}
