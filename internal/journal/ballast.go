package journal

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ensureBallast sets space aside for the last events of a run. It is filled with noise, as a
// file system may store zeros for nothing.
func ensureBallast(dir string) error {
	path := ballastPath(dir)
	if info, err := os.Stat(path); err == nil && info.Size() == ballastSize {
		return nil
	}
	noise := make([]byte, ballastSize)
	_, _ = rand.Read(noise) // never fails
	err := os.WriteFile(path, noise, fileMode)
	if err != nil {
		// What was written of it only makes the disk fuller.
		err = errors.Join(err, dropBallast(dir))
	}
	return problem(dir, "set space aside", err)
}

// dropBallast gives that space back.
func dropBallast(dir string) error {
	if err := os.Remove(ballastPath(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func ballastPath(dir string) string { return filepath.Join(dir, "ballast") }
