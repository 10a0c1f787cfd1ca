package fleet

// NoSessions refuses every session, as Misbehaviour.RefuseSessions.
const NoSessions = -1

// Misbehaviour is what a host does wrong. The zero Misbehaviour is a host that
// behaves. Bytes are counted on the wire, as they travel: encrypted, with the
// packets' padding.
type Misbehaviour struct {
	// RefuseConnections accepts and resets each new connection at once.
	RefuseConnections bool
	// SilentBanner accepts connections and never says a word on them.
	SilentBanner bool
	// GarbageBanner is said instead of the SSH banner; then the host hangs up.
	GarbageBanner string
	// RejectAuth turns every key away.
	RejectAuth bool
	// NewHostKey presents another host key than the one in KnownHosts.
	NewHostKey bool
	// RefuseSessions refuses session channels beyond this many open on one
	// connection. 0 is OpenSSH's MaxSessions, 10; NoSessions refuses all.
	RefuseSessions int
	// CutAfterBytes resets a connection once this many bytes were received on
	// it since it was authenticated, or since Misbehave if that was later. What
	// came before is still acted on. 0 is never.
	CutAfterBytes int64
	// CutAfterWrites is CutAfterBytes for the bytes sent.
	CutAfterWrites int64
	// Blackhole makes authenticated connections read and answer nothing any
	// more. What is read meanwhile is lost, so a connection that lost something
	// stays dead when the host behaves again, and the host does not see the
	// client leave it. CutAll and Stop end it.
	Blackhole bool
	// ForbidForwarding refuses direct-tcpip channels.
	ForbidForwarding bool
	// Noise is printed on standard output before the command of each session,
	// as by a talkative .bashrc.
	Noise string
}

func (m *Misbehaviour) sessionMax() int {
	switch {
	case m.RefuseSessions < 0:
		return 0
	case m.RefuseSessions == 0:
		return sessionsDefault
	default:
		return m.RefuseSessions
	}
}
