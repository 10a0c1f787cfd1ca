// Package realsudo makes throw-away users of this machine for tests, with rules of their own for the
// real sudo. They are gone when the test ends, with all that they left behind and all their
// processes.
//
// The package is unaware of what is tested with it.
package realsudo
