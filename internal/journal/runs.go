package journal

import (
	"database/sql"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/run"
)

// State tells where a run stands. It is derived: a run that has not finished is running as long
// as its owner holds its lock, and interrupted from then on.
type State string

// The states of a run.
const (
	Running     State = "running"
	Interrupted State = "interrupted"
	Finished    State = "finished"
)

// RunInfo tells about a run what a list of runs shows.
type RunInfo struct {
	ID      string
	Runbook string // its name
	Path    string // where it was read
	User    string
	Owner   Owner
	Started time.Time
	Ended   time.Time // zero unless finished
	Beat    time.Time // the last commit
	State   State
	Result  run.Result
	Code    int
	Hosts   int
	Changed int // ops that changed something
	Failed  int // ops whose last attempt ended badly
	Events  int64
	Source  []byte // the runbook's text; only set by Find

	number int64
	sum    []byte
}

// Filter chooses runs. Its zero value is all of them.
type Filter struct {
	Runbook string // name
	State   State
	Limit   int // 0: none
}

const runColumns = `n, id, runbook, path, user, host, started, ended, result, code, hosts,
	changed, failed, pid, pid_start, boot, beat, last_seq, last_sum`

// Runs lists runs, newest first.
func (s *Store) Runs(f Filter) ([]RunInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	query, args := "SELECT "+runColumns+" FROM runs", []any{}
	if f.Runbook != "" {
		query, args = query+" WHERE runbook = ?", []any{f.Runbook}
	}
	var list []RunInfo
	enough := errors.New("enough")
	err := s.each(func(rows *sql.Rows) error {
		info, err := s.scanRun(rows)
		if err == nil && (f.State == "" || f.State == info.State) {
			list = append(list, info)
			if len(list) == f.Limit {
				return enough
			}
		}
		return err
	}, query+" ORDER BY started DESC, n DESC", args...)
	if err != nil && !errors.Is(err, enough) {
		return nil, problem(s.dir, "list the runs", err)
	}
	return list, nil
}

func (s *Store) scanRun(rows *sql.Rows) (RunInfo, error) {
	var r RunInfo
	var started, ended, beat int64
	err := rows.Scan(&r.number, &r.ID, &r.Runbook, &r.Path, &r.User, &r.Owner.Host, &started, &ended, &r.Result, &r.Code, &r.Hosts,
		&r.Changed, &r.Failed, &r.Owner.PID, &r.Owner.Start, &r.Owner.Boot, &beat, &r.Events, &r.sum)
	if err != nil {
		return r, err
	}
	r.Started, r.Beat, r.State = time.Unix(0, started), time.Unix(0, beat), Finished
	if ended != 0 {
		r.Ended = time.Unix(0, ended)
		return r, nil
	}
	held, err := owned(s.dir, r.ID)
	if err != nil {
		return r, err
	}
	r.State = Interrupted
	if held {
		r.State = Running
	}
	return r, nil
}

var reference = regexp.MustCompile(`^[0-9A-Za-z_-]+$`)

// Find finds the run that a person means: by its id, by the beginning or the end of one (four
// characters at least, in any case), by "last", or by "last:NAME" for the last of a runbook. The
// end is there because ids begin with the time: those of one day begin alike. An error is a
// *NotFoundError, an *AmbiguousError or an *Error.
func (s *Store) Find(ref string) (RunInfo, error) {
	found, err := s.find(ref)
	if err != nil {
		return RunInfo{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.each(func(rows *sql.Rows) error { return rows.Scan(&found.Source) }, "SELECT source FROM texts WHERE run = ?", found.number)
	return found, problem(s.dir, "read the journal", err)
}

func (s *Store) find(ref string) (RunInfo, error) {
	if ref == "last" {
		return s.last(Filter{Limit: 1}, ref)
	}
	if name, ok := strings.CutPrefix(ref, "last:"); ok {
		return s.last(Filter{Runbook: name, Limit: 1}, ref)
	}
	if len(ref) < idMin || len(ref) > idMax || !reference.MatchString(ref) {
		return RunInfo{}, &NotFoundError{Ref: ref}
	}
	all, err := s.match(ref)
	if err != nil {
		return RunInfo{}, err
	}
	for _, r := range all {
		if strings.EqualFold(r.ID, ref) {
			return r, nil
		}
	}
	switch len(all) {
	case 1:
		return all[0], nil
	case 0:
		return RunInfo{}, s.notFound(ref)
	}
	return RunInfo{}, &AmbiguousError{Ref: ref, Candidates: all[:min(len(all), candidateMax)]}
}

func (s *Store) last(f Filter, ref string) (RunInfo, error) {
	list, err := s.Runs(f)
	if err != nil {
		return RunInfo{}, err
	}
	if len(list) == 0 {
		return RunInfo{}, s.notFound(ref)
	}
	return list[0], nil
}

// match lists the runs whose id begins or ends with ref, newest first.
func (s *Store) match(ref string) ([]RunInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []RunInfo
	err := s.each(func(rows *sql.Rows) error {
		r, err := s.scanRun(rows)
		list = append(list, r)
		return err
	}, "SELECT "+runColumns+` FROM runs
		WHERE lower(substr(id, 1, length(?1))) = ?1 OR lower(substr(id, -length(?1))) = ?1
		ORDER BY started DESC, n DESC`, strings.ToLower(ref))
	return list, problem(s.dir, "read the journal", err)
}

// notFound looks for what may have been meant.
func (s *Store) notFound(ref string) error {
	none := &NotFoundError{Ref: ref}
	name, byName := strings.CutPrefix(ref, "last:")
	var ids, names []string
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.each(func(rows *sql.Rows) error {
		var id, name string
		err := rows.Scan(&id, &name)
		ids, names = append(ids, id), append(names, name)
		return err
	}, "SELECT id, runbook FROM runs ORDER BY started DESC")
	if err != nil {
		return problem(s.dir, "read the journal", err)
	}
	if byName {
		if near := source.Nearest(name, names); near != "" {
			none.Nearest = "last:" + near
		}
		return none
	}
	none.Nearest = source.Nearest(ref, ids)
	// A name given where an id was asked for.
	if none.Nearest == "" && slices.Contains(names, ref) {
		none.Nearest = "last:" + ref
	}
	return none
}
