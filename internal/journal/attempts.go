package journal

import (
	"database/sql"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

// AttemptInfo tells about an attempt what `logs` shows.
type AttemptInfo struct {
	Ref      executor.AttemptRef
	Started  time.Time   // zero where only its end is known
	Finished time.Time   // zero while it is open
	Outcome  run.Outcome // "" while it is open
	Exit     *int
	Signal   string
	Message  string
	Stdout   Kept
	Stderr   Kept
}

// Kept tells how much of a stream there is.
type Kept struct {
	Total   int64 // bytes printed
	Dropped int64 // bytes of those that were not kept
}

// Attempts lists the attempts of a run in the order they began. Of a damaged journal it gives
// those of the whole part, and the *CorruptError.
func (s *Store) Attempts(id string) ([]AttemptInfo, error) {
	info, err := s.find(id)
	if err != nil {
		return nil, err
	}
	events, damage := s.Read(id)
	if damage != nil && events == nil {
		return nil, damage
	}
	list := attemptList{at: map[executor.AttemptRef]int{}}
	for _, e := range events {
		list.add(e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.each(list.scanOutput, `SELECT step, host, act, number, stream, total,
		coalesce((SELECT sum(length(data)) FROM chunks WHERE n >= o.n << 24 AND n < (o.n + 1) << 24), 0)
		FROM outputs AS o WHERE run = ? ORDER BY o.n`, info.number)
	if err != nil {
		return nil, problem(s.dir, "read the journal", err)
	}
	return list.attempts, damage
}

type attemptList struct {
	attempts []AttemptInfo
	at       map[executor.AttemptRef]int
}

func (l *attemptList) get(ref executor.AttemptRef) *AttemptInfo {
	i, known := l.at[ref]
	if !known {
		i = len(l.attempts)
		l.at[ref] = i
		l.attempts = append(l.attempts, AttemptInfo{Ref: ref})
	}
	return &l.attempts[i]
}

func (l *attemptList) add(e run.Event) {
	if e.Kind != run.AttemptStarted && e.Kind != run.AttemptFinished {
		return
	}
	a := l.get(executor.AttemptRef{Op: e.Op, Act: e.Act, Number: e.Number})
	if e.Kind == run.AttemptStarted {
		a.Started = e.Time
		return
	}
	a.Finished, a.Outcome, a.Exit, a.Signal, a.Message = e.Time, e.Outcome, e.Exit, e.Signal, e.Message
}

func (l *attemptList) scanOutput(rows *sql.Rows) error {
	var ref executor.AttemptRef
	var st executor.Stream
	var total, kept int64
	if err := rows.Scan(&ref.Op.Step, &ref.Op.Host, &ref.Act, &ref.Number, &st, &total, &kept); err != nil {
		return err
	}
	a, amount := l.get(ref), Kept{Total: total, Dropped: total - kept}
	if st == executor.Stdout {
		a.Stdout = amount
	} else {
		a.Stderr = amount
	}
	return nil
}
