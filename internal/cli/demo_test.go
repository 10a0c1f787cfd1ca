package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// demoPatience is how long a demo may take before a test gives up.
const demoPatience = time.Minute

// buildDemo builds opsctl: the demo runs its own executable.
func buildDemo(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the program and runs whole deployments")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the hosts of the demo need /bin/sh")
	}
	program := filepath.Join(t.TempDir(), "opsctl")
	command := exec.Command("go", "build", "-o", program, "../../cmd/opsctl")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// shownDemo is a demo that runs, and what it has shown so far.
type shownDemo struct {
	command *exec.Cmd
	temp    string // where it may leave something
	ended   chan error

	mu  sync.Mutex
	out bytes.Buffer
}

func (d *shownDemo) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.out.Write(p)
}

func (d *shownDemo) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.out.String()
}

func startDemo(t *testing.T, program string, args ...string) *shownDemo {
	t.Helper()
	d := &shownDemo{temp: t.TempDir(), ended: make(chan error, 1)}
	d.command = exec.Command(program, append([]string{"demo"}, args...)...)
	// Nothing of the surroundings may change what is told: these would make every run fail.
	d.command.Env = append(os.Environ(), "TMPDIR="+d.temp, "OPSCTL_LIMIT=nobody", "OPSCTL_PARAM_VERSION=none")
	d.command.Stdout, d.command.Stderr = d, d
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.ended <- d.command.Wait() }()
	return d
}

// end waits for the demo, and gives its exit code.
func (d *shownDemo) end(t *testing.T) int {
	t.Helper()
	select {
	case err := <-d.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
	case <-time.After(demoPatience):
		_ = d.command.Process.Kill()
		t.Fatalf("it does not end:\n%s", d.text())
	}
	return d.command.ProcessState.ExitCode()
}

// until waits for a text to be shown.
func (d *shownDemo) until(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(demoPatience); !strings.Contains(d.text(), text); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			_ = d.command.Process.Kill()
			t.Fatalf("%q is not shown:\n%s", text, d.text())
		}
	}
}

func (d *shownDemo) signal(t *testing.T, s os.Signal) {
	t.Helper()
	if err := d.command.Process.Signal(s); err != nil {
		t.Error(err)
	}
}

// left checks that no file and no process is left of the demo.
func (d *shownDemo) left(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(d.temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left", e.Name())
	}
	if runtime.GOOS != "linux" {
		return
	}
	environs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range environs {
		environ, err := os.ReadFile(file)
		if err == nil && bytes.Contains(environ, []byte(d.temp)) && !endsSoon(file) {
			t.Errorf("process %s is left", filepath.Base(filepath.Dir(file)))
		}
	}
}

// endsSoon waits for a process that was killed to be gone.
func endsSoon(environ string) bool {
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(environ); err != nil || len(text) == 0 {
			return true
		}
	}
	return false
}

// TestDemo runs the program as its users do, on a machine of theirs.
func TestDemo(t *testing.T) {
	program := buildDemo(t)
	served := "web1  releases/v1.0.0  v1.0.0    200 v1.0.0 is well"
	for _, c := range []struct {
		scenario string
		want     []string
		not      string
	}{
		{"", []string{
			"$ opsctl run rolling-deploy -p version=v1.0.0", "$ opsctl run rolling-deploy -p version=v1.1.0", "$ opsctl history",
			"there is no directory shared/cache", "was rolled back after", served, "db1 has schema 1",
		}, ""},
		{scenarioBad, []string{"$ opsctl run rolling-deploy -p version=v1.1.0", "$ opsctl history", served}, ""},
		{scenarioCrash, []string{"opsctl is killed", "interrupted", "$ opsctl resume", served, "web2  restarts    1", "db1   migrations  1"}, "v1.1.0"},
	} {
		t.Run("scenario "+c.scenario, func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, program, "--scenario", c.scenario)
			if code := d.end(t); code != 0 {
				t.Fatalf("exit code %d:\n%s", code, d.text())
			}
			text := d.text()
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not shown:\n%s", want, text)
				}
			}
			if c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("%q is shown:\n%s", c.not, text)
			}
			if strings.Contains(text, "\x1b") {
				t.Errorf("control sequences are shown where there is no terminal:\n%q", text)
			}
			d.left(t)
		})
	}
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			d := startDemo(t, program)
			d.until(t, "$ opsctl run")
			d.signal(t, s)
			if code := d.end(t); code != 130 {
				t.Errorf("exit code %d:\n%s", code, d.text())
			}
			d.left(t)
		})
	}
	t.Run("keep", func(t *testing.T) {
		t.Parallel()
		d := startDemo(t, program, "--keep", "--scenario", scenarioGood)
		d.until(t, "ssh -F ")
		if !strings.Contains(d.text(), served) {
			t.Errorf("%q is not shown:\n%s", served, d.text())
		}
		tryWhatIsKept(t, d)
		d.signal(t, os.Interrupt)
		if code := d.end(t); code != 0 {
			t.Errorf("exit code %d:\n%s", code, d.text())
		}
		d.left(t)
	})
}

func tryWhatIsKept(t *testing.T, d *shownDemo) {
	t.Helper()
	projects, err := filepath.Glob(filepath.Join(d.temp, "opsctl-demo-*", "project"))
	if err != nil || len(projects) != 1 {
		t.Fatalf("%v, %v", projects, err)
	}
	out, err := exec.Command(d.command.Path, "-C", projects[0], "exec", "-l", "web", "--", "cat srv/app/deployments.log").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "v1.0.0 succeeded") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestDemoSaysWhenItGoesWrong puts other programs in opsctl's place.
func TestDemoSaysWhenItGoesWrong(t *testing.T) {
	for _, c := range []struct{ program, scenario, want string }{
		{"false", scenarioGood, "exit code 1, not 0"},
		{"true", scenarioBad, "exit code 0, not 3"},
		{"true", scenarioGood, "no such file"},
		{"true", scenarioCrash, "ended before it could be killed"},
	} {
		t.Run(c.program+" "+c.scenario, func(t *testing.T) {
			program, err := exec.LookPath(c.program)
			if err != nil {
				t.Skip(err)
			}
			defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
			var out bytes.Buffer
			a := &app{out: &out, err: &out, settings: settings{Output: "auto", Color: "never"}}
			o := &demoOptions{app: a, scenario: c.scenario}
			scenes, err := o.scenes()
			if err != nil {
				t.Fatal(err)
			}
			d, err := newDemoHosts(context.Background(), a)
			if err != nil {
				t.Fatal(err)
			}
			d.program = program
			if err := d.play(context.Background(), scenes); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, not %s", err, c.want)
			}
			if err := d.stop(false); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(d.dir); !os.IsNotExist(err) {
				t.Errorf("%s is left: %v", d.dir, err)
			}
		})
	}
}

func TestDemoRefusesWhatItCannotTell(t *testing.T) {
	for _, args := range [][]string{{"--scenario", "ugly"}, {"--output", "json"}, {"again"}} {
		t.Run(fmt.Sprint(args), func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := Main(append([]string{"demo"}, args...), strings.NewReader(""), &out, &errs); code != codeUsage {
				t.Errorf("exit code %d: %s%s", code, out.String(), errs.String())
			}
		})
	}
}

// TestDemoProjectIsWhatAUserWouldWrite holds what the demo writes against the files it comes from.
func TestDemoProjectIsWhatAUserWouldWrite(t *testing.T) {
	a := &app{out: &bytes.Buffer{}, err: &bytes.Buffer{}, settings: settings{Color: "never"}}
	d, err := newDemoHosts(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.stop(false); err != nil {
			t.Error(err)
		}
	}()
	for _, release := range []string{releaseGood, releaseBad} {
		entries, err := os.ReadDir(filepath.Join(d.project, "dist", release, "bin"))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
			if info, err := e.Info(); err != nil || info.Mode()&0o100 == 0 {
				t.Errorf("%s/%s is not executable: %v", release, e.Name(), err)
			}
		}
		if want := []string{"health", "migrate", "restart", "stop"}; !slices.Equal(names, want) {
			t.Errorf("%s has %v", release, names)
		}
	}
}
