// Package sshconfig evaluates ssh_config(5) as `ssh -G` does: for one host it
// gives every setting a connection needs and says which line of which file
// decided it.
//
// Files are read once, by New, into segments: the lines under one Host or
// Match. Resolve then walks the segments that can match the host, in order,
// and the first value of an option wins. Segments that name hosts without
// wildcards are found by name, so a file of thousands of hosts stays fast.
//
// It is unaware of inventories and of the network: it opens no connection,
// resolves no name, and runs no command. "Match exec" asks a function of the
// caller and does not match without one; CanonicalizeHostname asks another, and
// leaves names as they are without it. Criteria that depend on what is not known
// here (localnetwork, sessiontype, command, version) do not match.
//
// Where versions of OpenSSH differ it follows the newer one. Three things are
// more lenient than ssh on purpose: names of algorithms are not compared with
// what one version of ssh knows; keywords that only some systems' ssh knows
// (UseKeychain, GSSAPIKeyExchange, …) are known everywhere; and a ProxyJump may
// stand in quotes.
package sshconfig
