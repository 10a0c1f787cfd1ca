package action

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
)

func question(t *testing.T, step string) executor.Question {
	t.Helper()
	_, q, err := load(t, t.TempDir(), step)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func heard(said *strings.Builder) executor.Sink {
	return func(_ executor.Stream, p []byte) { said.Write(p) }
}

func TestWaitForHTTP(t *testing.T) {
	var count atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := count.Add(1); {
		case r.URL.Path == "/never":
			http.Error(w, "no cache\nsince today", http.StatusServiceUnavailable)
		case r.URL.Path == "/away":
			http.Redirect(w, r, "/never", http.StatusFound)
		case n < 3 || n == 4:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			_, _ = w.Write([]byte("all is well"))
		}
	}))
	defer srv.Close()
	m := newMachine(t, []string{"sh"})
	var said strings.Builder
	ask := func(step string) executor.Ending {
		said.Reset()
		return question(t, strings.ReplaceAll(step, "SRV", srv.URL)).Ask(context.Background(), m, executor.Command{}, heard(&said))
	}
	if e := ask("wait: {http: SRV/, body: well, every: 1ms, stable: 2}"); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	well := "status 200, with the text in the body\n"
	if want := "status 503\n" + well + "status 503\n" + well; said.String() != want {
		t.Fatalf("%q", said.String())
	}
	if e := ask("wait: {http: SRV/away, status: 302}"); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	if e := ask("wait: {http: SRV/never, every: 1ms, timeout: 500ms}"); e.Exit != 1 || e.Class != "timeout" || !strings.Contains(e.Message, "/never: status 503 (no cache) after 1s (wanted 200)") {
		t.Fatalf("%+v", e)
	}
	if e := ask("wait: {http: SRV/, body: ill, every: 1ms, timeout: 500ms}"); !strings.Contains(e.Message, `without the text in the body after 1s (wanted 200 and "ill" in the body)`) {
		t.Fatalf("%+v", e)
	}
}

// forbidding is a host whose SSH server forwards nothing.
type forbidding struct{ executor.Prober }

func (forbidding) Dial(context.Context, string, string) (net.Conn, error) {
	return nil, &executor.HostError{Class: "forwarding", Message: "cannot forward through web1"}
}

func TestWaitForAPort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := newMachine(t, []string{"sh"})
	q := question(t, "wait: {tcp: '"+l.Addr().String()+"', every: 1ms, timeout: 500ms}")
	if e := q.Ask(context.Background(), m, executor.Command{}, nil); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if e := q.Ask(context.Background(), m, executor.Command{}, nil); !strings.Contains(e.Message, "connection refused after 1s (wanted a connection)") {
		t.Fatalf("%+v", e)
	}
	for _, step := range []string{"wait: {tcp: 'x:1'}", "wait: {http: 'http://x'}"} {
		if e := question(t, step).Ask(context.Background(), forbidding{}, executor.Command{}, nil); e.Exit != 1 || e.Class != "forwarding" || !strings.Contains(e.Message, "delegate: local") {
			t.Fatalf("%+v", e)
		}
	}
}

func TestWaitForAFileOrACommand(t *testing.T) {
	m := newMachine(t, []string{"sh"})
	file := filepath.Join(t.TempDir(), "it's here")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ask := func(step string, c executor.Command) executor.Ending {
		return question(t, step).Ask(context.Background(), m, c, nil)
	}
	if e := ask(`wait: {file: "`+file+`"}`, executor.Command{}); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	if e := ask(`wait: {file: "`+file+`.not", every: 1ms, timeout: 500ms}`, executor.Command{}); !strings.Contains(e.Message, "it is not there after") {
		t.Fatalf("%+v", e)
	}
	if e := ask("wait: {run: exit 0}", executor.Command{}); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	if e := ask("wait: {run: 'echo not yet; exit 4', every: 1ms, timeout: 2s}", executor.Command{}); !strings.Contains(e.Message, "the command: exit status 4: not yet after") {
		t.Fatalf("%+v", e)
	}
	filled := "wait: {run: 'test ${{ host.name }} = web1'}"
	if e := ask(filled, executor.Command{Script: "test web1 = web1"}); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	if e := ask(filled, executor.Command{}); e.Exit != 1 || !strings.Contains(e.Message, "values were not filled in") {
		t.Fatalf("%+v", e)
	}
}

func TestAWaitIsCancelled(t *testing.T) {
	m := newMachine(t, []string{"sh"})
	for _, step := range []string{"wait: {pause: 1h}", "wait: {file: /nonexistent, timeout: none}", "wait: {tcp: '127.0.0.1:1', timeout: none}"} {
		ctx, cancel := context.WithCancelCause(context.Background())
		said := func(executor.Stream, []byte) { cancel(errors.New("enough")) }
		if strings.Contains(step, "pause") {
			cancel(errors.New("enough"))
		}
		if e := question(t, step).Ask(ctx, m, executor.Command{}, said); e != (executor.Ending{Cancelled: true}) {
			t.Fatalf("%s: %+v", step, e)
		}
		cancel(nil)
	}
	if e := question(t, "wait: {pause: 1ms}").Ask(context.Background(), m, executor.Command{}, nil); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
}
