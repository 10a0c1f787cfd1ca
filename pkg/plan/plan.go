package plan

import (
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// OpsMax bounds the ops of a plan.
const OpsMax = 4_000_000

// Plan is every step on every host, in order.
type Plan struct {
	Runbook  *runbook.Runbook
	Scopes   []*Scope          // of the runbook, and of each one it includes; the first is its own
	Hosts    []*inventory.Host // every host of the plan, places of delegates included
	Steps    []*Step           // instances of steps; each stands after those it waits for
	Rollouts []*Rollout
	Limits   []*Limit
	Locks    []string // names, sorted; held on the controller for the whole run
	OpCount  int
	Deadline time.Duration // 0: none
	Drill    *Drill        // where the run is to fail; nil: nowhere
	Digest   string        // of all that decides what is done
}

// Scope is what the expressions of one document may use: an included runbook has its own, and one
// for each item where it is included under a foreach.
type Scope struct {
	Runbook *runbook.Runbook
	Values  map[string]any  // params and vars
	Secret  map[string]bool // those whose values are not to be seen
	Outer   *Scope          // of the runbook that includes this one; nil for the first
	Items   []Item          // of the foreach around the include
}

// Item is where an instance of a step stands in a foreach around it.
type Item struct {
	Step *runbook.Step // that has the foreach
	runbook.Item
}

// Limit bounds how many hosts are inside some steps at once.
type Limit struct {
	Max   int
	Steps []int
}

// Undo tells when an op of a step can be taken back.
type Undo int

// The kinds of undo.
const (
	NoUndo        Undo = iota
	UndoCompleted      // if the do completed
	UndoStarted        // also if it failed, timed out, or its outcome is unknown
)

// Policy tells what a bad outcome leads to.
type Policy int

// The policies, in ascending rank.
const (
	Ignore Policy = iota
	Continue
	Stop
	Rollback
)

// RollbackScope tells what a rollback takes back.
type RollbackScope string

// The scopes of a rollback.
const (
	ScopeRun   RollbackScope = "run"
	ScopeBlock RollbackScope = "block"
	ScopeWave  RollbackScope = "wave"
	ScopeHosts RollbackScope = "hosts"
)

// Edge is a wait of one step for another.
type Edge struct {
	Step    int  // index of the other step
	Barrier bool // all hosts wait for all hosts; else host by host
}

// Targets is a set of hosts, shared by all steps with the same one.
type Targets struct {
	Hosts []int32 // indices into Plan.Hosts, ascending
	At    []int32 // host index → position in Hosts, -1 for others
}

// Position gives where in the set a host stands, or -1.
func (t *Targets) Position(host int32) int32 { return t.At[host] }

// Step is a step of the runbook for the hosts that go through it together: all hosts of its
// target, or those of one wave.
type Step struct {
	Index   int
	Source  *runbook.Step
	Scope   *Scope
	Items   []Item   // of the foreach around it, outermost first
	ID      string   // full id: block/step, block[item]/step
	Blocks  []string // full ids of the blocks around it, outermost first
	Entry   bool     // not a step but the entry of a block: its if, its check, its rollback
	Targets *Targets
	First   int     // index of the op on the first host
	Places  []int32 // where the op on each host takes place; nil: on that host
	Once    bool    // only the first host of the target still in
	Finally bool
	EndOf   []int  // of a finally of a block: the steps of that block; it runs when they are over
	Gate    bool   // it must succeed, or its rollout stops
	Confirm bool   // a person agrees before the first of its ops
	Skip    string // why it is left out by what was asked for; "" is not
	Limits  []int  // indices into Plan.Limits
	Rollout int    // index into Plan.Rollouts, -1 outside
	Wave    int    // from 1; 0 outside a rollout

	Before []Edge
	After  []Edge // the same edges from the other side

	HasIf     bool
	HasCheck  bool
	HasSave   bool
	Read      bool // never changes its hosts
	Undo      Undo
	NoReturn  bool
	Tries     int // of the do
	UndoTries int
	OnFailure Policy
	Ask       bool          // a person decides instead, where one is there
	Back      RollbackScope // of OnFailure, where that is a rollback
	Block     string        // the block that declared OnFailure; "" is the runbook
}

// Rollout is a block whose hosts are let through in waves.
type Rollout struct {
	Block          string // full id
	Source         *runbook.Step
	Hosts          []int32
	Waves          [][]int32 // hosts of each wave
	Steps          [][]int   // step indices of each wave
	MaxFailures    int
	MaxUnreachable int // -1: counted as failures
	Soak           time.Duration
}

// Op gives the index of the op of a step at a position in its targets.
func (s *Step) Op(position int32) int { return s.First + int(position) }

// Place gives the host, by index, where the op at a position takes place.
func (s *Step) Place(position int32) int32 {
	if s.Places != nil {
		return s.Places[position]
	}
	return s.Targets.Hosts[position]
}

// StepOf finds the step of an op by index.
func (p *Plan) StepOf(op int) *Step {
	low, high := 0, len(p.Steps)-1
	for low < high {
		mid := (low + high + 1) / 2
		if p.Steps[mid].First <= op {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return p.Steps[low]
}

// HostOf gives the target host, by index, of an op.
func (p *Plan) HostOf(op int) int32 {
	s := p.StepOf(op)
	return s.Targets.Hosts[op-s.First]
}

// Title is what people are shown: that of the step, with the items it is there for.
func (s *Step) Title() string {
	title := s.Source.Title
	for _, item := range s.Items {
		title += "[" + item.Key + "]"
	}
	return title
}
