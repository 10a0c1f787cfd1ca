package view

import (
	"slices"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// RunInfo is what is known of a run before its first event.
type RunInfo struct {
	ID      string
	Runbook string
	Params  string // a summary on one line, without secrets
	Started time.Time
}

// Phase tells what a run is at.
type Phase uint8

// The phases of a run.
const (
	Preflight Phase = iota
	Forward
	Stopping
	RollingBack
	Ending // finally
	Finished
)

func (p Phase) String() string {
	return [...]string{"connecting", "running", "stopping", "rolling back", "finally", "finished"}[p]
}

// Cell is where one op stands.
type Cell struct {
	Status Status
	Flags  Flag
	tried  bool // a do was started
	failed bool // a try of it did not end well
}

// Active is an attempt that runs now.
type Active struct {
	Op     run.Op
	Title  string
	Act    run.Act
	Number int
	Since  time.Time
	Line   string // the last line it printed, safe
	index  int
}

// Failure is a bad outcome that nothing made good again.
type Failure struct {
	Op        run.Op // Step is "" where the host was refused by the preflight
	Title     string
	Act       run.Act
	Number    int
	Status    Status
	Exit      *int
	Signal    string
	Class     string
	Message   string
	Hint      string // the next move, where the failure has one of its own
	Command   string // as written in the runbook
	Place     string // where it took place, if not on its host
	Tail      string
	Effects   bool
	Tolerated bool
	index     int
}

// WaveFacts is where a rollout stands.
type WaveFacts struct {
	Block string
	Wave  int // from 1; 0: not begun
	Count int
	Hosts []string
	Until time.Time // the next may start then; zero: not soaking
	Done  bool      // the last one has ended
}

// Board is the facts of a run, as people are shown them. It is not safe for concurrent use.
type Board struct {
	Info      RunInfo
	Phase     Phase
	Reason    string // why it stops or goes back
	Result    run.Result
	Code      int
	Ended     time.Time
	Hosts     []string
	Rows      []*Row
	Waves     []*WaveFacts
	Failures  []*Failure // in the order they happened
	Rollbacks []string   // scopes
	Resumed   int

	plan    *plan.Plan
	cells   []Cell
	total   [statusCount]int
	hosts   []hostFacts
	reached int
	asked   bool // a person asked for the rollback
	active  map[int]*Active
	rowOf   []*Row // by step
	byStep  map[string][]*plan.Step
	byHost  map[string]int32
}

type hostFacts struct {
	reached bool
	missing bool // refused by the preflight
	left    bool // out of later steps
	badStep int  // the first step that did not end well there, and was not ignored; -1: none
}

// Row is one line of the table: a step in all its waves, or a block.
type Row struct {
	ID     string
	Title  string
	Depth  int
	Block  bool
	steps  []*plan.Step // none for a block that only holds others
	counts [statusCount]int
}

// NewBoard makes the board of a run that has not begun.
func NewBoard(p *plan.Plan, info RunInfo) *Board {
	b := &Board{
		Info: info, plan: p, cells: make([]Cell, p.OpCount), hosts: make([]hostFacts, len(p.Hosts)),
		active: map[int]*Active{}, rowOf: make([]*Row, len(p.Steps)),
		byStep: map[string][]*plan.Step{}, byHost: map[string]int32{},
	}
	if b.Info.Runbook == "" && p.Runbook != nil {
		b.Info.Runbook = p.Runbook.Name
	}
	for i, h := range p.Hosts {
		b.Hosts = append(b.Hosts, h.Name)
		b.byHost[h.Name] = int32(i)
		b.hosts[i].badStep = -1
	}
	b.layOut()
	for _, r := range p.Rollouts {
		b.Waves = append(b.Waves, &WaveFacts{Block: r.Block, Count: len(r.Waves)})
	}
	return b
}

// layOut makes the rows: steps in plan order, each block named above its steps.
func (b *Board) layOut() {
	byID := map[string]*Row{}
	for _, s := range b.plan.Steps {
		b.byStep[s.ID] = append(b.byStep[s.ID], s)
		for depth, block := range s.Blocks {
			if byID[block] == nil {
				byID[block] = &Row{ID: block, Title: blockTitle(s.Source, block), Depth: depth, Block: true}
				b.Rows = append(b.Rows, byID[block])
			}
		}
		row := byID[s.ID]
		if row == nil {
			row = &Row{ID: s.ID, Title: titleOf(s), Depth: len(s.Blocks), Block: s.Entry}
			byID[s.ID] = row
			b.Rows = append(b.Rows, row)
		}
		row.steps = append(row.steps, s)
		row.counts[Pending] += len(s.Targets.Hosts)
		b.total[Pending] += len(s.Targets.Hosts)
		b.rowOf[s.Index] = row
	}
}

func titleOf(s *plan.Step) string {
	if s.Source != nil && s.Title() != "" {
		return s.Title()
	}
	return s.ID[strings.LastIndexByte(s.ID, '/')+1:]
}

func blockTitle(s *runbook.Step, id string) string {
	for ; s != nil; s = s.Parent {
		if s.Path == id && s.Title != "" {
			return s.Title
		}
	}
	return id[strings.LastIndexByte(id, '/')+1:]
}

// find gives the step and the index of an op.
func (b *Board) find(op run.Op) (*plan.Step, int, bool) {
	host, ok := b.byHost[op.Host]
	if !ok {
		return nil, 0, false
	}
	for _, s := range b.byStep[op.Step] {
		if at := s.Targets.Position(host); at >= 0 {
			return s, s.Op(at), true
		}
	}
	return nil, 0, false
}

// Cell gives where a host stands in a row; shown is false where the row is not for that host.
func (b *Board) Cell(r *Row, host int) (cell Cell, shown bool) {
	for _, s := range r.steps {
		at := s.Targets.Position(int32(host))
		if at < 0 {
			continue
		}
		cell = b.cells[s.Op(at)]
		if cell.Status == Pending && (s.Once || s.Entry) { // one host does it for all; an entry is silent
			return cell, false
		}
		if cell.Status == Pending && b.neverWill(s, host) {
			cell.Status = Blocked
		}
		return cell, true
	}
	return Cell{}, false
}

// neverWill tells whether a step that is still pending will never start on a host.
func (b *Board) neverWill(s *plan.Step, host int) bool {
	h := b.hosts[host]
	return b.Phase == Finished || (h.left || h.missing) && !s.Finally || h.badStep >= 0 && h.badStep < s.Index && !s.Finally
}

// Active gives the attempts that run now, the longest first.
func (b *Board) Active() []*Active {
	list := make([]*Active, 0, len(b.active))
	for _, a := range b.active {
		list = append(list, a)
	}
	slices.SortFunc(list, func(x, y *Active) int {
		if c := x.Since.Compare(y.Since); c != 0 {
			return c
		}
		return x.index - y.index
	})
	return list
}

// Count gives how many ops stand so.
func (b *Board) Count(s Status) int { return b.total[s] }

func (b *Board) set(s *plan.Step, index int, status Status) {
	cell := &b.cells[index]
	row := b.rowOf[s.Index]
	row.counts[cell.Status]--
	b.total[cell.Status]--
	cell.Status = status
	row.counts[status]++
	b.total[status]++
}

// Line notes the last line that an attempt printed.
func (b *Board) Line(op run.Op, line string) {
	if _, index, ok := b.find(op); ok {
		if a := b.active[index]; a != nil {
			a.Line = line
		}
	}
}
