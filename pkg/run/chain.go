package run

import (
	"fmt"

	"github.com/opsctl/opsctl/pkg/plan"
)

// A chain is the taking back of one host alone, while others go on: its ops one after the other,
// the last in plan order first. Ops that run once for all are never in it.

// takeBackLeft proposes to take back the hosts that left a rollout and have come to rest.
func (s *State) takeBackLeft() {
	if s.leavers == 0 {
		return
	}
	for i := range s.hosts {
		h := &s.hosts[i]
		if h.leaving != leavingWaits || s.hostTrying(int32(i)) {
			continue
		}
		policy, scope, block := s.leftPolicy(int32(i))
		if policy != plan.Rollback || len(s.chainOf(int32(i), scope, block)) == 0 {
			s.setLeaving(int32(i), leavingNot)
			s.lastWords(int32(i), policy == plan.Rollback)
			continue
		}
		s.setLeaving(int32(i), leavingProposed)
		s.facts = append(s.facts, Event{
			Kind: RollbackStarted, Op: Op{Step: block, Host: s.plan.Hosts[i].Name}, Scope: string(scope),
			Hosts: []string{s.plan.Hosts[i].Name}, Reason: "tolerated failure",
		})
	}
}

// setLeaving and setChain keep count of the hosts that leave.
func (s *State) setLeaving(host int32, to leaving) {
	h := &s.hosts[host]
	s.leavers -= h.leavers()
	h.leaving = to
	s.leavers += h.leavers()
}

func (s *State) setChain(host int32, chain []int) {
	h := &s.hosts[host]
	s.leavers -= h.leavers()
	h.chain = chain
	s.leavers += h.leavers()
}

func (h *hostState) leavers() int {
	if h.leaving != leavingNot || len(h.chain) > 0 {
		return 1
	}
	return 0
}

// leftPolicy finds what the failure of a host that left leads to.
func (s *State) leftPolicy(host int32) (plan.Policy, plan.RollbackScope, string) {
	for _, step := range s.plan.Steps {
		if pos := step.Targets.Position(host); pos >= 0 && step.Rollout >= 0 && !step.Finally {
			if o := &s.ops[step.Op(pos)]; o.status.Bad() && !o.ignored {
				return s.policyOf(step, step.Op(pos)), step.Back, s.plan.Rollouts[step.Rollout].Block
			}
		}
	}
	return plan.Stop, plan.ScopeRun, ""
}

// lastWords gives the last word on the ops of a host that are not undone: all of them, or, where
// nothing is taken back, those that did not end well.
func (s *State) lastWords(host int32, all bool) {
	for _, step := range s.plan.Steps {
		if pos := step.Targets.Position(host); pos >= 0 && !step.Finally {
			i := step.Op(pos)
			if o := &s.ops[i]; o.back == StatusPending && (all || o.status.Bad()) {
				o.back = s.rest(step, i)
			}
		}
	}
}

func (s *State) hostTrying(host int32) bool {
	if s.trying == 0 {
		return false
	}
	for _, step := range s.plan.Steps {
		if pos := step.Targets.Position(host); pos >= 0 && s.ops[step.Op(pos)].trying {
			return true
		}
	}
	return false
}

// chainOf gives the ops of a host that are to be undone, in that order.
func (s *State) chainOf(host int32, scope plan.RollbackScope, block string) []int {
	pinned := s.pinned()
	var list []int
	for index := len(s.plan.Steps) - 1; index >= 0; index-- {
		step := s.plan.Steps[index]
		pos := step.Targets.Position(host)
		if pos < 0 || step.Finally || step.Once || scope != plan.ScopeRun && !inBlock(step, block) {
			continue
		}
		i := step.Op(pos)
		if s.ops[i].back == StatusUndone || pinned(index, host) {
			continue
		}
		if s.needsUndo(step, i) {
			list = append(list, i)
		}
	}
	return list
}

// startChain begins to take one host back.
func (s *State) startChain(name string, scope plan.RollbackScope, e Event) error {
	host, ok := s.byHost[name]
	if !ok {
		return fmt.Errorf("rollback: the plan has no host %q", name)
	}
	if s.hostTrying(host) {
		return fmt.Errorf("rollback of %s cannot start: attempts are open there", name)
	}
	for _, step := range s.plan.Steps { // what an earlier rollback kept or left pending is tried anew
		if pos := step.Targets.Position(host); pos >= 0 {
			if o := &s.ops[step.Op(pos)]; o.back != StatusUndone {
				o.back, o.kept = StatusPending, false
			}
		}
	}
	s.setLeaving(host, leavingNot)
	s.setChain(host, s.chainOf(host, scope, e.Op.Step))
	for _, i := range s.hosts[host].chain {
		s.ops[i].inBack, s.ops[i].undos = true, 0
	}
	s.nextInChain(host)
	return nil
}

// nextInChain lets the next op of a chain be undone; at its end, all ops get their last word.
func (s *State) nextInChain(host int32) {
	h := &s.hosts[host]
	for len(h.chain) > 0 {
		i := h.chain[0]
		if step := s.plan.StepOf(i); s.ops[i].kept {
			s.ops[i].inBack = false
			if s.ops[i].back != StatusUndoPending {
				s.ops[i].back = s.rest(step, i)
			}
			s.setChain(host, h.chain[1:])
			continue
		}
		s.put(&s.undoReady, i)
		return
	}
	s.lastWords(host, true)
}

// inChain moves a chain on when its first op is over; it tells whether the op is one of a chain.
func (s *State) inChain(step *plan.Step, i int) bool {
	host := step.Targets.Hosts[i-step.First]
	h := &s.hosts[host]
	if len(h.chain) == 0 || h.chain[0] != i {
		return false
	}
	s.setChain(host, h.chain[1:])
	s.nextInChain(host)
	return true
}

// chainsOpen tells whether a host is being taken back; an interrupt leaves the rest of a chain pending.
func (s *State) chainsOpen() bool { return s.leavers > 0 && s.mayUndo() }
