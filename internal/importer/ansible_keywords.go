package importer

import (
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// taskRemarks are keywords that have no counterpart.
var taskRemarks = map[string]string{
	"remote_user": "remote_user: say user in the inventory, or --user", "port": "port: say it in the inventory",
	"become_flags": "become_flags have no counterpart", "become_exe": "become_exe has no counterpart",
	"delegate_facts": "delegate_facts has no counterpart", "ignore_unreachable": "ignore_unreachable has no counterpart; see max_unreachable",
	"debugger": "debugger has no counterpart", "collections": "collections have no counterpart",
	"module_defaults": "module_defaults are not taken over: say them at each step",
}

// keywords says what a task or block says about whether, where and how.
func (r *ansible) keywords(s *step, n *source.Node, c *context) {
	c.takeBecome(n, &s.keys, s.remark)
	if c.delegate != "" && !s.block {
		s.keys.set("delegate", c.delegate)
	}
	for _, p := range n.Pairs {
		if !r.whether(s, p, c) && !r.how(s, p, n, c) {
			if text := taskRemarks[p.Key.Text]; text != "" {
				s.remark(p.Key.Pos.Line, "%s", text)
			}
		}
	}
}

// whether says where a step runs, and whether it does. False: the keyword is about something else.
func (r *ansible) whether(s *step, p source.Pair, c *context) bool {
	switch p.Key.Text {
	case "when":
		r.cond(s, p.Value, c.names, func(text string) { also(&s.keys, text) })
	case "delegate_to":
		r.delegate(s, textOf(p.Value), c)
	case "local_action":
		s.keys.set("delegate", "local")
	case "connection":
		if textOf(p.Value) == "local" {
			s.keys.set("delegate", "local")
		} else {
			s.remark(p.Key.Pos.Line, "connection: there is only SSH, and this machine")
		}
	case "run_once":
		if isTrue(p.Value) {
			s.keys.set("once", bare("true"))
		}
	case "tags":
		r.tags(s, p.Value)
	case "check_mode":
		if isTrue(p.Value) {
			s.fail("check_mode: true, it only tells what it would do")
		}
	default:
		return false
	}
	return true
}

// how says with what a step runs, and what follows when it fails. False: the keyword is about something else.
func (r *ansible) how(s *step, p source.Pair, n *source.Node, c *context) bool {
	switch p.Key.Text {
	case "environment":
		env, err := r.environment(p.Value, c.names)
		if err != nil {
			s.fail("environment: %s", err)
		} else if len(env) > 0 {
			s.keys.set("env", env)
		}
	case "ignore_errors":
		if isTrue(p.Value) {
			s.keys.set("on_failure", "ignore")
		} else if !isFalse(p.Value) {
			s.remark(p.Key.Pos.Line, "ignore_errors: it is true or false here")
		}
	case "any_errors_fatal":
		if isTrue(p.Value) {
			s.keys.set("on_failure", "stop")
		}
	case "no_log":
		if !isFalse(p.Value) {
			s.keys.set("sensitive", bare("true"))
		}
	case "throttle":
		s.keys.set("max_parallel", numberOrNothing(textOf(p.Value)))
	case "timeout":
		s.keys.set("timeout", seconds(textOf(p.Value)))
	case "async":
		s.keys.set("timeout", seconds(textOf(p.Value)))
		if textOf(n.Get("poll")) == "0" {
			s.remark(p.Key.Pos.Line, "poll: 0: a step is waited for here; parallel: true on a block lets others run beside it")
		}
	default:
		return false
	}
	return true
}

// cond says a condition: one, or several that all have to hold.
func (r *ansible) cond(s *step, n *source.Node, look *names, to func(string)) {
	p, err := r.allOf(n, look)
	if err != nil {
		s.fail("%s: %s", "when", err)
		return
	}
	if p.expr != "true" {
		to(p.expr)
	}
}

func (r *ansible) allOf(n *source.Node, look *names) (phrase, error) {
	all := atom("true", truth)
	for _, item := range itemsOf(n) {
		p, v := scalarValue(item)
		if v == nil {
			text := item.Text
			if inner := strings.TrimSpace(text); strings.HasPrefix(inner, "{{") && strings.HasSuffix(inner, "}}") && strings.Count(inner, "{{") == 1 {
				text = inner[2 : len(inner)-2]
			}
			var err error
			if p, err = translate(text, look.look); err != nil {
				return p, err
			}
		}
		p = asTruth(p)
		if all.expr == "true" {
			all = p
			continue
		}
		all = join2("and", conjunction, truth, all, p)
	}
	return all, nil
}

func (r *ansible) delegate(s *step, to string, c *context) {
	switch to {
	case "localhost", "127.0.0.1":
		s.keys.set("delegate", "local")
		return
	case "{{ inventory_hostname }}":
		return
	}
	asked := *c.names
	asked.asking = true // a host cannot name another one by its vars
	text, err := sayText(to, asked.look)
	if err != nil {
		s.fail("delegate_to: %s", err)
		return
	}
	s.keys.set("delegate", text)
}

// tags takes them over. Those that run only when asked for, a param asks for here.
func (r *ansible) tags(s *step, n *source.Node) {
	list, _ := tagsOf(n).([]value)
	if !slices.Contains(list, value("never")) {
		s.keys.set("tags", oneOrList(slices.DeleteFunc(list, func(v value) bool { return v == "always" })))
		return
	}
	list = slices.DeleteFunc(list, func(v value) bool { return v == "never" })
	name := "never"
	if len(list) > 0 {
		name = list[0].(string)
	}
	param := r.ifAsked[name]
	if param == "" {
		param = r.param("with_"+firstOf(runbook.Slug(name), "it"), mapping{
			{"type", "bool"}, {"default", bare("false")}, {"help", "do what is tagged " + name + ", too"},
		}, n.Pos.Line)
		r.ifAsked[name] = param
	}
	s.keys.set("tags", oneOrList(list))
	also(&s.keys, param)
}

func oneOrList(list []value) value {
	if len(list) == 0 {
		return nil
	}
	return list
}

func (r *ansible) environment(n *source.Node, look *names) (mapping, error) {
	var env mapping
	for _, item := range itemsOf(n) {
		if item.Kind != source.Map {
			return nil, unsaid("a map that is known only during the run")
		}
		for _, p := range item.Pairs {
			text, err := sayText(textOf(p.Value), look.look)
			if err != nil {
				return nil, err
			}
			env.set(p.Key.Text, textValue(text))
		}
	}
	return env, nil
}

// takeBecome says sudo, and keeps it for what is inside.
func (c *context) takeBecome(n *source.Node, keys *mapping, remark func(int, string, ...any)) {
	if method := n.Get("become_method"); method != nil && textOf(method) != "sudo" {
		remark(method.Pos.Line, "become_method: there is only sudo")
	}
	before, beforeUser := c.sudo, c.sudoUser
	if user := n.Get("become_user"); user != nil {
		c.sudoUser = user.Text
		if c.sudoUser == "root" {
			c.sudoUser = ""
		}
		if strings.Contains(user.Text, "{{") {
			text, err := sayText(user.Text, c.names.look)
			if err != nil {
				remark(user.Pos.Line, "become_user cannot be said: %s", err)
			}
			c.sudoUser = text
		}
	}
	if become := n.Get("become"); become != nil {
		c.sudo = isTrue(become)
		if !c.sudo && !isFalse(become) {
			remark(become.Pos.Line, "become: it is true or false here")
		}
	}
	if c.sudo == before && c.sudoUser == beforeUser {
		return
	}
	switch {
	case !c.sudo && before:
		keys.set("sudo", bare("false"))
	case c.sudo && c.sudoUser != "":
		keys.set("sudo", c.sudoUser)
	case c.sudo:
		keys.set("sudo", bare("true"))
	}
}
