// Package remote reaches hosts over SSH: one connection a host, shared by everything done there,
// dialed when first needed and dialed again when it broke. On it, it opens shells for the
// supervisor and connections as the host sees them.
//
// It resolves names, verifies host keys against known_hosts, logs in with keys, certificates and
// agents, and goes through jump hosts. Whatever a server does or fails to do, each wait has an end:
// what exceeds its time is ended by closing the connection below SSH, because a request that hangs
// holds a lock inside the SSH library that nothing else frees.
//
// It is unaware of steps, attempts, runs and of what is said in the shells it opens; it never
// repeats anything that was said in one. It reads no ssh_config and no environment: Settings are
// already resolved. A first connection is tried once, but for servers that drop it before they
// said anything (MaxStartups); how often and when a broken one is dialed again is paced by the
// caller, each call of Shell dials at most twice.
package remote
