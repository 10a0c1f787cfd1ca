// Package journal is the store of runs: their events, what their attempts printed, and what is
// needed to resume them, in one SQLite database in the state directory.
//
//	store.db        the database, in WAL mode, synced at every commit
//	store.lock      held while the database is created
//	runs/ID.lock    held by the process that makes the run ID happen; it dies with that process
//	ballast         1 MiB that is given up when the disk is full, so that final events still fit
//	locks/          the locks of package lock
//
// Several processes use the store at once, each for other runs. What Append was given is durable
// when it returns, together with all output kept before. Each event carries a checksum chained
// to the one before it, and the run the last of them: what was changed, lost or cut off is
// noticed and never given out as an event.
//
// Output lives in rows of at most 64 KiB rather than in files: a file would cost a sync of its
// own for each attempt and stream, and the commit of the events is there anyhow.
//
// The package is unaware of secrets (all it is given is masked already, and secret params come
// as keyed digests), of what events mean beyond a few numbers for the list of runs, of hosts and
// of the terminal.
package journal
