// Package inventory knows the machines: their names, how they are reached,
// the groups they are in, the variables each of them gets, and the patterns
// that pick some of them.
//
// It is built in three steps. A reader (one file for each format, see
// formats in read.go) turns a source into a draft: names and settings with
// their places, nothing resolved. Drafts are merged, the later one winning
// key by key. Build resolves memberships and variables, and finds every
// mistake at its place. Only the readers touch files; the rest is pure.
//
// It is unaware of runs, of connections and of secrets. What the inventory
// leaves open about a connection is decided by ssh_config, which package
// sshconfig evaluates.
package inventory
