// Package run is what has happened so far: a list of events, and the State they fold into.
//
// State has one door in, Apply(event), and one question out, Next(now). It is pure: data in,
// data out. It is unaware of files, networks, clocks, goroutines, expressions and of how an
// attempt is made; it knows a Plan, and what became of it.
package run
