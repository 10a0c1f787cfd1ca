package cli

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
)

const everyAction = `
name: actions
params: {bad: {type: bool, default: false}}
hosts: host1
on_failure: rollback
steps:
  - {id: port, line: {path: BASE/app.conf, match: ^port=, line: "port=80"}}
  - {id: old, line: {path: BASE/app.conf, match: ^old, absent: true}}
  - {id: service, service: {name: NAME, state: started, enabled: true}}
  - id: script
    script: {file: tool.sh, args: [BASE/made, "${{ host.name }} it's"]}
    rollback: rm BASE/made
  - {id: ask, script: {file: tool.sh, args: [--look]}, effect: read, outputs: {said: result.stdout}}
  - {id: read, http: {url: 'SITE/read'}, outputs: {seen: 'fromJSON(result.stdout).seen'}}
  - id: post
    http: {url: 'SITE/post', method: POST, json: {host: "${{ host.name }}", seen: "${{ steps.read.outputs.seen }}", said: "${{ steps.ask.outputs.said }}"}, status: 201}
  - {id: fetch, fetch: {src: BASE/, dest: fetched}}
  - {id: assert, assert: {that: [not bad]}}
`

// shownActions stand in an order in which none hides what the next would do.
const shownActions = `
name: shown
hosts: host1
steps:
  - {id: fetch, fetch: {src: BASE/, dest: fetched}}
  - {id: ask, script: {file: tool.sh, args: [--look]}, effect: read}
  - {id: service, service: {name: NAME, state: started, enabled: true}}
  - {id: port, line: {path: BASE/app.conf, match: ^port=, line: "port=80"}}
  - {id: again, service: {name: NAME, state: restarted}}
  - {id: script, script: {file: tool.sh}}
  - {id: post, http: {url: 'SITE/post', method: POST}}
  - {id: reboot, reboot: {}}
`

// TestActionsOverRealSSH does what the built-in actions do on a real sshd, shows it before, and takes it back.
func TestActionsOverRealSSH(t *testing.T) {
	name := fmt.Sprintf("opsctl-cli-%d", os.Getpid())
	pid := initScript(t, name)
	f := realsshd.Start(t, realsshd.Options{Config: []string{"SetEnv HOME=" + t.TempDir()}})
	b := &bench{T: t, dir: t.TempDir()}
	base := t.TempDir()
	var mu sync.Mutex
	var posted []string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"seen": 7}`)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		posted = append(posted, string(body))
		mu.Unlock()
		w.WriteHeader(http.StatusCreated)
	}))
	defer site.Close()
	conf := filepath.Join(base, "app.conf")
	const before = "old=1\nport=8080\nz\n"
	if err := os.WriteFile(conf, []byte(before), 0o640); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("BASE", base, "NAME", name, "SITE", site.URL).Replace
	b.write("r.yaml", fill(everyAction))
	b.write("shown.yaml", fill(shownActions))
	b.write("tool.sh", "#!/bin/sh\nif [ \"$1\" = --look ]; then echo looked; exit; fi\necho \"$2\" >\"$1\"\n")
	b.write("inventory.yaml", "hosts: {host1: {}}\n")
	b.write("opsctl.yaml", "ssh-config: "+f.SSHConfig+"\nstate-dir: state\ninventory: inventory.yaml\n")

	out := b.want(0, "run", "shown.yaml", "--dry-run", "--diff")
	for _, want := range []string{
		"-port=8080", "+port=80", name + ": inactive → started", name + ": disabled → enabled at boot", "+ fetched/host1/app.conf",
		"change: POST " + site.URL + "/post", "+ reboot", "Plan: 6 to change, 0 already so, 2 only read",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the dry run does not show %q:\n%s", want, out)
		}
	}
	if _, err := os.Stat(filepath.Join(b.dir, "fetched")); !os.IsNotExist(err) || len(posted) != 0 {
		t.Errorf("a dry run did something: %v %q", err, posted)
	}

	b.want(0, "run", "r.yaml")
	fetched, err := os.ReadFile(filepath.Join(b.dir, "fetched", "host1", "app.conf"))
	made, madeErr := os.ReadFile(filepath.Join(base, "made"))
	if err != nil || string(fetched) != "port=80\nz\n" || madeErr != nil || string(made) != "host1 it's\n" || !alive(pid) {
		t.Errorf("%v %q, %v %q, the daemon runs: %v", err, fetched, madeErr, made, alive(pid))
	}
	if want := `{"host":"host1","seen":7,"said":"looked"}`; len(posted) != 1 || posted[0] != want {
		t.Errorf("posted %q", posted)
	}
	b.want(0, "rollback", "last:actions", "--yes")
	same := func() {
		t.Helper()
		text, err := os.ReadFile(conf)
		info, infoErr := os.Stat(conf)
		links, linksErr := filepath.Glob("/etc/rc?.d/*" + name)
		_, madeErr := os.Stat(filepath.Join(base, "made"))
		if err != nil || string(text) != before || infoErr != nil || info.Mode() != 0o640 || linksErr != nil || len(links) != 0 || alive(pid) || !os.IsNotExist(madeErr) {
			t.Errorf("it is not as it was: %v %q, %v %v, %q, the daemon runs: %v, %v", err, text, infoErr, info, links, alive(pid), madeErr)
		}
	}
	same()
	b.want(3, "run", "r.yaml", "-p", "bad=true")
	same()
}

// initScript installs a service that is a real daemon, and gives the file that holds its pid.
func initScript(t *testing.T, name string) (pid string) {
	t.Helper()
	_, err := os.Stat("/run/systemd/system")
	_, lookErr := exec.LookPath("update-rc.d")
	if os.Getuid() != 0 || err == nil || lookErr != nil {
		t.Skip("only root can install an init script, and only where systemd does not run, and update-rc.d is there")
	}
	pid = filepath.Join(t.TempDir(), "pid")
	script := "/etc/init.d/" + name
	text := strings.NewReplacer("NAME", name, "PID", pid).Replace(`#!/bin/sh
### BEGIN INIT INFO
# Provides:          NAME
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: a daemon that sleeps
### END INIT INFO
alive() { [ -s PID ] && kill -0 "$(cat PID)" 2>/dev/null; }
case $1 in
start) alive || sh -c 'echo $$ >PID; exec sleep 600' </dev/null >/dev/null 2>&1 & while ! alive; do sleep 0.01; done ;;
stop) ! alive || kill "$(cat PID)"; rm -f PID ;;
status) alive || exit 3 ;;
*) exit 2 ;;
esac
`)
	if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command(script, "stop").Run() // it was stopped already, if all went well
		if out, err := exec.Command("update-rc.d", "-f", name, "remove").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if err := os.Remove(script); err != nil {
			t.Error(err)
		}
	})
	return pid
}

func alive(pid string) bool {
	text, err := os.ReadFile(pid)
	return err == nil && exec.Command("kill", "-0", strings.TrimSpace(string(text))).Run() == nil
}

// TestActionsHideSecrets looks for a secret in all that opsctl says and keeps: of a diff, of a request
// that fails, of a script that prints it.
func TestActionsHideSecrets(t *testing.T) {
	const secret = "hunter2-and-a-half"
	const key = "correct-horse-battery"
	t.Setenv("ACTIONS_TEST_KEY", key)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if want := `{"t":"` + key + `","n":"` + key + `!"}`; err != nil || r.Method == http.MethodPut && string(body) != want {
			t.Errorf("it got %q, %v", body, err)
		}
		http.Error(w, "no such token: "+r.URL.Query().Get("t")+r.Header.Get("X-Token"), http.StatusForbidden)
	}))
	defer site.Close()
	b := &bench{T: t, dir: t.TempDir()}
	b.write("app.conf", "token=old\n")
	b.write("tool.sh", "#!/bin/sh\necho \"it is $1\"\n")
	b.write("r.yaml", strings.NewReplacer("DIR", b.dir, "SITE", site.URL).Replace(`
name: hidden
params: {token: {secret: true}}
secrets: {key: {env: ACTIONS_TEST_KEY}}
on_failure: continue
steps:
  - {id: conf, line: {path: DIR/app.conf, match: ^token=, line: "token=${{ token }}"}}
  - {id: tool, script: {file: tool.sh, args: ["${{ token }}"]}}
  - {id: get, needs: [], http: {url: "SITE/?t=${{ token }}"}}
  - {id: post, needs: [], http: {url: SITE, method: POST, headers: {X-Token: "${{ token }}"}, json: {t: "${{ token }}"}}}
  - {id: whole, needs: [], http: {url: SITE, method: PUT, json: {t: "${{ secrets.key }}", n: "${{ secrets.key }}!"}, headers: {X-Token: "${{ secrets.key }}"}}}
`))
	b.write("opsctl.yaml", "state-dir: state\n")
	said := b.want(0, "run", "r.yaml", "-p", "token="+secret, "--dry-run", "--diff")
	if !strings.Contains(said, "+token=***") {
		t.Errorf("the line is not shown:\n%s", said)
	}
	said += b.want(1, "run", "r.yaml", "-p", "token="+secret, "--output", "plain", "-vv") + b.want(0, "show") + b.want(0, "logs")
	text, err := os.ReadFile(filepath.Join(b.dir, "app.conf"))
	if err != nil || string(text) != "token="+secret+"\n" {
		t.Errorf("%v %q", err, text)
	}
	for _, want := range []string{"it is ***", "/?t=***: status 403 Forbidden: no such token: ***", "POST " + site.URL + ": status 403 Forbidden: no such token: ***", "PUT " + site.URL + ": status 403 Forbidden: no such token: ***"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q", want)
		}
	}
	if strings.Contains(said, secret) || strings.Contains(said, key) {
		t.Errorf("it tells a secret")
	}
	out, err := exec.Command("grep", "-rl", "-e", secret, "-e", key, filepath.Join(b.dir, "state")).Output()
	if len(out) != 0 {
		t.Errorf("a secret is kept in %s (%v)", out, err)
	}
	if t.Failed() {
		t.Log(said)
	}
}
