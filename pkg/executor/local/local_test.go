package local

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

func TestAnAttemptRunsHere(t *testing.T) {
	h := New(Options{RunID: "r1", StateDir: t.TempDir()})
	defer func() { _ = h.Close() }()
	facts, err := h.Ready(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	end := h.Run(context.Background(), executor.Attempt{ID: "a", Command: executor.Command{Script: `printf %s "$OPSCTL_RUN_DIR"; exit 3`}},
		func(_ executor.Stream, p []byte) { out.Write(p) })
	if end != (executor.Ending{Exit: 3}) || out.String() != facts.RunDir {
		t.Fatalf("%+v %q, run directory %q", end, out.String(), facts.RunDir)
	}
}

func TestEnvironIsSmall(t *testing.T) {
	got := environ([]string{"PATH=/bin", "SECRET=x", "LC_ALL=C", "XDG_STATE_HOME=/s", "SSH_AUTH_SOCK=/a"})
	if want := "PATH=/bin LC_ALL=C XDG_STATE_HOME=/s"; strings.Join(got, " ") != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func BenchmarkRun(b *testing.B) {
	h := New(Options{RunID: "bench", StateDir: b.TempDir()})
	defer func() { _ = h.Close() }()
	if _, err := h.Ready(context.Background(), nil); err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i++
		a := executor.Attempt{ID: fmt.Sprint("s", i), Command: executor.Command{Script: "echo step"}}
		if e := h.Run(context.Background(), a, nil); e.Verdict != executor.Ended || e.Exit != 0 {
			b.Fatalf("%+v", e)
		}
	}
}

func BenchmarkAsk(b *testing.B) {
	h := New(Options{RunID: "bench", StateDir: b.TempDir()})
	defer func() { _ = h.Close() }()
	for b.Loop() {
		if e := h.Ask(context.Background(), executor.Command{Script: "echo step"}, nil); e.Verdict != executor.Ended || e.Exit != 0 {
			b.Fatalf("%+v", e)
		}
	}
}

// BenchmarkFloor is what fork and exec of a shell cost, with nothing around them.
func BenchmarkFloor(b *testing.B) {
	for b.Loop() {
		if _, err := exec.Command("sh", "-c", "echo step").Output(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFloorShell is one subshell in a persistent shell, and its frame.
func BenchmarkFloorShell(b *testing.B) {
	cmd := exec.Command("sh")
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := make([]byte, 4096)
	for b.Loop() {
		if _, err := io.WriteString(in, "( echo step ) </dev/null; echo nonce X $? done\n"); err != nil {
			b.Fatal(err)
		}
		for got := ""; !strings.HasSuffix(got, "done\n"); {
			n, err := out.Read(p)
			if err != nil {
				b.Fatal(err)
			}
			got += string(p[:n])
		}
	}
	if err := in.Close(); err != nil {
		b.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}

func TestAReadBehindSudoIsEnded(t *testing.T) {
	if err := exec.Command("sudo", "-n", "-u", "nobody", "--", "true").Run(); err != nil {
		t.Skip("sudo is not allowed here: ", err)
	}
	h := New(Options{RunID: "r1", StateDir: t.TempDir()})
	defer func() { _ = h.Close() }()
	var pid strings.Builder
	e := h.Ask(context.Background(), executor.Command{Script: "sh -c 'echo $$; exec sleep 60'", Sudo: "nobody", Timeout: time.Second},
		func(_ executor.Stream, p []byte) { pid.Write(p) })
	if e.Verdict != executor.Ended || !e.TimedOut {
		t.Fatalf("%+v", e)
	}
	e = h.Ask(context.Background(), executor.Command{Script: "! ps -o stat= -p " + strings.TrimSpace(pid.String()) + " | grep '^[^Z]'"}, nil)
	if e.Verdict != executor.Ended || e.Exit != 0 {
		t.Fatalf("it lives on: %+v", e)
	}
}
