// Package lint finds what is allowed in a runbook and likely not meant: a change that nobody can take
// back, a check that writes, a secret in a title. Each rule has a name, says why it is there, and shows
// what it finds and what to write instead; a comment in the runbook makes an exception, with a reason.
//
// It looks at a runbook that was loaded without a problem. It is unaware of files, of inventories and
// of how findings are shown.
package lint
