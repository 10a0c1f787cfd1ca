package secret

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// readPrivate reads a file that holds a secret in clear. As ssh does with keys, it refuses one
// that belongs to the person who runs opsctl and that others may use; of one that belongs to
// somebody else, the person could not change that, and its owner let them read it.
func readPrivate(path string, limit int) (string, error) {
	return read(path, limit, func(info fs.FileInfo) error {
		if info.Mode().Perm()&0o077 != 0 && mine(info) {
			return refuse("chmod 600 "+path, "others may use %s (its mode is %04o)", path, info.Mode().Perm())
		}
		return nil
	})
}

// readOpen reads a file that anybody may see, because it is encrypted or public.
func readOpen(path string, limit int) (string, error) {
	return read(path, limit, func(fs.FileInfo) error { return nil })
}

func read(path string, limit int, check func(fs.FileInfo) error) (string, error) {
	// A fifo must not hold us until somebody writes to it; what was opened is what is looked at.
	file, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return "", refuse(pathHint(err), "cannot open %s: %s", path, reason(err))
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", refuse("", "cannot look at %s: %s", path, reason(err))
	}
	if !info.Mode().IsRegular() {
		return "", refuse("name a file, or use `command` for what a program prints", "%s is not a regular file", path)
	}
	if err := check(info); err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, int64(limit)+1))
	if err != nil {
		return "", refuse("", "cannot read %s: %s", path, reason(err))
	}
	if len(text) > limit {
		return "", refuse("", "%s is longer than %d KiB", path, limit>>10)
	}
	return string(text), nil
}

func pathHint(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "a relative path starts at the directory of the runbook"
	}
	return ""
}

// reason is what the operating system says, without the path.
func reason(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return err.Error()
}
