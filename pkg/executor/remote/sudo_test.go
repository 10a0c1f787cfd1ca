//go:build unix

package remote

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
	"github.com/opsctl/opsctl/internal/fleet/realsudo"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
)

// sudoHost is sshd with a user of its own, who may become root.
func sudoHost(t *testing.T, password string, defaults ...string) (*supervisor.Host, *Linker, *atomic.Int32) {
	t.Helper()
	u := realsudo.NewUser(t, realsudo.Options{})
	u.Allow(t, "ALL=(ALL:ALL) ALL", defaults...)
	f := realsshd.Start(t, realsshd.Options{Config: []string{"SetEnv HOME=" + u.Home}})
	f.AdmitOthers(t)
	s := realSettings(f, 0)
	s.User = u.Name
	l := newTestLinker(t, newTestDialer(t, Options{Timeouts: short()}), s)
	if password == "" {
		password = u.Password
	}
	asked := &atomic.Int32{}
	o := supervisor.Options{RunID: "sudo-" + u.Name, SudoPassword: func(context.Context, string) (supervisor.Password, error) {
		asked.Add(1)
		return supervisor.Password{Text: password}, nil
	}}
	host := supervisor.NewHost(l, o)
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
		home, err := os.UserHomeDir()
		if err == nil {
			err = os.RemoveAll(filepath.Join(home, ".local/state/opsctl/runs", o.RunID))
		}
		if err != nil {
			t.Error(err)
		}
	})
	return host, l, asked
}

// The connection breaks in the middle of a step behind sudo. To find the step again, sudo is given the
// password again, from memory.
func TestFault_67_SudoOverSSH(t *testing.T) {
	for _, defaults := range [][]string{nil, {"timestamp_timeout=0"}, {"requiretty", "timestamp_timeout=0"}} {
		t.Run(fmt.Sprint(defaults), func(t *testing.T) {
			host, l, asked := sudoHost(t, "", defaults...)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if _, err := host.Ready(ctx, []string{"root"}); err != nil {
				t.Fatal(err)
			}
			before, dir := asked.Load(), t.TempDir()
			go cutOnce(t, l, dir)
			var out, errs strings.Builder
			script := fmt.Sprintf("echo x >>%[1]s/ran; touch %[1]s/begun; while [ ! -e %[1]s/go ]; do sleep 0.1; done; id -un; cat; echo err >&2", dir)
			e := host.Run(ctx, executor.Attempt{ID: "a", Command: executor.Command{Script: script, Sudo: "root", Stdin: "in\n"}}, func(s executor.Stream, p []byte) {
				map[executor.Stream]*strings.Builder{executor.Stdout: &out, executor.Stderr: &errs}[s].Write(p)
			})
			if e != (executor.Ending{}) || out.String() != "root\nin\n" || errs.String() != "err\n" {
				t.Errorf("%+v %q %q", e, out.String(), errs.String())
			}
			if ran := readFile(t, dir+"/ran"); ran != "x\n" {
				t.Errorf("it ran %q", ran)
			}
			if asked.Load() == before || before == 0 {
				t.Errorf("the password was given %d times before, %d times in all", before, asked.Load())
			}
		})
	}
}

// cutOnce cuts all connections once the step has begun, and lets the step end.
func cutOnce(t *testing.T, l *Linker, dir string) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(dir + "/begun"); err == nil {
			break
		}
	}
	l.mu.Lock()
	for _, k := range l.links {
		k.wire.abort(errBroken)
	}
	l.mu.Unlock()
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		t.Error(err)
	}
}

func TestFault_67_WrongSudoPasswordOverSSH(t *testing.T) {
	host, _, asked := sudoHost(t, "wrong", "lecture=always")
	for range 2 {
		_, err := host.Ready(patience(t), []string{"root"})
		var he *executor.HostError
		if !errors.As(err, &he) || he.Class != "sudo" || !strings.Contains(he.Message, "wrong sudo password") {
			t.Fatalf("%+v", err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("it was tried %d times", asked.Load())
	}
}
