package supervisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
)

func attempt(id, script string) executor.Attempt {
	return executor.Attempt{ID: id, Command: executor.Command{Script: script}}
}

func TestSettleFromAnotherProcess(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		facts := b.ready()
		gate := filepath.Join(t.TempDir(), "gate")
		runs := attempt("runs", "echo one; touch "+gate+".began; until [ -e "+gate+" ]; do sleep 0.05; done; echo two; exit 4")
		ended := attempt("ended", "echo out; echo err >&2; exit 5")
		if e := b.Run(context.Background(), ended, nil); e.Exit != 5 {
			t.Fatalf("%+v", e)
		}
		var wait sync.WaitGroup
		wait.Go(func() {
			if e := b.Run(context.Background(), runs, nil); e != (executor.Ending{Exit: 4}) {
				t.Errorf("followed by the first: %+v", e)
			}
		})
		until(t, "began", exists(gate+".began"))
		n := b.again()
		for _, c := range []struct {
			a        executor.Attempt
			want     executor.Ending
			out, err string
		}{
			{ended, executor.Ending{Exit: 5}, "out\n", "err\n"},
			{runs, executor.Ending{Exit: 4}, "one\ntwo\n", ""},
		} {
			var h heardOf
			e := n.Settle(context.Background(), c.a, facts.Boot, func(s executor.Stream, p []byte) {
				h.sink(s, p)
				if h.out.String() == "one\n" {
					if err := os.WriteFile(gate, nil, 0o600); err != nil {
						t.Error(err)
					}
				}
			})
			if e != c.want || h.out.String() != c.out || h.err.String() != c.err {
				t.Errorf("%s: %+v %q %q", c.a.ID, e, h.out.String(), h.err.String())
			}
		}
		wait.Wait()
		if e := n.Settle(context.Background(), attempt("new", ""), facts.Boot, nil); e.Verdict != executor.NeverRan {
			t.Errorf("never asked for: %+v", e)
		}
		if e := b.Run(context.Background(), attempt("new", "echo no"), nil); e.Verdict != executor.NeverRan {
			t.Errorf("the door is closed: %+v", e)
		}
		var h heardOf
		if e := b.Run(context.Background(), ended, h.sink); e != (executor.Ending{Exit: 5}) || h.out.String() != "out\n" {
			t.Errorf("run again: %+v", e)
		}
	})
}

func TestFault_70_ARebootIsSeen(t *testing.T) {
	b := newBed(t)
	b.o.BootFile = filepath.Join(t.TempDir(), "boot")
	boot := func(id string) {
		if err := os.WriteFile(b.o.BootFile, []byte(id+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	boot("one")
	b.Host = NewHost(b.link, b.o)
	facts := b.ready()
	if e, _, _ := b.run("done", executor.Command{Script: "exit 6"}); e.Exit != 6 || facts.Boot != "one" {
		t.Fatalf("%+v %+v", e, facts)
	}
	boot("two")
	n := b.again()
	if e := n.Settle(context.Background(), attempt("done", ""), facts.Boot, nil); e != (executor.Ending{Exit: 6}) {
		t.Errorf("on record: %+v", e)
	}
	if e := n.Settle(context.Background(), attempt("gone", ""), facts.Boot, nil); e.Verdict != executor.NotLearned || e.Class != "reboot" {
		t.Errorf("not on record: %+v", e)
	}
}

func TestFault_72_AKilledSupervisorIsNotLearned(t *testing.T) {
	each(t, func(t *testing.T, b *bed) {
		b.ready()
		mark := filepath.Join(t.TempDir(), "pid")
		go func() {
			until(t, "began", exists(mark))
			for _, s := range b.link.shells() {
				_ = syscall.Kill(s.pid, syscall.SIGKILL)
			}
		}()
		e, _, _ := b.run("k", executor.Command{Script: "echo $$ >" + mark + ".new; mv " + mark + ".new " + mark + "; sleep 60"})
		if e.Verdict != executor.NotLearned || e.Class != "supervisor" {
			t.Fatalf("%+v", e)
		}
		b.run("clean", executor.Command{Script: "kill -9 -$(cat " + mark + ")"})
	})
}

func (c *cutter) shells() []*cutShell {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*cutShell(nil), c.open...)
}

func TestFault_79_WhatIsPlantedIsRefused(t *testing.T) {
	plants := map[string]func(path string) error{
		"symlink":  func(p string) error { return os.Symlink(filepath.Dir(p), p) },
		"file":     func(p string) error { return os.WriteFile(p, nil, 0o600) },
		"dangling": func(p string) error { return os.Symlink("/no/such/place", p) },
	}
	for name, plant := range plants {
		b := newBed(t)
		if err := os.MkdirAll(b.o.StateDir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := plant(filepath.Join(b.o.StateDir, b.o.RunID)); err != nil {
			t.Fatal(err)
		}
		refusedAs(t, name, b, "no-run-directory")
	}
	b := newBed(t)
	if os.Getuid() == 0 {
		dir := filepath.Join(b.o.StateDir, b.o.RunID)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		refusedAs(t, "somebody else's", b, "no-run-directory")
	}
}

func refusedAs(t *testing.T, name string, b *bed, class string) {
	t.Helper()
	var he *executor.HostError
	if _, err := b.Ready(context.Background(), nil); !errors.As(err, &he) || he.Class != class || he.Hint == "" {
		t.Errorf("%s: %v, want class %s", name, err, class)
	}
	if e, _, _ := b.run("x", executor.Command{Script: "echo x"}); e.Verdict != executor.NeverRan || e.Class != class {
		t.Errorf("%s: %+v", name, e)
	}
}

func TestTheRunDirectoryIsDemandedWhenResumed(t *testing.T) {
	b := newBed(t)
	refusedAs(t, "resumed", b.again(), "no-run-directory")
	facts := b.ready()
	if err := os.RemoveAll(facts.RunDir); err != nil {
		t.Fatal(err)
	}
	e := b.again().Settle(context.Background(), attempt("x", ""), facts.Boot, nil)
	if e.Verdict != executor.NotLearned || e.Class != "no-run-directory" {
		t.Fatalf("%+v", e)
	}
}

func TestFault_62_NoRoom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "none", dir).Run(); err != nil {
		t.Skip("a small file system cannot be mounted here: ", err)
	}
	t.Cleanup(func() {
		if err := exec.Command("umount", "-l", dir).Run(); err != nil {
			t.Error(err)
		}
	})
	b := newBed(t)
	b.o.StateDir = filepath.Join(dir, "s")
	b.Host = NewHost(b.link, b.o)
	b.ready()
	e, _, _ := b.run("fill", executor.Command{Script: "cat /dev/zero; exit 3"})
	if e.Verdict != executor.Ended || e.Exit == 0 {
		t.Errorf("%+v", e)
	}
	effect := filepath.Join(t.TempDir(), "effect")
	e, _, _ = b.run("full", executor.Command{Script: "touch " + effect, Env: map[string]string{"A": strings.Repeat("x", 200_000)}})
	if e.Verdict != executor.NeverRan || e.Class != "disk-full" || exists(effect)() {
		t.Errorf("%+v", e)
	}
}

func TestSudoThatIsNotAllowed(t *testing.T) {
	b := newBed(t)
	var he *executor.HostError
	_, err := b.Ready(context.Background(), []string{"nobody-may"})
	if !errors.As(err, &he) || he.Class != "sudo" || !strings.Contains(he.Message, "a password is required") {
		t.Fatalf("%v", err)
	}
	e := b.Ask(context.Background(), executor.Command{Script: "true", Sudo: "nobody-may"}, nil)
	if e.Verdict == executor.Ended || e.Class != "sudo" {
		t.Fatalf("%+v", e)
	}
}

func TestManyLanesAtOnce(t *testing.T) {
	b := newBed(t)
	b.ready()
	var wait sync.WaitGroup
	for i := range 12 {
		wait.Go(func() {
			for k := range 5 {
				id := fmt.Sprintf("%d-%d", i, k)
				if e, out, err := b.run(id, executor.Command{Script: "echo " + id + "; echo e" + id + " >&2"}); e != (executor.Ending{}) || out != id+"\n" || err != "e"+id+"\n" {
					t.Errorf("%s: %+v %q %q", id, e, out, err)
				}
				var h heardOf
				if e := b.Ask(context.Background(), executor.Command{Script: "echo " + id}, h.sink); e != (executor.Ending{}) || h.out.String() != id+"\n" {
					t.Errorf("read %s: %+v", id, e)
				}
			}
		})
	}
	wait.Wait()
	if n := len(b.link.shells()); n > lanesMax*40 {
		t.Errorf("%d shells were opened", n)
	}
}
