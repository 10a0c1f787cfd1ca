package notice

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"

	"github.com/opsctl/opsctl/pkg/executor"
)

// CheckURL tells what is wrong with the URL of a target, without showing it.
func CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return errors.New("its URL does not start with http:// or https:// and a host")
	}
	return nil
}

// post makes one request, from here. It follows no redirect: that would make another one.
func post(ctx context.Context, t Target, n executor.Notice) executor.Ending {
	if err := CheckURL(t.URL); err != nil {
		return refused(fmt.Sprintf("cannot notify %s: %s", n.To, err))
	}
	content, err := body(t.Kind, n)
	if err != nil {
		return refused(fmt.Sprintf("cannot notify %s: %s", n.To, err))
	}
	var sent atomic.Bool // some of it may have reached the other end
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodPost, t.URL, bytes.NewReader(content))
	if err != nil {
		return refused("cannot notify " + n.To + ": its URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "opsctl")
	where := req.URL.Scheme + "://" + req.URL.Host // what comes after it lets whoever knows it send messages
	req.GetBody = nil                              // it is never sent again
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return unanswered(ctx, n.To, where, err, sent.Load())
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	if res.StatusCode/100 == 2 {
		return executor.Ending{}
	}
	excuse, _ := io.ReadAll(io.LimitReader(res.Body, excuseMax)) // what cannot be read says nothing
	message := fmt.Sprintf("cannot notify %s: %s answered with status %s%s", n.To, where, res.Status, firstLine(string(excuse)))
	return executor.Ending{Exit: 1, Class: "notify", Message: message}
}

// unanswered is the ending without an answer.
func unanswered(ctx context.Context, to, where string, err error, sent bool) executor.Ending {
	if asked := (*url.Error)(nil); errors.As(err, &asked) { // it would say the whole URL
		err = asked.Err
	}
	why := err.Error()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		why = "no answer in time"
	case ctx.Err() != nil:
		why = "interrupted"
	}
	switch {
	case sent:
		return executor.Ending{Verdict: executor.NotLearned, Class: "notify", Message: fmt.Sprintf("cannot tell whether %s was notified by %s: %s; the message may have been received", to, where, why)}
	case errors.Is(ctx.Err(), context.Canceled):
		return executor.Ending{Cancelled: true}
	}
	return refused(fmt.Sprintf("cannot notify %s by %s: %s", to, where, why))
}
