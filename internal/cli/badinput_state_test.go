package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunsThatAreOver(t *testing.T) {
	b := newBench(t, 1)
	b.write("r.yaml", "name: r\nhosts: web\nsteps: [{id: a, run: echo hi >> log, rollback: echo back >> log}]\n")
	b.want(0, "run", "r.yaml")
	b.want(0, "run", "r.yaml")
	b.says(64, []string{"is over: succeeded", "opsctl rollback"}, "resume")
	b.says(64, []string{"opsctl history"}, "show", "01")
	b.says(6, []string{"--yes"}, "rollback")
	b.want(0, "rollback", "--yes")
	b.wantLog("hi\nhi\nback\n")
	out := b.want(0, "rollback", "--yes")
	readable(t, out, nil)
	b.wantLog("hi\nhi\nback\n")
	b.says(64, []string{"web9"}, "rollback", "--yes", "--limit", "web9")
	b.says(64, []string{"db1"}, "rollback", "--yes", "--limit", "db1")
	b.says(64, []string{`"last:nope"`}, "show", "last:nope")
}

func TestChangedRunbookIsNotResumed(t *testing.T) {
	opsctl := binary(t)
	b := slowBench(t)
	cmd, _ := b.start(opsctl, "run", "slow.yaml")
	b.begun()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	b.letGo()
	b.write("slow.yaml", strings.Replace(slow, "echo two", "echo three", 1))
	b.says(65, []string{"slow.yaml was changed since", "line 7", "echo three", "hint:"}, "resume")
	b.write("slow.yaml", slow)
	b.says(65, []string{`"x"`}, "resume", "-p", "x=1")
	b.want(0, "resume")
	b.wantLog("one\ntwo\n")
}

func TestOneLock(t *testing.T) {
	opsctl := binary(t)
	b := slowBench(t)
	cmd, out := b.start(opsctl, "run", "slow.yaml", "--output", "plain")
	b.begun()
	b.says(7, []string{"is held by run", "slow", fmt.Sprint(cmd.Process.Pid)}, "run", "slow.yaml")
	b.says(0, []string{"skipped:", "is held by"}, "run", "slow.yaml", "--on-locked", "skip")
	b.says(7, []string{"is held by"}, "run", "slow.yaml", "--on-locked", "wait=100ms")
	b.says(7, []string{"opsctl show"}, "resume")
	waiting, waited := b.start(opsctl, "run", "slow.yaml", "--on-locked", "wait", "--output", "plain")
	b.letGo()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if err := waiting.Wait(); err != nil {
		t.Errorf("%v\n%s", err, waited)
	}
	b.wantLog("one\ntwo\none\ntwo\n")
}

func TestStateDirectoryUnusable(t *testing.T) {
	b := newBench(t, 1)
	b.write("r.yaml", touchLog)
	b.write("file", "")
	if err := os.Mkdir(filepath.Join(b.dir, "open"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(b.dir, "open"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(b.dir, "torn"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.write("torn/store.db", "this is no database, but a text that somebody put here by mistake, and it is long enough to be a header")
	b.says(74, []string{"/file", "hint:"}, "run", "r.yaml", "--state-dir", "file")
	b.says(74, []string{"/file", "hint:"}, "run", "r.yaml", "--state-dir", "file/below")
	b.says(74, []string{"open", "0777", "chmod 700"}, "run", "r.yaml", "--state-dir", "open")
	b.says(74, []string{"torn", "hint:"}, "run", "r.yaml", "--state-dir", "torn")
	if os.Geteuid() == 0 {
		other := filepath.Join(b.dir, "other")
		if err := os.Mkdir(other, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(other, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		b.says(74, []string{"belongs to user 12345", "--state-dir"}, "run", "r.yaml", "--state-dir", "other")
	}
	b.wantLog("")
}

// mount gives a file system of its own, where that is allowed.
func (b *bench) mount(name, options string) string {
	b.Helper()
	dir := filepath.Join(b.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", options, "tmpfs", dir).CombinedOutput(); err != nil {
		b.Skipf("cannot mount here: %v %s", err, out)
	}
	b.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir
}

func TestReadOnlyState(t *testing.T) {
	b := newBench(t, 1)
	b.write("r.yaml", touchLog)
	dir := b.mount("ro", "ro,mode=0700")
	b.says(74, []string{dir, "read-only", "hint:"}, "run", "r.yaml", "--state-dir", dir)
	b.wantLog("")
}

// The steps fill the disk of the journal themselves: once, which the space set aside bears, and
// once more.
func TestFullDisk(t *testing.T) {
	b := newBench(t, 1)
	dir := b.mount("small", "size=4m,mode=0700")
	b.write("r.yaml", fmt.Sprintf(`
name: r
hosts: web
on_failure: stop
steps:
  - {id: a, run: 'head -c 20000000 /dev/zero > %[1]s/fill1 || echo a >> log'}
  - {id: b, run: 'head -c 20000000 /dev/zero > %[1]s/fill2 || echo b >> log'}
  - {id: c, run: 'head -c 300000 /dev/urandom | base64; echo c >> log'}
  - {id: d, run: 'head -c 300000 /dev/urandom | base64; echo d >> log'}
`, dir))
	out := b.says(74, []string{"space", "opsctl resume", "not all output"}, "run", "r.yaml", "--state-dir", dir)
	before := b.file("web1", "log")
	for _, file := range []string{"fill1", "fill2"} {
		if err := os.Remove(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
	code, resumed, errs := b.opsctl("resume", "--state-dir", dir)
	if code != 0 {
		t.Errorf("with space again: exit %d\n%s%s\nbefore:\n%s", code, resumed, errs, out)
	}
	if log := b.file("web1", "log"); log != "a\nb\nc\nd\n" || !strings.HasPrefix(log, before) {
		t.Errorf("log %q, and before the resume %q", log, before)
	}
	full := b.mount("full", "size=4k,mode=0700")
	b.says(74, []string{"space"}, "run", "r.yaml", "--state-dir", full)
}
