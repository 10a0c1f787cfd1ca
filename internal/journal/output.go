package journal

import (
	"database/sql"
	"slices"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

type streamKey struct {
	ref    executor.AttemptRef
	stream executor.Stream
}

// stream is what is known of a stream while its attempt runs. The first headMax bytes and the
// last tailMax, about, are kept.
type stream struct {
	row     int64   // in outputs; 0: not there yet
	total   int64   // bytes printed
	stored  int64   // bytes of total that are in the database, or were dropped
	head    int64   // bytes of the head so far, with those pending
	next    int64   // number of the next chunk
	tail    []piece // in the database
	tailLen int     // bytes of those
	pending []piece // in memory, in order; the last may still grow
	held    int     // bytes of those that are tail
	change  change  // what that transaction has done
}

type piece struct {
	chunk int64
	size  int
	data  []byte // nil for what is in the database
	tail  bool
}

// change is applied to a stream once its transaction is committed.
type change struct {
	row, next int64
	tail      []piece
	tailLen   int
}

// Keep takes what an attempt printed, masked. It is durable with the next Append. An attempt's
// output is given from its first byte by one process: after Reopen, the first Keep of a stream
// replaces what an earlier process kept of it.
func (r *Run) Keep(ref executor.AttemptRef, st executor.Stream, p []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed != nil {
		return r.failed
	}
	key := streamKey{ref, st}
	s := r.streams[key]
	if s == nil {
		s = &stream{}
		r.streams[key] = s
	}
	s.total += int64(len(p))
	if r.strained {
		return nil
	}
	if n := min(int64(len(p)), headMax-s.head); n > 0 {
		s.head += n
		r.pending += int(n)
		s.take(p[:n], false)
		p = p[n:]
	}
	s.take(p, true)
	s.trimPending()
	if r.pending <= pendingMax {
		return nil
	}
	if err := r.commit(r.writePending); err != nil {
		r.failed = problem(r.store.dir, "write the journal", err)
	}
	return r.failed
}

// take copies p into pieces of at most chunkMax.
func (s *stream) take(p []byte, tail bool) {
	if tail {
		s.held += len(p)
	}
	for len(p) > 0 {
		last := len(s.pending) - 1
		if last < 0 || s.pending[last].tail != tail || len(s.pending[last].data) == chunkMax {
			s.pending = append(s.pending, piece{tail: tail})
			last++
		}
		data := s.pending[last].data
		n := min(len(p), chunkMax-len(data))
		s.pending[last].data = append(data, p[:n]...)
		p = p[n:]
	}
}

// trimPending forgets what no longer belongs to the tail, before it was ever written. So a
// command that prints without end costs memory for a tail, and no writing.
func (s *stream) trimPending() {
	first := slices.IndexFunc(s.pending, func(p piece) bool { return p.tail })
	for first >= 0 && s.held-len(s.pending[first].data) >= tailMax {
		s.held -= len(s.pending[first].data)
		s.pending = slices.Delete(s.pending, first, first+1)
	}
}

// writePending writes what is in memory, in the transaction of the caller.
func (r *Run) writePending() error {
	for key, s := range r.streams {
		if err := r.writeStream(key, s); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) writeStream(key streamKey, s *stream) error {
	s.change = change{row: s.row, next: s.next, tail: append([]piece(nil), s.tail...), tailLen: s.tailLen}
	c := &s.change
	if s.stored == s.total {
		return nil
	}
	if err := r.writeRow(key, s, c); err != nil {
		return err
	}
	for _, p := range s.pending {
		if err := r.store.exec("INSERT INTO chunks (n, data, sum) VALUES (?,?,?)", c.row<<chunkBits+c.next, p.data, chunkSum(c.row<<chunkBits+c.next, p.data)); err != nil {
			return err
		}
		if p.tail {
			c.tail, c.tailLen = append(c.tail, piece{chunk: c.next, size: len(p.data)}), c.tailLen+len(p.data)
		}
		c.next++
	}
	for len(c.tail) > 0 && c.tailLen-c.tail[0].size >= tailMax {
		if err := r.store.exec("DELETE FROM chunks WHERE n = ?", c.row<<chunkBits+c.tail[0].chunk); err != nil {
			return err
		}
		c.tail, c.tailLen = c.tail[1:], c.tailLen-c.tail[0].size
	}
	return nil
}

func (r *Run) writeRow(key streamKey, s *stream, c *change) (err error) {
	if c.row != 0 {
		return r.store.exec("UPDATE outputs SET total = ?, head = ? WHERE n = ?", s.total, s.head, c.row)
	}
	args := r.args(key)
	if err := r.store.forgetOutput(args); err != nil {
		return err
	}
	c.row, err = r.store.insert("INSERT INTO outputs (run, step, host, act, number, stream, total, head) VALUES (?,?,?,?,?,?,?,?)", append(args, s.total, s.head)...)
	return err
}

// forgetOutput makes room for the output that replaces it.
func (s *Store) forgetOutput(args []any) error {
	const earlier = "FROM outputs WHERE run = ? AND step = ? AND host = ? AND act = ? AND number = ? AND stream = ?"
	var row int64
	err := s.each(func(rows *sql.Rows) error { return rows.Scan(&row) }, "SELECT n "+earlier, args...)
	if err != nil || row == 0 {
		return err
	}
	if err := s.exec("DELETE FROM chunks WHERE n >= ? AND n < ?", row<<chunkBits, (row+1)<<chunkBits); err != nil {
		return err
	}
	return s.exec("DELETE "+earlier, args...)
}

func (r *Run) args(key streamKey) []any {
	return []any{r.number, key.ref.Op.Step, key.ref.Op.Host, string(key.ref.Act), key.ref.Number, int(key.stream)}
}

// settlePending forgets from memory what is durable now.
func (r *Run) settlePending() {
	for _, s := range r.streams {
		s.row, s.next, s.tail, s.tailLen = s.change.row, s.change.next, s.change.tail, s.change.tailLen
		s.stored, s.pending, s.held = s.total, nil, 0
	}
	r.pending = 0
}

// discardPending leaves the space that is left to events. The count of what was printed stays.
func (r *Run) discardPending() {
	for _, s := range r.streams {
		for _, p := range s.pending {
			if !p.tail {
				s.head -= int64(len(p.data))
			}
		}
		s.pending, s.held = nil, 0
	}
	r.pending = 0
}

// forgetFinished lets go of attempts whose end is durable.
func (r *Run) forgetFinished(events []run.Event) {
	for _, e := range events {
		if e.Kind != run.AttemptFinished {
			continue
		}
		ref := executor.AttemptRef{Op: e.Op, Act: e.Act, Number: e.Number}
		delete(r.streams, streamKey{ref, executor.Stdout})
		delete(r.streams, streamKey{ref, executor.Stderr})
	}
}
