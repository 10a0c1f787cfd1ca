// Package executor makes a run happen: it asks State what may come next, writes the intent
// into the journal, lets a host do it, and tells State how it ended.
//
// It decides nothing about order, waves, retries or rollback: that is pkg/run. It is unaware of
// SSH, of SQLite and of the terminal: those are behind the small interfaces of needs.go.
package executor
