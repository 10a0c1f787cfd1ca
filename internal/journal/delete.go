package journal

import (
	"errors"
	"io/fs"
	"os"
)

// Delete forgets a run and all its output. While another process owns it, it is an *OwnedError.
// The space is used again by later runs.
func (s *Store) Delete(id string) error {
	info, err := s.find(id)
	if err != nil {
		return err
	}
	lock, err := own(s.dir, info.ID, info.State != Running)
	if err != nil {
		return err
	}
	if lock == nil {
		return &OwnedError{RunID: info.ID, Owner: info.Owner}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.write(func() error {
		for _, query := range []string{
			"DELETE FROM chunks WHERE n IN (SELECT c.n FROM outputs AS o JOIN chunks AS c ON c.n >= o.n << 24 AND c.n < (o.n + 1) << 24 WHERE o.run = ?)",
			"DELETE FROM outputs WHERE run = ?",
			"DELETE FROM events WHERE run = ?",
			"DELETE FROM texts WHERE run = ?",
			"DELETE FROM runs WHERE n = ?",
		} {
			if err := s.exec(query, info.number); err != nil {
				return err
			}
		}
		return nil
	})
	// The file goes last: who got hold of it before finds no run any more.
	if err == nil {
		if err = os.Remove(lockPath(s.dir, info.ID)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return also(problem(s.dir, "delete run "+info.ID, err), lock.Close())
}
