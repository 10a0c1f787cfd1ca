package executor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// Limits of the executor.
const (
	ResultBytesMax  = 1 << 20          // of one stream, for expressions; what is longer is cut
	TailBytesMax    = 4 << 10          // of output, for the message of a failure
	FinallyMax      = 10 * time.Minute // for all of finally
	LadderMax       = 20 * time.Second // for all attempts to end after the second interrupt
	PreflightAtOnce = 64               // hosts connected to at once, at most; Forks bounds it too
	preflightPerTry = 90 * time.Second
)

// Info is what is known of a run before it starts.
type Info struct {
	ID      string
	User    string
	Started time.Time
	Env     map[string]string // the controller's, for env.X
	Path    string            // of the runbook, for people
}

// Options are what a run needs.
type Options struct {
	Plan       *plan.Plan
	Info       Info
	Host       func(*inventory.Host) Host // the same Host for the same inventory host
	Actions    Actions
	Keeper     Keeper
	Secrets    Secrets              // nil: there are none
	Notify     Notify               // nil: there is nobody to be told
	Person     Person               // nil: nobody is there to be asked
	Inventory  *inventory.Inventory // for hosts() of expressions
	Journal    Journal
	Observer   Observer
	Masker     Masker
	Forks      int
	Preflight  bool
	Interrupts <-chan run.StopKind // each one asks more urgently
	Events     []run.Event         // of a run that goes on; nil for a new one
	Resume     run.Event           // RunResumed, for a run that goes on
	Now        func() time.Time
	Rand       *rand.Rand
}

// ErrLeft says that opsctl was told to leave at once: attempts go on under their own deadlines.
var ErrLeft = errors.New("left at once; what was started goes on by itself on its hosts")

// JournalError says that the journal cannot be written. Nothing was started after it.
type JournalError struct{ Err error }

func (e *JournalError) Error() string { return "cannot write the journal: " + e.Err.Error() }

func (e *JournalError) Unwrap() error { return e.Err }

// Run carries out a plan to its end and gives the event that ended it. A command that fails is
// an outcome; an error means that opsctl itself could not go on.
func Run(ctx context.Context, o Options) (*run.Event, *run.State, error) {
	l := newLoop(ctx, o)
	defer l.close()
	if err := l.begin(); err != nil {
		return nil, l.state, err
	}
	if l.state.Finished() == nil {
		if err := l.run(); err != nil {
			return nil, l.state, err
		}
	}
	return l.state.Finished(), l.state, nil
}

// loop owns the State. Everything else speaks to it over one channel.
type loop struct {
	Options
	ctx      context.Context
	cancel   context.CancelFunc // ends all attempts by the kill ladder
	state    *run.State
	scopes   *scopes
	batch    []run.Event
	launches []func()
	arrived  chan arrival
	replies  chan reply
	asking   context.Context // of questions to people: it ends when nothing new starts any more
	hangUp   context.CancelFunc
	open     int
	asked    time.Time // when Next was asked last
	stops    int
	timers   timers

	lastWords map[int]string // how the last try of an op that may be asked about went
}

// arrival is what a goroutine brings to the loop.
type arrival struct {
	work   *attempt
	ending Ending
	broken any // what a goroutine panicked with
}

// spawn does an attempt in its own goroutine.
func (l *loop) spawn(a *attempt, do func() Ending) {
	go func() {
		defer func() {
			if p := recover(); p != nil {
				l.arrived <- arrival{work: a, broken: p}
			}
		}()
		l.arrived <- arrival{work: a, ending: do()}
	}()
}

// crew runs functions side by side. A panic in one of them is a bug of opsctl, and is raised again
// by wait, where the caller's own panics are dealt with.
type crew struct {
	wg     sync.WaitGroup
	mu     sync.Mutex
	broken any
}

func (c *crew) do(f func()) {
	c.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				c.mu.Lock()
				c.broken = p
				c.mu.Unlock()
			}
		}()
		f()
	})
}

func (c *crew) wait() {
	c.wg.Wait()
	if c.broken != nil {
		panic(c.broken)
	}
}

// timers are the limits of a run as a whole; a nil channel never fires.
type timers struct {
	deadline <-chan time.Time
	finally  <-chan time.Time
	ladder   <-chan time.Time
}

func newLoop(ctx context.Context, o Options) *loop {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	l := &loop{Options: o, state: run.New(o.Plan, run.Limits{Forks: o.Forks}), arrived: make(chan arrival, 64), replies: make(chan reply, 64), lastWords: map[int]string{}}
	l.ctx, l.cancel = context.WithCancel(ctx)
	l.asking, l.hangUp = context.WithCancel(ctx)
	l.scopes = newScopes(l)
	return l
}

func (l *loop) close() {
	l.cancel()
	l.hangUp()
}

// begin starts a new run, or folds the journal of one that goes on, and reaches its hosts.
func (l *loop) begin() error {
	if l.Events == nil {
		l.emit(l.started())
	} else if err := l.replay(); err != nil {
		return err
	}
	if err := l.commit(); err != nil {
		return err
	}
	boots := map[string]string{} // as they were when the open attempts were requested
	for _, h := range l.Plan.Hosts {
		boots[h.Name] = l.state.Boot(h.Name)
	}
	if l.Plan.Deadline > 0 {
		l.timers.deadline = time.After(max(0, l.Plan.Deadline-l.spent()))
	}
	if err := l.preflight(); err != nil {
		return err
	}
	if l.state.Finished() == nil {
		l.settleOpen(boots)
	}
	return nil
}

func (l *loop) started() run.Event {
	params := map[string]any{}
	for _, p := range l.Plan.Runbook.Params {
		params[p.Name] = l.Plan.Scopes[0].Values[p.Name]
		if p.Secret {
			params[p.Name] = "***"
		}
	}
	var hosts []string
	for _, h := range l.Plan.Hosts {
		hosts = append(hosts, h.Name)
	}
	reason := ""
	if l.Plan.Drill != nil {
		reason = "drill: " + l.Plan.Drill.String()
	}
	return run.Event{
		Kind: run.RunStarted, Reason: reason, RunID: l.Info.ID, Runbook: l.Plan.Runbook.Name, Digest: l.Plan.Digest, User: l.Info.User,
		Hosts: hosts, Params: params, Format: run.Format,
	}
}

// spent is how long the run has been going, the time between a crash and its resume left out.
func (l *loop) spent() time.Duration {
	var spent time.Duration
	for i := 1; i < len(l.Events); i++ {
		if l.Events[i].Kind != run.RunResumed {
			spent += l.Events[i].Time.Sub(l.Events[i-1].Time)
		}
	}
	return spent
}

// replay folds the journal into the State and notes that the run goes on.
func (l *loop) replay() error {
	for i, e := range l.Events {
		if e.Kind == run.HostUnreachable && run.EndedByPreflight(l.Events[i:]) {
			// Nothing was started for its sake: the host is as it was before, and is asked again.
			e.Kind, e.Boot = run.HostReached, l.state.Boot(e.Host)
		}
		if err := l.state.Apply(e); err != nil {
			return fmt.Errorf("cannot fold the journal of run %s: %w", l.Info.ID, err)
		}
		l.scopes.learn(e)
	}
	l.emit(l.Resume)
	return nil
}

// emit applies an event and puts it into the batch. An event that State refuses is a bug in
// opsctl: going on would make the journal lie.
func (l *loop) emit(e run.Event) {
	e.Seq, e.Time = l.state.Seq()+1, l.Now()
	if err := l.state.Apply(e); err != nil {
		panic(fmt.Sprintf("impossible event %s: %v", e, err))
	}
	l.scopes.learn(e)
	l.batch = append(l.batch, e)
}

// commit makes the batch durable, and shows it.
func (l *loop) commit() error {
	if len(l.batch) == 0 {
		return nil
	}
	if err := l.Journal.Append(l.batch); err != nil {
		return &JournalError{Err: err}
	}
	l.Observer.Observe(l.batch)
	l.batch = nil
	return nil
}
