// Package openssh reaches hosts by the ssh program of the system: one master connection a host,
// shared by a process for each shell. It is for what package remote does not speak itself, such as
// GSSAPI, PKCS#11 and hardware-backed keys without an agent; ssh reads its own configuration.
//
// Nobody is asked for anything: what needs a password, a passphrase or a PIN has to come from an
// agent. No secret is ever put on the command line of a process. How ssh failed is read from what
// it says; how a command ended is told by the supervisor's frames, and never mistaken for ssh's own
// exit status.
//
// It is unaware of steps, attempts, runs and of what is said in the shells it opens, and repeats
// nothing that was said in one.
package openssh
