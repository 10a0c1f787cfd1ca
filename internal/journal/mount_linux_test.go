package journal

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// small mounts a file system of the given options, or skips the test.
func small(t *testing.T, flags uintptr, options string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a file system")
	}
	dir := stateDir(t)
	if err := unix.Mount("tmpfs", dir, "tmpfs", flags, options+",mode=0700"); err != nil {
		t.Skipf("cannot mount a file system here: %v", err)
	}
	t.Cleanup(func() { check(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

func TestFault_10_ReadOnlyFileSystem(t *testing.T) {
	dir := small(t, 0, "size=8m")
	check(t, must(Open(dir))(t).Close())
	check(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	_, err := Open(dir)
	var e *Error
	if !errors.As(err, &e) || e.Kind != Denied || e.Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestFault_09_DiskFull(t *testing.T) {
	dir := small(t, 0, "size=4m")
	s := open(t, dir)
	r := must(s.Create(header("01FULL")))(t)
	seq := int64(0)
	for !r.Strained() {
		check(t, r.Keep(refOf(event(seq+1)), 1, make([]byte, 10_000)))
		check(t, r.Append(events(seq+1, seq+20)))
		seq += 20
	}
	if _, err := os.Stat(ballastPath(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the ballast is still there: %v", err)
	}
	// The ballast has room for the end of a run of some size.
	for range 10 {
		check(t, r.Keep(refOf(event(seq+1)), 1, make([]byte, 100_000)))
		check(t, r.Append(events(seq+1, seq+20)))
		seq += 20
	}
	if _, err := s.Create(header("01NEXT")); err == nil {
		t.Error("a run is created on a full disk")
	}
	var failed error
	for failed == nil {
		if failed = r.Append(events(seq+1, seq+20)); failed == nil {
			seq += 20
		}
	}
	var e *Error
	if !errors.As(failed, &e) || e.Kind != Full || e.Hint == "" {
		t.Fatalf("got %v", failed)
	}
	if err := r.Append(events(seq+1, seq+1)); !errors.Is(err, failed) {
		t.Errorf("after an error: got %v", err)
	}
	check(t, r.Close())
	// Nothing that was durable is lost, and the run goes on once there is space.
	if got := must(s.Read("01FULL"))(t); int64(len(got)) != seq {
		t.Errorf("got %d events, want %d", len(got), seq)
	}
	check(t, unix.Mount("", dir, "", unix.MS_REMOUNT, "size=16m"))
	again, got, err := s.Reopen("01FULL", Self())
	check(t, err)
	check(t, again.Append(events(int64(len(got))+1, int64(len(got))+2)))
	check(t, again.Close())
}

func TestFault_09_FullBeforeTheStart(t *testing.T) {
	dir := small(t, 0, "size=512k")
	s, err := Open(dir)
	if err == nil {
		t.Cleanup(func() { check(t, s.Close()) })
		_, err = s.Create(header("01FULL"))
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind != Full || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(ballastPath(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half a ballast fills the disk: %v", err)
	}
}
