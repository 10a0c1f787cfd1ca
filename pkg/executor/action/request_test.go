package action

import (
	"bufio"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// told is what a request came to, and what it printed.
type told struct {
	executor.Ending
	out, errs string
}

func request(t *testing.T, ctx context.Context, h executor.Prober, c executor.Command, step string) told {
	t.Helper()
	var r told
	r.Ending = question(t, step).Ask(ctx, h, c, func(s executor.Stream, p []byte) {
		if s == executor.Stdout {
			r.out += string(p)
		} else {
			r.errs += string(p)
		}
	})
	return r
}

func TestHTTP(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		switch r.URL.Path {
		case "/echo":
			w.Header().Set("X", "y")
			_, _ = fmt.Fprintf(w, "%s %s %s %s %s", r.Method, r.Host, r.Header.Get("Content-Type"), r.Header.Get("X-Token"), body)
		case "/away":
			http.Redirect(w, r, "/echo", http.StatusFound)
		case "/elsewhere":
			http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusFound)
		case "/large":
			for range 17 {
				_, _ = w.Write(make([]byte, 1<<20))
			}
		default:
			http.Error(w, "no cache\nsince today\nor so\nmore", http.StatusServiceUnavailable)
		}
	}))
	defer srv.Close()
	m := newMachine(t, []string{"sh"})
	host := strings.TrimPrefix(srv.URL, "http://")
	for _, c := range []struct{ step, out, message string }{
		{`{url: SRV/echo}`, "GET HOST   ", ""},
		{`{url: "SRV/${{ 'ec' + 'ho' }}", headers: {X-Token: "${{ host.name }}", host: other}}`, "GET other  web1 ", ""},
		{`{url: SRV/echo, method: POST, body: "a=${{ 1 + 1 }}"}`, "POST HOST   a=2", ""},
		{`{url: SRV/echo, method: PUT, json: {z: 1, a: ["${{ 1 + 1 }}", "${{ 'x' }}", "n ${{ 2 }}", true, null, 1.5, "7"], m: "${{ {'k': [1]} }}", e: {}}}`, `PUT HOST application/json  {"z":1,"a":[2,"x","n 2",true,null,1.5,"7"],"m":{"k":[1]},"e":{}}`, ""},
		{`{url: SRV/echo, method: PUT, json: [], headers: {Content-Type: application/merge-patch+json}}`, `PUT HOST application/merge-patch+json  []`, ""},
		{`{url: SRV/away}`, "GET HOST   ", ""},
		{`{url: SRV/no, status: [404, 503]}`, "no cache\nsince today\nor so\nmore\n", ""},
		{`{url: SRV/no}`, "no cache\nsince today\nor so\nmore\n", "GET SRV/no: status 503 Service Unavailable: no cache since today or so"},
		{`{url: SRV/echo, status: [201, 204]}`, "GET HOST   ", "GET SRV/echo: status 200 OK (wanted 201, 204): GET HOST"},
		{`{url: SRV/elsewhere}`, "<a href=\"http://elsewhere.invalid/\">Found</a>.\n\n", "GET SRV/elsewhere: status 302 Found to http://elsewhere.invalid/; only GET follows, and only on the same host: <a href=\"http://elsewhere.invalid/\">Found</a>."},
		{`{url: SRV/away, method: POST}`, "", "POST SRV/away: status 302 Found to /echo; only GET follows, and only on the same host"},
		{`{url: SRV/echo, method: HEAD}`, "", ""},
	} {
		fill := strings.NewReplacer("SRV", srv.URL, "HOST", host).Replace
		r := request(t, context.Background(), m, executor.Command{}, "http: "+fill(c.step))
		exit := 0
		if c.message != "" {
			exit = 1
		}
		if r.out != fill(c.out) || r.Message != fill(c.message) || r.Exit != exit || r.Verdict != executor.Ended {
			t.Errorf("%s: %+v\nwant %q %q", c.step, r, fill(c.out), fill(c.message))
		}
	}
	if r := request(t, context.Background(), m, executor.Command{}, "http: {url: "+srv.URL+"/large}"); len(r.out) != responseMax || !strings.HasSuffix(r.errs, "/large: 200 OK\nthe body was cut after 16777216 bytes\n") || r.Exit != 0 {
		t.Errorf("%d %q %+v", len(r.out), r.errs, r.Ending)
	}
}

// TestRequestsWithoutAnAnswer tells those that changed nothing for sure from those that may have.
func TestRequestsWithoutAnAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	received := make(chan string, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				line, _, err := bufio.NewReader(conn).ReadLine()
				received <- fmt.Sprint(string(line), err)
				if strings.Contains(string(line), "/cut") {
					_ = conn.Close()
				}
			}()
		}
	}()
	m := newMachine(t, []string{"sh"})
	base := "http://" + l.Addr().String()
	refused := "http://" + closedPort(t)
	for _, c := range []struct {
		what    string
		step    string
		h       executor.Prober
		stop    bool
		verdict executor.Verdict
		class   string
		message string
	}{
		{what: "read, cut", step: "{url: " + base + "/cut}", class: "http", message: "GET " + base + "/cut: EOF"},
		{what: "changed, cut", step: "{url: " + base + "/cut, method: POST}", verdict: executor.NotLearned, class: "http", message: "POST " + base + "/cut: EOF; the request may have been received"},
		{what: "read as it says, cut", step: "{url: " + base + "/cut, method: POST}, effect: read", class: "http"},
		{what: "changed as it says, cut", step: "{url: " + base + "/cut}, effect: change", verdict: executor.NotLearned, class: "http"},
		{what: "read, cancelled", step: "{url: " + base + "/}", stop: true},
		{what: "changed, cancelled", step: "{url: " + base + "/, method: POST}", stop: true, verdict: executor.NotLearned, class: "http"},
		{what: "read, refused", step: "{url: " + refused + "}", class: "http", message: "connection refused"},
		{what: "changed, refused", step: "{url: " + refused + ", method: POST}", class: "action", message: "connection refused"},
		{what: "changed, forbidden", step: "{url: 'http://x', method: POST}", h: forbidding{}, class: "action", message: "delegate: local"},
		{what: "changed, not reached", step: "{url: 'http://x', method: POST}", h: unreachable{}, verdict: executor.NeverRan, class: "link"},
	} {
		t.Run(c.what, func(t *testing.T) {
			if c.h == nil {
				c.h = m
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if c.stop {
				go func() { <-received; cancel() }()
			}
			step, rest, _ := strings.Cut("http: "+c.step, ", effect")
			if rest != "" {
				step += "\n    effect" + rest
			}
			r := request(t, ctx, c.h, executor.Command{}, step)
			ended := c.verdict == executor.Ended && c.class == ""
			if r.Verdict != c.verdict || r.Class != c.class || !strings.Contains(r.Message, c.message) || ended && r.TimedOut == r.Cancelled || r.Cancelled && !c.stop {
				t.Errorf("%+v", r)
			}
			if c.h == executor.Prober(m) && !c.stop && !strings.Contains(c.what, "refused") {
				<-received
			}
		})
	}
	if len(received) != 0 {
		t.Errorf("something was sent twice: %q", <-received)
	}
}

// silent is a host from whose point of view everybody listens, and nobody answers.
type silent struct{ executor.Prober }

func (silent) Dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }() // until the other end closes
	return near, nil
}

func TestRequestsThatAreLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := executor.Command{Timeout: time.Hour}
		if r := request(t, context.Background(), silent{}, c, "http: {url: 'http://x/'}"); !r.TimedOut || r.Message != "GET http://x/: no answer in time" {
			t.Errorf("%+v", r)
		}
		want := "POST http://x/: no answer; the request may have been received"
		if r := request(t, context.Background(), silent{}, c, "http: {url: 'http://x/', method: POST}"); r.Verdict != executor.NotLearned || r.Message != want {
			t.Errorf("%+v", r)
		}
	})
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// unreachable is a host whose link is broken.
type unreachable struct{ executor.Prober }

func (unreachable) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, &executor.HostError{Class: "link", Message: "the link to web1 broke"}
}

// TestHTTPSIsVerified asks a server whose certificate nobody vouches for, and then, in a process that
// was told so by the environment, one that is vouched for.
func TestHTTPSIsVerified(t *testing.T) {
	if url := os.Getenv("TEST_HTTPS"); url != "" {
		r := request(t, context.Background(), newMachine(t, []string{"sh"}), executor.Command{}, "http: {url: '"+url+"'}")
		if r.Ending != (executor.Ending{}) || r.out != "well" {
			t.Fatalf("%+v", r)
		}
		return
	}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("well")) }))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the client that does not trust it
	srv.StartTLS()
	defer srv.Close()
	r := request(t, context.Background(), newMachine(t, []string{"sh"}), executor.Command{}, "http: {url: '"+srv.URL+"', method: POST}")
	if r.Class != "action" || !strings.Contains(r.Message, "certificate") {
		t.Errorf("%+v", r)
	}
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHTTPSIsVerified$")
	cmd.Env = append(os.Environ(), "TEST_HTTPS="+srv.URL, "SSL_CERT_FILE="+file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestRequestsThatCannotBeMade(t *testing.T) {
	for step, want := range map[string]string{
		`{url: "${{ 'ftp://x' }}"}`:                                 `"ftp://x" is not a URL`,
		`{url: 'http://x', headers: {A: "${{ 'a\\r\\nB: c' }}"}}`:   "the value of A holds the end of a line",
		`{url: 'http://x', method: POST, json: "${{ host.vars }}"}`: "",
	} {
		_, q, err := load(t, t.TempDir(), "http: "+step)
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) || want == "" && (err != nil || string(q.(*requesting).body) != "null") {
			t.Errorf("%s: %v", step, err)
		}
	}
}
