package run

import (
	"encoding/json"
	"fmt"
	"time"
)

// Format is the version of the encoding of events. A journal written by a newer one is refused.
const Format = 1

// Kind tells what an Event says. All are in the past tense: events are facts.
type Kind string

// The closed set of events.
const (
	RunStarted      Kind = "run_started"      // Runbook, Digest, User, Hosts, Params; Reason: of a drill
	RunResumed      Kind = "run_resumed"      // User, Reason, Again: what the fold of the journal goes on with
	RunStopping     Kind = "run_stopping"     // Reason, Stop: nothing new starts any more
	RunFinished     Kind = "run_finished"     // Result, Code
	HostReached     Kind = "host_reached"     // Host, Boot: attempts there can be made
	HostUnreachable Kind = "host_unreachable" // Host, Class, Message: refused by the preflight
	HostLeft        Kind = "host_left"        // Host, Step (the rollout), Reason: out of all later steps
	OpDecided       Kind = "op_decided"       // Op, NotBefore: when a retry may start
	OpSkipped       Kind = "op_skipped"       // Op, Reason
	AttemptStarted  Kind = "attempt_started"  // Op, Act, Number, Undo: the intent, durable before the act
	AttemptFinished Kind = "attempt_finished" // Op, Act, Number, Outcome and what goes with it
	WaveStarted     Kind = "wave_started"     // Step (the rollout), Wave, Hosts
	WaveFinished    Kind = "wave_finished"    // Step, Wave, NotBefore: when the next may start
	RollbackStarted Kind = "rollback_started" // Scope, Step (block), Wave, Hosts, Reason
	OpResolved      Kind = "op_resolved"      // Op, Outcome, User, Reason: a person settled an unknown outcome
	PersonAsked     Kind = "person_asked"     // Op (a step without host: for all its hosts), Wave, Message: the run waits for an answer
	PersonAnswered  Kind = "person_answered"  // Op, Wave, Answer, User
)

// Op names one step on one host. Step is the full id, "block/step"; the instance in a wave
// needs no number, since a host is in one wave of a rollout only.
type Op struct {
	Step string `json:"step,omitempty"`
	Host string `json:"host,omitempty"`
}

func (o Op) String() string { return o.Host + "/" + o.Step }

// Act is what an attempt does.
type Act string

// The acts. Check and save only ask; do and undo change something.
const (
	Check Act = "check"
	Save  Act = "save"
	Do    Act = "do"
	Undo  Act = "undo"
)

// Answer is what a check said, or a person.
type Answer string

// The answers of a check, of a person who is asked before a step, and of one who is asked after a failure.
const (
	Yes       Answer = "yes" // already so; go on
	No        Answer = "no"
	Skip      Answer = "skip" // leave the step out
	Retry     Answer = "retry"
	AnsIgnore Answer = "ignore"
	AnsGoOn   Answer = "continue"
	AnsStop   Answer = "stop"
	AnsBack   Answer = "rollback"
)

// NeverRan is the class of an unreachable outcome of which the host itself says that nothing
// was started: the attempt may be made anew, and uses up no try.
const NeverRan = "never-ran"

// Drilled is the class of an outcome that was judged as failed because the plan says so.
const Drilled = "drill"

// Outcome tells how an attempt ended (SEMANTICS 1).
type Outcome string

// The outcomes of an attempt.
const (
	OK          Outcome = "ok"
	Changed     Outcome = "changed"
	Skipped     Outcome = "skipped"
	Unreachable Outcome = "unreachable" // nothing was started on the host: proved
	Failed      Outcome = "failed"
	TimedOut    Outcome = "timed_out"
	Cancelled   Outcome = "cancelled"
	Unknown     Outcome = "unknown" // may have started, and its end cannot be learnt
)

// Good tells whether what follows may start.
func (o Outcome) Good() bool { return o == OK || o == Changed || o == Skipped }

// Sealed is what an undo will run, decided before the do it belongs to was started, so that a
// later edit of the runbook or of variables does not change it. Secrets in it stay references.
type Sealed struct {
	When    string            `json:"when,omitempty"`   // completed or started
	Script  string            `json:"script,omitempty"` // for the shell
	Argv    []string          `json:"argv,omitempty"`   // instead of Script: no shell
	Shell   string            `json:"shell,omitempty"`  // sh, bash, …
	Env     map[string]string `json:"env,omitempty"`
	Secrets map[string]string `json:"secrets,omitempty"` // variable → the text that gives it
	Digests map[string]string `json:"digests,omitempty"` // the same variables → keyed digest of what it gave
	Restore string            `json:"restore,omitempty"` // puts kept files back, before Script; POSIX sh
	Dir     string            `json:"dir,omitempty"`
	Stdin   string            `json:"stdin,omitempty"`
	Sudo    string            `json:"sudo,omitempty"`
	Place   string            `json:"place,omitempty"`   // the delegate, where it is not the op's host
	Timeout time.Duration     `json:"timeout,omitempty"` // nanoseconds
	Kill    time.Duration     `json:"kill_after,omitempty"`
	Tries   int               `json:"tries,omitempty"`
	Delay   time.Duration     `json:"delay,omitempty"`
}

// Output tells what an attempt printed; the bytes are in the output store.
type Output struct {
	Stdout int64  `json:"stdout,omitempty"` // bytes printed
	Stderr int64  `json:"stderr,omitempty"`
	Tail   string `json:"tail,omitempty"`   // the last lines of a failed attempt, masked, for people
	Masked bool   `json:"masked,omitempty"` // a secret was hidden in it
}

// Event is one fact of a run. Which fields are set depends on the Kind.
type Event struct {
	Seq  int64     `json:"seq"`
	Time time.Time `json:"time"`
	Kind Kind      `json:"event"`

	Op
	Act    Act `json:"act,omitempty"`
	Number int `json:"number,omitempty"` // of the attempt at this act, from 1

	Outcome Outcome           `json:"outcome,omitempty"`
	Answer  Answer            `json:"answer,omitempty"` // of a check that was answered
	Exit    *int              `json:"exit,omitempty"`
	Signal  string            `json:"signal,omitempty"`  // KILL, TERM, …
	Class   string            `json:"class,omitempty"`   // of a failure: exit dns refused timeout host-key auth sudo …
	Message string            `json:"message,omitempty"` // a sentence for people
	Effects bool              `json:"effects,omitempty"` // of a bad outcome: the host may have been changed
	Output  *Output           `json:"output,omitempty"`
	Saved   map[string]string `json:"saved,omitempty"`
	Outputs map[string]any    `json:"outputs,omitempty"`
	Undo    *Sealed           `json:"undo,omitempty"`

	Wave      int            `json:"wave,omitempty"` // from 1
	Hosts     []string       `json:"hosts,omitempty"`
	Scope     string         `json:"scope,omitempty"` // run block wave hosts
	Reason    string         `json:"reason,omitempty"`
	Stop      StopKind       `json:"stop,omitempty"`
	NotBefore time.Time      `json:"not_before,omitzero"`
	Boot      string         `json:"boot,omitempty"`
	Result    Result         `json:"result,omitempty"`
	Again     bool           `json:"again,omitempty"` // what failed is tried again
	Code      int            `json:"code"`
	Runbook   string         `json:"runbook,omitempty"`
	Digest    string         `json:"digest,omitempty"`
	User      string         `json:"user,omitempty"`
	Params    map[string]any `json:"params,omitempty"`
	RunID     string         `json:"run,omitempty"`
	Format    int            `json:"format,omitempty"`
}

// Result is the outcome of a run.
type Result string

// The results of a run.
const (
	Succeeded    Result = "succeeded"
	RunFailed    Result = "failed"
	RolledBack   Result = "rolled_back"
	Unreached    Result = "unreachable"
	PersonNeeded Result = "person_needed"
	Stopped      Result = "stopped"
)

// StopKind tells why nothing new starts.
type StopKind string

// Why a run stops before its end.
const (
	StopInterrupt StopKind = "interrupt" // SIGINT
	StopTerm      StopKind = "term"      // SIGTERM
	StopHangup    StopKind = "hangup"    // SIGHUP
	StopDeadline  StopKind = "deadline"  // the run's
	StopRefused   StopKind = "refused"   // a confirmation was refused
	StopJournal   StopKind = "journal"   // the journal cannot be written
)

// MarshalJSON is the one encoding of events: in the journal, and for --output json. The exit code,
// also when it is 0, stands in the event that ends a run and in no other.
func (e Event) MarshalJSON() ([]byte, error) {
	type plain Event
	out := struct {
		plain
		Code *int `json:"code,omitempty"`
	}{plain: plain(e)}
	if e.Kind == RunFinished {
		out.Code = &e.Code
	}
	return json.Marshal(out)
}

func (e Event) String() string {
	s := string(e.Kind)
	if e.Step != "" || e.Host != "" {
		s += " " + e.Op.String()
	}
	if e.Act != "" {
		s += fmt.Sprintf(" %s %d", e.Act, e.Number)
	}
	if e.Outcome != "" {
		s += " " + string(e.Outcome)
	}
	return s
}
