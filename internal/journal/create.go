package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/gofrs/flock"

	"github.com/opsctl/opsctl/pkg/run"
)

// RunHeader is what is known of a run before its first event.
type RunHeader struct {
	ID      string // a ULID
	Runbook string // its name
	Path    string // where it was read
	User    string
	Started time.Time
	Owner   Owner  // this process: Self()
	Source  []byte // the runbook's text
	// Inputs is what resume and rollback need: texts of runbook and inventory, params. It is
	// opaque here. Secret params must come as keyed digests: nothing is masked here.
	Inputs []byte
}

// Create begins the journal of a new run and makes this process its owner. There must be space
// for the ballast, so that a run that starts can also be ended.
func (s *Store) Create(h RunHeader) (*Run, error) {
	if len(h.ID) < idMin || len(h.ID) > idMax || !reference.MatchString(h.ID) {
		return nil, &Error{Kind: Misuse, Message: fmt.Sprintf("cannot create a run with the id %q", h.ID)}
	}
	if err := ensureBallast(s.dir); err != nil {
		return nil, err
	}
	lock, err := own(s.dir, h.ID, false)
	if err != nil {
		return nil, err
	}
	if lock == nil {
		return nil, &OwnedError{RunID: h.ID, Owner: h.Owner}
	}
	r := newRun(s, h.ID, lock, genesis(h.ID))
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.write(func() error {
		inserted, err := s.insert(`INSERT INTO runs (id, runbook, path, user, host, started, pid, pid_start, boot, beat, last_sum)
			VALUES (?,?,?,?,?,?,?,?,?,?,?)`, h.ID, h.Runbook, h.Path, h.User, h.Owner.Host, h.Started.UnixNano(),
			h.Owner.PID, h.Owner.Start, h.Owner.Boot, h.Started.UnixNano(), r.sum)
		if err != nil {
			return err
		}
		r.number = inserted
		return s.exec("INSERT INTO texts (run, source, inputs, sum) VALUES (?,?,?,?)", r.number, bytesOf(h.Source), bytesOf(h.Inputs), textsSum(h.Source, h.Inputs))
	})
	if err != nil {
		return nil, also(problem(s.dir, "create the journal of run "+h.ID, err), lock.Close())
	}
	return r, nil
}

// Reopen goes on with the journal of a run, for resume and rollback, and makes this process its
// owner. It returns the events so far. While another process owns the run it is an *OwnedError;
// a journal that is not whole is a *CorruptError.
func (s *Store) Reopen(id string, owner Owner) (*Run, []run.Event, error) {
	info, err := s.find(id)
	if err != nil {
		return nil, nil, err
	}
	// A process that died a moment ago may still be ending; somebody may be looking at the lock.
	lock, err := own(s.dir, info.ID, info.State != Running || info.Owner.gone())
	if err != nil {
		return nil, nil, err
	}
	if lock == nil {
		return nil, nil, &OwnedError{RunID: info.ID, Owner: info.Owner}
	}
	r, events, err := s.takeOver(info.ID, lock, owner)
	if err != nil {
		return nil, nil, also(err, lock.Close())
	}
	return r, events, nil
}

func (s *Store) takeOver(id string, lock *flock.Flock, owner Owner) (*Run, []run.Event, error) {
	// Without it the run can still be ended, and space may have been made since.
	if err := ensureBallast(s.dir); err != nil && kindOfError(err) != Full {
		return nil, nil, err
	}
	// Read again: only now nobody else writes.
	info, err := s.find(id)
	if err != nil {
		return nil, nil, err
	}
	events, err := s.Read(id)
	if err != nil {
		return nil, nil, err
	}
	r := newRun(s, id, lock, info.sum)
	r.number = info.number
	r.tally.add(events)
	r.seq = info.Events
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.write(func() error {
		return s.exec("UPDATE runs SET pid = ?, pid_start = ?, boot = ?, host = ? WHERE n = ?", owner.PID, owner.Start, owner.Boot, owner.Host, r.number)
	})
	return r, events, problem(s.dir, "go on with the journal of run "+id, err)
}

// Replace keeps another source and other inputs for a run that goes on with changes.
func (r *Run) Replace(source, inputs []byte) error {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	err := r.store.write(func() error {
		return r.store.exec("UPDATE texts SET source = ?, inputs = ?, sum = ? WHERE run = ?", bytesOf(source), bytesOf(inputs), textsSum(source, inputs), r.number)
	})
	return problem(r.store.dir, "keep what run "+r.id+" goes on with", err)
}

// Inputs gives back what Create was given.
func (s *Store) Inputs(id string) ([]byte, error) {
	info, err := s.find(id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var source, inputs, sum []byte
	err = s.each(func(rows *sql.Rows) error { return rows.Scan(&source, &inputs, &sum) }, "SELECT source, inputs, sum FROM texts WHERE run = ?", info.number)
	if err != nil {
		return nil, problem(s.dir, "read the journal", err)
	}
	if !bytes.Equal(sum, textsSum(source, inputs)) {
		return nil, &Error{
			Kind:    Damaged,
			Message: fmt.Sprintf("cannot go on with run %s: the runbook and params kept in %s are damaged", info.ID, s.dir),
		}
	}
	return inputs, nil
}

func (s *Store) insert(query string, args ...any) (int64, error) {
	result, err := s.conn.ExecContext(context.Background(), query, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// bytesOf is b, but never NULL.
func bytesOf(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func textsSum(source, inputs []byte) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(source)))) // so that no byte changes sides
	h.Write(source)
	h.Write(inputs)
	return h.Sum(nil)
}
