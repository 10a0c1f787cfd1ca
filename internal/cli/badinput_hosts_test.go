package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet"
)

const touchLog = "name: r\nhosts: web\nsteps: [{run: echo hi >> log}]\n"

func TestBadHosts(t *testing.T) {
	b := newBench(t, 2)
	b.write("r.yaml", touchLog)
	tests := []struct {
		name string
		m    fleet.Misbehaviour
		args string
		want []string
	}{
		{"resets", fleet.Misbehaviour{RefuseConnections: true}, "", []string{"web1", "dropped the connection before its SSH banner", "MaxStartups"}},
		{"silent", fleet.Misbehaviour{SilentBanner: true}, "-o ConnectTimeout=1", []string{"no SSH banner in 1s", "check that sshd"}},
		{"no SSH server", fleet.Misbehaviour{GarbageBanner: "220 mail\x1b[31m ready\r\n"}, "", []string{"this is not an SSH server", "220 mail"}},
		{"key refused", fleet.Misbehaviour{RejectAuth: true}, "", []string{"it refused every key", "client_key", "authorized_keys"}},
		{"host key changed", fleet.Misbehaviour{NewHostKey: true}, "", []string{"host-key", "differs from the known one at", "known_hosts:2", "ssh-keygen -R"}},
		{"host key unknown", fleet.Misbehaviour{}, "-o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null", []string{"is not known", "SHA256:", "--host-key accept-new"}},
		{"port closed", fleet.Misbehaviour{}, "-o Port=1", []string{"connection refused", "check that sshd listens on port 1"}},
		{"no such name", fleet.Misbehaviour{}, "-o HostName=web.invalid", []string{"cannot find the address of web.invalid", "resolver"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bench{T: t, dir: b.dir, fleet: b.fleet}
			b.fleet.Host("web1").Misbehave(tt.m)
			defer b.fleet.Host("web1").Misbehave(fleet.Misbehaviour{})
			args := strings.Fields(tt.args)
			for _, command := range []string{"run r.yaml", "ping web1", "exec -l web1 true", "plan r.yaml"} {
				if tt.m.RefuseConnections && strings.HasPrefix(command, "p") {
					continue // they try longer, since nothing hangs on it
				}
				out := b.says(4, tt.want[:1], append(args, strings.Fields(command)...)...)
				if strings.HasPrefix(command, "run") {
					readable(t, strings.Join(strings.Fields(out), " "), append(tt.want, "Nothing was started", "next: opsctl ping -l", "opsctl resume"))
				}
				if strings.Contains(out, "\x1b") {
					t.Errorf("an escape sequence of a host passed:\n%q", out)
				}
			}
		})
	}
	if got := b.file("web2", "log"); got != "" {
		t.Errorf("web2 was changed while web1 could not be reached: %q", got)
	}
}

// A run that ended because a host was out of reach goes on when it is back, and a rollback does not
// wait for such a host.
func TestHostOutOfReachForAWhile(t *testing.T) {
	b := newBench(t, 2)
	b.write("r.yaml", "name: r\nhosts: web\nsteps: [{id: a, run: echo a >> log, rollback: echo ua >> log}]\n")
	away, back := fleet.Misbehaviour{GarbageBanner: "no\n"}, fleet.Misbehaviour{}
	log := func(want1, want2 string) {
		t.Helper()
		if got1, got2 := b.file("web1", "log"), b.file("web2", "log"); got1 != want1 || got2 != want2 {
			t.Errorf("web1 %q, want %q; web2 %q, want %q", got1, want1, got2, want2)
		}
	}
	b.fleet.Host("web2").Misbehave(away)
	b.want(4, "run", "r.yaml")
	b.says(4, []string{"Nothing was started"}, "resume")
	log("", "")
	b.fleet.Host("web2").Misbehave(back)
	b.want(0, "resume")
	b.says(64, []string{"is over: succeeded"}, "resume")
	log("a\n", "a\n")
	b.fleet.Host("web2").Misbehave(away)
	b.says(5, []string{"a on web2", "undo pending", "opsctl rollback"}, "rollback", "--yes")
	log("a\nua\n", "a\n")
	b.fleet.Host("web2").Misbehave(back)
	b.want(0, "rollback", "--yes")
	log("a\nua\n", "a\nua\n")
}

func TestIdentityMissing(t *testing.T) {
	b := newBench(t, 1)
	b.write("r.yaml", touchLog)
	b.says(codeUsage, []string{"nowhere"}, "run", "r.yaml", "--identity", "nowhere")
}

func TestOddShells(t *testing.T) {
	b := newBench(t, 2)
	b.write("r.yaml", touchLog)
	b.fleet.Host("web1").Misbehave(fleet.Misbehaviour{Noise: "Welcome to web1\nneofetch\n\x1b[2J"})
	b.want(0, "run", "r.yaml")
	if got := b.file("web1", "log"); got != "hi\n" {
		t.Errorf("log %q", got)
	}
	out := b.says(0, []string{"web1", "yes"}, "exec", "-l", "web1", "--", "echo", "yes")
	if strings.Contains(out, "neofetch") {
		t.Errorf("the noise of a login shell is not the output of a command:\n%s", out)
	}
	b.fleet.Host("web1").Misbehave(fleet.Misbehaviour{RefuseSessions: 1})
	b.want(0, "run", "r.yaml")
}

// A host without a place for its files runs what needs none, and says what is missing for the rest.
func TestHomeNotWritable(t *testing.T) {
	b := newBench(t, 1)
	b.write("r.yaml", touchLog)
	home := b.fleet.Host("web1").Dir
	for _, dir := range []string{".local", ".opsctl"} { // files stand where directories would be made
		if err := os.RemoveAll(filepath.Join(home, dir)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, dir), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b.says(4, []string{"web1", ".local", "hint: the home directory"}, "run", "r.yaml")
}

func TestOutputOfAnyKind(t *testing.T) {
	b := newBench(t, 1)
	var every strings.Builder // byte there is, as printf %b reads it
	for i := range 256 {
		fmt.Fprintf(&every, `\0%03o`, i)
	}
	b.write("r.yaml", `
name: r
hosts: web
steps:
  - {id: big, run: "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo last words"}
  - {id: binary, run: 'printf %b "`+every.String()+`"'}
  - {id: escapes, run: 'printf "\033[2J\033]0;title\007\033[31mred\033[0m\r\n::error::no\n"'}
  - {id: bad, run: 'printf "\033]52;c;aGk=\007the end" >&2; exit 3'}
`)
	out := b.says(1, []string{"bad", "exit 3", "the end"}, "run", "r.yaml", "-v", "--output", "plain")
	if i := strings.IndexAny(out, "\x1b\x07\x00"); i >= 0 {
		t.Errorf("control characters of a host passed: %q", out[max(0, i-50):min(len(out), i+50)])
	}
	if len(out) > 1<<20 {
		t.Errorf("%d bytes are shown", len(out))
	}
	code, logs, errs := b.opsctl("logs", "last", "--step", "big")
	if code != 0 || !strings.HasSuffix(strings.TrimSpace(logs), "last words") || len(logs) > 70<<20 {
		t.Errorf("exit %d, %d bytes of logs, ending in %q\n%s", code, len(logs), logs[max(0, len(logs)-60):], errs)
	}
}

// secret values are on no screen, in no file of the state directory, and on no command line.
func TestSecretsStay(t *testing.T) {
	b := newBench(t, 1)
	b.write("r.yaml", `
name: r
params: {token: {secret: true}}
vars: {header: 'Bearer ${{ token }}'}
hosts: web
steps:
  - {id: show, run: "echo got ${{ token }}; printf %s ${{ header }} | base64; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c 'correct-hors[e]' || true"}
  - {id: write, run: "printf %s ${{ token }} > token"}
  - {id: copied, copy: {content: "${{ token }}", dest: ~/copied}}
  - {id: env, env: {T: "${{ token }}"}, run: 'echo "$T" >&2; exit 9'}
`)
	const token = "correct-horse-battery-staple-91"
	b.write("p.yaml", "token: "+token+"\n")
	out := b.want(1, "run", "r.yaml", "-P", "p.yaml", "-vvv", "--diff")
	if got := b.want(0, "logs", "last", "--step", "show"); !strings.HasSuffix(got, "\n0\n") {
		t.Errorf("a command line on the host holds the secret:\n%s", got)
	}
	out += b.want(1, "run", "r.yaml", "-P", "p.yaml", "-vvv", "--output", "json")
	out += b.want(0, "logs", "last") + b.want(0, "show", "last") + b.want(0, "history")
	out += b.want(0, "plan", "r.yaml", "-P", "p.yaml", "--diff")
	if i := strings.Index(out, token); i >= 0 {
		t.Errorf("the secret is shown: …%s…", out[max(0, i-80):min(len(out), i+80)])
	}
	if b.file("web1", "token") != token || b.file("web1", "copied") != token {
		t.Errorf("the host did not get the secret itself: %q %q\n%s", b.file("web1", "token"), b.file("web1", "copied"), out)
	}
	for _, host := range []string{"web1"} {
		for _, command := range b.fleet.Host(host).Commands() {
			if strings.Contains(command, token) {
				t.Errorf("the secret is in a command line: %q", command)
			}
		}
	}
	b.absent(filepath.Join(b.dir, "state"), token)
}

// absent makes sure that no file under dir holds text.
func (b *bench) absent(dir, text string) {
	b.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(text)) {
			b.Errorf("%s holds the secret", path)
		}
		return err
	})
	if err != nil || files == 0 {
		b.Errorf("%d files, %v", files, err)
	}
}

// start runs the program as a process of its own.
func (b *bench) start(opsctl string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	b.Helper()
	out := &bytes.Buffer{}
	cmd := exec.Command(opsctl, append([]string{"-C", b.dir, "--color", "never"}, args...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd, out
}

// until waits for what happens outside.
func (b *bench) until(what string, is func() bool) {
	b.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			b.Fatalf("waited in vain for %s", what)
		}
	}
}
