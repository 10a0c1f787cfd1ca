// Package lock keeps two runs apart that must not happen at the same time. A lock is an flock on
// a file in the state directory: it dies with its process, so it is never stale. The file stays;
// its text tells who holds it, for the one who finds it held.
//
// The package is unaware of what the names mean, and of locks on hosts.
package lock
