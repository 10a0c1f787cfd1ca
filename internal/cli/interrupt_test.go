package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// terminal is a real one: a tmux server of its own with one window.
type terminal struct {
	*bench
	socket string
}

// terminal runs the program in a new terminal; what the shell says afterwards is "code N".
func (b *bench) terminal(opsctl string, args ...string) *terminal {
	b.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		b.Skip("there is no tmux here")
	}
	t := &terminal{bench: b, socket: filepath.Join(b.dir, "tmux")}
	line := fmt.Sprintf("trap : INT; '%s' -C '%s' '%s'; echo code $?; exec cat", opsctl, b.dir, strings.Join(args, "' '"))
	t.tmux("-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "40", "env CI= sh -c "+quoted(line))
	b.Cleanup(func() { _ = exec.Command("tmux", "-S", t.socket, "kill-server").Run() })
	return t
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

func (t *terminal) tmux(args ...string) string {
	t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", t.socket}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("tmux %v: %v\n%s", args, err, out)
	}
	return string(out)
}

func (t *terminal) screen() string { return t.tmux("capture-pane", "-p", "-S", "-200") }

func (t *terminal) keys(keys ...string) { t.tmux(append([]string{"send-keys"}, keys...)...) }

// sees waits until the screen shows text.
func (t *terminal) sees(text string) string {
	t.Helper()
	var screen string
	defer func() {
		if t.Failed() {
			t.Logf("the screen:\n%s", screen)
		}
	}()
	t.until(fmt.Sprintf("%q on the screen", text), func() bool {
		screen = t.screen()
		return strings.Contains(strings.Join(strings.Fields(screen), " "), text)
	})
	readable(t.T, screen, nil)
	return screen
}

// slow is a step that says when it began and does not end by itself before it is told to.
const slow = `
name: slow
hosts: web
on_failure: stop
steps:
  - {id: one, run: 'touch begun; while [ ! -e go ]; do sleep 0.05; done; echo one >> log', timeout: 2m, kill_after: 1s}
  - {id: two, run: echo two >> log}
`

func slowBench(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, 1)
	b.write("slow.yaml", slow)
	return b
}

func (b *bench) begun() {
	b.Helper()
	b.until("the step to begin", func() bool {
		_, err := os.Stat(filepath.Join(b.fleet.Host("web1").Dir, "begun"))
		return err == nil
	})
}

func (b *bench) letGo() {
	b.Helper()
	if err := os.WriteFile(filepath.Join(b.fleet.Host("web1").Dir, "go"), nil, 0o600); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) wantLog(want string) {
	b.Helper()
	if got := b.file("web1", "log"); got != want {
		b.Errorf("log %q, want %q", got, want)
	}
}

func TestInterruptInATerminal(t *testing.T) {
	opsctl := binary(t)
	t.Run("once", func(t *testing.T) {
		b := slowBench(t)
		term := b.terminal(opsctl, "run", "slow.yaml")
		b.begun()
		term.keys("C-c")
		term.sees("nothing new starts")
		b.letGo()
		readable(t, term.sees("code 130"), []string{"opsctl resume", "stopped"})
		b.wantLog("one\n")
		b.want(0, "resume")
		b.wantLog("one\ntwo\n")
	})
	t.Run("twice", func(t *testing.T) {
		b := slowBench(t)
		term := b.terminal(opsctl, "run", "slow.yaml")
		b.begun()
		term.keys("C-c")
		term.sees("nothing new starts")
		term.keys("C-c")
		readable(t, term.sees("code 130"), []string{"cancelled", "one"})
		b.letGo()
		b.wantLog("")
	})
	t.Run("thrice", func(t *testing.T) {
		b := slowBench(t)
		b.write("slow.yaml", strings.Replace(strings.Replace(slow, "'touch begun;", "'trap \"\" TERM; touch begun;", 1), "kill_after: 1s", "kill_after: 1m", 1))
		term := b.terminal(opsctl, "run", "slow.yaml")
		b.begun()
		term.keys("C-c")
		term.sees("nothing new starts")
		term.keys("C-c")
		term.sees("stopping what runs")
		term.keys("C-c")
		readable(t, term.sees("code 130"), []string{"opsctl resume"})
	})
}

func TestAskedAtATerminal(t *testing.T) {
	opsctl := binary(t)
	b := newBench(t, 1)
	b.write("ask.yaml", `
name: ask
params: {version: {help: release}, token: {secret: true}}
hosts: web
steps:
  - {id: write, run: "echo ${{ version }} ${{ token }} > log"}
`)
	term := b.terminal(opsctl, "run", "ask.yaml")
	term.sees("version (release):")
	term.keys("v7", "Enter")
	term.sees("token:")
	term.keys("geheim-und-lang", "Enter")
	if screen := term.sees("code 0"); strings.Contains(screen, "geheim") {
		t.Errorf("the secret is on the screen:\n%s", screen)
	}
	b.wantLog("v7 geheim-und-lang\n")
	b.absent(filepath.Join(b.dir, "state"), "geheim-und-lang")
}

func TestDestroyIsConfirmed(t *testing.T) {
	opsctl := binary(t)
	b := newBench(t, 1)
	b.write("destroy.yaml", "name: wipe\nhosts: web\nsteps: [{id: wipe, effect: destroy, run: echo gone >> log}]\n")
	b.says(6, []string{"wipe", "--yes"}, "run", "destroy.yaml")
	b.wantLog("")
	for answer, want := range map[string]string{"n": "code 6", "y": "code 0"} {
		t.Run(answer, func(t *testing.T) {
			b := &bench{T: t, dir: b.dir, fleet: b.fleet}
			term := b.terminal(opsctl, "run", "destroy.yaml")
			term.sees("[y/N]")
			term.keys(answer, "Enter")
			term.sees(want)
			term.tmux("kill-server")
		})
	}
	b.wantLog("gone\n")
	b.want(0, "run", "destroy.yaml", "--yes")
	b.wantLog("gone\ngone\n")
}

func TestSignals(t *testing.T) {
	opsctl := binary(t)
	tests := []struct {
		signal syscall.Signal
		code   int
		resume int
		log    string
	}{
		{syscall.SIGTERM, 143, 1, ""},
		{syscall.SIGHUP, 129, 0, "one\ntwo\n"},
		{syscall.SIGINT, 130, 0, "one\ntwo\n"},
	}
	for _, tt := range tests {
		t.Run(tt.signal.String(), func(t *testing.T) {
			b := slowBench(t)
			cmd, out := b.start(opsctl, "run", "slow.yaml")
			b.begun()
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			if tt.signal != syscall.SIGTERM {
				b.letGo()
			}
			_ = cmd.Wait() // its exit code is looked at below
			if code := cmd.ProcessState.ExitCode(); code != tt.code {
				t.Errorf("exit %d, want %d", code, tt.code)
			}
			readable(t, out.String(), nil)
			if tt.signal != syscall.SIGHUP {
				readable(t, out.String(), []string{"opsctl resume"})
			}
			b.letGo()
			b.want(tt.resume, "resume")
			b.wantLog(tt.log)
		})
	}
}

// A reader that leaves, and an input that is closed, do not end the run.
func TestClosedPipes(t *testing.T) {
	opsctl := binary(t)
	b := slowBench(t)
	cmd := exec.Command(opsctl, "-C", b.dir, "run", "slow.yaml", "--output", "json")
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(pipe).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	if err := pipe.Close(); err != nil {
		t.Fatal(err)
	}
	b.begun()
	b.letGo()
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, errs.String())
	}
	b.wantLog("one\ntwo\n")
	script := fmt.Sprintf("cd '%s' && '%s' run slow.yaml <&- >&- 2>&-", b.dir, opsctl)
	if out, err := exec.Command("sh", "-c", script).CombinedOutput(); err != nil {
		t.Errorf("without any stream: %v\n%s", err, out)
	}
	b.wantLog("one\ntwo\none\ntwo\n")
}
