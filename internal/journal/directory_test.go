package journal

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
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
		file:                       "there is a file in its place",
		filepath.Join(file, "sub"): "there is a file in its place",
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
