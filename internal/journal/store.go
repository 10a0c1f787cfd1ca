package journal

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver
)

// Format is the version of the database. A newer one is refused.
const Format = 1

//go:embed schema.sql
var schema string

// Store is the store of runs in one state directory. It may be used by several goroutines, and
// by several processes at once.
type Store struct {
	dir     string
	network string
	mu      sync.Mutex // held while conn is used; a transaction is never shared
	db      *sql.DB
	conn    *sql.Conn
}

// Open opens the store in dir, and makes both if they are not there. An error is an *Error.
func Open(dir string) (*Store, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, problem(dir, "open the journal", err)
	}
	if err := prepareDir(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "store.db")
	if err := prepareFile(dir, path); err != nil {
		return nil, err
	}
	s := &Store{dir: dir, network: networkFS(dir)}
	if err := s.connect(path); err != nil {
		return nil, errors.Join(problem(dir, "open the journal", err), s.Close())
	}
	if err := s.checkFormat(); err != nil {
		return nil, errors.Join(problem(dir, "open the journal", err), s.Close())
	}
	return s, nil
}

func (s *Store) connect(path string) error {
	options := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyMax.Milliseconds()),
		"synchronous(FULL)",
		"foreign_keys(1)",
		fmt.Sprintf("journal_size_limit(%d)", walMax),
	}, "_txlock": {"immediate"}}
	where := url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}
	db, err := sql.Open("sqlite", where.String())
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	s.db = db
	s.conn, err = db.Conn(context.Background())
	return err
}

// checkFormat makes the tables where there are none yet, and refuses those it does not know.
func (s *Store) checkFormat() error {
	format, err := s.format()
	if err != nil {
		return err
	}
	if format == 0 {
		if format, err = s.create(); err != nil {
			return err
		}
	}
	if format == Format {
		return nil
	}
	return &Error{
		Kind:    Newer,
		Message: fmt.Sprintf("cannot use the journal in %s: it has format %d, and this opsctl knows format %d", s.dir, format, Format),
		Hint:    "use the newer opsctl that wrote it, or another directory with --state-dir",
	}
}

func (s *Store) format() (format int, err error) {
	err = s.conn.QueryRowContext(context.Background(), "PRAGMA user_version").Scan(&format)
	return format, err
}

// create makes the tables. Only one process at a time comes here: the change to WAL does not
// wait for others by itself.
func (s *Store) create() (format int, err error) {
	lock := flock.New(filepath.Join(s.dir, "store.lock"), flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(fileMode))
	ctx, cancel := context.WithTimeout(context.Background(), busyMax)
	defer cancel()
	if _, err := lock.TryLockContext(ctx, takeoverMax/100); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if format, err = s.format(); err != nil || format != 0 {
		return format, err // another process was faster
	}
	var mode string
	if err := s.conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return 0, err
	}
	if mode != "wal" {
		return 0, fmt.Errorf("the file system has no shared memory for a write-ahead log (journal mode %s)", mode)
	}
	err = s.write(func() error {
		return s.exec(schema + fmt.Sprintf("PRAGMA user_version = %d;", Format))
	})
	return Format, err
}

// Close ends the use of the store.
func (s *Store) Close() error {
	var err error
	if s.conn != nil {
		err = s.conn.Close()
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return problem(s.dir, "close the journal", err)
}

// Warning says why the store may not be safe where it is, or is empty.
func (s *Store) Warning() string {
	if s.network == "" {
		return ""
	}
	return fmt.Sprintf("the state directory %s is on a network file system (%s): use it from one machine only", s.dir, s.network)
}

// write does something in one transaction. When it returns nil, it is durable. The transaction
// has no context on purpose: a cancelled run still has to write how it ended. The caller holds
// mu, or is Open.
func (s *Store) write(do func() error) error {
	if err := s.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := do()
	if err == nil {
		if err = s.exec("COMMIT"); err == nil {
			return nil
		}
	}
	// Some errors have ended the transaction already; then this one fails, and says nothing new.
	_ = s.exec("ROLLBACK")
	return err
}

func (s *Store) exec(query string, args ...any) error {
	_, err := s.conn.ExecContext(context.Background(), query, args...)
	return err
}

// each calls scan for every row. The caller holds mu.
func (s *Store) each(scan func(*sql.Rows) error, query string, args ...any) (err error) {
	rows, err := s.conn.QueryContext(context.Background(), query, args...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
