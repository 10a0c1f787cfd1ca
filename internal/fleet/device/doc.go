// Package device is a host over SSH that has no shell, for tests: network gear in miniature. It
// listens on loopback, takes one exec request a session, and answers as the test says; it refuses
// interactive shells. It runs no program at all.
//
// The package is unaware of what is tested with it.
package device
