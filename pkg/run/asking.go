package run

import (
	"fmt"

	"github.com/opsctl/opsctl/pkg/plan"
)

// People are asked before a step that says so, once for all its hosts (of a wave), and after a failure
// of one whose on_failure is ask. Both are proposed as Ask, and become the events person_asked and
// person_answered.

// mustAsk tells whether a person has yet to agree to a step.
func (s *State) mustAsk(step *plan.Step) bool {
	return step.Confirm && step.Skip == "" && !s.steps[step.Index].agreed
}

// askBefore proposes to ask before a step.
func (s *State) askBefore(step *plan.Step, i int) Proposal {
	return Proposal{Kind: Ask, Index: i, Op: Op{Step: step.ID}, Event: Event{Wave: step.Wave}}
}

// askAfter proposes to ask what a failure leads to.
func (s *State) askAfter() (Proposal, bool) {
	for i := s.asking.next(0); i >= 0; i = s.asking.next(i + 1) {
		if !s.ops[i].asked {
			return Proposal{Kind: Ask, Index: i, Op: s.Name(i)}, true
		}
	}
	return Proposal{}, false
}

func (s *State) applyPerson(e Event) error {
	if e.Op.Host == "" {
		return s.applyConfirm(e)
	}
	i, err := s.Find(e.Op)
	if err != nil {
		return err
	}
	o, step := &s.ops[i], s.plan.StepOf(i)
	if !o.asks || e.Kind == PersonAnswered && !o.asked {
		return fmt.Errorf("op %s: %s cannot follow, nobody is asked about it", e.Op, e.Kind)
	}
	if o.asked = true; e.Kind == PersonAsked {
		return nil
	}
	return s.chosen(step, i, e.Answer)
}

var chosenPolicy = map[Answer]plan.Policy{AnsIgnore: plan.Ignore, AnsGoOn: plan.Continue, AnsStop: plan.Stop, AnsBack: plan.Rollback}

// chosen goes on with a failed op as a person decided.
func (s *State) chosen(step *plan.Step, i int, answer Answer) error {
	o := &s.ops[i]
	policy, ends := chosenPolicy[answer]
	if !ends && answer != Retry {
		return fmt.Errorf("op %s: %q is no answer to what its failure leads to", s.Name(i), answer)
	}
	o.asks, o.asked = false, false
	s.asking.remove(i)
	if ends {
		s.choices[i] = policy
		s.endBad(step, i, o.last)
		return nil
	}
	o.act = firstAct(step, o.saved)
	s.makeReady(i)
	return nil
}

// policyOf gives what a failure of an op leads to.
func (s *State) policyOf(step *plan.Step, i int) plan.Policy {
	if policy, ok := s.choices[i]; ok {
		return policy
	}
	return step.OnFailure
}

// asksPerson tells whether a person decides about a failed op: not where the run goes elsewhere
// already, nor where nobody can say what a retry would find.
func (s *State) asksPerson(step *plan.Step, i int, status Status) bool {
	certain := status == StatusFailed || status == StatusTimedOut || status == StatusUnreachable
	return step.Ask && certain && s.phase == Forward && s.stop == "" && s.trigger == nil && !step.Finally && !s.hosts[s.plan.HostOf(i)].out
}

func (s *State) applyConfirm(e Event) error {
	step := s.instance(e.Op.Step, e.Wave)
	if step == nil || !step.Confirm {
		return fmt.Errorf("%s: the plan asks nobody before %q", e.Kind, e.Op.Step)
	}
	state := &s.steps[step.Index]
	if state.asked = true; e.Kind == PersonAsked {
		return nil
	}
	switch e.Answer {
	case Yes:
		state.agreed = true
	case Skip:
		state.agreed, state.leftOut = true, true
	}
	return nil
}

// LeftOut tells whether a person left the step of an op out: it is to be skipped, as each becomes due.
func (s *State) LeftOut(i int) bool { return s.steps[s.plan.StepOf(i).Index].leftOut }

// instance finds a step of the plan by its id and its wave.
func (s *State) instance(id string, wave int) *plan.Step {
	for _, index := range s.byStep[id] {
		if step := s.plan.Steps[index]; step.Wave == wave {
			return step
		}
	}
	return nil
}

// askAgain forgets questions that were never answered: a run that goes on asks them anew.
func (s *State) askAgain() {
	for i := range s.steps {
		s.steps[i].asked = s.steps[i].agreed
	}
	for i := s.asking.next(0); i >= 0; i = s.asking.next(i + 1) {
		s.ops[i].asked = false
	}
}

// Awaits tells whether a question that was asked is still open.
func (s *State) Awaits(op Op, wave int) bool {
	if op.Host == "" {
		step := s.instance(op.Step, wave)
		return step != nil && s.steps[step.Index].asked && !s.steps[step.Index].agreed
	}
	i, err := s.Find(op)
	return err == nil && s.ops[i].asks && s.ops[i].asked
}
