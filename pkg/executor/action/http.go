package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
)

// get asks once, over a connection of its own: no proxy, no redirect, TLS by the roots of this system.
func (w *waiting) get(ctx context.Context, h executor.Prober) sight {
	transport := &http.Transport{DialContext: h.Dial, DisableKeepAlives: true, ResponseHeaderTimeout: tryTime}
	defer transport.CloseIdleConnections()
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.http, nil)
	if err != nil {
		return sight{final: &executor.Ending{Exit: 1, Class: "action", Message: "cannot ask " + w.http + ": " + err.Error()}}
	}
	req.Header.Set("User-Agent", "opsctl")
	res, err := client.Do(req)
	if err != nil {
		return unreached(err)
	}
	defer func() { _ = res.Body.Close() }() // it was only read
	said := fmt.Sprintf("status %d", res.StatusCode)
	if res.StatusCode != w.status {
		return sight{said: said + excuse(res.Body)}
	}
	if w.body == "" {
		return sight{yes: true, said: said}
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, bodyMax))
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return sight{said: said + ", and a body that does not end"}
	case err != nil && !strings.Contains(string(body), w.body):
		return sight{said: said + ", and a broken body: " + err.Error()}
	case !strings.Contains(string(body), w.body):
		return sight{said: said + ", without the text in the body"}
	}
	return sight{yes: true, said: said + ", with the text in the body"}
}

// excuse is the first line of a body that was not wanted: it often says why. What cannot be read says nothing.
func excuse(body io.Reader) string {
	text, _ := io.ReadAll(io.LimitReader(body, excuseMax))
	if line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n"); line != "" {
		return " (" + strings.TrimSpace(line) + ")"
	}
	return ""
}
