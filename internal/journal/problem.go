package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Kind tells what kept the journal from being read or written.
type Kind int

// The kinds of Error.
const (
	Broken  Kind = iota // input/output error, or something not foreseen
	Full                // no space left
	Denied              // no permission, read-only, or not safe to use
	Newer               // written by a newer opsctl
	Busy                // another process held the database for too long
	Damaged             // the database is not whole
	Misuse              // a caller's mistake, such as a seq out of order
)

// Error says that the journal cannot be used. It maps to exit code 74.
type Error struct {
	Kind    Kind
	Message string // a sentence
	Hint    string // the next move, or ""
	Cause   error
}

func (e *Error) Error() string { return e.Message }

func (e *Error) Unwrap() error { return e.Cause }

// CorruptError says that the events after AfterSeq cannot be trusted; the ones before can.
type CorruptError struct {
	RunID    string
	AfterSeq int64
	Reason   string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the journal of run %s is corrupt after seq %d: %s", e.RunID, e.AfterSeq, e.Reason)
}

// NotFoundError says that no run has the given id or name.
type NotFoundError struct {
	Ref     string
	Nearest string // what may have been meant, or ""
}

func (e *NotFoundError) Error() string {
	if e.Ref == "last" {
		return "cannot find a last run: there is none yet"
	}
	message := fmt.Sprintf("cannot find run %q", e.Ref)
	if e.Nearest != "" {
		message += fmt.Sprintf(": did you mean %q?", e.Nearest)
	}
	return message
}

// AmbiguousError says that a reference fits several runs.
type AmbiguousError struct {
	Ref        string
	Candidates []RunInfo // newest first, ten at most
}

func (e *AmbiguousError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "run %q is ambiguous, it may be one of:", e.Ref)
	for _, c := range e.Candidates {
		fmt.Fprintf(&b, "\n  %s  %s  %s", c.ID, c.Started.Local().Format("2006-01-02 15:04:05"), c.Runbook)
	}
	return b.String()
}

// OwnedError says that another live process makes the run happen.
type OwnedError struct {
	RunID string
	Owner Owner
}

func (e *OwnedError) Error() string {
	return fmt.Sprintf("run %s is still running, as process %d on %s", e.RunID, e.Owner.PID, e.Owner.Host)
}

// problem makes an Error of what SQLite or the system said. What names the thing that failed:
// "write the journal".
func problem(dir, what string, err error) error {
	var already *Error
	if err == nil || errors.As(err, &already) {
		return err
	}
	e := &Error{Kind: kindOf(err), Cause: err}
	switch e.Kind {
	case Full:
		e.Message = fmt.Sprintf("cannot %s in %s: no space left on the disk", what, dir)
		e.Hint = "free some space there, then go on with: opsctl resume"
	case Denied:
		e.Message = fmt.Sprintf("cannot %s in %s: it is read-only, or not permitted", what, dir)
		e.Hint = "make the directory writable, or name another one with --state-dir"
	case Busy:
		e.Message = fmt.Sprintf("cannot %s in %s: another process has held it for more than %s", what, dir, busyMax)
	case Damaged:
		e.Message = fmt.Sprintf("cannot %s in %s: the database is damaged: %v", what, dir, err)
		e.Hint = "keep a copy of store.db, then move it away: a new one is made by the next run"
	default:
		e.Message = fmt.Sprintf("cannot %s in %s: %v", what, dir, err)
		if errors.Is(err, syscall.ENOTDIR) || errors.Is(err, fs.ErrExist) {
			e.Message = fmt.Sprintf("cannot %s in %s: there is a file in its place", what, dir)
			e.Hint = "name a directory with --state-dir"
		}
	}
	return e
}

func kindOf(err error) Kind {
	var se *sqlite.Error
	switch {
	case errors.As(err, &se):
		return kindOfCode(se.Code())
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return Full
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return Denied
	}
	return Broken
}

func kindOfCode(code int) Kind {
	// Growing the shared memory of the write-ahead log is an input/output error on a full disk.
	if code == sqlite3.SQLITE_IOERR_SHMSIZE {
		return Full
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return Full
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_AUTH:
		return Denied
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return Busy
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return Damaged
	}
	return Broken
}

func kindOfError(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return kindOf(err)
}

// also adds what went wrong while cleaning up, if anything did.
func also(err, cleaning error) error {
	if cleaning == nil {
		return err
	}
	return errors.Join(err, cleaning)
}
