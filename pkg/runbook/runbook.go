package runbook

import (
	"time"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// Limits of a runbook, and the values that hold where it says nothing.
const (
	StepsMax         = 10_000
	AttemptsMax      = 1_000
	TimeoutDefault   = time.Hour
	KillAfterDefault = 10 * time.Second
	RetryDelayMax    = time.Hour
)

// Runbook is a document describing a maintenance. It is a block, with inputs.
type Runbook struct {
	File        *source.File
	Dir         string // where relative paths start
	Name        string
	Description string
	Owner       string
	Docs        string
	Tags        []string
	Params      []*Param
	Vars        []*Var
	Outputs     []Output
	Secrets     []*Secret
	Deadline    time.Duration // 0: none
	Notices     []*Notify     // sent when the run has ended; those of an included runbook are not
	Root        *Step         // the runbook as a block
	Finally     []*Step       // of the run as a whole; of an included runbook it is its root's
	Default     OnFailure     // computed once for the whole runbook
	By          *Step         // the step that includes this runbook; nil for the one that is run

	end *Step
}

// End is where a runbook's outputs are evaluated: after all its steps, on no host. What they read of
// steps is noted in Reads of the same Step each time.
func (rb *Runbook) End() *Step {
	if rb.end == nil {
		rb.end = &Step{Parent: rb.Root, Finally: true, In: rb}
	}
	return rb.end
}

// Text is a text as written, with expressions compiled.
type Text struct {
	Node *source.Node
	*expression.Text
}

// Cond is an expression that says yes or no.
type Cond struct {
	Node *source.Node
	*expression.Expression
}

// Var is a value computed once, from params and other vars.
type Var struct {
	Name   string
	Key    *source.Node // its name, where it stands
	Node   *source.Node
	Secret bool // it is made of a secret param

	texts map[*source.Node]*Text // those of its scalars that hold expressions
}

// Compute gives the value of the var; env holds the params and the vars it is made of.
func (v *Var) Compute(env map[string]any) (any, error) { return v.compute(v.Node, env) }

func (v *Var) compute(n *source.Node, env map[string]any) (any, error) {
	switch n.Kind {
	case source.List:
		list := make([]any, len(n.Items))
		for i, item := range n.Items {
			value, err := v.compute(item, env)
			if err != nil {
				return nil, err
			}
			list[i] = value
		}
		return list, nil
	case source.Map:
		m := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			value, err := v.compute(p.Value, env)
			if err != nil {
				return nil, err
			}
			m[p.Key.Text] = value
		}
		return m, nil
	}
	if t := v.texts[n]; t != nil {
		return t.Value(env)
	}
	return n.Value(), nil
}

// Script is a command: for a shell, or a list of words for no shell.
type Script struct {
	Node   *source.Node
	Argv   []*Text                  // instead of a script
	Exprs  []*expression.Expression // the values of the script, in order
	Parsed *shell.Script            // nil with Argv, and for a shell whose quoting is not known
	Plain  *shell.Plain             // instead of Parsed, where there is no shell
	Shell  string
}

// Effect tells what a step does to its hosts.
type Effect string

// The effects.
const (
	Read    Effect = "read"
	Change  Effect = "change"
	Destroy Effect = "destroy"
)

// OnFailure tells what a bad outcome leads to.
type OnFailure struct {
	Do    string // rollback stop continue ignore ask
	Scope string // of a rollback: run block wave hosts
	Block *Step  // the block that declared it; nil is the runbook
}

// Retry tells how often and when a failed do is tried again.
type Retry struct {
	Attempts int
	Delay    time.Duration
	Backoff  float64
	MaxDelay time.Duration
	If       *Cond
}

// Rollback is the undo that a step declares.
type Rollback struct {
	None    bool // nothing to take back, or nothing that could be
	When    string
	Run     *Script
	Timeout *time.Duration
	Retry   *Retry
	Sudo    *Text
	Env     []EnvVar
	Stdin   *Stdin
	Dir     *Text
}

// Stdin is what a command reads: a text, or the content of a local file.
type Stdin struct {
	Text *Text
	File *Text // relative to the runbook's file
}

// EnvVar is a variable of a command's environment.
type EnvVar struct {
	Name string
	Text *Text
}

// Output is a named result of a step or a runbook.
type Output struct {
	Name string
	Expr *Cond // of any type
}

// SaveItem is a value read before a change.
type SaveItem struct {
	Name string
	Run  *Script
}

// Rollout lets a block's hosts through in waves.
type Rollout struct {
	Node           *source.Node
	Waves          []Size
	MaxFailures    Size
	MaxUnreachable *Size
	Soak           time.Duration
	SoakText       *Text   // instead, where it is made of params and vars
	Gate           *Step   // must succeed after each wave; nil: none
	Spread         *Spread // nil: hosts go as they are written
}

// Spread bounds how many hosts of one kind, such as those of a rack, a wave may have.
type Spread struct {
	By  *Cond // of a host; of any type
	Max int
}

// Size is a number of hosts, or a percentage of them.
type Size struct {
	Count   int
	Percent bool
}

// Of gives how many of n hosts the size is: percentages are rounded down.
func (s Size) Of(n int) int {
	if s.Percent {
		return n * s.Count / 100
	}
	return s.Count
}

// Step is one entry of a runbook; one with Steps is a block.
type Step struct {
	In     *Runbook // the document it is written in
	Node   *source.Node
	Key    *source.Node // of its action, for messages
	ID     string
	Path   string // full id: block/step; "" for the runbook itself
	Parent *Step
	Index  int // among its siblings
	Name   string
	Why    string
	Tags   []string
	Title  string // what people are shown: name, else id

	Needs      []*source.Node
	NeedsGiven bool
	Before     []*Step // siblings it waits for
	Barrier    bool
	Parallel   bool
	Hosts      []*Text // nil: not said here
	HostsNode  *source.Node
	Once       bool
	Delegate   *Text
	AllowEmpty bool

	ForEach     *ForEach // nil: the step is there once
	MaxParallel int      // hosts at once in it; 0: no limit of its own
	Lock        *Lock    // held for the whole run; nil: none

	If      *Cond
	Check   *Script
	Confirm *Text // a person agrees first; nil: nobody is asked

	Action  string // run script copy link line service fetch wait http assert manual reboot notify runbook steps confirm
	Run     *Script
	Script  *LocalScript
	Copy    *Copy
	Link    *Link
	Line    *Line
	Service *Service
	Fetch   *Fetch
	Wait    *Wait
	HTTP    *HTTP
	Assert  *Assert
	Reboot  *Reboot
	Manual  *Text // what a person does
	Notify  *Notify
	Steps   []*Step
	Always  []*Step // of a block: its finally, which runs whatever became of the steps
	*Include
	*Rollout

	Env       []EnvVar
	Dir       *Text
	Shell     string
	Sudo      *Text // nil: not said; "false" takes it back
	Stdin     *Stdin
	Timeout   *time.Duration // 0: none
	KillAfter *time.Duration
	Retry     *Retry
	Sensitive *bool // what it prints is kept out of screen, journal and reports

	Outputs   []Output
	OKCodes   []int
	ChangedIf *Cond
	FailedIf  *Cond
	Effect    Effect

	Save             []SaveItem
	SaveFiles        []*Text // paths on the host, put back exactly by a rollback
	Rollback         *Rollback
	PointOfNoReturn  bool
	OnFailure        *OnFailure
	Finally          bool // stands in finally
	Reads            []StepRef
	effectGiven      bool
	idGiven          bool
	needsNode        *source.Node
	ancestorsOfBlock map[*Step]bool
}

// StepRef is a place where a step uses the result of another one.
type StepRef struct {
	Step     *Step // the other one
	Node     *source.Node
	Offset   int
	Text     string // as written: steps.build.stdout
	AllHosts bool   // .on["host"] or .hosts: not the same host's result
}

// Inherit gives what the step, or the innermost block around it, says; the zero value if none does.
func Inherit[V comparable](s *Step, said func(*Step) V) V {
	v, _ := Said(s, said)
	return v
}

// Said is Inherit that tells who says it, too: expressions mean what they mean where they are written.
func Said[V comparable](s *Step, said func(*Step) V) (V, *Step) {
	var zero V
	for ; s != nil; s = s.Parent {
		if v := said(s); v != zero {
			return v, s
		}
	}
	return zero, nil
}

// ShellName gives the shell that the step's scripts are written for.
func (s *Step) ShellName() string {
	if name := Inherit(s, func(s *Step) string { return s.Shell }); name != "" {
		return name
	}
	return "sh"
}

// Walk calls visit for the step and all steps inside it, outermost first; also those that an
// included runbook is made of.
func (s *Step) Walk(visit func(*Step)) {
	visit(s)
	for _, inner := range s.Steps {
		inner.Walk(visit)
	}
	for _, inner := range s.Always {
		inner.Walk(visit)
	}
	if s.Rollout != nil && s.Rollout.Gate != nil {
		s.Rollout.Gate.Walk(visit)
	}
}

// IsBlock tells whether the step holds steps: those written in it, or those of an included runbook.
func (s *Step) IsBlock() bool { return s.Action == "steps" || s.Action == "runbook" }

// IsRoot tells whether the step is a runbook as a block.
func (s *Step) IsRoot() bool { return s.In != nil && s.In.Root == s }

// IsSensitive tells whether what the step prints must not be kept or shown.
func (s *Step) IsSensitive() bool {
	said := Inherit(s, func(s *Step) *bool { return s.Sensitive })
	return said != nil && *said
}

// Within tells whether the step stands inside the block, at any depth.
func (s *Step) Within(block *Step) bool {
	for p := s.Parent; p != nil; p = p.Parent {
		if p == block {
			return true
		}
	}
	return false
}

// HasUndo tells whether a completed do of the step can be taken back: by what its author
// declared, or by the undo that is part of its action.
func (s *Step) HasUndo() bool {
	if s.Rollback != nil {
		return !s.Rollback.None || len(s.SaveFiles) > 0
	}
	return s.BuiltinUndo() || len(s.SaveFiles) > 0
}

// BuiltinUndo tells whether the step's action knows its own undo.
func (s *Step) BuiltinUndo() bool {
	return s.Action == "copy" || s.Action == "link" || s.Action == "line" || s.Service != nil && s.Service.Lasting()
}

// Changes tells whether the action is one that cannot be a mere question.
func (s *Step) Changes() bool {
	switch s.Action {
	case "copy", "link", "line", "service", "reboot":
		return true
	}
	return false
}

// Certain tells whether the action does something whatever it finds.
func (s *Step) Certain() bool {
	if s.Service != nil {
		return s.Service.State == "restarted" || s.Service.State == "reloaded"
	}
	return s.Action == "script" || s.Action == "http" || s.Action == "reboot"
}

// Read tells whether the step never changes its hosts.
func (s *Step) Read() bool { return s.Effect == Read }
