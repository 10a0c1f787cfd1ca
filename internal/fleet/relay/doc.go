// Package relay is a network that fails in the ways networks do: a TCP relay on loopback that delays and throttles bytes,
// flips one, swallows those of one direction or of both, cuts a connection at a byte, or loses the far side without a word
// to the near one. Which byte is hit does not depend on time, so that a test can be repeated.
//
// It is unaware of what travels through it.
package relay
