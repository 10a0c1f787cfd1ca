package importer

import (
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

func (m *moduleCall) waitFor() {
	m.skip("connect_timeout", "msg", "active_connection_states", "exclude_hosts", "sleep")
	state := firstOf(m.known("state"), "started")
	call := mapping{}
	path, port := m.get("path"), m.get("port")
	switch {
	case path != nil && m.get("search_regex") != nil:
		call.set("run", script("grep -Eq -- "+m.word("search_regex")+" "+m.word("path")))
	case path != nil && (state == "started" || state == "present"):
		call.set("file", m.text("path"))
	case path != nil && state == "absent":
		call.set("run", script("test ! -e "+m.word("path")))
	case port != nil && state == "started" && m.get("search_regex") == nil:
		host := firstOf(m.text("host"), "localhost")
		if host == "127.0.0.1" {
			host = "localhost"
		}
		call.set("tcp", host+":"+m.text("port"))
	case path == nil && port == nil && m.get("timeout") != nil:
		call.set("pause", seconds(m.known("timeout")))
	default:
		m.step.fail("wait_for with state %s", brief(state))
		return
	}
	if call.get("pause") == nil {
		call.set("every", seconds(m.known("sleep")))
		call.set("timeout", seconds(m.known("timeout")))
	}
	if delay := m.known("delay"); delay != "" && delay != "0" {
		m.step.remark(m.line, "delay: the first try is at once")
	}
	m.step.keys.set("wait", call)
}

func (m *moduleCall) waitForConnection() {
	m.skip("delay", "sleep", "connect_timeout")
	call := mapping{{"run", script("true")}}
	call.set("timeout", seconds(m.known("timeout")))
	m.step.keys.set("wait", call)
}

func (m *moduleCall) uri() {
	m.skip("return_content", "body_format", "force_basic_auth", "use_proxy", "http_agent", "force")
	for _, key := range []string{"url_username", "user", "dest", "src", "creates", "removes", "client_cert"} {
		if m.get(key) != nil {
			m.step.fail("uri with %s", key)
			return
		}
	}
	if isFalse(m.get("validate_certs")) {
		m.step.fail("uri without validate_certs")
		return
	}
	call := mapping{{"url", m.text("url")}}
	call.set("method", strings.ToUpper(m.known("method")))
	var headers mapping
	for _, p := range pairsOf(m.get("headers")) {
		headers.set(p.Key.Text, inText(m.pieces(p.Value)))
	}
	if len(headers) > 0 {
		call.set("headers", headers)
	}
	if body := m.get("body"); body != nil {
		if body.Kind == source.Scalar {
			call.set("body", m.text("body"))
		} else if p, v, err := m.names.value(body); err != nil {
			m.step.fail("%s", err)
		} else if p.sort != text {
			call.set("json", v)
		}
	}
	var codes []value
	for _, item := range itemsOf(m.get("status_code")) {
		if code := numberOrNothing(textOf(item)); code != nil {
			codes = append(codes, code)
		}
	}
	call.set("status", oneOrMany(codes))
	call.set("timeout", seconds(m.known("timeout")))
	m.step.keys.set("http", call)
}

func (m *moduleCall) assert() {
	m.skip("quiet", "success_msg")
	var that []value
	for _, item := range itemsOf(m.get("that")) {
		p, err := m.reader.allOf(item, m.names)
		if err != nil {
			m.step.fail("%s", err)
			return
		}
		that = append(that, expression(p.expr))
	}
	if len(that) == 0 {
		m.step.fail("assert without that")
		return
	}
	call := mapping{{"that", oneOrMany(that)}}
	if m.get("fail_msg", "msg") != nil {
		call.set("message", m.text("fail_msg", "msg"))
	}
	m.step.keys.set("assert", call)
}

func (m *moduleCall) failing() {
	m.step.keys.set("assert", mapping{{"that", bare("false")}, {"message", firstOf(m.text("msg"), "failed as requested")}})
}

// pause waits, or asks a person.
func (m *moduleCall) pause() {
	m.skip("echo")
	switch {
	case m.get("seconds") != nil:
		m.step.keys.set("wait", mapping{{"pause", m.time("seconds", "s")}})
	case m.get("minutes") != nil:
		m.step.keys.set("wait", mapping{{"pause", m.time("minutes", "m")}})
	default:
		m.step.keys.set("confirm", firstOf(titleOf(textOf(m.get("prompt"))), "Go on?")) // it is asked once, for all hosts
	}
	m.skip("prompt")
}

func (m *moduleCall) time(key, unit string) value {
	text := m.known(key)
	if _, ok := source.ParseScalar(text).(int); !ok {
		m.step.fail("%s: it is a number here", key)
		return bare("1s")
	}
	return bare(text + unit)
}

// debug prints. It only tells, so it is a read.
func (m *moduleCall) debug() {
	m.skip("verbosity")
	m.step.keys.set("effect", "read")
	if n := m.get("var"); n != nil {
		m.show(n)
		return
	}
	var lines []string
	for _, item := range itemsOf(m.get("msg")) {
		lines = append(lines, "echo "+said(m.pieces(item)))
	}
	if len(lines) == 0 {
		lines = append(lines, "echo 'Hello world!'")
	}
	m.step.keys.set("run", script(strings.Join(lines, "\n")))
}

// show prints a var; of a result, its output.
func (m *moduleCall) show(n *source.Node) {
	expr := strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(n.Text), "{{"), "}}"))
	p, err := translate(expr, m.names.look)
	if err != nil {
		if p, err = translate(expr+".stdout", m.names.look); err != nil {
			m.step.fail("%s", err)
			return
		}
	}
	m.step.keys.set("run", script("echo "+shellWord(expr+":")+" "+p.inText()))
}

// flat takes phrases apart that are made of others.
func flat(pieces []phrase) []phrase {
	var list []phrase
	for _, p := range pieces {
		if len(p.pieces) > 0 {
			list = append(list, flat(p.pieces)...)
			continue
		}
		list = append(list, p)
	}
	return list
}

// said writes phrases as one word in double quotes, where that reads well.
func said(pieces []phrase) string {
	pieces = flat(pieces)
	for _, p := range pieces {
		if p.fixed && strings.ContainsAny(p.known, "\"$`\\\n") {
			return wordOf(pieces)
		}
	}
	if len(pieces) == 1 {
		return wordOf(pieces)
	}
	return `"` + inText(pieces) + `"`
}

func (m *moduleCall) ping() {
	m.skip("data")
	m.step.keys.set("run", script("true"))
	m.step.keys.set("effect", "read")
}

// setFact gives a name a meaning, from here on. No step is needed for that: the value stands where it is used.
func (m *moduleCall) setFact() {
	m.skip("cacheable")
	s := m.step
	if s.broken != "" {
		return
	}
	cond, _ := s.keys.get("if").(string)
	if s.foreach {
		s.fail("set_fact in a loop")
		return
	}
	for _, key := range m.order {
		if key == "cacheable" {
			continue
		}
		p, _, err := m.names.value(m.get(key))
		if err != nil {
			m.reader.facts[key] = phrase{bad: unsaid("the fact %s: %s", key, err)}
			s.fail("%s", err)
			continue
		}
		if cond != "" {
			before := atom("nil", anything)
			if m.names.knows(key) {
				if before, _, err = m.names.look([]string{key}); err != nil {
					s.fail("%s", err)
				}
			}
			p = choice(phrase{expr: cond, sort: truth, late: true}, p, before)
		}
		m.reader.facts[key] = p
	}
	s.said = true
}
