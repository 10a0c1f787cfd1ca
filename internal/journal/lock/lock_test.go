package lock

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary be the other process: it takes locks, says "held", and keeps
// them until its standard input ends.
func TestMain(m *testing.M) {
	if dir := os.Getenv("LOCK_TEST_DIR"); dir != "" {
		who := Holder{Run: "01OTHER", Runbook: "deploy", User: "eve", PID: os.Getpid(), Since: time.Now()}
		_, err := Acquire(context.Background(), dir, strings.Split(os.Getenv("LOCK_TEST_NAMES"), ","), who, 0)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func other(t *testing.T, dir, names string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "LOCK_TEST_DIR="+dir, "LOCK_TEST_NAMES="+names)
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd
}

func TestFault_14_TwoProcesses(t *testing.T) {
	dir := t.TempDir()
	cmd := other(t, dir, "b,a b/ü")
	me := Holder{Run: "01ME", PID: os.Getpid()}
	_, err := Acquire(context.Background(), dir, []string{"c", "b", "a"}, me, 0)
	var held *HeldError
	if !errors.As(err, &held) || held.Name != "b" || held.Holder.PID != cmd.Process.Pid || held.Holder.Run != "01OTHER" {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "run 01OTHER of runbook deploy, started by eve") {
		t.Errorf("got %q", err)
	}
	// Nothing was kept of the failed attempt, also not "a", which came first.
	set, err := Acquire(context.Background(), dir, []string{"a", "c", "a"}, me, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Release(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Acquire(ctx, dir, []string{"b"}, me, time.Hour); !errors.As(err, &held) || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
}

func TestFault_15_LockDiesWithItsProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := other(t, dir, "x")
	done := make(chan error, 1)
	go func() {
		set, err := Acquire(context.Background(), dir, []string{"x"}, Holder{Run: "01ME"}, time.Minute)
		if err == nil {
			err = set.Release()
		}
		done <- err
	}()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestFilesAreSafe(t *testing.T) {
	dir := t.TempDir()
	names := []string{"../../x", "a/b", "a_b", strings.Repeat("ü", 400), "deploy.yaml\x00web1"}
	set, err := Acquire(context.Background(), dir, names, Holder{Run: "01ME"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(filepath.Join(dir, "locks"))
	if err != nil || len(files) != len(names) {
		t.Fatalf("got %v, %v", files, err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "locks", f.Name()))
		if err != nil || !json.Valid(b) {
			t.Errorf("%s holds %q, %v", f.Name(), b, err)
		}
	}
	if err := set.Release(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", strings.Repeat("x", nameMax+1)} {
		if _, err := Acquire(context.Background(), dir, []string{name}, Holder{}, 0); err == nil {
			t.Errorf("a name of %d bytes is taken", len(name))
		}
	}
}

func TestNeverTwoHolders(t *testing.T) {
	dir := t.TempDir()
	var inside, most int
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			names := []string{"p", "q", "r"}
			names[i%3], names[0] = names[0], names[i%3]
			for range 3 {
				set, err := Acquire(context.Background(), dir, names, Holder{Run: "01ME"}, time.Minute)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				mu.Lock()
				inside--
				mu.Unlock()
				if err := set.Release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if most != 1 {
		t.Errorf("%d held the locks at once", most)
	}
}
