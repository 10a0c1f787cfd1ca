package supervisor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// The tests named TestFault_NN are the rows of docs/reliability.md.

func TestFault_54_WhatEscapedIsNamed(t *testing.T) {
	if !exists("/proc/self/environ")() {
		t.Skip("there is no /proc to find processes by their environment")
	}
	each(t, func(t *testing.T, b *bed) {
		mark := filepath.Join(t.TempDir(), "pid")
		e, _, _ := b.run("escape", executor.Command{
			Script:  "setsid sh -c 'echo $$ >" + mark + "; exec sleep 60' >/dev/null 2>&1 & sleep 60",
			Timeout: 500 * time.Millisecond, KillAfter: 200 * time.Millisecond,
		})
		pid, err := os.ReadFile(mark)
		if err != nil {
			t.Fatal(err)
		}
		left := strings.TrimSpace(string(pid))
		if !e.TimedOut || e.Exit != 143 || e.Message != "it was ended, but what left its session lives on: process "+left {
			t.Errorf("%+v, and %s escaped", e, left)
		}
		b.run("clean", executor.Command{Script: "kill " + left})
		if e, _, _ := b.run("none", executor.Command{Script: "sleep 60", Timeout: 200 * time.Millisecond}); e != (executor.Ending{Exit: 143, TimedOut: true}) {
			t.Errorf("nothing escaped: %+v", e)
		}
	})
}

// What a step prints without end is given back to the disk but for its ends, which is all that is read.
func TestFault_55_EndlessOutputDoesNotFillTheDisk(t *testing.T) {
	if _, err := exec.LookPath("fallocate"); err != nil {
		t.Skip("no fallocate: install util-linux")
	}
	b := newBed(t)
	b.o.SpoolMax = streamMax + 1<<20
	b.Host = NewHost(b.link, b.o)
	const size = streamMax + 8<<20
	var got bytes.Buffer
	file := filepath.Join(b.o.StateDir, b.o.RunID, "flood.o")
	e := b.Run(context.Background(), executor.Attempt{ID: "flood", Command: executor.Command{
		// It prints all but the last line, and waits until the middle is gone: du counts what lies on the disk.
		Script: fmt.Sprintf(`printf head; head -c %d /dev/zero
n=0
while [ "$(du -k %s | cut -f1)" -gt %d ]; do n=$((n + 1)); [ $n -lt 200 ] || exit 9; sleep 0.1; done
echo tail`, size, quote(file), streamMax>>10+1024),
	}}, func(_ executor.Stream, p []byte) { got.Write(p) })
	if e.Exit == 9 && e.Verdict == executor.Ended {
		if err := exec.Command("fallocate", "-p", "-o", "0", "-l", "4096", file).Run(); err != nil {
			t.Skip("this file system gives nothing back: ", err)
		}
	}
	if e != (executor.Ending{}) || !bytes.HasPrefix(got.Bytes(), []byte("head")) || !bytes.HasSuffix(got.Bytes(), []byte("\x00tail\n")) {
		t.Errorf("%+v, %d bytes", e, got.Len())
	}
	if want := leftOut(size + 9 - streamMax); !bytes.Contains(got.Bytes(), []byte(want)) {
		t.Errorf("it does not say %q", want)
	}
}

func TestFault_56_BytesAreBytes(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		body := make([]byte, 300_000)
		if _, err := rand.Read(body); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "body")
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
		if e, out, errs := b.run("bytes", executor.Command{Script: "cat " + file + "; cat " + file + " >&2"}); e != (executor.Ending{}) || out != string(body) || errs != string(body) {
			t.Errorf("%+v, %d and %d bytes", e, len(out), len(errs))
		}
	})
}

func TestFault_57_OneLongLine(t *testing.T) {
	b := newBed(t)
	const size = 40 << 20
	largest, total := 0, 0
	e := b.Run(context.Background(), executor.Attempt{ID: "line", Command: executor.Command{
		Script: fmt.Sprintf(`head -c %d /dev/zero | tr '\0' x`, size),
	}}, func(_ executor.Stream, p []byte) {
		total += len(p)
		largest = max(largest, len(p))
		if bytes.Trim(p, "x") != nil && len(bytes.Trim(p, "x")) > 0 {
			t.Errorf("there is %.20q in it", bytes.Trim(p, "x"))
		}
	})
	if e != (executor.Ending{}) || total != size || largest > chunkMax {
		t.Errorf("%+v, %d bytes, %d at once", e, total, largest)
	}
}

// Every signal that ends a process is told as what a shell makes of it; one that stops it is ended by the deadline.
func TestFault_58_EverySignal(t *testing.T) {
	ignored := map[int]bool{17: true, 18: true, 23: true, 28: true}
	stops := map[int]bool{19: true, 20: true, 21: true, 22: true}
	b := newBed(t)
	for n := 1; n <= 31; n++ {
		want := executor.Ending{Exit: 128 + n}
		c := executor.Command{Script: fmt.Sprintf("ulimit -c 0; kill -%d $$; exit 0", n)}
		switch {
		case ignored[n] || signal.Ignored(syscall.Signal(n)): // the latter of who started us, as by nohup
			want.Exit = 0
		case stops[n] && n != 19: // a process group that nobody waits for is not stopped from a terminal
			continue
		case stops[n]:
			c.Timeout, c.KillAfter = 200*time.Millisecond, 200*time.Millisecond
			want = executor.Ending{Exit: 137, TimedOut: true}
		}
		if e, _, _ := b.run(fmt.Sprint("s", n), c); e != want {
			t.Errorf("signal %d: %+v", n, e)
		}
	}
}

// mounted gives a directory on a file system of its own.
func mounted(t *testing.T, options string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "mounted")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("mount", "-t", "tmpfs", "-o", options, "none", dir).Run(); err != nil {
		t.Skip("no file system can be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := exec.Command("umount", "-l", dir).Run(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func (b *bed) at(dir string) *bed {
	b.o.StateDir = dir
	b.Host = NewHost(b.link, b.o)
	return b
}

// The disk fills up under a step: its end is on record all the same, and it is told that output is missing.
func TestFault_63_TheDiskFillsUpUnderAStep(t *testing.T) {
	b := newBed(t).at(filepath.Join(mounted(t, "size=256k"), "s"))
	facts := b.ready()
	e, _, _ := b.run("fill", executor.Command{Script: "head -c 1M /dev/zero || :; exit 7"})
	if e.Verdict != executor.Ended || e.Exit != 7 {
		t.Errorf("%+v", e)
	}
	if err := os.Truncate(filepath.Join(facts.RunDir, "fill.o"), 0); err != nil {
		t.Fatal(err)
	}
	// The log has room up to the end of a page. This step leaves five bytes of it, and nothing else.
	e, _, _ = b.run("last", executor.Command{Script: `cd "$OPSCTL_RUN_DIR"
{ head -c $((4090 - $(cat P.* | wc -c))) /dev/zero | tr '\0' x; echo; } >>"$(echo P.*)"
head -c 1M /dev/zero || :
exit 7`})
	if e.Verdict != executor.Ended || e.Exit != 7 || e.Class != "disk-full" || e.Hint == "" {
		t.Errorf("%+v", e)
	}
	for _, id := range []string{"fill", "last"} {
		if e := b.again().Settle(context.Background(), attempt(id, ""), facts.Boot, nil); e.Verdict != executor.Ended || e.Exit != 7 {
			t.Errorf("asked again for %s: %+v", id, e)
		}
	}
}

func TestFault_64_NothingIsExecutedFromTheDisk(t *testing.T) {
	dir := mounted(t, "noexec,size=1m")
	b := newBed(t).at(filepath.Join(dir, "s"))
	b.link.env = append(b.link.env, "HOME="+dir, "TMPDIR="+dir)
	long := strings.Repeat("# a long script goes by a file\n", 8000)
	if e, out, err := b.run("x", executor.Command{Script: long + "echo ran"}); e != (executor.Ending{}) || out != "ran\n" {
		t.Errorf("%+v %q %q", e, out, err)
	}
	if _, err := b.Stage(context.Background(), "", "files", nil); err != nil {
		t.Error(err)
	}
}

func TestFault_65_NoWritableDirectory(t *testing.T) {
	dir := mounted(t, "ro,size=64k")
	b := newBed(t).at(filepath.Join(dir, "s"))
	refusedAs(t, "read-only", b, "no-run-directory")
	var h heardOf
	if e := b.Ask(context.Background(), executor.Command{Script: "echo read"}, h.sink); e != (executor.Ending{}) || h.out.String() != "read\n" {
		t.Errorf("reads need none: %+v", e)
	}
}

// As BSD and macOS have it: no /proc, and processes told by ps. (That ps is made of a /proc hidden elsewhere.)
func TestFault_66_WithoutProc(t *testing.T) {
	dir := t.TempDir()
	ps := "#!/bin/sh\nfor pid; do :; done\nread -r stat <" + dir + "/proc/$pid/stat || exit 1\n" +
		"stat=${stat##*') '}\nset -- $stat\necho \"$1 $2 Mon Jan ${20}\"\n"
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "proc"), 0o700), os.WriteFile(filepath.Join(dir, "ps"), []byte(ps), 0o700)); err != nil {
		t.Fatal(err)
	}
	hide := "mount --bind /proc " + dir + "/proc && mount -t tmpfs none /proc"
	if out, err := exec.Command("unshare", "-m", "sh", "-c", hide).CombinedOutput(); err != nil {
		t.Skip("no mount namespace can be made here: ", err, string(out))
	}
	b := newBed(t, "unshare", "-m", "sh", "-c", hide+" && PATH="+dir+":$PATH exec sh")
	facts := b.ready()
	if e, out, _ := b.run("plain", executor.Command{Script: "[ ! -e /proc/1 ] && echo ok"}); e != (executor.Ending{}) || out != "ok\n" {
		t.Fatalf("%+v %q", e, out)
	}
	if e, _, _ := b.run("late", executor.Command{Script: "sleep 60", Timeout: 200 * time.Millisecond}); e != (executor.Ending{Exit: 143, TimedOut: true}) {
		t.Errorf("%+v", e)
	}
	if e := b.again().Settle(context.Background(), attempt("plain", ""), facts.Boot, nil); e != (executor.Ending{}) {
		t.Errorf("%+v", e)
	}
	gate := filepath.Join(dir, "gate")
	go func() {
		until(t, "began", exists(gate+".began"))
		b.link.cut()
		_ = os.WriteFile(gate, nil, 0o600)
	}()
	if e, out, _ := b.run("cut", executor.Command{Script: "touch " + gate + ".began; until [ -e " + gate + " ]; do sleep 0.05; done; echo end; exit 4"}); e != (executor.Ending{Exit: 4}) || out != "end\n" {
		t.Errorf("%+v %q", e, out)
	}
}

func TestFault_71_MemoryRunsOut(t *testing.T) {
	group, limit := "/sys/fs/cgroup/opsctl-test-"+token(), "memory.max"
	if exists("/sys/fs/cgroup/memory")() {
		group, limit = "/sys/fs/cgroup/memory/opsctl-test-"+token(), "memory.limit_in_bytes"
	}
	if err := os.Mkdir(group, 0o700); err != nil {
		t.Skip("no control group can be made here: ", err)
	}
	t.Cleanup(func() { _ = os.Remove(group) })
	if err := os.WriteFile(filepath.Join(group, limit), []byte("16000000"), 0o600); err != nil {
		t.Skip("the memory of a control group cannot be limited here: ", err)
	}
	b := newBed(t)
	// tail keeps a line until its end.
	e, _, _ := b.run("oom", executor.Command{Script: "echo $$ >" + group + "/cgroup.procs; exec tail /dev/zero"})
	if e != (executor.Ending{Exit: 137}) {
		t.Errorf("%+v", e)
	}
	if e, _, _ := b.run("next", executor.Command{Script: "exit 4"}); e != (executor.Ending{Exit: 4}) {
		t.Errorf("the supervisor did not live through it: %+v", e)
	}
}

// What logind does with KillUserProcesses when the connection is gone: the step and its supervisor are killed at once.
func TestFault_73_AllOfTheUserIsKilled(t *testing.T) {
	b := newBed(t)
	b.ready()
	mark := filepath.Join(t.TempDir(), "pid")
	go func() {
		until(t, "began", exists(mark))
		shells := b.link.shells()
		b.link.cut()
		for _, s := range shells {
			_ = syscall.Kill(-s.pid, syscall.SIGKILL)
		}
		text, _ := os.ReadFile(mark)
		if pid, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			_ = syscall.Kill(-pid, syscall.SIGKILL)
		}
	}()
	e, _, _ := b.run("k", executor.Command{Script: "echo $$ >" + mark + ".new; mv " + mark + ".new " + mark + "; sleep 60"})
	if e.Verdict != executor.NotLearned || e.Class != "supervisor" || !strings.Contains(e.Hint, "enable-linger") {
		t.Errorf("%+v", e)
	}
}

// A log that speaks of numbers which others have by now: nobody is killed for it.
func TestFault_74_AProcessNumberIsAnothers(t *testing.T) {
	b := newBed(t)
	facts := b.ready()
	stranger := exec.Command("sleep", "60")
	stranger.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := stranger.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stranger.Wait() }()
	defer func() { _ = stranger.Process.Kill() }()
	log := fmt.Sprintf("A %d 1 %s\nR old .\nS old %d 1 1\n", os.Getpid(), facts.Boot, stranger.Process.Pid)
	if err := errors.Join(os.WriteFile(filepath.Join(facts.RunDir, "P.forged"), []byte(log), 0o600), os.WriteFile(filepath.Join(facts.RunDir, "old.o"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	got, err := b.inquire(context.Background(), "", "K old KILL c .\n", noiseMax)
	if err != nil || strings.Join(got.words, " ") != "K gone" {
		t.Errorf("%q, %v", got.words, err)
	}
	if e := b.Settle(context.Background(), attempt("old", ""), facts.Boot, nil); e.Verdict != executor.NotLearned || e.Class != "supervisor" {
		t.Errorf("%+v", e)
	}
	if err := stranger.Process.Signal(syscall.Signal(0)); err != nil {
		t.Errorf("the stranger is gone: %v", err)
	}
}

// The clock of the host is years ahead: deadlines count seconds, and nothing young is swept away.
func TestFault_75_TheClockOfTheHostIsWrong(t *testing.T) {
	if _, err := exec.LookPath("faketime"); err != nil {
		t.Skip("no faketime: install faketime")
	}
	b := newBed(t, "faketime", "-f", "+1000d", "sh")
	b.o.Sweep = true
	b.Host = NewHost(b.link, b.o)
	facts := b.ready()
	if e, out, err := b.run("x", executor.Command{Script: `[ "$(date +%Y)" -gt ` + fmt.Sprint(time.Now().Year()+1) + ` ] && echo later`}); e != (executor.Ending{}) || out != "later\n" {
		t.Fatalf("%+v %q %q", e, out, err)
	}
	if e, _, _ := b.run("late", executor.Command{Script: "sleep 60", Timeout: 200 * time.Millisecond}); e != (executor.Ending{Exit: 143, TimedOut: true}) {
		t.Errorf("%+v", e)
	}
	if e := b.again().Settle(context.Background(), attempt("x", ""), facts.Boot, nil); e != (executor.Ending{}) {
		t.Errorf("%+v", e)
	}
}

// A user who may have few processes: wherever the limit falls, what is said is true.
func TestFault_76_NoFurtherProcess(t *testing.T) {
	const user = 61234 // has no processes but these
	for _, argv := range [][]string{{"dash"}, {"busybox", "sh"}} {
		for limit := 1; limit <= 5; limit++ {
			t.Run(fmt.Sprint(argv[0], limit), func(t *testing.T) { fewProcesses(t, user, limit, argv) })
		}
	}
}

func fewProcesses(t *testing.T, user, limit int, argv []string) {
	id := strconv.Itoa(user)
	limited := append([]string{"setpriv", "--reuid=" + id, "--regid=" + id, "--clear-groups", "prlimit", "--nproc=" + strconv.Itoa(limit)}, argv...)
	if out, err := exec.Command(limited[0], append(limited[1:], "-c", ":")...).CombinedOutput(); err != nil {
		t.Skip("nobody else can be become here: ", err, string(out))
	}
	home, err := os.MkdirTemp("", "home")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	effects := filepath.Join(home, "effects")
	if err := os.Chown(home, user, user); err != nil {
		t.Fatal(err)
	}
	b := newBed(t, limited...)
	b.o.ReconnectMax = 100 * time.Millisecond
	b.at(filepath.Join(home, "s"))
	for n := range 3 {
		e, _, _ := b.run(fmt.Sprint("step", n), executor.Command{Script: fmt.Sprintf("echo %d >>%s; exit 7", n, effects), Timeout: 20 * time.Second})
		text, err := os.ReadFile(effects)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		ran := strings.Contains(string(text), fmt.Sprintln(n))
		t.Logf("step %d: ran %v, %+v", n, ran, e)
		if e.Verdict == executor.NeverRan && ran || e.Verdict == executor.Ended && (!ran || e.Exit != 7) {
			t.Errorf("step %d: ran %v, and it is said %+v", n, ran, e)
		}
	}
}
