// Package realsshd runs OpenSSH's own sshd on loopback, for tests: several
// addresses on one unprivileged port are several hosts. It runs as the user of
// the test, root or not.
//
// Its hosts share the user's home directory, processes and files, because sshd
// takes them from the system. So that tests leave nothing in there, commands are
// given an XDG_STATE_HOME of the fleet's own.
//
// The package is unaware of what is tested with it.
package realsshd
