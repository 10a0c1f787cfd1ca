package view

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

const sceneVar = "OPSCTL_VIEW_SCENE"

type sceneT struct{ testing.TB }

func (sceneT) Helper() {}
func (sceneT) Fatal(args ...any) {
	panic(fmt.Sprint(args...))
}

func (sceneT) Fatalf(format string, args ...any) {
	panic(fmt.Sprintf(format, args...))
}

// scene is this test program as the program at the terminal: it shows a run, and goes on with it
// when a file appears in the directory that the environment names.
func scene() bool {
	dir := os.Getenv(sceneVar)
	if dir == "" {
		return false
	}
	await := func(name string) {
		for range 6000 {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		os.Exit(9)
	}
	if err := os.WriteFile(filepath.Join(dir, "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		panic(err)
	}
	v := New(Options{Out: os.Stdout, Err: os.Stderr, Mode: ModeTUI}, testPlan(sceneT{}, deploy, "web[1:6]"), testInfo)
	defer v.Close()
	batches(v, trace(sceneT{}, running))
	ref := executor.AttemptRef{Op: run.Op{Host: "web2", Step: "switch/link"}, Act: run.Do, Number: 1}
	v.Output(ref, executor.Stdout, []byte("evil \x1b]0;owned\x07\x1b[2J title\n"))
	await("ask")
	resume := v.Suspend()
	fmt.Fprintln(os.Stderr, "a question?")
	await("answer")
	resume()
	await("end")
	all := trace(sceneT{}, rolledBack)
	batches(v, all[len(trace(sceneT{}, running)):])
	if os.Getenv(sceneVar+"_PANIC") != "" {
		panic("a bug")
	}
	v.Finish(Ledger{})
	return true
}

// terminal is a tmux of our own, with one window in which the scene plays.
type terminal struct {
	t      *testing.T
	socket string
	dir    string
}

func newTerminal(t *testing.T, width, height int, env string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tmux is needed to test the live screen")
		}
		t.Skip("no tmux here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	term := &terminal{t: t, socket: filepath.Join(dir, "tmux"), dir: dir}
	shell := "env -u CI -u NO_COLOR " + env + " " + sceneVar + "=" + dir + " " + self + "; echo ended with $?; exec cat"
	term.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), "echo before; "+shell)
	t.Cleanup(func() { term.tmux("kill-server") })
	return term
}

func (term *terminal) tmux(args ...string) string {
	term.t.Helper()
	cmd := exec.Command("tmux", append([]string{"-u", "-S", term.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	if err != nil {
		term.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (term *terminal) touch(name string) {
	term.t.Helper()
	if err := os.WriteFile(filepath.Join(term.dir, name), nil, 0o600); err != nil {
		term.t.Fatal(err)
	}
}

func (term *terminal) pid() string {
	term.t.Helper()
	pid, err := os.ReadFile(filepath.Join(term.dir, "pid"))
	if err != nil {
		term.t.Fatal(err)
	}
	return string(pid)
}

func (term *terminal) signal(name string) {
	term.t.Helper()
	if out, err := exec.Command("kill", "-"+name, term.pid()).CombinedOutput(); err != nil {
		term.t.Fatalf("kill: %v: %s", err, out)
	}
}

func (term *terminal) stopped() bool {
	term.t.Helper()
	out, err := exec.Command("ps", "-o", "stat=", "-p", term.pid()).Output()
	if err != nil {
		term.t.Fatal(err)
	}
	return strings.HasPrefix(string(out), "T")
}

// await waits until the screen is as it should be, and gives it.
func (term *terminal) await(what string, holds func(screen string) bool) string {
	term.t.Helper()
	var screen string
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if screen = term.tmux("capture-pane", "-p"); holds(screen) {
			return screen
		}
	}
	term.t.Fatalf("the screen never showed %s:\n%s", what, screen)
	return ""
}

// clean tells whether a screen is one frame and nothing else.
func clean(width int) func(string) bool {
	return func(screen string) bool {
		lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		for _, line := range lines {
			if len([]rune(line)) > width {
				return false
			}
		}
		return strings.HasPrefix(screen, "rolling-deploy  01JAB3C") && strings.Count(screen, "rolling-deploy") == 1 &&
			strings.Count(screen, "wave 2 of 3") == 1 && strings.Count(screen, "upload") == 1 && strings.Count(screen, "finally") == 1 &&
			strings.Count(screen, "↻ web2  link") == 1 && !strings.Contains(screen, "before")
	}
}

func TestScreenAtATerminal(t *testing.T) {
	if testing.Short() {
		t.Skip("plays at a terminal")
	}
	term := newTerminal(t, 80, 24, "")
	screen := term.await("the run", clean(80))
	if !strings.Contains(screen, "web1  web2  web3") || !strings.Contains(screen, "evil ␛]0;owned␇␛[2J title") {
		t.Errorf("got\n%s", screen)
	}
	for _, size := range [][2]int{{40, 24}, {120, 40}, {60, 16}, {40, 20}, {80, 24}} {
		term.tmux("resize-window", "-x", fmt.Sprint(size[0]), "-y", fmt.Sprint(size[1]))
		screen := term.await(fmt.Sprintf("one clean frame at %v", size), clean(size[0]))
		if lines := strings.Count(strings.TrimRight(screen, "\n"), "\n") + 1; lines > size[1] {
			t.Errorf("%v: %d lines", size, lines)
		}
	}
	term.tmux("send-keys", "garbage typed", "Enter", "Enter")
	term.await("the frame healed", clean(80))
	if got := strings.TrimSpace(term.tmux("display-message", "-p", "#{cursor_flag} #{alternate_on}")); got != "0 1" {
		t.Errorf("the cursor is to be hidden, on the alternate screen: %s", got)
	}

	term.signal("TSTP")
	term.await("what was there before", func(s string) bool { return strings.HasPrefix(s, "before") && term.stopped() })
	term.signal("CONT")
	term.await("the frame after the stop", clean(80))

	term.touch("ask")
	term.await("the question alone", func(s string) bool {
		return strings.Contains(s, "a question?") && !strings.Contains(s, "wave 2") && strings.Contains(s, "before")
	})
	term.touch("answer")
	term.await("the frame again", clean(80))

	term.touch("end")
	screen = term.await("the end", func(s string) bool { return strings.Contains(s, "ended with 0") })
	whole := term.tmux("capture-pane", "-p", "-S", "-200")
	for _, want := range []string{"before", "12:00:02 web[1-2,4-6]  upload  changed", "rolling-deploy was rolled back", "opsctl show 01JAB3CDEF"} {
		if !strings.Contains(whole, want) {
			t.Errorf("no %q in what stays:\n%s", want, whole)
		}
	}
	if got := strings.TrimSpace(term.tmux("display-message", "-p", "#{cursor_flag} #{alternate_on} #{wrap_flag}")); got != "1 0 1" {
		t.Errorf("the terminal is not as it was: %s\n%s", got, screen)
	}
}

func TestScreenGivesTheTerminalBackOnPanic(t *testing.T) {
	if testing.Short() {
		t.Skip("plays at a terminal")
	}
	term := newTerminal(t, 80, 24, sceneVar+"_PANIC=1")
	term.await("the run", clean(80))
	for _, name := range []string{"ask", "answer", "end"} {
		term.touch(name)
	}
	term.await("the panic", func(s string) bool { return strings.Contains(s, "ended with 2") })
	if got := strings.TrimSpace(term.tmux("display-message", "-p", "#{cursor_flag} #{alternate_on} #{wrap_flag}")); got != "1 0 1" {
		t.Errorf("the terminal is not as it was: %s", got)
	}
}

// A live screen paints at most ten frames a second, and none that shows nothing new.
func TestScreenPaintsNoMoreThanNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out lockedBuffer
		o := Options{Err: &out, Env: noEnv}.complete()
		v := newScreen(o, NewBoard(testPlan(t, deploy, "web[1:6]"), RunInfo{ID: "01J", Runbook: "x", Started: time.Now()}), noSignals)
		events := trace(t, running)
		for range 1000 {
			v.Observe(events)
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		if n := strings.Count(out.String(), beginFrame); n > framesPerSecond+1 {
			t.Errorf("%d frames in a second", n)
		}
		v.Close()
		if got := out.String(); !strings.HasPrefix(got, enterScreen) || !strings.HasSuffix(got, leaveScreen) {
			t.Errorf("the terminal is not given back")
		}
	})
}

// A terminal that takes nothing holds neither the run nor, for long, the way out.
func TestScreenNeverWaitsForTheTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		o := Options{Err: blockedWriter{gate}, Env: noEnv}.complete()
		v := newScreen(o, NewBoard(testPlan(t, deploy, "web[1:6]"), testInfo), noSignals)
		synctest.Wait()
		batches(v, trace(t, rolledBack))
		began := time.Now()
		v.Close()
		if took := time.Since(began); took != closeWait {
			t.Errorf("closing took %v", took)
		}
		close(gate)
		<-v.done
	})
}

func noSignals() (s terminalSignals, forget func()) { return s, func() {} }

type blockedWriter struct{ gate chan struct{} }

func (w blockedWriter) Write(p []byte) (int, error) {
	<-w.gate
	return len(p), nil
}

func TestModes(t *testing.T) {
	for _, mode := range []Mode{ModeAuto, ModeTUI, "", ModePlain} {
		if got := (Options{Err: &bytes.Buffer{}, Mode: mode}).complete().mode(); got != ModePlain {
			t.Errorf("%s without a terminal: %s", mode, got)
		}
	}
}
