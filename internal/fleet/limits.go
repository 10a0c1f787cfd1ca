package fleet

import "time"

// The limits of a fleet, all of them.
const (
	hostsMax       = 1000
	connectionsMax = 2000  // open on one host; those beyond are cut at once
	commandsMax    = 65536 // remembered by one host; later ones run, unremembered

	sessionsDefault = 10 // OpenSSH's MaxSessions

	handshakeMax = 2 * time.Minute // OpenSSH's LoginGraceTime
	garbageMax   = 5 * time.Second // for a client to read the garbage and go
	dialMax      = 10 * time.Second
	stopMax      = 15 * time.Second

	copySize = 32 << 10
	drainMax = 1 << 20 // bytes taken from one pipe when its command has ended
)
