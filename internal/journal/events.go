package journal

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/pkg/run"
)

// sumSize is enough to notice chance; it is no defence against a forger.
const sumSize = 16

// genesis is the checksum before the first event.
func genesis(id string) []byte {
	sum := sha256.Sum256([]byte("opsctl run " + id))
	return sum[:sumSize]
}

func chain(before []byte, seq int64, body []byte) []byte {
	h := sha256.New()
	h.Write(before)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(seq)))
	h.Write(body)
	return h.Sum(nil)[:sumSize]
}

func encode(e run.Event) ([]byte, error) {
	body, err := json.Marshal(e)
	if err == nil && len(body) > eventMax {
		err = fmt.Errorf("it has %d bytes, and %d are allowed", len(body), eventMax)
	}
	if err != nil {
		return nil, &Error{Kind: Misuse, Message: fmt.Sprintf("cannot store event %d (%s): %v", e.Seq, e, err), Cause: err}
	}
	return body, nil
}

// decode keeps whole numbers whole: JSON alone would make floats of them, and lose digits.
func decode(body []byte) (run.Event, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var e run.Event
	err := d.Decode(&e)
	for _, values := range []map[string]any{e.Outputs, e.Params} {
		for name, v := range values {
			values[name] = plain(v)
		}
	}
	return e, err
}

func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil && !strings.ContainsAny(v.String(), ".eE") && v != "-0" {
			return int(i)
		}
		f, err := v.Float64()
		if err != nil {
			return v.String() // beyond what a float can hold
		}
		return f
	case map[string]any:
		for name, value := range v {
			v[name] = plain(value)
		}
	case []any:
		for i, value := range v {
			v[i] = plain(value)
		}
	}
	return v
}

// Read gives all events of a run in order. When some were damaged, lost or cut off it gives the
// whole ones before them, and a *CorruptError.
func (s *Store) Read(id string) ([]run.Event, error) {
	info, err := s.find(id)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Where the owner is writing right now, more may be there than it was a moment ago.
	events, sum := []run.Event(nil), genesis(info.ID)
	lastSeq, lastSum := int64(0), []byte(nil)
	err = s.snapshot(func() error {
		if err := s.each(func(rows *sql.Rows) error { return rows.Scan(&lastSeq, &lastSum) }, "SELECT last_seq, last_sum FROM runs WHERE n = ?", info.number); err != nil {
			return err
		}
		return s.each(func(rows *sql.Rows) error {
			e, next, err := nextEvent(rows, int64(len(events)), sum)
			if err == nil {
				events, sum = append(events, e), next
			}
			return err
		}, "SELECT seq, body, sum FROM events WHERE run = ? ORDER BY seq", info.number)
	})
	corrupt := &CorruptError{RunID: info.ID, AfterSeq: int64(len(events))}
	switch {
	case errors.Is(err, errDamaged) || err != nil && kindOf(err) == Damaged:
		corrupt.Reason = err.Error()
		return events, corrupt
	case err != nil:
		return nil, problem(s.dir, "read the journal", err)
	case lastSeq != int64(len(events)):
		corrupt.Reason = fmt.Sprintf("there should be %d events, and there are %d", lastSeq, len(events))
		return events, corrupt
	case !bytes.Equal(lastSum, sum):
		corrupt.Reason = "the checksum of the run is another"
		return events, corrupt
	}
	return events, nil
}

var errDamaged = errors.New("damaged")

func nextEvent(rows *sql.Rows, before int64, sumBefore []byte) (e run.Event, sum []byte, err error) {
	var seq int64
	var body, stored []byte
	if err := rows.Scan(&seq, &body, &stored); err != nil {
		return e, nil, fmt.Errorf("%w: %v", errDamaged, err)
	}
	if seq != before+1 {
		return e, nil, fmt.Errorf("event %d is missing, the next is %d: %w", before+1, seq, errDamaged)
	}
	if sum = chain(sumBefore, seq, body); !bytes.Equal(sum, stored) {
		return e, nil, fmt.Errorf("the checksum of event %d does not fit: %w", seq, errDamaged)
	}
	e, err = decode(body)
	if err == nil && e.Seq != seq {
		err = fmt.Errorf("it says it is event %d", e.Seq)
	}
	if err != nil {
		return e, nil, fmt.Errorf("event %d cannot be read: %w: %v", seq, errDamaged, err)
	}
	return e, sum, nil
}

// snapshot reads what was there at one moment. The caller holds mu.
func (s *Store) snapshot(do func() error) error {
	if err := s.exec("BEGIN"); err != nil {
		return err
	}
	err := do()
	return errors.Join(err, s.exec("COMMIT"))
}
