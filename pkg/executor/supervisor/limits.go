package supervisor

import "time"

// The limits, all of them.
const (
	keptDays        = 30                     // that the directory of a run stays on a host, for a rollback
	idMax           = 200                    // bytes of the id of an attempt, and of a run directory
	userMax         = 64                     // bytes of the name of a user
	lanesMax        = 7                      // shells for attempts and reads on one host; one more is for control
	requestTime     = 15 * time.Second       // for an answer that needs no step to end
	sudoTime        = 30 * time.Second       // for sudo to let us in; not while a password is being typed
	passwordMax     = 1000                   // bytes; sudo takes about as many
	uploadTime      = 10 * time.Minute       // for one upload
	reconnectMax    = 5 * time.Minute        // how long a broken link is retried, unless Options say otherwise
	reconnectMargin = 30 * time.Second       // beyond an attempt's own deadline
	confirmTime     = 10 * time.Second       // after KILL, for the host to confirm a death
	readTries       = 4                      // of a read whose link broke
	pollFirst       = 300 * time.Millisecond // a step that runs longer is looked at
	pollMin         = 200 * time.Millisecond // between looks, at first
	settleMin       = 25 * time.Millisecond  // between questions what became of an attempt, at first
	pollMax         = time.Second            // between looks, later
	rungTries       = 20                     // of a signal that finds no step yet
	rungWait        = 50 * time.Millisecond  // between them
	killAfterUnset  = 10 * time.Second       // between TERM and KILL, where the command does not say
	shownMax        = 64 << 10               // bytes of a stream in the answer itself, as in supervisor.sh
	chunkMax        = 1 << 20                // bytes of a stream in one look
	streamMax       = 64 << 20               // bytes of a stream kept: half from its head, half from its tail
	spoolMax        = 256 << 20              // bytes of a stream on the disk of the host, where it can give back the middle
	noiseMax        = 1 << 20                // bytes of noise before a frame of a host
	roomMax         = 128 << 10              // bytes of one read from a shell
	wordsMax        = 4 << 10                // bytes of the words of a frame
	environMax      = 100_000                // bytes of a script that travel in the environment
	smallFileMax    = 1 << 20                // bytes of a file that is staged inside a script
	stagedBatch     = 400                    // files whose sizes are verified by one command
	lingerTime      = time.Second            // for the output of a program whose end was told, and its channel's end
	heldMax         = 256 << 10              // bytes of a read without a shell that are held back, so that it can be asked again
	stderrTime      = time.Second            // for them to arrive, after the shell ended
	saidMax         = 300                    // bytes shown of what it printed before it was to
	stderrMax       = 4 << 10                // bytes kept of what a shell itself complains about
)
