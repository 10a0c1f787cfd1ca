package view

import "time"

// Limits of what is shown and held.
const (
	framesPerSecond  = 10
	heartbeatEvery   = 30 * time.Second
	lineBytesMax     = 4 << 10 // of one line of output; the rest of it is cut
	openLinesMax     = 4096    // attempts whose unfinished line of output is held
	tailLinesMax     = 10      // of a failure, in a log or a summary
	tailLinesLive    = 3       // of a failure, on the live screen
	sgrBytesMax      = 64      // of one colour sequence
	queueBytesMax    = 4 << 20 // of lines that a slow reader did not take yet
	queueJSONMax     = 64 << 20
	widthDefault     = 80 // where nobody tells
	heightDefault    = 24
	widthMin         = 20
	widthMax         = 500
	heightMax        = 500
	hostColumnMax    = 12              // of a host's name above its column
	activeListed     = 6               // attempts with a line each on the live screen
	logLinesMax      = 1000            // that stay on the terminal after the live screen
	closeWait        = 2 * time.Second // for a terminal that takes nothing
	notesMax         = 3               // shown at once on the live screen
	failuresListed   = 20              // kinds of failure in a summary; the rest is counted
	groupsListed     = 30              // lines of the table of hosts in a summary
	foldedHostsMax   = 60              // columns of a folded list of hosts within a sentence
	digitsMax        = 15              // of a number in a host's name that may become part of a range
	diffLinesDefault = 400
)
