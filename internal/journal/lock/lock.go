package lock

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Everything that has a limit.
const (
	nameMax     = 1024                   // bytes of a name
	readableMax = 60                     // bytes of a name that show in that of its file
	holderMax   = 16 << 10               // bytes of the text about the holder
	pollEvery   = 100 * time.Millisecond // while waiting
)

// Holder tells who holds a lock.
type Holder struct {
	Run     string    `json:"run"`
	Runbook string    `json:"runbook"`
	User    string    `json:"user"`
	Host    string    `json:"host,omitempty"` // the machine opsctl runs on
	PID     int       `json:"pid"`
	Since   time.Time `json:"since"`
}

// HeldError says that another process holds a lock. Holder is empty in the moment between its
// taking the lock and its writing who it is.
type HeldError struct {
	Name   string
	Holder Holder
}

func (e *HeldError) Error() string {
	h := e.Holder
	if h.Run == "" {
		return fmt.Sprintf("lock %q is held by another run", e.Name)
	}
	where := ""
	if h.Host != "" {
		where = " on " + h.Host
	}
	return fmt.Sprintf("lock %q is held by run %s of runbook %s, started by %s%s (process %d) at %s",
		e.Name, h.Run, h.Runbook, h.User, where, h.PID, h.Since.Local().Format("2006-01-02 15:04:05"))
}

// Set is locks held together.
type Set struct {
	locks []*flock.Flock
}

// Acquire takes the locks of all names in the state directory dir, each once, in sorted order,
// so that no two processes wait for each other in a circle. A lock that is held is waited for,
// for wait in all (0: not at all), or until ctx ends; then it is a *HeldError, which also wraps
// why ctx ended. On error none is held.
func Acquire(ctx context.Context, dir string, names []string, who Holder, wait time.Duration) (*Set, error) {
	dir = filepath.Join(dir, "locks")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot create the directory of locks: %w", err)
	}
	text, err := json.Marshal(who)
	if err != nil {
		return nil, fmt.Errorf("cannot write down who holds a lock: %w", err)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	deadline, set := time.Now().Add(wait), &Set{}
	for _, name := range names {
		if err := set.take(ctx, dir, name, text, deadline); err != nil {
			return nil, errors.Join(err, set.Release())
		}
	}
	return set, nil
}

// Release gives all locks of the set back. It may be called again.
func (s *Set) Release() error {
	var failed error
	for _, lock := range slices.Backward(s.locks) {
		failed = cmp.Or(failed, lock.Unlock())
	}
	s.locks = nil
	if failed != nil {
		return fmt.Errorf("cannot release a lock: %w", failed)
	}
	return nil
}

func (s *Set) take(ctx context.Context, dir, name string, text []byte, deadline time.Time) error {
	if name == "" || len(name) > nameMax {
		return fmt.Errorf("cannot take a lock with a name of %d bytes: 1 to %d are allowed", len(name), nameMax)
	}
	path := filepath.Join(dir, fileName(name))
	lock := flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW), flock.SetPermissions(0o600))
	for {
		held, err := lock.TryLock()
		if errors.Is(err, syscall.EMFILE) {
			return fmt.Errorf("cannot take lock %q: %d locks are held, and no more files may be open; raise the limit with: ulimit -n", name, len(s.locks))
		}
		if err != nil {
			return fmt.Errorf("cannot take lock %q: %w", name, err)
		}
		if held {
			break
		}
		if !time.Now().Before(deadline) {
			return &HeldError{Name: name, Holder: holder(path)}
		}
		select {
		case <-ctx.Done():
			return errors.Join(&HeldError{Name: name, Holder: holder(path)}, ctx.Err())
		case <-time.After(min(pollEvery, max(time.Until(deadline), time.Millisecond))):
		}
	}
	s.locks = append(s.locks, lock)
	// Through the path, which is the locked file: it is never removed.
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return fmt.Errorf("cannot write down who holds lock %q: %w", name, err)
	}
	return nil
}

// holder reads who holds a lock; it is empty while that is being written.
func holder(path string) Holder {
	var h Holder
	b, err := os.ReadFile(path)
	if err != nil || len(b) > holderMax || json.Unmarshal(b, &h) != nil {
		return Holder{}
	}
	return h
}

// fileName is safe for any name, and different for each: a readable part, then a digest.
func fileName(name string) string {
	readable := strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, name)
	sum := sha256.Sum256([]byte(name))
	return readable[:min(len(readable), readableMax)] + "-" + hex.EncodeToString(sum[:12])
}
