package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestFault_10_UnsafeDirectories(t *testing.T) {
	base := stateDir(t)
	shared := filepath.Join(base, "shared")
	check(t, os.Mkdir(shared, 0o700))
	check(t, os.Chmod(shared, 0o770))
	file := filepath.Join(base, "file")
	check(t, os.WriteFile(file, nil, 0o600))
	planted := filepath.Join(base, "planted")
	check(t, os.Mkdir(planted, 0o700))
	check(t, os.Symlink(file, filepath.Join(planted, "store.db")))
	for dir, want := range map[string]string{
		shared:                     "others may write there (mode 0770)",
		file:                       "not a directory",
		filepath.Join(file, "sub"): "not a directory",
		planted:                    "it is not a regular file",
	} {
		_, err := Open(dir)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", dir, err)
		}
	}
}

// TestFault_10_OtherUser lets another user open a store that is not theirs, is not writable, or
// is under a directory they cannot enter.
func TestFault_10_OtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	base, err := os.MkdirTemp("", "journal")
	check(t, err)
	t.Cleanup(func() { check(t, os.RemoveAll(base)) })
	check(t, os.Chmod(base, 0o755))
	const nobody = 65534
	binary := filepath.Join(base, "journal.test")
	check(t, os.WriteFile(binary, must(os.ReadFile(must(os.Executable())(t)))(t), 0o600))
	check(t, os.Chmod(binary, 0o755))
	ours, theirs, fixed := filepath.Join(base, "ours"), filepath.Join(base, "theirs"), filepath.Join(base, "fixed")
	for _, dir := range []string{ours, theirs, fixed} {
		check(t, os.Mkdir(dir, 0o755))
	}
	check(t, os.Chown(theirs, nobody, nobody))
	check(t, os.Chown(fixed, nobody, nobody))
	check(t, os.Chmod(fixed, 0o500))
	check(t, must(Open(ours))(t).Close())
	for dir, want := range map[string]string{
		ours:                        "it belongs to user 0, and this is user 65534",
		fixed:                       "it is read-only, or not permitted",
		filepath.Join(base, "new"):  "cannot create the state directory",
		filepath.Join(ours, "runs"): "it belongs to user 0",
		theirs:                      "",
	} {
		cmd := process("open", dir, "")
		cmd.Path, cmd.Dir = binary, base
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		if (err == nil) != (want == "") || !strings.Contains(string(out), want) {
			t.Errorf("%s: got %v: %s", dir, err, out)
		}
	}
	// Threat T12: nothing in a store can be read by others.
	cmd := process("open", theirs, "")
	cmd.Path, cmd.Args = "/bin/cat", []string{"cat", filepath.Join(ours, "store.db")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.Output(); err == nil || len(out) > 0 {
		t.Errorf("another user reads %d bytes of the store", len(out))
	}
}

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
