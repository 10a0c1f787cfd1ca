package runbook

import (
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// whichAction finds the one key that says what the step does.
func (d *decoder) whichAction(n *source.Node, s *Step, actions keys) {
	for _, p := range n.Pairs {
		if actions[p.Key.Text] == nil && !later[p.Key.Text] {
			continue
		}
		if s.Action != "" {
			d.problem(p.Key, "a step does one thing: it says %q already", s.Action).Hint = "make two steps of it"
			continue
		}
		s.Action, s.Key = p.Key.Text, p.Key
	}
	if s.Action == "" && s.Confirm != nil { // it does nothing but ask
		s.Action, s.Key = "confirm", s.Confirm.Node
	}
	if s.Action == "" {
		p := d.problem(n, "this step does not say what it does")
		p.Width, p.Hint = 1, "give it one of "+strings.Join(sortedKeys(actions), ", ")
		return
	}
	d.effect(s)
	if s.IsBlock() {
		d.onlyOnSteps(s)
	} else {
		d.onlyOnBlocks(s)
	}
	if s.Include != nil && s.Action != "runbook" {
		if with := n.Get("with"); with != nil {
			d.problem(with, "with belongs to a step that includes a runbook").Hint = "runbook: other.yaml"
		}
		s.Include = nil
	}
}

// readers are the actions that change nothing by nature.
var readers = map[string]bool{"wait": true, "assert": true, "confirm": true}

// effect holds what the step says of its effect against what its action is.
func (d *decoder) effect(s *Step) {
	if readers[s.Action] {
		if s.effectGiven && s.Effect != Read {
			d.problem(s.Key, "%s only reads", s.Action)
		}
		s.Effect = Read
	}
	if s.Effect == "" {
		s.Effect = Change
	}
	if s.Effect != Read || s.IsBlock() {
		return
	}
	if s.Rollback != nil && !s.Rollback.None {
		d.problem(s.Node.Get("rollback"), "a step of effect read changes nothing, so there is nothing to take back")
	}
	if n := s.Node.Get("save_files"); n != nil {
		d.problem(n, "a step of effect read changes nothing, so there is no file to put back")
	}
}

// stepWords are keys that say something of one act, so a block, which has none, does not take them.
var stepWords = []string{"save", "save_files", "stdin", "outputs", "ok_codes", "changed_if", "failed_if", "effect", "once"}

func (d *decoder) onlyOnSteps(s *Step) {
	for _, word := range stepWords {
		if n := s.Node.Get(word); n != nil {
			d.problem(n, "%s stands on a step, not on a block", word)
		}
	}
}

func (d *decoder) onlyOnBlocks(s *Step) {
	if s.Rollout != nil {
		d.problem(s.Rollout.Node, "rollout stands on a block, and this step is none").Hint = "put the step into steps:"
	}
	if n := s.Node.Get("finally"); n != nil {
		d.problem(n, "finally stands on a block, and this step is none").Hint = "put the step into steps:"
	}
	if s.Action == "assert" || s.Action == "manual" || s.Action == "confirm" {
		if n := s.Node.Get("stdin"); n != nil {
			d.problem(n, "%s reads no stdin", s.Action)
		}
	}
}
