package executor

import (
	"context"
	"fmt"

	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// reply is what a goroutine that asks a person brings to the loop.
type reply struct {
	event  run.Event // the question
	answer Reply
	err    error
}

var failureChoices = []run.Answer{run.Retry, run.AnsIgnore, run.AnsGoOn, run.AnsStop, run.AnsBack}

// ask turns a question that Next proposes into events: the question, and its answer when it comes.
func (l *loop) ask(p run.Proposal) {
	e := run.Event{Kind: run.PersonAsked, Op: p.Op, Wave: p.Event.Wave}
	q, needed := l.question(p)
	e.Message = l.Masker.String(q.Text)
	l.emit(e)
	switch {
	case !needed:
		l.answered(e, Reply{Answer: run.Yes, User: "opsctl"})
	case l.Person == nil && q.Kind == AskFailure:
		l.answered(e, Reply{Answer: l.unasked(p), User: "opsctl"})
	case l.Person == nil:
		l.stop(run.StopRefused, q.Step+" asks for a person to agree, and nobody is there to be asked")
	default:
		l.launches = append(l.launches, func() {
			go func() {
				answer, err := l.Person.Ask(l.asking, q)
				l.replies <- reply{event: e, answer: answer, err: err}
			}()
		})
	}
}

// question makes the question of a proposal. It is not needed where no host is left that the step
// would go to.
func (l *loop) question(p run.Proposal) (q Inquiry, needed bool) {
	step := l.Plan.StepOf(p.Index)
	src := step.Source
	if p.Op.Host != "" {
		status := l.state.See(p.Index)
		return Inquiry{
			Kind: AskFailure, Step: step.Title(), Hosts: []string{p.Op.Host}, Choices: failureChoices,
			Text: fmt.Sprintf("%s failed (try %d): %s", p.Op, status.Tries, l.lastWords[p.Index]),
		}, true
	}
	q = Inquiry{Kind: AskConfirm, Step: step.Title(), Choices: []run.Answer{run.Yes, run.No, run.Skip}}
	a := l.attemptOf(p.Index)
	for k := range step.Targets.Hosts {
		if l.state.See(step.First+k).Status != run.StatusPending {
			continue
		}
		host := l.attemptOf(step.First + k)
		if src.If != nil {
			if yes, err := l.scopes.yes(src.If, host, nil); err == nil && !yes {
				continue
			}
		}
		q.Hosts = append(q.Hosts, host.host.Name)
	}
	if src.Confirm != nil {
		text, err := l.scopes.rendererAt(a, src)(src.Confirm)
		if q.Text = text; err != nil { // it is made of what was known when the run was planned
			q.Text = err.Error()
		}
	}
	return q, len(q.Hosts) > 0
}

// unasked is what a failure leads to where nobody can be asked.
func (l *loop) unasked(p run.Proposal) run.Answer {
	if l.Plan.StepOf(p.Index).OnFailure == plan.Rollback {
		return run.AnsBack
	}
	return run.AnsStop
}

// heard takes the answer of a person. No answer, after an interrupt, is asked for again on resume.
func (l *loop) heard(r reply) {
	if l.state.Stopping() != "" || l.asking.Err() != nil {
		return
	}
	if r.err != nil {
		l.stop(run.StopRefused, "a question got no answer: "+r.err.Error())
		return
	}
	l.answered(r.event, r.answer)
}

func (l *loop) answered(asked run.Event, answer Reply) {
	if !l.state.Awaits(asked.Op, asked.Wave) { // what it was about has ended otherwise
		return
	}
	l.emit(run.Event{Kind: run.PersonAnswered, Op: asked.Op, Wave: asked.Wave, Answer: answer.Answer, User: answer.User})
	if answer.Answer == run.No {
		l.stop(run.StopRefused, answer.User+" did not agree to "+asked.Op.Step)
	}
}

// byHand lets a person do what the step says, and say so.
func (l *loop) byHand(a *attempt, text string) func(context.Context) Ending {
	q := Inquiry{Kind: AskManual, Step: a.step.Title(), Hosts: []string{a.host.Name}, Text: text, Choices: []run.Answer{run.Yes, run.No}}
	asking := l.asking
	return func(ctx context.Context) Ending {
		both, cancel := context.WithCancel(ctx)
		defer cancel()
		stop := context.AfterFunc(asking, cancel)
		defer stop()
		answer, err := l.Person.Ask(both, q)
		switch {
		case err != nil: // whether it was done is asked again
			return Ending{Verdict: NeverRan, Class: run.NeverRan, Message: "nobody said whether it was done"}
		case answer.Answer == run.Yes:
			return Ending{}
		}
		return Ending{Exit: 1, Class: "refused", Message: answer.User + " said that it was not done"}
	}
}

// needsPerson tells whether an act cannot begin because nobody is there who could do it.
func (l *loop) needsPerson(a *attempt) bool {
	return a.ref.Act == run.Do && a.step.Source.Action == "manual" && l.Person == nil
}

// NeedsPerson gives the first step of a plan that cannot do without a person, for a run that is better
// refused before it begins; nil where there is none. Steps that an if or a check may leave out are not
// counted. yes tells that questions are answered already: never whether something was done by hand.
func NeedsPerson(p *plan.Plan, yes bool) *plan.Step {
	for _, s := range p.Steps {
		if s.Skip == "" && len(s.Targets.Hosts) > 0 && !mayBeLeftOut(s.Source) && (s.Source.Action == "manual" && !s.Entry || s.Confirm && !yes) {
			return s
		}
	}
	return nil
}

func mayBeLeftOut(src *runbook.Step) bool {
	for at := src; at != nil; at = at.Parent {
		if at.If != nil || at.Check != nil {
			return true
		}
	}
	return false
}
