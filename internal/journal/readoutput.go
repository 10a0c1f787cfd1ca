package journal

import (
	"database/sql"
	"fmt"
	"hash/crc32"

	"github.com/opsctl/opsctl/pkg/executor"
)

// Output gives back what was kept of a stream, durable or not yet. Where the middle of a very
// long one was dropped, a line in brackets says how much.
func (r *Run) Output(ref executor.AttemptRef, st executor.Stream) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := streamKey{ref, st}
	s := r.streams[key]
	o := output{}
	if s == nil || s.row != 0 {
		r.store.mu.Lock()
		defer r.store.mu.Unlock()
		var err error
		if o, err = r.store.readOutput(r.args(key)); err != nil {
			return nil, problem(r.store.dir, "read the output of "+ref.Op.String(), err)
		}
	}
	if s != nil {
		o.total, o.head = s.total, s.head
		for _, p := range s.pending {
			o.data = append(o.data, p.data...)
		}
	}
	return o.bytes(), nil
}

// Output gives what an attempt printed, as Run.Output does; nothing where it printed nothing.
func (s *Store) Output(runID string, ref executor.AttemptRef, st executor.Stream) ([]byte, error) {
	info, err := s.find(runID)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Run{number: info.number}
	var o output
	err = s.snapshot(func() (err error) {
		o, err = s.readOutput(r.args(streamKey{ref, st}))
		return err
	})
	if err != nil {
		return nil, problem(s.dir, "read the output of "+ref.Op.String(), err)
	}
	return o.bytes(), nil
}

type output struct {
	total, head int64
	data        []byte
}

func (o output) bytes() []byte {
	dropped := o.total - int64(len(o.data))
	if dropped <= 0 {
		return o.data
	}
	notice := fmt.Sprintf("\n[%d bytes dropped here]\n", dropped)
	head := min(o.head, int64(len(o.data)))
	whole := make([]byte, 0, len(o.data)+len(notice))
	return append(append(append(whole, o.data[:head]...), notice...), o.data[head:]...)
}

func (s *Store) readOutput(args []any) (output, error) {
	var o output
	var row int64
	err := s.each(func(rows *sql.Rows) error { return rows.Scan(&row, &o.total, &o.head) },
		"SELECT n, total, head FROM outputs WHERE run = ? AND step = ? AND host = ? AND act = ? AND number = ? AND stream = ?", args...)
	if err != nil || row == 0 {
		return o, err
	}
	err = s.each(func(rows *sql.Rows) error {
		var n, sum int64
		var data []byte
		if err := rows.Scan(&n, &data, &sum); err != nil {
			return err
		}
		if sum != chunkSum(n, data) {
			return &Error{Kind: Damaged, Message: fmt.Sprintf("cannot read output kept in %s: it is damaged after %d bytes", s.dir, len(o.data))}
		}
		o.data = append(o.data, data...)
		return nil
	}, "SELECT n, data, sum FROM chunks WHERE n >= ? AND n < ? ORDER BY n", row<<chunkBits, (row+1)<<chunkBits)
	return o, err
}

// chunkSum ties the bytes to their place.
func chunkSum(n int64, data []byte) int64 {
	return int64(crc32.Update(uint32(n^n>>32), crc32.MakeTable(crc32.Castagnoli), data))
}
