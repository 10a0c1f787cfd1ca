package action

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// requesting is one HTTP request. One that changes something is made at most once: when it may have
// been received and no answer came, its end is not learnt.
type requesting struct {
	url     *url.URL
	method  string
	headers http.Header
	body    []byte
	status  []int
	changes bool
}

func newRequesting(step *runbook.Step, render func(*runbook.Text) (string, error)) (*requesting, error) {
	h := step.HTTP
	w := &requesting{method: h.Method, headers: http.Header{"User-Agent": {"opsctl"}}, status: h.Status, changes: !step.Read()}
	text, err := render(h.URL)
	if err != nil {
		return nil, err
	}
	if w.url, err = url.Parse(text); err != nil || w.url.Scheme != "http" && w.url.Scheme != "https" || w.url.Host == "" {
		return nil, fmt.Errorf("cannot use http.url: %q is not a URL that starts with http:// or https://", text)
	}
	switch {
	case h.Body != nil:
		text, err = render(h.Body)
		w.body = []byte(text)
	case h.JSON != nil:
		var b bytes.Buffer
		err = encode(&b, h.JSON, h.JSON.Node, render)
		w.body = b.Bytes()
		w.headers.Set("Content-Type", "application/json")
	}
	if err != nil {
		return nil, err
	}
	for _, header := range h.Headers {
		value, err := render(header.Text)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(value, "\r\n\x00") {
			return nil, fmt.Errorf("cannot use http.headers: the value of %s holds the end of a line, or a NUL byte", header.Name)
		}
		w.headers.Set(header.Name, value)
	}
	return w, nil
}

// encode writes a value of the runbook as JSON, its keys in the order written.
func encode(b *bytes.Buffer, j *runbook.JSON, n *source.Node, render func(*runbook.Text) (string, error)) error {
	put := func(v any) error {
		data, err := json.Marshal(v)
		b.Write(data)
		return err
	}
	separate := func(i int) {
		if i > 0 {
			b.WriteByte(',')
		}
	}
	switch n.Kind {
	case source.List:
		b.WriteByte('[')
		for i, item := range n.Items {
			separate(i)
			if err := encode(b, j, item, render); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case source.Map:
		b.WriteByte('{')
		for i, p := range n.Pairs {
			separate(i)
			if err := put(p.Key.Text); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := encode(b, j, p.Value, render); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	}
	t := j.Scalar[n]
	if t == nil {
		return put(n.Value())
	}
	text, err := render(t)
	switch {
	case err != nil:
		return err
	case t.Whole():
		return json.Compact(b, []byte(text))
	}
	return put(text)
}

// String names the request for people.
func (w *requesting) String() string { return w.method + " " + w.url.Redacted() }

// Ask makes the request. Its body is what the step prints; the status stands beside, on stderr.
func (w *requesting) Ask(ctx context.Context, h executor.Prober, c executor.Command, sink executor.Sink) executor.Ending {
	limited := ctx
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		limited, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	var sent atomic.Bool // some of it may have reached the other end
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(limited, trace), w.method, w.url.String(), bytes.NewReader(w.body))
	if err != nil {
		return executor.Ending{Exit: 1, Class: "action", Message: "cannot make the request: " + err.Error()}
	}
	req.Header, req.GetBody = w.headers.Clone(), nil
	if host := req.Header.Get("Host"); host != "" {
		req.Host = host
	}
	if w.body == nil {
		req.Body, req.ContentLength = nil, 0
	}
	transport := &http.Transport{DialContext: h.Dial, DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	res, err := (&http.Client{Transport: transport, CheckRedirect: w.redirect}).Do(req)
	if err != nil {
		return w.unanswered(ctx, limited, err, sent.Load())
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	return w.answered(ctx, limited, res, sink)
}

// redirect follows only what asks the same host once more.
func (w *requesting) redirect(next *http.Request, via []*http.Request) error {
	reads := !w.changes && (w.method == http.MethodGet || w.method == http.MethodHead)
	if !reads || len(via) >= redirectsMax || next.URL.Scheme != w.url.Scheme || next.URL.Host != w.url.Host {
		return http.ErrUseLastResponse
	}
	return nil
}

// unanswered is the ending without an answer.
func (w *requesting) unanswered(ctx, limited context.Context, err error, sent bool) executor.Ending {
	e := executor.Ending{Exit: 1, Class: "http"}
	var he *executor.HostError
	if asked := (*url.Error)(nil); errors.As(err, &asked) { // it says once more what was asked
		err = asked.Err
	}
	why := unreached(err)
	said := why.said
	if why.final != nil {
		said = why.final.Message
	}
	switch {
	case sent && w.changes:
		e = executor.Ending{Verdict: executor.NotLearned, Class: "http"}
		said += "; the request may have been received"
	case ctx.Err() != nil:
		return executor.Ending{Cancelled: true}
	case errors.As(err, &he) && he.Class != "forwarding": // the host itself cannot be reached
		return executor.Ending{Verdict: executor.NeverRan, Class: he.Class, Message: he.Message, Hint: he.Hint}
	case limited.Err() != nil && !w.changes:
		return executor.Ending{TimedOut: true, Message: w.String() + ": no answer in time"}
	case w.changes:
		e.Class = "action" // nothing was sent
	}
	e.Message = w.String() + ": " + said
	return e
}

// answered holds the answer against what is wanted.
func (w *requesting) answered(ctx, limited context.Context, res *http.Response, sink executor.Sink) executor.Ending {
	head := &bytes.Buffer{}
	sink(executor.Stderr, []byte(w.String()+": "+res.Status+"\n"))
	n, err := io.Copy(&pouring{sink: sink, head: head}, io.LimitReader(res.Body, responseMax))
	switch {
	case ctx.Err() != nil && !w.changes:
		return executor.Ending{Cancelled: true}
	case limited.Err() != nil && !w.changes:
		return executor.Ending{TimedOut: true, Message: w.String() + ": " + res.Status + ", and a body that does not end in time"}
	case err != nil && !w.changes:
		return executor.Ending{Exit: 1, Class: "http", Message: w.String() + ": " + res.Status + ", and a broken body: " + err.Error()}
	case err != nil: // what it did is known by its status
		sink(executor.Stderr, []byte("the body broke off: "+err.Error()+"\n"))
	case n == responseMax:
		sink(executor.Stderr, []byte(fmt.Sprintf("the body was cut after %d bytes\n", n)))
	}
	if w.wanted(res.StatusCode) {
		return executor.Ending{}
	}
	e := executor.Ending{Exit: 1, Class: "http", Message: w.String() + ": status " + res.Status}
	if len(w.status) > 0 {
		e.Message += " (wanted " + strings.Trim(strings.ReplaceAll(fmt.Sprint(w.status), " ", ", "), "[]") + ")"
	}
	if to := res.Header.Get("Location"); to != "" && res.StatusCode/100 == 3 {
		e.Message += " to " + to + "; only GET follows, and only on the same host"
	}
	if lines := firstLines(head.String()); lines != "" {
		e.Message += ": " + lines
	}
	return e
}

func (w *requesting) wanted(status int) bool {
	if len(w.status) == 0 {
		return status/100 == 2
	}
	for _, s := range w.status {
		if s == status {
			return true
		}
	}
	return false
}

// pouring gives a body to the sink, and keeps its head.
type pouring struct {
	sink executor.Sink
	head *bytes.Buffer
}

func (p *pouring) Write(b []byte) (int, error) {
	p.head.Write(b[:min(len(b), excuseMax-min(excuseMax, p.head.Len()))])
	p.sink(executor.Stdout, b)
	return len(b), nil
}

// firstLines are those of a body that was not wanted: they often say why.
func firstLines(text string) string {
	if !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text, "")
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines[:min(len(lines), excuseLines)], " ")
}
