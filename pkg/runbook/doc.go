// Package runbook reads what somebody wrote: a YAML document becomes a Runbook, or all that is
// wrong with it, each problem with its place.
//
// Everything that can be known without an inventory is checked here: keys, types, ids, order,
// expressions with their types, the quoting of values in shell. The package is unaware of
// hosts, of plans and of how a step is done.
package runbook
