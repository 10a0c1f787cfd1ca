package action

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// machine is this machine as a host whose commands are read by one of its shells.
type machine struct {
	shell  []string
	path   string
	runDir string
}

// shells are those that are installed; busybox brings its own tools.
func shells(t *testing.T, visit func(t *testing.T, m *machine)) {
	for _, argv := range [][]string{{"dash"}, {"bash", "--posix"}, {"busybox", "sh"}, {"ksh"}, {"zsh", "--emulate", "sh"}} {
		t.Run(argv[0], func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(argv[0]); err != nil {
				t.Skip("not installed")
			}
			visit(t, newMachine(t, argv))
		})
	}
	t.Run("bare", func(t *testing.T) { // nothing but what POSIX has, and readlink
		t.Parallel()
		m := newMachine(t, []string{"sh"})
		m.path = t.TempDir()
		for _, tool := range strings.Fields("cat cp mv rm mkdir rmdir ls touch chmod chown chgrp ln readlink find wc cksum id sh") {
			p, err := exec.LookPath(tool)
			if err != nil {
				t.Skip("not installed: ", tool)
			}
			if err := os.Symlink(p, filepath.Join(m.path, tool)); err != nil {
				t.Fatal(err)
			}
		}
		visit(t, m)
	})
}

func newMachine(t *testing.T, argv []string) *machine {
	m := &machine{shell: argv, path: os.Getenv("PATH"), runDir: t.TempDir()}
	if argv[0] == "busybox" {
		bin := t.TempDir()
		if out, err := exec.Command("busybox", "--install", "-s", bin).CombinedOutput(); err != nil {
			t.Skip("cannot install applets: ", string(out))
		}
		m.path = bin
	}
	return m
}

func (m *machine) run(c executor.Command, out, errOut io.Writer) int {
	program, err := exec.LookPath(m.shell[0])
	if err != nil {
		return 127
	}
	file, err := os.CreateTemp(m.runDir, "script")
	if err != nil {
		return 127
	}
	if _, err := file.WriteString("set -eu\n" + c.Script); err != nil {
		return 127
	}
	if err := file.Close(); err != nil {
		return 127
	}
	argv := append(append([]string{}, m.shell[1:]...), "-c", `eval "$(cat "$0")"`, file.Name())
	cmd := exec.Command(program, argv...)
	cmd.Env = []string{"PATH=" + m.path, "HOME=" + filepath.Join(m.runDir, "home"), "OPSCTL_RUN_DIR=" + m.runDir}
	cmd.Stdout, cmd.Stderr = out, errOut
	err = cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode()
	} else if err != nil {
		return 127
	}
	return 0
}

func (m *machine) Ask(_ context.Context, c executor.Command, sink executor.Sink) executor.Ending {
	var out, errOut bytes.Buffer
	code := m.run(c, &out, &errOut)
	if sink != nil {
		sink(executor.Stdout, out.Bytes())
		sink(executor.Stderr, errOut.Bytes())
	}
	return executor.Ending{Exit: code}
}

func (m *machine) Reach(context.Context) error { return nil }

func (m *machine) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

func (m *machine) stage(t *testing.T, files []executor.StagedFile) string {
	dir, err := os.MkdirTemp(m.runDir, "staged")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		body, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(body)
		if err != nil || int64(len(data)) != f.Size {
			t.Fatal(err, len(data), f.Size)
		}
		if err := errors.Join(body.Close(), os.WriteFile(filepath.Join(dir, f.Path), data, f.Mode)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// do does a work as the executor does, and returns what it complained about.
func (m *machine) do(t *testing.T, w executor.Work, key string) (executor.Probe, string) {
	t.Helper()
	p, err := w.Probe(context.Background(), m, executor.Command{})
	if err != nil {
		return p, err.Error()
	}
	if p.Same {
		return p, ""
	}
	files, err := w.Files()
	if err != nil {
		t.Fatal(err)
	}
	return p, m.script(w.Do(key, m.stage(t, files)))
}

func (m *machine) script(c executor.Command) string {
	var out bytes.Buffer
	if code := m.run(c, &out, &out); code != 0 {
		return fmt.Sprintf("exit %d: %s", code, out.String())
	}
	return ""
}

// snapshot is everything of a tree that an undo must bring back.
func snapshot(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(p)
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		fmt.Fprintf(&b, "%q %v %d:%d", strings.TrimPrefix(p, root), info.Mode(), st.Uid, st.Gid)
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			fmt.Fprintf(&b, " → %s %v\n", target, err)
			return nil
		case info.Mode().IsRegular():
			data, err := os.ReadFile(p)
			fmt.Fprintf(&b, " %q %v", data, err)
		}
		fmt.Fprintf(&b, " %s\n", info.ModTime().Format("15:04:05.000000"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// load makes the action of the one step in a runbook.
func load(t *testing.T, dir, step string) (executor.Work, executor.Question, error) {
	t.Helper()
	rb, _, err := runbook.LoadText("name: x\nhosts: local\nsteps:\n  - id: s\n    "+step+"\n", "r.yaml", dir)
	if err != nil {
		t.Fatal(err)
	}
	return New(rb.Root.Steps[0], dir, func(text *runbook.Text) (string, error) {
		if text == nil {
			return "", nil
		}
		if len(text.Exprs()) == 0 {
			return text.Node.Text, nil
		}
		return text.Render(map[string]any{"host": map[string]any{"name": "web1"}})
	})
}

func work(t *testing.T, dir, step string) executor.Work {
	t.Helper()
	w, _, err := load(t, dir, step)
	if err != nil {
		t.Fatal(err)
	}
	return w
}
