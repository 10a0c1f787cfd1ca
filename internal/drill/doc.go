// Package drill judges whether what a run took back is really gone: it reads what a host says about
// watched paths, compares two such snapshots, and gives the verdict on the undo of a step.
//
// It is unaware of how a host is asked, of how a run is made to fail, and of how a verdict is shown.
package drill
