// Package supervisor runs attempts on a host at most once, through broken connections, and asks
// the host questions. It is the supervisor script (supervisor.sh, POSIX sh) and its client.
//
// Attempts go through lanes: long-lived shells that run the script, one attempt at a time, one
// round trip each. The truth about an attempt is kept in the run directory on the host; a claim
// there decides once and for all that it ran or never will. Reads go through plain persistent
// shells, and leave nothing behind.
//
// A command without a shell is sent to the host as it stands, and none of this can be had for it:
// it is not claimed, and what is not heard of its end is not known.
//
// It is used for this machine and for remote ones alike. It is unaware of SSH and of processes:
// a Linker gives it shells. It is unaware of plans, journals and outcomes, too.
package supervisor
