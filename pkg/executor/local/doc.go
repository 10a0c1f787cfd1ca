// Package local is the executor's Host on this machine: shells in sessions of their own, so that
// an attempt that runs outlives opsctl and the terminal.
//
// Commands see little of the environment of opsctl: PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_*,
// TZ, TMPDIR and XDG_*. What a runbook needs beyond that it says itself, so that it does the same
// at night, from cron, as it did at noon.
//
// It is unaware of how attempts are supervised: that is package supervisor, the same for here and
// for remote hosts.
package local
