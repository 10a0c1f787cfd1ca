// Package graph draws a runbook: what waits for what, where all hosts are waited for, what can be taken back, and where
// there is no way back. With a plan it also knows hosts and waves, and with the events of a run what became of each step and
// which chain of ops decided how long the run took.
//
// New makes one Picture (nodes, how they stand to each other, facts); Text, SVG, Mermaid and DOT draw that same Picture.
//
// It is pure, and unaware of files, journals, terminals and of how a run is made to happen.
package graph
