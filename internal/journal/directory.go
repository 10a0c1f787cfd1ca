package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// The modes of what is made in the state directory.
const (
	dirMode  fs.FileMode = 0o700
	fileMode fs.FileMode = 0o600
)

// prepareDir makes the state directory, or makes sure that the one there is ours alone.
func prepareDir(dir string) error {
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return problem(dir, "create the state directory", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return problem(dir, "look at the state directory", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &Error{Kind: Denied, Message: fmt.Sprintf("cannot learn who owns the state directory %s", dir)}
	}
	if uid := os.Geteuid(); int(stat.Uid) != uid {
		return &Error{
			Kind:    Denied,
			Message: fmt.Sprintf("cannot use the state directory %s: it belongs to user %d, and this is user %d", dir, stat.Uid, uid),
			Hint:    "name a directory of your own with --state-dir",
		}
	}
	if info.Mode().Perm()&0o022 != 0 {
		return &Error{
			Kind:    Denied,
			Message: fmt.Sprintf("cannot use the state directory %s: others may write there (mode %04o)", dir, info.Mode().Perm()),
			Hint:    "chmod 700 " + dir,
		}
	}
	// Asked of the system, since root may pass every mode but not a read-only mount.
	if err := unix.Access(dir, unix.W_OK|unix.X_OK); err != nil {
		return problem(dir, "write the journal", err)
	}
	if err := os.Mkdir(filepath.Join(dir, "runs"), dirMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return problem(dir, "create a directory", err)
	}
	return nil
}

// prepareFile makes the database's file before SQLite does, which would make it readable by
// others; the write-ahead log inherits the mode.
func prepareFile(dir, path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|unix.O_NOFOLLOW, fileMode)
		if err != nil {
			return problem(dir, "create the journal", err)
		}
		return problem(dir, "create the journal", f.Close())
	case err != nil:
		return problem(dir, "look at the journal", err)
	case !info.Mode().IsRegular():
		return &Error{Kind: Denied, Message: fmt.Sprintf("cannot use %s: it is not a regular file", path)}
	case info.Mode().Perm()&0o077 != 0:
		return problem(dir, "take the journal from the eyes of others", os.Chmod(path, fileMode))
	}
	return nil
}
