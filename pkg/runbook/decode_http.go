package runbook

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

var (
	methodText = regexp.MustCompile(`^[A-Z]+$`)
	headerText = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
)

func (d *decoder) http(n *source.Node) *HTTP {
	h := &HTTP{Method: "GET"}
	ok := d.each(n, "http", keys{
		"url": d.raw(&h.URL), "method": d.text(&h.Method), "body": d.raw(&h.Body),
		"headers": func(n *source.Node) { h.Headers = d.headers(n) },
		"json":    func(n *source.Node) { h.JSON = &JSON{Node: n, Scalar: map[*source.Node]*Text{}} },
		"status": func(n *source.Node) {
			for _, item := range d.items(n) {
				code := 0
				if d.int(&code, 100)(item); code > 599 {
					d.problem(item, "a status is at most 599")
				}
				h.Status = append(h.Status, code)
			}
		},
	})
	if !ok {
		if n.Kind == source.Scalar {
			d.problems[len(d.problems)-1].Hint = "http: {url: '" + n.Text + "'}"
		}
		return h
	}
	if h.URL == nil && n.Get("url") == nil {
		d.problem(n, "http needs a url").Hint = "http: {url: 'http://localhost:8080/health'}"
	}
	if h.URL != nil && !strings.Contains(h.URL.Node.Text, "${{") {
		if u, err := url.Parse(h.URL.Node.Text); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			d.problem(h.URL.Node, "%q is not a URL that starts with http:// or https://", h.URL.Node.Text)
		}
	}
	d.method(n, h)
	return h
}

func (d *decoder) method(n *source.Node, h *HTTP) {
	method := n.Get("method")
	if method != nil && method.Kind == source.Scalar && !methodText.MatchString(h.Method) {
		d.problem(method, "%s is not a method", method.Describe()).Hint = "GET, HEAD, POST, PUT, PATCH, DELETE: in capital letters"
	}
	body, value := n.Get("body"), n.Get("json")
	switch {
	case body != nil && value != nil:
		d.problem(value, "http takes one of body and json").Hint = "body: the text itself; json: a value, sent as JSON"
	case (body != nil || value != nil) && method == nil:
		d.problem(n, "a request with a body says its method").Hint = "method: POST"
	}
}

func (d *decoder) headers(n *source.Node) []Header {
	if n.Kind != source.Map {
		d.problem(n, "headers is a map of names and texts, this is %s", n.Describe())
		return nil
	}
	var list []Header
	for _, p := range n.Pairs {
		h := Header{Name: p.Key.Text}
		if !headerText.MatchString(h.Name) {
			d.problem(p.Key, "%q cannot be the name of a header", h.Name)
		}
		if d.raw(&h.Text)(p.Value); h.Text != nil {
			list = append(list, h)
		}
	}
	return list
}
