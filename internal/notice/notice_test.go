package notice

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/opsctl/opsctl/pkg/executor"
)

func sample() executor.Notice {
	at := time.Date(2026, 11, 26, 3, 15, 0, 0, time.UTC)
	return executor.Notice{
		To: "ops", Message: "it <b>failed</b> & @Channel <!here>\x1b[31m", Runbook: "nightly", Run: "01J8", User: "ada", Outcome: "failed",
		Failed: []string{"web1", "web3"}, Started: at, Time: at.Add(time.Minute), Step: "notify_1", Host: "local",
	}
}

// TestBodies are what each kind of target gets, to the letter: others rely on it.
func TestBodies(t *testing.T) {
	for kind, want := range map[Kind]string{
		Webhook: `{"version":1,"kind":"step","to":"ops","message":"it \u003cb\u003efailed\u003c/b\u003e \u0026 @Channel \u003c!here\u003e[31m","runbook":"nightly","run":"01J8",` +
			`"outcome":"failed","failed":["web1","web3"],"user":"ada","started":"2026-11-26T03:15:00Z","time":"2026-11-26T03:16:00Z","step":"notify_1","host":"local"}`,
		Slack: `{"mrkdwn":false,"text":"it \u0026lt;b\u0026gt;failed\u0026lt;/b\u0026gt; \u0026amp; @` + "\u200b" + `Channel \u0026lt;!here\u0026gt;[31m"}`,
		Teams: `{"attachments":[{"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","body":[{"inlines":[{"text":` +
			`"it \u003cb\u003efailed\u003c/b\u003e \u0026 @Channel \u003c!here\u003e[31m","type":"TextRun"}],"type":"RichTextBlock"}],"type":"AdaptiveCard","version":"1.4"},` +
			`"contentType":"application/vnd.microsoft.card.adaptive"}],"type":"message"}`,
	} {
		var got string
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, err := io.ReadAll(r.Body)
			if err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %v, %v", r.Method, r.Header, err)
			}
			got = string(text)
			w.WriteHeader(http.StatusAccepted)
		}))
		if ending := Send(context.Background(), Target{Kind: kind, URL: site.URL + "/hook"}, sample()); ending != (executor.Ending{}) {
			t.Errorf("%s: %+v", kind, ending)
		}
		site.Close()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", kind, diff)
		}
	}
}

// TestKindsOfDocuments: a step before the end of a run says that it goes on; a test belongs to no run.
func TestKindsOfDocuments(t *testing.T) {
	for _, c := range []struct {
		notice        executor.Notice
		kind, outcome string
	}{
		{executor.Notice{Run: "01", Step: "a"}, "step", "running"},
		{executor.Notice{Run: "01", Outcome: "succeeded"}, "end", "succeeded"},
		{executor.Notice{}, "test", ""},
	} {
		text, err := body(Webhook, c.notice)
		var d document
		if err != nil || json.Unmarshal(text, &d) != nil || d.Kind != c.kind || d.Outcome != c.outcome || d.Failed == nil {
			t.Errorf("%+v: %s, %v", c.notice, text, err)
		}
	}
}

// TestWhatWasNotTaken: a refusal is a failure, silence after the request is not learnt, and no part of the
// URL but the host is in what is said.
func TestWhatWasNotTaken(t *testing.T) {
	asked := make(chan bool, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("/refuse-s3cret", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "no_service\nmore") // the test fails where it does not arrive
	})
	mux.HandleFunc("/elsewhere-s3cret", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/refuse-s3cret", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/cut-s3cret", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/hang-s3cret", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the end of the connection is noticed
		asked <- true
		<-r.Context().Done()
	})
	site := httptest.NewServer(mux)
	defer site.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]executor.Ending{
		site.URL + "/refuse-s3cret":                    {Exit: 1, Class: "notify", Message: "cannot notify ops: " + site.URL + " answered with status 403 Forbidden: no_service"},
		site.URL + "/elsewhere-s3cret":                 {Exit: 1, Class: "notify", Message: "cannot notify ops: " + site.URL + " answered with status 307 Temporary Redirect"},
		site.URL + "/cut-s3cret":                       {Verdict: executor.NotLearned, Class: "notify", Message: "cannot tell whether ops was notified by " + site.URL + ": EOF; the message may have been received"},
		"http://" + closed.Addr().String() + "/s3cret": {Exit: 1, Class: "action", Message: "cannot notify ops by http://" + closed.Addr().String() + ": dial tcp " + closed.Addr().String() + ": connect: connection refused"},
		"s3cret": {Exit: 1, Class: "action", Message: "cannot notify ops: its URL does not start with http:// or https:// and a host"},
		"http://u:s3cret@" + closed.Addr().String() + "/": {Exit: 1, Class: "action", Message: "cannot notify ops by http://" + closed.Addr().String() + ": dial tcp " + closed.Addr().String() + ": connect: connection refused"},
	} {
		if diff := cmp.Diff(want, Send(context.Background(), Target{Kind: Slack, URL: url}, sample())); diff != "" {
			t.Errorf("%s:\n%s", url, diff)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() { <-asked; cancel() }()
	if e := Send(ctx, Target{Kind: Webhook, URL: site.URL + "/hang-s3cret"}, sample()); e.Verdict != executor.NotLearned || strings.Contains(e.Message, "s3cret") {
		t.Errorf("interrupted after it was sent: %+v", e)
	}
	if e := Send(ctx, Target{Kind: Webhook, URL: "http://" + closed.Addr().String()}, sample()); !e.Cancelled {
		t.Errorf("interrupted before: %+v", e)
	}
}

func TestACommandIsTold(t *testing.T) {
	dir := t.TempDir()
	tell := func(ctx context.Context, argv ...string) executor.Ending {
		return Send(ctx, Target{Kind: Command, Argv: argv, Dir: dir}, sample())
	}
	script := `cat > told; env | grep ^OPSCTL_NOTICE_ | sort > facts`
	if e := tell(context.Background(), "sh", "-c", script); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	if got := read("told"); got != "it <b>failed</b> & @Channel <!here>[31m\n" {
		t.Errorf("%q", got)
	}
	for _, fact := range []string{"OUTCOME=failed", "FAILED=web1 web3", "RUNBOOK=nightly", "RUN=01J8", "STARTED_BY=ada", "STEP=notify_1", "HOST=local", "TO=ops", "KIND=step"} {
		if !strings.Contains("\n"+read("facts"), "\nOPSCTL_NOTICE_"+fact+"\n") {
			t.Errorf("no %s in\n%s", fact, read("facts"))
		}
	}
	late, over := context.WithCancel(context.Background())
	if e := tell(context.Background(), "mkfifo", "begun"); e != (executor.Ending{}) {
		t.Fatalf("%+v", e)
	}
	go func() {
		read("begun") // until it was opened and closed by the command
		over()
	}()
	for what, c := range map[string]struct{ got, want executor.Ending }{
		"fails":      {tell(context.Background(), "sh", "-c", "echo no such user >&2; exit 3"), executor.Ending{Exit: 1, Class: "notify", Message: "cannot notify ops: sh ended with exit status 3: no such user"}},
		"is not":     {tell(context.Background(), "no-such-program-here"), executor.Ending{Exit: 1, Class: "action", Message: "cannot notify ops: cannot start no-such-program-here: executable file not found in $PATH"}},
		"reads none": {tell(context.Background(), "true"), executor.Ending{}},
		"hangs":      {tell(tooLate{late}, "sh", "-c", "echo >begun; sleep 600 & wait"), executor.Ending{TimedOut: true, Message: "cannot notify ops: sh did not end in time"}},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s:\n%s", what, diff)
		}
	}
}

// tooLate is a context whose time is over when the one in it was cancelled.
type tooLate struct{ context.Context }

func (c tooLate) Err() error {
	if c.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

func TestPlainText(t *testing.T) {
	long := strings.Repeat("ä", messageMax)
	for text, want := range map[string]string{
		" a\r\n\tb\x00\u202e ": "a\n\tb",
		"\xff":                 "\uFFFD",
		long:                   long[:messageMax] + "…",
	} {
		if got := plainText(text); got != want {
			t.Errorf("%.20q gives %.20q", text, got)
		}
	}
}
