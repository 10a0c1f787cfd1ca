package runbook

import "github.com/opsctl/opsctl/internal/source"

// Notify is a message to a target that the configuration names, sent from the machine opsctl runs on.
type Notify struct {
	Node    *source.Node
	To      *Text    // known before the run
	Message *Text    // nil: a sentence about how the run ended; of a step never nil
	On      []string // words of NotifyTimes; nil: always
}

// NotifyTimes are the words for when a runbook's notify is sent: always, or by how the run ended.
var NotifyTimes = []string{"always", "success", "failure", "succeeded", "failed", "rolled_back", "unreachable", "person_needed", "stopped"}

// Wanted tells whether the message is sent after a run with this outcome, one of those of run.outcome.
func (n *Notify) Wanted(outcome string) bool {
	for _, word := range n.On {
		switch word {
		case "always", outcome:
			return true
		case "success":
			if outcome == "succeeded" {
				return true
			}
		case "failure":
			if outcome != "succeeded" {
				return true
			}
		}
	}
	return n.On == nil
}
