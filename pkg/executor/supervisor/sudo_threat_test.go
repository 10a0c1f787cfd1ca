//go:build unix

package supervisor

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/realsudo"
	"github.com/opsctl/opsctl/pkg/executor"
)

// A step, and whatever speaks before sudo does, may print what it likes: nothing is given to it.
func TestFault_68_FakePrompts(t *testing.T) {
	u := realsudo.NewUser(t, realsudo.Options{})
	u.Allow(t, all, "requiretty") // the other way needs more, so it may give away more
	s := newSudoBed(t, u, &u.Password)
	if _, err := s.Ready(t.Context(), []string{"root"}); err != nil {
		t.Fatal(err)
	}
	before := s.given()
	// A step sees the mark of sudo in the list of processes, and prints the very prompt, wherever it can.
	hostile := `
mark=$(ps -A -ww -o args= | sed -n 's/.*\(opsctl-[0-9a-f]*-password:\).*/\1/p' | head -n 1)
test "$mark"
for text in "$mark" "[sudo] password for ` + u.Name + `: " "Password: "; do
	printf '%s' "$text"; printf '%s' "$text" >&2
	printf '\n%s\n' "$text"; printf '\n%s\n' "$text" >&2
	printf '%s' "$text" >/dev/tty || :
	for p in $PPID $(ps -o ppid= -p $PPID); do
		for fd in 1 2 3 4 5; do printf '%s\n' "$text" >/proc/$p/fd/$fd || :; done
	done
done 2>/dev/null
! read -r line || echo "got $line"`
	for _, user := range []string{"", "root"} {
		e, out, _ := s.run("hostile-"+token(), executor.Command{Script: hostile, Sudo: user, Timeout: 20 * time.Second})
		if e.Verdict == executor.Ended && strings.Contains(out, "got ") {
			t.Errorf("as %q: %+v %q", user, e, out)
		}
		var h heardOf
		s.Ask(t.Context(), executor.Command{Script: hostile, Sudo: user, Timeout: 20 * time.Second}, h.sink)
		if strings.Contains(h.out.String(), "got ") {
			t.Errorf("read as %q: %q", user, h.out.String())
		}
	}
	if asked := int(s.asked.Load()); s.given() != asked || before == 0 {
		t.Errorf("sudo asked %d times, the password was given %d times", asked, s.given())
	}
	for _, id := range s.link.shells() {
		_ = id.Close()
	}
}

// What prints a prompt in the place of sudo, but does not know its mark, is given nothing.
func TestFault_68_PromptBeforeSudo(t *testing.T) {
	u := realsudo.NewUser(t, realsudo.Options{})
	u.Allow(t, all)
	s := newSudoBed(t, u, &u.Password)
	dir := pathWithout(t)
	fake := "#!/bin/sh\nprintf '[sudo] password for " + u.Name + ": ' >&2\nprintf 'opsctl-0123456789abcdef-password:' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "sudo"), []byte(fake), 0o755); err != nil { //nolint:gosec // others run it
		t.Fatal(err)
	}
	s.link.env[0] = "PATH=" + dir
	s.refuses("root")
	if s.asked.Load() != 0 || s.given() != 0 {
		t.Errorf("asked %d times, given %d times", s.asked.Load(), s.given())
	}
}

// The password is nowhere but on the way to sudo.
func TestFault_67_ThePasswordIsNowhereElse(t *testing.T) {
	u := realsudo.NewUser(t, realsudo.Options{})
	u.Allow(t, all)
	s := newSudoBed(t, u, &u.Password)
	facts, err := s.Ready(t.Context(), []string{"root"})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var leaks []string
	go func() {
		until(t, "the step began", exists(dir+"/begun"))
		for _, pattern := range []string{"/proc/[0-9]*/cmdline", "/proc/[0-9]*/environ", facts.RunDir + "/*", dir + "/*"} {
			leaks = append(leaks, holding(t, pattern, u.Password)...)
		}
		if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
			t.Error(err)
		}
	}()
	script := fmt.Sprintf(`env; cat "$OPSCTL_RUN_DIR"/P.*; cp "$OPSCTL_RUN_DIR"/* %[1]s; touch %[1]s/begun; while [ ! -e %[1]s/go ]; do sleep 0.1; done`, dir)
	e, out, _ := s.run("a", executor.Command{Sudo: "root", Script: script})
	if e != (executor.Ending{}) || !strings.Contains(out, "SUDO_USER="+u.Name) {
		t.Fatalf("%+v", e)
	}
	if strings.Contains(out, u.Password) || len(leaks) > 0 || s.given() == 0 {
		t.Errorf("the password is on the host: %v", leaks)
	}
}

// holding lists the files that hold a text.
func holding(t *testing.T, pattern, text string) (found []string) {
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Errorf("there is nothing at %s: %v", pattern, err)
	}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(content), text) {
			found = append(found, path)
		}
	}
	return found
}

func TestFault_52_LadderBehindSudo(t *testing.T) {
	for _, defaults := range [][]string{nil, {"requiretty"}} {
		t.Run(fmt.Sprint(defaults), func(t *testing.T) {
			u := realsudo.NewUser(t, realsudo.Options{})
			u.Allow(t, all, defaults...)
			s := newSudoBed(t, u, &u.Password)
			if _, err := s.Ready(t.Context(), []string{"root"}); err != nil {
				t.Fatal(err)
			}
			script := "trap '' TERM; echo $$; while :; do sleep 1; done"
			e, out, _ := s.run("a", executor.Command{Script: script, Sudo: "root", Timeout: time.Second, KillAfter: time.Second})
			if e.Verdict != executor.Ended || !e.TimedOut {
				t.Fatalf("%+v", e)
			}
			if _, err := os.Stat("/proc/" + strings.TrimSpace(out)); err == nil {
				t.Errorf("%s lives on", out)
			}
		})
	}
}

// The link breaks in the middle of a step; to hear of it again takes sudo, and so the password.
func TestFault_67_AStepBehindSudoOutlivesItsLink(t *testing.T) {
	for _, defaults := range [][]string{{"timestamp_timeout=0"}, {"timestamp_timeout=0", "requiretty"}} {
		t.Run(fmt.Sprint(defaults), func(t *testing.T) {
			u := realsudo.NewUser(t, realsudo.Options{})
			u.Allow(t, all, defaults...)
			s := newSudoBed(t, u, &u.Password)
			if _, err := s.Ready(t.Context(), []string{"root"}); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			before := s.asked.Load()
			go func() {
				until(t, "the step began", exists(dir+"/begun"))
				s.link.cut()
				if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
					t.Error(err)
				}
			}()
			script := fmt.Sprintf("echo x >>%[1]s/ran; touch %[1]s/begun; while [ ! -e %[1]s/go ]; do sleep 0.1; done; id -un", dir)
			e, out, _ := s.run("a", executor.Command{Script: script, Sudo: "root"})
			if e != (executor.Ending{}) || out != "root\n" {
				t.Fatalf("%+v %q", e, out)
			}
			if ran, err := os.ReadFile(dir + "/ran"); err != nil || string(ran) != "x\n" {
				t.Errorf("it ran %q, %v", ran, err)
			}
			if s.asked.Load() == before {
				t.Error("the password was not given again")
			}
			again := s.again()
			if e := again.Settle(t.Context(), executor.Attempt{ID: "a", Command: executor.Command{Sudo: "root"}}, "", nil); e != (executor.Ending{}) {
				t.Errorf("asked by another process: %+v", e)
			}
		})
	}
}

// A password that was changed meanwhile is tried once, and what cannot be learnt is said at once.
func TestFault_67_ThePasswordWasChangedInMidStep(t *testing.T) {
	u := realsudo.NewUser(t, realsudo.Options{})
	u.Allow(t, all, "timestamp_timeout=0")
	s := newSudoBed(t, u, &u.Password)
	if _, err := s.Ready(t.Context(), []string{"root"}); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	before := s.asked.Load()
	go func() {
		until(t, "the step began", exists(dir+"/begun"))
		u.Change(t, "usermod", "-p", "*")
		s.link.cut()
	}()
	script := fmt.Sprintf("touch %[1]s/begun; while [ ! -e %[1]s/go ]; do sleep 0.1; done", dir)
	e, _, _ := s.run("a", executor.Command{Script: script, Sudo: "root"})
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if e.Verdict != executor.NotLearned || e.Class != "sudo" || !strings.Contains(e.Message, "wrong sudo password") {
		t.Errorf("%+v", e)
	}
	if got := s.asked.Load() - before; got != 1 {
		t.Errorf("it was tried %d times", got)
	}
}
