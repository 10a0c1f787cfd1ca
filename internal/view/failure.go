package view

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/pkg/run"
)

// failureGroup is one failure, told once for all hosts that had it.
type failureGroup struct {
	first *Failure
	hosts []string
}

// groupFailures puts identical failures together, in the order of the first of each.
func groupFailures(failures []*Failure) []*failureGroup {
	type kind struct {
		step, class, message, tail, signal, place string
		act                                       run.Act
		status                                    Status
		exit                                      int
		tolerated, effects                        bool
	}
	groups := map[kind]*failureGroup{}
	var order []*failureGroup
	for _, f := range failures {
		k := kind{
			step: f.Op.Step, class: f.Class, message: sameFor(f.Message, f.Op.Host), tail: sameFor(f.Tail, f.Op.Host),
			signal: f.Signal, place: f.Place, act: f.Act, status: f.Status, exit: -1, tolerated: f.Tolerated, effects: f.Effects,
		}
		if f.Exit != nil {
			k.exit = *f.Exit
		}
		g := groups[k]
		if g == nil {
			g = &failureGroup{first: f}
			groups[k] = g
			order = append(order, g)
		}
		g.hosts = append(g.hosts, f.Op.Host)
	}
	return order
}

// sameFor makes texts that differ only in the host's name the same.
func sameFor(text, host string) string {
	if host == "" {
		return text
	}
	return strings.ReplaceAll(text, host, "\x00")
}

// said says on one line what failed and how: the step, then the reason.
func (f *Failure) said(t Theme) string {
	what := t.oneLine(f.Title)
	if f.Op.Step == "" {
		what = "connecting"
	} else if f.Op.Step != f.Title {
		what = f.Op.Step
	}
	if word := actWord(f.Act); word != "" {
		what = word + " " + what
	}
	if f.Place != "" {
		what += " (on " + f.Place + ")"
	}
	said := what + ": " + f.reason(t)
	if f.Tolerated {
		said += " (tolerated)"
	}
	return said
}

// reason says how it failed: the status, exit status or signal, class and message.
func (f *Failure) reason(t Theme) string {
	parts := []string{f.Status.String()}
	switch {
	case f.Act == run.Undo && f.Status == UndoFailed:
		parts[0] = "failed"
	case f.Status == UndoPending:
		parts[0] = "pending, the host is unreachable"
	}
	switch {
	case f.Signal != "":
		parts = append(parts, "signal "+f.Signal)
	case f.Exit != nil && *f.Exit >= 129 && *f.Exit <= 159:
		parts = append(parts, exitAboveSignal(*f.Exit))
	case f.Exit != nil && *f.Exit != 0:
		parts = append(parts, fmt.Sprintf("exit %d", *f.Exit))
	}
	switch f.Class {
	case "", "exit", "killed", "timeout", run.NeverRan:
	default:
		parts = append(parts, f.Class)
	}
	reason := strings.Join(parts, ", ")
	if f.Message != "" {
		reason += ": " + t.oneLine(f.Message)
	}
	return reason
}

// exitAboveSignal: a shell says 128 + n both for a signal and for an exit of that number.
func exitAboveSignal(exit int) string {
	names := map[int]string{1: "HUP", 2: "INT", 3: "QUIT", 6: "ABRT", 9: "KILL", 11: "SEGV", 13: "PIPE", 14: "ALRM", 15: "TERM"}
	if name := names[exit-128]; name != "" {
		return fmt.Sprintf("exit %d (perhaps signal %s)", exit, name)
	}
	return fmt.Sprintf("exit %d (perhaps signal %d)", exit, exit-128)
}

// actWord names what is not a do.
func actWord(a run.Act) string {
	switch a {
	case run.Check:
		return "check of"
	case run.Save:
		return "save of"
	case run.Undo:
		return "undo of"
	}
	return ""
}

func resultWord(r run.Result) string {
	switch r {
	case run.Succeeded:
		return "succeeded"
	case run.RunFailed:
		return "failed"
	case run.RolledBack:
		return "rolled back"
	case run.Unreached:
		return "hosts unreachable"
	case run.PersonNeeded:
		return "a person is needed"
	case run.Stopped:
		return "stopped"
	}
	return string(r)
}

func resultTone(r run.Result) tone {
	switch r {
	case run.Succeeded:
		return toneGood
	case run.Stopped, run.RolledBack:
		return toneWarn
	}
	return toneBad
}
