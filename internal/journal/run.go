package journal

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

// Run is the journal of one run, in the hands of its owner. It is an executor.Journal, and may
// be used by several goroutines.
type Run struct {
	store  *Store
	id     string
	number int64
	lock   *flock.Flock

	mu       sync.Mutex // held before the store's
	seq      int64      // of the last durable event
	sum      []byte     // of the last durable event
	tally    *tally
	streams  map[streamKey]*stream
	pending  int // bytes of streams that are not in their tail
	strained bool
	failed   error // the first one; nothing is written after it
	insert   *sql.Stmt
}

var _ executor.Journal = (*Run)(nil)

func newRun(s *Store, id string, lock *flock.Flock, sum []byte) *Run {
	return &Run{store: s, id: id, lock: lock, sum: sum, tally: newTally(), streams: map[streamKey]*stream{}}
}

// ID is the id of the run.
func (r *Run) ID() string { return r.id }

// Append writes events, whose Seq go on from the last one, and all output kept so far in one
// commit. When it returns nil they are durable. After an error, an *Error, every later call
// fails with it.
//
// When the disk is full, the ballast is given up and the commit is tried once more. If that
// helps, Append returns nil and Strained is true from then on: nothing new should be started.
func (r *Run) Append(events []run.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return r.failed
	}
	if len(events) == 0 && len(r.streams) == 0 {
		return nil
	}
	batch, err := r.prepare(events)
	if err == nil {
		err = r.commit(func() error { return r.writeBatch(batch) })
	}
	if err != nil {
		r.failed = problem(r.store.dir, "write the journal", err)
		return r.failed
	}
	r.seq, r.sum = batch.seq, batch.sum
	r.forgetFinished(events)
	return nil
}

// Strained tells that the disk is full and the run lives on its ballast. From then on output is
// counted, but no longer kept, to leave the space to events.
func (r *Run) Strained() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.strained
}

// Close gives the run out of hand. Output that no Append has followed is not kept.
func (r *Run) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = &Error{Kind: Misuse, Message: fmt.Sprintf("cannot write the journal of run %s: it is closed", r.id)}
	}
	var err error
	if r.insert != nil {
		r.store.mu.Lock()
		err = r.insert.Close()
		r.store.mu.Unlock()
		r.insert = nil
	}
	return problem(r.store.dir, "close the journal of run "+r.id, errors.Join(err, r.lock.Close()))
}

// batch is events ready to be written.
type batch struct {
	bodies, sums [][]byte
	seq          int64 // of the last
	sum          []byte
}

func (r *Run) prepare(events []run.Event) (batch, error) {
	b := batch{seq: r.seq, sum: r.sum}
	for _, e := range events {
		if e.Seq != b.seq+1 {
			return b, &Error{Kind: Misuse, Message: fmt.Sprintf("cannot store event %d (%s): event %d is the next", e.Seq, e, b.seq+1)}
		}
		body, err := encode(e)
		if err != nil {
			return b, err
		}
		b.seq, b.sum = e.Seq, chain(b.sum, e.Seq, body)
		b.bodies, b.sums = append(b.bodies, body), append(b.sums, b.sum)
	}
	r.tally.add(events)
	return b, nil
}

// commit does the writing, and once more without the ballast if the disk is full. An error of
// the disk itself is never tried again: after a failed sync nobody knows what is there.
func (r *Run) commit(do func() error) error {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	err := r.store.write(do)
	if err == nil || kindOfError(err) != Full {
		return r.flushed(err)
	}
	r.strained = true
	if dropErr := dropBallast(r.store.dir); dropErr != nil {
		return errors.Join(err, dropErr)
	}
	r.discardPending()
	return r.flushed(r.store.write(do))
}

func (r *Run) flushed(err error) error {
	if err == nil {
		r.settlePending()
	}
	return err
}

func (r *Run) writeBatch(b batch) error {
	if err := r.writePending(); err != nil {
		return err
	}
	if r.insert == nil {
		insert, err := r.store.conn.PrepareContext(context.Background(), "INSERT INTO events (run, seq, body, sum) VALUES (?,?,?,?)")
		if err != nil {
			return err
		}
		r.insert = insert
	}
	first := b.seq - int64(len(b.bodies)) + 1
	for i, body := range b.bodies {
		if _, err := r.insert.ExecContext(context.Background(), r.number, first+int64(i), body, b.sums[i]); err != nil {
			return err
		}
	}
	t := r.tally
	return r.store.exec(`UPDATE runs SET beat = ?, last_seq = ?, last_sum = ?, ended = ?, result = ?, code = ?,
		hosts = ?, changed = ?, failed = ? WHERE n = ?`, time.Now().UnixNano(), b.seq, b.sum,
		t.ended, string(t.result), t.code, t.hosts, len(t.changed), len(t.failed), r.number)
}
