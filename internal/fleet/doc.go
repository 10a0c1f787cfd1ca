// Package fleet is a number of hosts inside this process: each is a real SSH
// server on a loopback port, with a directory of its own for a home and the
// real /bin/sh for its commands. The demo runs on it without a network, root or
// containers; the tests make its hosts misbehave in the ways networks do.
//
// What a host does with commands it does as OpenSSH does: a command has a
// session of its own, it outlives the connection it came by (its input ends,
// its output breaks), its exit status is told when it ends even if something it
// left behind holds its output open, and the channel stays open as long as that
// lasts. Pseudo-terminals, variables sent by the client, subsystems and remote
// forwarding are refused.
//
// Hosts are reached on loopback only, with a key made for the occasion, and
// forward to loopback only. They share this machine's users, processes and
// files: a host's directory is where its commands start, not a wall.
//
// The package is unaware of runbooks, plans and runs, and of who connects.
package fleet
