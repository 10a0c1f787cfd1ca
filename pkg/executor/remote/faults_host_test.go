//go:build unix

package remote

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
	"github.com/opsctl/opsctl/internal/fleet/relay"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// cases are the main things that opsctl does on a host.
func (w *road) cases(t *testing.T) {
	t.Helper()
	var s said
	body := "every\x00byte\xff$HOME `x` 'y'\n"
	e := w.host.Run(patience(t), executor.Attempt{ID: "run", Command: executor.Command{Script: "cat; echo err >&2; exit 7", Stdin: body}}, s.sink)
	if e != (executor.Ending{Exit: 7}) || s.out.String() != body || s.err.String() != "err\n" {
		t.Errorf("run: %+v %q %q", e, s.out.String(), s.err.String())
	}
	s = said{}
	if e := w.host.Ask(patience(t), executor.Command{Script: "echo read", Env: map[string]string{"A": "b"}}, s.sink); e != (executor.Ending{}) || s.out.String() != "read\n" {
		t.Errorf("read: %+v %q", e, s.out.String())
	}
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MiB: it goes in a stream of its own
	dir, err := w.host.Stage(patience(t), "", "tree", []executor.StagedFile{staged("small", []byte(body)), staged("large", large)})
	if err != nil {
		t.Errorf("copy: %v", err)
		return
	}
	for name, want := range map[string]string{"small": body, "large": string(large)} {
		s = said{} // asked of the host, whose files need not be ours
		if e := w.host.Ask(patience(t), executor.Command{Script: "cat " + dir + "/" + name}, s.sink); e != (executor.Ending{}) || s.out.String() != want {
			t.Errorf("copy: %+v, %s differs", e, name)
		}
	}
}

func staged(name string, body []byte) executor.StagedFile {
	return executor.StagedFile{Path: name, Mode: 0o644, Size: int64(len(body)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(body)), nil
	}}
}

// loginShell has what is said pass through a login shell: sshd gives every command to `shell -c`.
func loginShell(command string) string {
	return `ForceCommand exec ` + command + ` "$SSH_ORIGINAL_COMMAND"`
}

func TestFault_59_LoginShells(t *testing.T) {
	menu := filepath.Join(t.TempDir(), "menu")
	if err := os.WriteFile(menu, []byte("#!/bin/sh\necho '1) status  2) quit'\nread -r choice\necho \"no such choice: $choice\" >&2\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, program, command, class string }{
		{"sh", "sh", "sh -c", ""},
		{"dash", "dash", "dash -c", ""},
		{"bash", "bash", "bash -c", ""},
		{"zsh", "zsh", "zsh -c", ""},
		{"ksh", "ksh", "ksh -c", ""},
		{"fish", "fish", "fish -c", ""},
		{"tcsh", "tcsh", "tcsh -c", ""},
		{"busybox", "busybox", "busybox sh -c", ""},
		{"rbash", "rbash", "rbash -c", "restricted"},
		{"nologin", "/usr/sbin/nologin", "/usr/sbin/nologin -c", "not available"},
		{"false", "false", "false -c", "ended without an answer"},
		{"menu", menu, menu + " -c", "no such choice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, err := exec.LookPath(c.program)
			if err != nil {
				t.Skipf("%s is not installed", c.name)
			}
			command := path + strings.TrimPrefix(c.command, c.program)
			w := &road{t: t, sshd: startSSHD(t, 1, loginShell(command)), dir: t.TempDir()}
			w.linker = newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), realSettings(w.sshd, 0))
			w.host = w.newHost(100*time.Millisecond, false)
			_, err = w.host.Ready(patience(t), nil)
			if c.class == "" {
				if err != nil {
					t.Fatal(err)
				}
				w.cases(t)
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.class) {
				t.Errorf("got %v, want %q", err, c.class)
			}
		})
	}
}

// Exit statuses that the ssh program keeps for itself, or a shell for what it cannot run, come as they are.
func TestFault_58_ExitStatusesOverSSH(t *testing.T) {
	w := newRoad(t)
	for _, code := range []int{0, 1, 2, 126, 127, 128, 129, 137, 143, 254, 255} {
		e := w.host.Run(patience(t), executor.Attempt{ID: fmt.Sprint("e", code), Command: executor.Command{Script: fmt.Sprint("exit ", code)}}, nil)
		if e != (executor.Ending{Exit: code}) {
			t.Errorf("exit %d: %+v", code, e)
		}
	}
}

// An upload is cut again and again, at any byte: what stands at its place is the old or the new whole.
func TestFault_78_UploadsThatAreCut(t *testing.T) {
	w := newRoad(t)
	old, large := []byte("old"), bytes.Repeat([]byte("0123456789abcdef"), 80<<10) // 1.25 MiB
	dir, err := w.host.Stage(patience(t), "", "tree", []executor.StagedFile{staged("file", old)})
	if err != nil {
		t.Fatal(err)
	}
	up, _ := w.relay.Traffic()
	if _, err := w.host.Stage(patience(t), "", "other", []executor.StagedFile{staged("file", large)}); err != nil {
		t.Fatal(err)
	}
	now, _ := w.relay.Traffic()
	whole, broken, rounds := 0, 0, size(t, "OPSCTL_UPLOADS", 24)
	for k := range rounds {
		w.relay.Strike(relay.Fault{CutUp: 1 + int64(k)*(now-up)/int64(rounds)})
		_, err := w.host.Stage(patience(t), "", "tree", []executor.StagedFile{staged("file", large)})
		got := readFile(t, filepath.Join(dir, "file"))
		switch {
		case err == nil && got == string(large):
			whole++
		case err != nil && (got == string(old) || got == string(large)):
			broken++
		default:
			t.Fatalf("cut %d: %v, and there are %d bytes", k, err, len(got))
		}
	}
	if whole+broken != rounds || broken == 0 {
		t.Errorf("of %d uploads %d were whole, %d cut", rounds, whole, broken)
	}
	t.Logf("%d uploads were cut, %d went through", broken, whole)
}

// startDropbear runs dropbear as host1, in place of OpenSSH's sshd, with the keys of f.
func startDropbear(t *testing.T, f *realsshd.Fleet) Settings {
	t.Helper()
	program, err := exec.LookPath("dropbear")
	if err != nil {
		program = "/usr/sbin/dropbear"
	}
	if !there(program) {
		t.Skip("no dropbear: install dropbear-bin")
	}
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if out, err := exec.Command("dropbearkey", "-t", "ed25519", "-f", key).CombinedOutput(); err != nil {
		t.Skip("dropbearkey makes no key: ", err, string(out))
	}
	public, err := exec.Command("dropbearkey", "-y", "-f", key).Output()
	if err != nil {
		t.Fatal(err)
	}
	// Its authorized_keys are those of the home directory in passwd, which is not ours to write to: a command of the
	// key would not be either. So it is started in a mount namespace, where the home is another.
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	fake := filepath.Join(dir, "home")
	if err := os.MkdirAll(filepath.Join(fake, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	writeText(t, filepath.Join(fake, ".ssh", "authorized_keys"), readFile(t, f.ClientKey+".pub"))
	port := freePort(t)
	script := fmt.Sprintf("mount --bind %s %s && exec %s -F -E -r %s -p 127.0.0.1:%d -P %s/pid", fake, home, program, key, port, dir)
	cmd := exec.Command("unshare", "-m", "sh", "-c", script)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Skip("no mount namespace can be made here: ", err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	fields := strings.Fields(string(public[bytes.Index(public, []byte("ssh-ed25519 ")):]))
	known := writeText(t, filepath.Join(dir, "known"), fmt.Sprintf("[127.0.0.1]:%d %s %s\n", port, fields[0], fields[1]))
	s := realSettings(f, 0)
	s.Name, s.Addr, s.Port, s.KnownHosts = "dropbear", "127.0.0.1", port, []string{known}
	l := newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), s)
	var last error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		select {
		case <-ended:
			t.Skip("dropbear does not start here: ", said.String())
		default:
		}
		if _, last = openShell(patience(t), l); last == nil {
			return s
		}
	}
	t.Fatal(last)
	return s
}

// Dropbear, as on routers and in rescue systems: the main things are the same there.
func TestDropbear(t *testing.T) {
	f := startSSHD(t, 1)
	s := startDropbear(t, f)
	r := startRelay(t, fmt.Sprintf("%s:%d", s.Addr, s.Port))
	s, times := watchful(behind(s, r))
	w := &road{t: t, sshd: f, relay: r, dir: t.TempDir()}
	w.linker = newTestLinker(t, newTestDialer(t, Options{Timeouts: times}), s)
	w.host = w.newHost(time.Minute, false)
	if _, err := w.host.Ready(patience(t), nil); err != nil {
		t.Fatal(err)
	}
	t.Run("run, read, copy", w.cases)
	t.Run("cut", func(t *testing.T) { w.through(t, "reset", w.relay.CutAll) })
	t.Run("black hole", func(t *testing.T) {
		w.through(t, "hole", func() { w.relay.Strike(relay.Fault{DropUp: true, DropDown: true}) })
	})
	t.Run("dial", func(t *testing.T) {
		conn, err := w.host.Dial(patience(t), "tcp", f.Hosts[0].Addr)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		banner := make([]byte, 8)
		if _, err := io.ReadFull(conn, banner); err != nil || string(banner) != "SSH-2.0-" {
			t.Errorf("%q, %v", banner, err)
		}
	})
	t.Run("settle", func(t *testing.T) {
		h, printed := w.held("settled"), &said{}
		ctx, leave := context.WithCancel(patience(t))
		defer leave()
		first := supervisor.NewHost(w.linker, supervisor.Options{RunID: "faults", Resumed: true})
		t.Cleanup(func() { _ = first.Close() })
		ended := make(chan executor.Ending, 1)
		go func() { ended <- first.Run(ctx, h.Attempt, nil) }()
		eventually(t, "the step begins", h.begun)
		h.open(t)
		e := w.newHost(time.Minute, true).Settle(patience(t), h.Attempt, "", printed.sink)
		h.whole(t, e, printed)
		if e := <-ended; e.Exit != 3 {
			t.Errorf("%+v", e)
		}
	})
}

// freePort is a port on which nobody listens at this time.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
