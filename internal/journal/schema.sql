-- Format 1. Times are nanoseconds since 1970, 0 for never. Numbers of runs are private.
CREATE TABLE runs (
  n         INTEGER PRIMARY KEY,
  id        TEXT    NOT NULL UNIQUE,
  runbook   TEXT    NOT NULL,
  path      TEXT    NOT NULL,
  user      TEXT    NOT NULL,
  host      TEXT    NOT NULL,
  started   INTEGER NOT NULL,
  ended     INTEGER NOT NULL DEFAULT 0,
  result    TEXT    NOT NULL DEFAULT '',
  code      INTEGER NOT NULL DEFAULT 0,
  hosts     INTEGER NOT NULL DEFAULT 0,
  changed   INTEGER NOT NULL DEFAULT 0,
  failed    INTEGER NOT NULL DEFAULT 0,
  pid       INTEGER NOT NULL, -- of the owner
  pid_start TEXT    NOT NULL, -- with boot, tells it from a later process of that number
  boot      TEXT    NOT NULL,
  beat      INTEGER NOT NULL, -- the owner's last commit
  last_seq  INTEGER NOT NULL DEFAULT 0,
  last_sum  BLOB    NOT NULL
) STRICT;

CREATE INDEX runs_started ON runs (started);

-- What resume and rollback need. Apart from runs, so that listing runs does not read it.
CREATE TABLE texts (
  run    INTEGER PRIMARY KEY REFERENCES runs (n),
  source BLOB NOT NULL,
  inputs BLOB NOT NULL,
  sum    BLOB NOT NULL
) STRICT;

CREATE TABLE events (
  run  INTEGER NOT NULL REFERENCES runs (n),
  seq  INTEGER NOT NULL,
  body BLOB    NOT NULL, -- JSON
  sum  BLOB    NOT NULL, -- of the sum before, seq and body
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE outputs (
  n      INTEGER PRIMARY KEY,
  run    INTEGER NOT NULL REFERENCES runs (n),
  step   TEXT    NOT NULL,
  host   TEXT    NOT NULL,
  act    TEXT    NOT NULL,
  number INTEGER NOT NULL,
  stream INTEGER NOT NULL,
  total  INTEGER NOT NULL, -- bytes printed; more than the chunks hold where the middle was dropped
  head   INTEGER NOT NULL, -- bytes before the drop
  UNIQUE (run, step, host, act, number, stream)
) STRICT;

CREATE TABLE chunks (
  n    INTEGER PRIMARY KEY, -- outputs.n << 24 + number of the chunk
  data BLOB    NOT NULL,
  sum  INTEGER NOT NULL
) STRICT;
