package runbook

import (
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// whichAction finds the one key that says what the step does.
func (d *decoder) whichAction(n *source.Node, s *Step, actions keys, known bool) {
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
	if s.Action == "" && !known { // one of the keys that are not known may have been meant to say it
		return
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
var readers = map[string]bool{"wait": true, "assert": true, "confirm": true, "fetch": true}

// effect holds what the step says of its effect against what its action is.
func (d *decoder) effect(s *Step) {
	if readers[s.Action] {
		if s.effectGiven && s.Effect != Read {
			d.problem(s.Node.Get("effect"), "%s only reads", s.Action).Hint = "leave effect out"
		}
		s.Effect = Read
	}
	if s.HTTP != nil && s.HTTP.Reads() && s.Effect == "" {
		s.Effect = Read
	}
	if s.Changes() && s.Effect == Read {
		d.problem(s.Node.Get("effect"), "%s changes its hosts", s.Action)
	}
	if s.Notify != nil {
		d.onlyTells(s)
		s.Effect = Change // it is done at most once, and asked of nobody
		return
	}
	if s.Effect == "" {
		s.Effect = Change
	}
	if n := s.Node.Get("save_files"); n != nil && s.Effect != Read && (s.Action == "http" || s.Action == "reboot") {
		d.problem(n, "%s changes no files that could be put back", s.Action)
	}
	if s.Effect != Read || s.IsBlock() {
		return
	}
	if s.Rollback != nil && !s.Rollback.None {
		d.problem(s.Node.Get("rollback"), "a step of effect read changes nothing, so there is nothing to take back").Hint = "if it changes something after all, it is no effect: read"
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
