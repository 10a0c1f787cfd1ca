package action

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// daemonScript is an init script of a real daemon, as a package would bring it.
const daemonScript = `#!/bin/sh
### BEGIN INIT INFO
# Provides:          NAME
# Required-Start:    $remote_fs
# Required-Stop:     $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: a daemon that sleeps
### END INIT INFO
pid=DIR/pid
alive() { [ -s "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }
start() { echo started >>DIR/log; sh -c 'echo $$ >DIR/pid; exec sleep 600' </dev/null >/dev/null 2>&1 & while ! alive; do sleep 0.01; done; }
stop() { echo stopped >>DIR/log; ! alive || kill "$(cat "$pid")"; rm -f "$pid"; }
case $1 in
start) [ ! -e DIR/broken ] || { echo 'no licence was found'; exit 7; }; alive || start ;;
stop) stop ;;
restart) stop; start ;;
reload) alive || exit 7; echo reloaded >>DIR/log ;;
status) alive && exit 0; [ -e DIR/broken ] && echo 'it has no licence'; exit 3 ;;
*) exit 2 ;;
esac
`

// daemon installs a service for the time of a test. Only root can, and only where systemd does not run.
func daemon(t *testing.T, name string) (dir string) {
	t.Helper()
	for _, program := range []string{"service", "update-rc.d"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("not installed: ", program)
		}
	}
	if os.Getuid() != 0 {
		t.Skip("only root can install an init script")
	}
	if _, err := os.Stat("/run/systemd/system"); err == nil {
		t.Skip("systemd runs here")
	}
	dir = t.TempDir()
	script := "/etc/init.d/" + name
	if err := os.WriteFile(script, []byte(strings.NewReplacer("NAME", name, "DIR", dir).Replace(daemonScript)), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command(script, "stop").Run() // it may have ended already
		if out, err := exec.Command("update-rc.d", "-f", name, "remove").CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		if err := os.Remove(script); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// bootLinks are what the service manager knows of a service at boot.
func bootLinks(t *testing.T, name string) string {
	t.Helper()
	links, err := filepath.Glob("/etc/rc?.d/[SK]??" + name)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(links, " ")
}

func TestServiceOfAnInitScript(t *testing.T) {
	name := fmt.Sprintf("opsctl-test-%d", os.Getpid())
	dir := daemon(t, name)
	m := newMachine(t, []string{"sh"})
	running := func() bool {
		err := exec.Command("/etc/init.d/"+name, "status").Run()
		return err == nil
	}
	step := func(rest string) *serving {
		return work(t, dir, fmt.Sprintf("service: {name: %s, %s}", name, rest)).(*serving)
	}
	for i, c := range []struct {
		given, rest, diff string
		runs, on          bool
	}{
		{"stop", "state: started, enabled: true", "~ NAME: inactive → started\n~ NAME: disabled → enabled at boot\n", true, true},
		{"stop", "state: started", "~ NAME: inactive → started\n", true, false},
		{"start", "state: stopped", "~ NAME: active → stopped\n", false, false},
		{"start", "enabled: true", "~ NAME: disabled → enabled at boot\n", true, true},
	} {
		if out, err := exec.Command("/etc/init.d/"+name, c.given).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		ran, links := running(), bootLinks(t, name)
		w, key := step(c.rest), fmt.Sprint("k", i)
		p, said := m.do(t, w, key)
		if said != "" || p.Diff != strings.ReplaceAll(c.diff, "NAME", name) || running() != c.runs || strings.Contains(bootLinks(t, name), "/S") != c.on {
			t.Errorf("%s: %s\n%s runs %v, boot %q", c.rest, said, p.Diff, running(), bootLinks(t, name))
		}
		if p, said := m.do(t, w, key); !p.Same || said != "" {
			t.Errorf("%s: again: %+v %s", c.rest, p, said)
		}
		for range 2 {
			if said := m.script(w.Undo(key)); said != "" || running() != ran || bootLinks(t, name) != links {
				t.Errorf("%s: undo: %s, runs %v, boot %q instead of %q", c.rest, said, running(), bootLinks(t, name), links)
			}
		}
	}
	log := func() string {
		text, err := os.ReadFile(filepath.Join(dir, "log"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := log()
	for _, state := range []string{"restarted", "reloaded"} {
		p, said := m.do(t, step("state: "+state), state)
		if p.Same || said != "" || p.Diff != "~ "+name+": "+state+"\n" {
			t.Errorf("%s: %+v %s", state, p, said)
		}
	}
	if got := strings.TrimPrefix(log(), before); got != "stopped\nstarted\nreloaded\n" {
		t.Errorf("the daemon was told %q", got)
	}
	put(t, dir, map[string]string{"broken": ""})
	if _, said := m.do(t, step("state: stopped"), "s"); said != "" {
		t.Error(said)
	}
	_, said := m.do(t, step("state: started"), "b")
	for _, want := range []string{"no licence was found", "it has no licence", "cannot start " + name + ": exit status 7"} {
		if !strings.Contains(said, want) {
			t.Errorf("it does not say %q: %s", want, said)
		}
	}
	w := work(t, dir, "service: {name: nowhere-to-be-seen, state: started}")
	if _, said := m.do(t, w, "n"); !strings.Contains(said, "cannot find the service nowhere-to-be-seen: systemd does not run here, and there is no /etc/init.d/nowhere-to-be-seen") {
		t.Error(said)
	}
}

// systemctl stands in for the real one, which answers only where systemd was booted: it takes the
// same words, keeps each property of its one unit in a file, and notes what it is told to do.
const systemctl = `#!/bin/sh
d=DIR
[ "$1" = is-system-running ] && { echo degraded; exit 1; }
[ "$1" = daemon-reload ] && { echo "$*" >>$d/log; echo no >$d/NeedDaemonReload; exit 0; }
for name; do :; done
case $*:$name in
"show -p "*:app.service) echo "$3=$(cat "$d/$3")" ;;
"show -p LoadState "*) echo LoadState=not-found ;;
"is-enabled app.service":*) cat $d/UnitFileState; [ "$(cat $d/UnitFileState)" = enabled ] ;;
"status --no-pager -l -n 20 app.service":*) echo 'app[1]: no licence was found' ;;
"start app.service":* | "restart app.service":*) echo "$*" >>$d/log; [ ! -e $d/broken ] || exit 5; echo active >$d/ActiveState ;;
"stop app.service":*) echo "$*" >>$d/log; echo inactive >$d/ActiveState ;;
"enable app.service":*) echo "$*" >>$d/log; echo enabled >$d/UnitFileState ;;
"disable app.service":*) echo "$*" >>$d/log; echo disabled >$d/UnitFileState ;;
"reload app.service":*) echo "$*" >>$d/log ;;
*) echo "systemctl was told: $*" >&2; exit 64 ;;
esac
`

func TestServiceOfSystemd(t *testing.T) {
	shells(t, func(t *testing.T, m *machine) {
		for _, c := range []struct {
			active, boot, rest, diff, log, undo string
		}{
			{"inactive", "disabled", "state: started, enabled: true", "~ app.service: inactive → started\n~ app.service: disabled → enabled at boot\n", "enable start", "stop disable"},
			{"failed", "enabled", "state: started", "~ app.service: inactive → started\n", "start", "stop"},
			{"active", "enabled", "state: stopped, enabled: false", "~ app.service: active → stopped\n~ app.service: enabled → disabled at boot\n", "disable stop", "start enable"},
			{"activating", "static", "state: started, enabled: true", "~ app.service: activating → started\n", "start", ""},
			{"active", "static", "state: started, enabled: false", "", "", ""},
			{"active", "enabled", "state: restarted", "~ app.service: restarted\n", "restart", ""},
			{"active", "enabled", "state: reloaded", "~ app.service: reloaded\n", "reload", ""},
			{"inactive", "disabled", "state: restarted, enabled: true", "~ app.service: restarted\n~ app.service: disabled → enabled at boot\n", "enable restart", "disable"},
		} {
			dir, bin := t.TempDir(), t.TempDir()
			if err := os.WriteFile(filepath.Join(bin, "systemctl"), []byte(strings.ReplaceAll(systemctl, "DIR", dir)), 0o755); err != nil {
				t.Fatal(err)
			}
			here := *m
			here.path = bin + ":" + m.path
			put(t, dir, map[string]string{"LoadState": "loaded", "ActiveState": c.active, "UnitFileState": c.boot, "NeedDaemonReload": "yes", "log": ""})
			done := func() string {
				text, err := os.ReadFile(filepath.Join(dir, "log"))
				if err != nil {
					t.Fatal(err)
				}
				put(t, dir, map[string]string{"log": ""})
				return strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(string(text), " app.service", ""), "\n", " "))
			}
			w, key := work(t, dir, "service: {name: app.service, "+c.rest+"}"), "k"+filepath.Base(dir)
			p, said := here.do(t, w, key)
			log := strings.TrimPrefix(done(), "daemon-reload ")
			if said != "" || p.Diff != c.diff || log != c.log || p.Same != (c.log == "") {
				t.Errorf("%s: %s %q, it did %q", c.rest, said, p.Diff, log)
			}
			if c.log == "" {
				continue
			}
			if said := here.script(w.Undo(key)); said != "" {
				t.Errorf("%s: undo: %s", c.rest, said)
			}
			if log := done(); log != c.undo {
				t.Errorf("%s: the undo did %q", c.rest, log)
			}
			put(t, dir, map[string]string{"broken": "", "ActiveState": "inactive"})
			if _, said := here.do(t, work(t, dir, "service: {name: app.service, state: started}"), "b"); !strings.Contains(said, "no licence was found") || !strings.Contains(said, "cannot start app.service: exit status 5") {
				t.Errorf("it does not say why: %s", said)
			}
			if _, said := here.do(t, work(t, dir, "service: {name: other, state: started}"), "o"); !strings.Contains(said, "systemd knows no such unit") {
				t.Error(said)
			}
		}
	})
}
