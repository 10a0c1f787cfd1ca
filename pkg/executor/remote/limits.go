package remote

import "time"

// Everything has a limit; all of them stand here.
const (
	orderTime       = 200 * time.Millisecond // for the SSH library to take in what came before the end of a connection
	forksDefault    = 50                     // connections being set up at once
	handshakesMax   = 8                      // of those, to one address: below the MaxStartups of a stock sshd
	sessionsMax     = 8                      // shells at once on one connection
	dropTries       = 5                      // connections to a server that drops them before its banner
	penaltyTries    = 3                      // connections to a server that keeps this address away
	refusalTries    = 12                     // openings of a shell where the server refuses the only one
	aliveMissesMax  = 3
	preambleMax     = 64 << 10 // what a server may say before its SSH banner
	authBannerMax   = 64 << 10 // what it may say before it let us in
	excerptMax      = 80       // of a server's words, in a message
	stderrTailMax   = 4 << 10  // of a ProxyCommand
	knownHostsMax   = 64 << 20 // one known_hosts file
	keyFileMax      = 1 << 20
	agentKeysMax    = 256
	jumpsMax        = 8
	writeChunk      = 32 << 10
	outletFirst     = 4 << 10  // the buffer of an output of a shell
	outletMax       = 32 << 10 // once it was full: one packet
	linksMax        = 8        // connections to a host whose server allows few sessions on one
	tunnelBuffer    = 8 << 10
	introBufferSize = 512
)

// forgottenTime is how long an answer is waited for after its connection ended.
const forgottenTime = time.Second

// proxyGrace is how long a ProxyCommand whose output ended is waited for.
const proxyGrace = time.Second

// Timeouts are the ends of all waits. A zero field is its default.
type Timeouts struct {
	Resolve     time.Duration // a name: 5 s
	Dial        time.Duration // TCP, where Settings.ConnectTimeout is zero: 10 s
	Handshake   time.Duration // banner, key exchange and authentication together: 20 s
	Request     time.Duration // any answer of an established connection: 15 s
	AliveAfter  time.Duration // silence before a keepalive, where Settings.AliveInterval is zero: 5 s
	AliveAnswer time.Duration // for the answer to one: 5 s
	Agent       time.Duration // one answer of an SSH agent, a touch of a hardware key included: 60 s
	WriteStall  time.Duration // a write that makes no progress: 60 s
	DropPause   time.Duration // before the first repetition after a dropped connection: 100 ms
	Refusal     time.Duration // before the first repetition of a refused shell: 50 ms
	Penalty     time.Duration // before asking a server again that keeps this address away: 15 s, as long as sshd does at least
}

func (t Timeouts) withDefaults() Timeouts {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.Resolve, 5 * time.Second},
		{&t.Dial, 10 * time.Second},
		{&t.Handshake, 20 * time.Second},
		{&t.Request, 15 * time.Second},
		{&t.AliveAfter, 5 * time.Second},
		{&t.AliveAnswer, 5 * time.Second},
		{&t.Agent, 60 * time.Second},
		{&t.WriteStall, 60 * time.Second},
		{&t.DropPause, 100 * time.Millisecond},
		{&t.Refusal, 50 * time.Millisecond},
		{&t.Penalty, 15 * time.Second},
	} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	return t
}
