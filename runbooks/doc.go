// Package runbooks is the library: runbooks that are complete as they stand, to be run, or copied and changed. Each
// says in its head what it does, what it needs and what it leaves on the hosts.
//
// The package only holds the files; it is unaware of what reads them.
package runbooks
