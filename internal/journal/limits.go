package journal

import "time"

// Everything that has a limit.
const (
	busyMax      = 10 * time.Second // waiting for another process's commit
	takeoverMax  = time.Second      // waiting for the lock of a process that has just died
	ballastSize  = 1 << 20
	eventMax     = 16 << 20 // bytes of one encoded event
	idMin, idMax = 4, 64    // characters of a run's id, and of a reference to it
	chunkMax     = 64 << 10 // bytes of a row of output
	pendingMax   = 1 << 20  // bytes of output in memory, of all streams that are not in their tail
	outputMax    = 64 << 20 // bytes kept of a stream
	tailMax      = 1<<20 - chunkMax
	headMax      = outputMax - tailMax - chunkMax
	walMax       = 64 << 20 // bytes of the write-ahead log that outlive a burst
	chunkBits    = 24       // a row of output is numbered stream<<chunkBits + chunk
	candidateMax = 10       // runs listed for an ambiguous reference
)
