package cli

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/opsctl/opsctl/internal/secret"
	"github.com/opsctl/opsctl/pkg/executor"
)

// post is a POST that a site got.
type post struct{ path, body string }

// listening is a project on this machine, beside a site that takes what is posted.
type listening struct {
	*bench
	site   *httptest.Server
	mu     sync.Mutex
	posts  []post
	refuse bool
}

// newListening makes one; CONFIG is the rest of its configuration, in which SITE is the site.
func newListening(t *testing.T, config string) *listening {
	t.Helper()
	l := &listening{bench: &bench{T: t, dir: t.TempDir()}}
	l.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.posts = append(l.posts, post{r.URL.Path, string(body)})
		if l.refuse {
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(l.site.Close)
	l.write("opsctl.yaml", "state-dir: state\n"+strings.ReplaceAll(config, "SITE", l.site.URL))
	return l
}

// got gives what was posted since it was asked last.
func (l *listening) got() []post {
	l.mu.Lock()
	defer l.mu.Unlock()
	posts := l.posts
	l.posts = nil
	return posts
}

const toldTwice = `
name: nightly
params: {bad: {type: bool, default: false}, token: {secret: true}}
notify:
  - ops
  - {to: chat, on: failure, message: "${{ runbook.name }} ${{ run.outcome }} at ${{ run.failed }} with ${{ token }}"}
steps:
  - {id: work, run: 'exit ${{ bad ? 1 : 0 }}'}
finally:
  - {id: tell, notify: {to: chat, message: "${{ run.outcome }} <!channel> ${{ token }}"}}
`

// TestNotifyOfARun: a step tells, the end of the run tells, a dry run does not, and nothing that is secret
// gets out: not into messages, nor a URL into output and journal.
func TestNotifyOfARun(t *testing.T) {
	l := newListening(t, "notify: {ops: {webhook: 'SITE/ops-url5ecret'}, chat: {slack: {secret: {env: CHAT_HOOK}}}}\n")
	t.Setenv("CHAT_HOOK", l.site.URL+"/chat-hook5ecret")
	t.Setenv("OPSCTL_PARAM_TOKEN", "hunter2secret")
	l.write("r.yaml", toldTwice)

	out := l.want(0, "run", "r.yaml", "--dry-run")
	if posts := l.got(); len(posts) != 0 || !strings.Contains(strings.Join(strings.Fields(out), " "), "not sent in a dry run; to chat: succeeded <!channel> ***") {
		t.Errorf("%q\n%s", posts, out)
	}
	l.want(0, "run", "r.yaml")
	posts := l.got()
	if len(posts) != 2 || posts[0] != (post{"/chat-hook5ecret", `{"mrkdwn":false,"text":"succeeded \u0026lt;!channel\u0026gt; ***"}`}) || posts[1].path != "/ops-url5ecret" {
		t.Fatalf("%q", posts)
	}
	var told struct{ Version, Kind, To, Message, Runbook, Run, Outcome, User string }
	if err := json.Unmarshal([]byte(strings.Replace(posts[1].body, `"version":1`, `"version":"1"`, 1)), &told); err != nil {
		t.Fatal(err)
	}
	if want := "nightly went well (run " + shortID(told.Run) + ", started by " + userName() + ")"; told.Message != want || told.Outcome != "succeeded" || told.Kind != "end" || told.To != "ops" || told.Runbook != "nightly" {
		t.Errorf("%+v, want %q", told, want)
	}

	l.want(1, "run", "r.yaml", "-p", "bad=true")
	posts = l.got()
	if len(posts) != 3 {
		t.Fatalf("%q", posts)
	}
	both := posts[1].body + posts[2].body // they are told side by side
	if !strings.Contains(both, `nightly failed on local (run `) || !strings.Contains(both, `nightly failed at [\"local\"] with ***`) {
		t.Errorf("%s", both)
	}

	l.refuse = true
	out = l.want(1, "run", "r.yaml")
	if !strings.Contains(out, "cannot notify chat: "+l.site.URL+" answered with status 403 Forbidden") || !strings.Contains(out, "warning: cannot notify ops: "+l.site.URL) {
		t.Error(out)
	}
	l.write("r.yaml", "name: last\nnotify: ops\nsteps: [{run: 'true'}]\n")
	if out = l.want(0, "run", "r.yaml"); !strings.Contains(out, "warning: cannot notify ops: ") {
		t.Error(out)
	}
	out += l.want(0, "show", "--output", "json") + l.want(0, "config", "show")
	if !strings.Contains(out, "webhook "+l.site.URL+"/***") || !strings.Contains(out, "slack from the variable CHAT_HOOK") {
		t.Errorf("config show does not tell the targets:\n%s", out)
	}
	for _, hidden := range []string{"url5ecret", "hook5ecret", "hunter2secret"} {
		if strings.Contains(out, hidden) || l.stored(hidden) {
			t.Errorf("%s got out:\n%s", hidden, out)
		}
	}
}

// stored tells whether a text is in the state directory.
func (l *listening) stored(text string) (found bool) {
	err := filepath.WalkDir(filepath.Join(l.dir, "state"), func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found = found || strings.Contains(string(content), text)
		return err
	})
	if err != nil {
		l.Error(err)
	}
	return found
}

// TestNotifyNobody: a target that is not there is told with its place and the nearest name, before anything runs.
func TestNotifyNobody(t *testing.T) {
	l := newListening(t, "notify: {ops: {webhook: 'SITE/'}}\n")
	l.write("r.yaml", "name: x\nparams: {team: {default: opps}}\nnotify: [{to: '${{ team }}'}]\nsteps:\n  - run: touch ran\n    dir: "+l.dir+"\n  - foreach: [ops, dev]\n    notify: {to: '${{ item }}', message: m}\n")
	for _, args := range [][]string{{"run", "r.yaml"}, {"plan", "r.yaml"}} {
		out := l.want(65, args...)
		for _, want := range []string{
			`r.yaml:3:15: there is no target "opps" to notify`, `hint: did you mean "ops"?`, `r.yaml:8:18: there is no target "dev" to notify`, "hint: opsctl.yaml names ops",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("it does not say %q:\n%s", want, out)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(l.dir, "ran")); !os.IsNotExist(err) || len(l.got()) != 0 {
		t.Errorf("something was done: %v", err)
	}
	l.write("opsctl.yaml", "state-dir: state\n")
	if out := l.want(64, "notify", "ops"); !strings.Contains(out, "hint: name it in opsctl.yaml: notify: {ops: {webhook: 'https://…'}}") {
		t.Error(out)
	}
}

// TestNotifyIgnoresIncluded: an included runbook does not tell how the run of another one ended.
func TestNotifyIgnoresIncluded(t *testing.T) {
	l := newListening(t, "notify: {ops: {webhook: 'SITE/'}}\n")
	l.write("inner.yaml", "name: inner\nnotify: nobody\nsteps: [{run: 'true'}]\n")
	l.write("r.yaml", "name: outer\nnotify: {to: ops, on: [succeeded, rolled_back], message: '${{ run.outcome }}'}\nsteps: [{runbook: inner.yaml}]\n")
	l.want(0, "run", "r.yaml")
	l.want(0, "rollback", "--yes")
	posts := l.got()
	if len(posts) != 2 || !strings.Contains(posts[0].body, `"message":"succeeded"`) || !strings.Contains(posts[1].body, `"message":"rolled_back"`) {
		t.Errorf("%q", posts)
	}
}

// TestNotifyAndInterrupts: a run that was stopped is told too; and who interrupts the telling is not kept waiting.
func TestNotifyAndInterrupts(t *testing.T) {
	asked := make(chan bool)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), "nightly was stopped before its end (run ") {
			t.Errorf("%v %s", err, body)
		}
		asked <- true
		<-r.Context().Done() // no answer
	}))
	defer site.Close()
	b := &bench{T: t, dir: t.TempDir()}
	b.write("opsctl.yaml", "state-dir: state\nnotify: {ops: {webhook: '"+site.URL+"/'}}\n")
	b.write("r.yaml", "name: nightly\nnotify: ops\nsteps: [{run: 'touch begun; sleep 600', dir: "+b.dir+", kill_after: 1s}]\n")
	signal := func(s syscall.Signal) {
		if err := syscall.Kill(os.Getpid(), s); err != nil {
			t.Error(err)
		}
	}
	go func() {
		b.until("the step began", func() bool { _, err := os.Stat(filepath.Join(b.dir, "begun")); return err == nil })
		signal(syscall.SIGTERM)
		<-asked
		signal(syscall.SIGINT)
	}()
	out := b.want(143, "run", "r.yaml")
	if want := "warning: cannot tell whether ops was notified by " + site.URL + ": interrupted; the message may have been received"; !strings.Contains(out, want) {
		t.Errorf("it does not say %q:\n%s", want, out)
	}
}

// TestNotifyCommand: a target that is a program gets the message; opsctl notify tries it.
func TestNotifyCommand(t *testing.T) {
	l := newListening(t, "notify:\n  mail: {command: [sh, -c, 'cat > \"$1\"', sh, {secret: {file: name}}]}\n  bad: {command: [sh, -c, 'echo to $1 >&2; exit 1', sh, {secret: {file: name}}]}\n")
	l.write("name", "mailed5ecret\n")
	out := l.want(0, "notify", "mail", "does this arrive?")
	text, err := os.ReadFile(filepath.Join(l.dir, "mailed5ecret"))
	if err != nil || string(text) != "does this arrive?\n" || !strings.Contains(out, "mail took the message") {
		t.Errorf("%v %q\n%s", err, text, out)
	}
	if out := l.want(1, "notify", "bad"); !strings.Contains(out, "cannot notify bad: sh ended with exit status 1: to ***") {
		t.Error(out)
	}
	if err := os.Remove(filepath.Join(l.dir, "name")); err != nil {
		t.Fatal(err)
	}
	if out := l.want(1, "notify", "mail"); !strings.Contains(out, "cannot notify mail: cannot get a secret from the file name: ") {
		t.Error(out)
	}
	l.want(64, "notify")
}

// TestTargetMistakes are told each with its place.
func TestTargetMistakes(t *testing.T) {
	l := newListening(t, "")
	for text, wants := range map[string][]string{
		"notify: ops": {`opsctl.yaml:1:9: notify is a map of names and targets, this is "ops"`},
		"notify:\n  Ops: {webhook: 'https://x'}\n  a: {webhok: 'https://x'}\n  b: {}\n  c: {slack: not-a-url}\n  d: {webhook: 'https://x', slack: 'https://y'}": {
			`opsctl.yaml:2:3: "Ops" cannot be the name of a target`, `opsctl.yaml:3:7: unknown key "webhok" in a target`, `did you mean "webhook"?`,
			"opsctl.yaml:4:6: a target is a map of its kind", "opsctl.yaml:5:14: this cannot be the URL of a target", `opsctl.yaml:6:29: a target is one thing: it says "webhook" already`,
		},
		"notify:\n  a: {command: mail}\n  b: {slack: [x]}\n  c: {slack: {secret: HOOK}}\n  d: {slack: {secret: {prompt: x}}}\n  e: {slack: {secret: {env: A, file: b}}}\n  f: {slack: {secret: {}}}\n  g: {slack: {secret: {command: pass}}}": {
			"opsctl.yaml:2:16: the command of a target is a list of words", "opsctl.yaml:3:14: a text or the source of a secret is needed here",
			"opsctl.yaml:4:23: the source of a secret is a map", `opsctl.yaml:5:24: unknown key "prompt" in the source of a secret`, `opsctl.yaml:6:32: a secret has one source: it says "env" already`,
			"opsctl.yaml:7:23: this secret has no source", "opsctl.yaml:8:33: the command of a secret is a list of words",
		},
		"notfy: {}": {`unknown key "notfy"`, `did you mean "notify"?`},
	} {
		l.write("opsctl.yaml", text+"\n")
		out := l.want(78, "config", "show")
		for _, want := range wants {
			if !strings.Contains(out, want) {
				t.Errorf("%s: it does not say %q:\n%s", text, want, out)
			}
		}
	}
}

// TestStrongerTargetsStay: the nearest file names a target, others add theirs.
func TestStrongerTargetsStay(t *testing.T) {
	a := &app{}
	a.adoptTargets(map[string]target{"ops": {file: "near"}})
	a.adoptTargets(map[string]target{"ops": {file: "far"}, "chat": {file: "far"}})
	if a.targets["ops"].file != "near" || a.targets["chat"].file != "far" || strings.Join(a.targetNames(), " ") != "chat ops" {
		t.Errorf("%+v", a.targets)
	}
	ending := a.notifier(secret.NewMasker())(context.Background(), executor.Notice{To: "nobody"})
	if ending.Class != "action" || ending.Message != `there is no target "nobody" to notify` {
		t.Errorf("%+v", ending)
	}
}
