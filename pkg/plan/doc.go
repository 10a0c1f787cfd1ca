// Package plan is what will be done: every step on every host, in order.
//
// Build makes it of a runbook, an inventory and params; it is pure data. Everything that
// depends on who the hosts are is decided here: targets, waves, edges, delegates. The package is
// unaware of what happens when the plan is carried out.
package plan
