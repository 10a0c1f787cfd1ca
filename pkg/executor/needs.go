package executor

import (
	"context"
	"io"
	"io/fs"
	"net"
	"time"

	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// Command is a script for a shell on a host, and everything it may see.
type Command struct {
	Script    string            // for Shell; without one, the command as it stands
	Argv      []string          // instead of Script: a program and its arguments, no shell
	Shell     string            // "sh" (with set -eu), "bash" (with set -eu -o pipefail), another program that reads a script by -c, or runbook.NoShell: then no Argv, Env, Dir, Prepare and Sudo
	Env       map[string]string // names [A-Za-z_][A-Za-z0-9_]*; travels on stdin, never on a command line
	Dir       string            // working directory; "" is the home directory
	Stdin     string            // "" is an empty stdin
	Prepare   string            // POSIX sh that is run first, in a shell of its own; where it fails, nothing else is run
	Sudo      string            // "" as the login user, else as this user
	Timeout   time.Duration     // 0: none
	KillAfter time.Duration     // between TERM and KILL
}

// Attempt is a Command that runs at most once: its ID is claimed on the host.
type Attempt struct {
	ID string // deterministic, [A-Za-z0-9._-]{1,200}, unique in its run
	Command
}

// Verdict tells what is known of how a Command ended.
type Verdict int

// The verdicts.
const (
	Ended      Verdict = iota // the host told the true exit status; see Exit, Signal, TimedOut, Cancelled
	NeverRan                  // nothing was started on the host: proved
	NotLearned                // may have started, and its end cannot be learnt
)

// Ending is how a Command ended. A non-zero exit is a value, not an error.
type Ending struct {
	Verdict   Verdict
	Exit      int
	Signal    string // KILL, TERM, … where the host could tell it apart from an exit status
	TimedOut  bool   // past its deadline, and its death is confirmed
	Cancelled bool   // ended by us, and its death is confirmed
	Class     string // of what went wrong outside the command: dns refused timeout host-key auth sudo link no-run-directory reboot supervisor
	Message   string // a sentence for people, where Class is set
	Hint      string // the next move, or ""
}

// Stream is one of the two outputs of a command.
type Stream int

// The streams.
const (
	Stdout Stream = 1
	Stderr Stream = 2
)

// Sink takes what a command prints, raw, in order, while it runs. p is valid only during the call.
type Sink func(stream Stream, p []byte)

// Facts is what a host says of itself once attempts can be made there.
type Facts struct {
	Boot   string // boot id; changes when the host was rebooted
	RunDir string // absolute path of this run's directory there
}

// Prober asks one host. Nothing it does changes the host, and every call may be repeated.
type Prober interface {
	// Reach connects to the host and authenticates, and asks nothing. An error is a *HostError.
	Reach(ctx context.Context) error
	// Ask runs a command that only reads, and gives its output to sink. A Verdict other than
	// Ended means that the host could not be asked. Cancelling ctx gives up the answer.
	Ask(ctx context.Context, c Command, sink Sink) Ending
	// Dial opens a connection from the host's point of view. network is "tcp".
	Dial(ctx context.Context, network, address string) (net.Conn, error)
}

// Attempter acts on one host.
type Attempter interface {
	// Ready makes sure that attempts can be made: connected, authenticated, the run directory
	// and the supervisor there, sudo to each user named tried. An error is a *HostError.
	Ready(ctx context.Context, sudo []string) (Facts, error)
	// Stage puts files into the run directory below stage/name, whole, where a command that runs as
	// sudo can read them, and returns that directory's absolute path there. It may be repeated. An
	// error is a *HostError.
	Stage(ctx context.Context, sudo, name string, files []StagedFile) (string, error)
	// Run starts an attempt whose intent is durable and follows it to its end, through broken
	// connections. It never starts it twice. When ctx is cancelled the attempt is ended by the
	// kill ladder and the Ending says whether its death is confirmed. One without a shell is not
	// claimed and cannot be killed: where its end was not seen, it is NotLearned.
	Run(ctx context.Context, a Attempt, sink Sink) Ending
	// Settle asks the host about an attempt of an earlier process: boot is the boot id noted
	// before its request was sent. What never began never will, once asked. One that still runs
	// is followed to its end. sink gets its whole output, from the first byte.
	Settle(ctx context.Context, a Attempt, boot string, sink Sink) Ending
}

// Host is one machine, as far as the executor reaches it.
type Host interface {
	Prober
	Attempter
	io.Closer
}

// StagedFile is a file or directory to be put on a host.
type StagedFile struct {
	Path string      // relative, slash-separated, clean, without ".."
	Mode fs.FileMode // permission bits, and fs.ModeDir or fs.ModeSymlink
	Size int64
	Link string                        // target, for a symlink
	Open func() (io.ReadCloser, error) // for a regular file
}

// HostError says why a host cannot be reached or used; nothing was started there.
type HostError struct {
	Class   string // dns refused timeout host-key auth sudo link no-run-directory …
	Hop     string // the hop that failed: host, or the jump host before it
	Message string // a sentence
	Hint    string // the next move
}

func (e *HostError) Error() string { return e.Message }

// Journal is the durable store of one run.
type Journal interface {
	// Append writes events in one commit; when it returns they are durable, and so is the
	// output kept before. After an error nothing more may be written.
	Append(events []run.Event) error
	// Keep stores output of an attempt; it is durable with the next Append.
	Keep(ref AttemptRef, stream Stream, p []byte) error
	// Output reads back what was kept.
	Output(ref AttemptRef, stream Stream) ([]byte, error)
}

// AttemptRef names an attempt in the journal.
type AttemptRef struct {
	Op     run.Op
	Act    run.Act
	Number int
}

// Observer is shown what happens. It returns nothing and must not block; it may drop frames.
type Observer interface {
	// Observe shows events that are durable.
	Observe(events []run.Event)
	// Output shows what an attempt prints, masked. p is valid only during the call.
	Output(ref AttemptRef, stream Stream, p []byte)
}

// Masker hides secrets in what is stored or shown.
type Masker interface {
	// Add makes a secret known.
	Add(secret string)
	// String masks a whole text.
	String(s string) string
	// Found tells whether a text holds a secret.
	Found(s string) bool
	// Stream masks a stream, whose secrets may be cut in pieces.
	Stream() MaskStream
}

// MaskStream masks a stream piece by piece.
type MaskStream interface {
	// Write takes a piece and gives what may be passed on by now; it is valid until the next call.
	Write(p []byte) []byte
	// Flush gives the rest.
	Flush() []byte
	// Masked tells whether anything was hidden so far.
	Masked() bool
}

// Person is somebody who can be asked. Implementations ask one question at a time.
type Person interface {
	// Ask waits for an answer: one of the choices. When ctx is cancelled, or nobody answers, an
	// error says so.
	Ask(ctx context.Context, q Inquiry) (Reply, error)
}

// Inquiry is a question to a person.
type Inquiry struct {
	Kind    InquiryKind
	Step    string   // its title
	Hosts   []string // that it is about
	Text    string   // what the runbook says
	Choices []run.Answer
}

// InquiryKind tells what a question is about.
type InquiryKind string

// What a person is asked.
const (
	AskConfirm InquiryKind = "confirm" // may a step begin?
	AskManual  InquiryKind = "manual"  // was it done by hand?
	AskFailure InquiryKind = "failure" // what does a failure lead to?
)

// Reply is what a person answered.
type Reply struct {
	Answer run.Answer
	User   string
}

// Keeper gives the commands that keep copies of files on a host, and put them back exactly. key names
// the op within the run.
type Keeper func(key string, paths []string) (keep, restore string, err error)

// Secrets fetches a secret from its source.
type Secrets func(ctx context.Context, source SecretSource) (string, error)

// Notice is a message of a run for somebody who does not look at it, and the facts that go with it.
type Notice struct {
	To      string // a target of the configuration
	Message string // without secrets
	Runbook string
	Run     string     // its id; "": it is only tried whether messages arrive
	User    string     // who started the run
	Step    string     // that tells; "" after the end of the run
	Host    string     // of the step
	Outcome run.Result // of the run; "" while its steps run
	Failed  []string   // hosts, in plan order
	Started time.Time  // the run
	Time    time.Time  // of the notice
}

// Notify sends a notice, at most once, until ctx ends. Ended and without a class or an exit code means
// that the target took it; of class "action", that nothing was sent; NotLearned, that it may have been taken.
type Notify func(ctx context.Context, n Notice) Ending

// Work is a built-in action that changes something, its values filled in.
type Work interface {
	// Path is where on the host it changes something: there and below, nowhere else.
	Path() string
	// Probe asks the host whether there is anything to do, and what would differ.
	Probe(ctx context.Context, h Prober, c Command) (Probe, error)
	// Files are staged on the host before Do.
	Files() ([]StagedFile, error)
	// Do makes it so. staged is where Files are, as an absolute path there; key names the op
	// within the run. What is replaced is kept in the run directory, for Undo.
	Do(key, staged string) Command
	// Undo takes back what Do with the same key did, exactly.
	Undo(key string) Command
}

// Probe is what a host says before a Work.
type Probe struct {
	Same bool   // it is so already
	Diff string // what would change, for people; "" where it cannot be shown
}

// Question is a built-in action that needs nothing of the host but its point of view, its values
// filled in. Most only read. One of a step that changes something, a request, cannot be claimed on
// the host: it is asked once, and where it cannot be told whether it took effect, the verdict is
// NotLearned.
type Question interface {
	// Ask asks until there is an answer; what it did goes to sink.
	Ask(ctx context.Context, h Prober, c Command, sink Sink) Ending
}

// Lister is a Question whose answer leaves something here, such as files from the host.
type Lister interface {
	// List gives the same output on stdout, and leaves nothing; what Ask would leave goes to stderr.
	List(ctx context.Context, h Prober, c Command, sink Sink) Ending
}

// Actions make the built-in actions of steps. render evaluates a text of the step; dir is where
// its relative paths start. Exactly one of the two results is not nil; both are for a step that
// has no built-in action.
type Actions func(step *runbook.Step, dir string, render func(*runbook.Text) (string, error)) (Work, Question, error)
