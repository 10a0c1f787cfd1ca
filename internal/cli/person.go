package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
)

// atTerminal is the person at the terminal, who is asked one question at a time.
type atTerminal struct {
	app   *app
	yes   bool // --yes: whether a step may begin is answered, and nothing else
	asks  bool // somebody is there
	one   sync.Mutex
	want  chan struct{} // a line is to be read
	lines chan string   // what was typed; closed at the end
	begin sync.Once
	reads bool // a line was asked for, and did not come yet
}

// person gives who is asked during a run; nil where nobody is.
func (a *app) person() executor.Person {
	p := &atTerminal{app: a, yes: a.settings.Yes, asks: a.asks(), want: make(chan struct{}), lines: make(chan string)}
	if !p.yes && !p.asks {
		return nil
	}
	return p
}

var errNobody = errors.New("nobody is there to be asked")

// words are the answers that may be typed, beside their beginnings.
var answerWords = map[run.Answer]string{
	run.Yes: "yes", run.No: "no", run.Skip: "skip", run.Retry: "retry", run.AnsIgnore: "ignore", run.AnsGoOn: "continue",
	run.AnsStop: "stop", run.AnsBack: "rollback",
}

// Ask asks at the terminal until one of the choices is typed.
func (p *atTerminal) Ask(ctx context.Context, q executor.Inquiry) (executor.Reply, error) {
	if p.yes && q.Kind == executor.AskConfirm {
		return executor.Reply{Answer: run.Yes, User: userName() + " (--yes)"}, nil
	}
	if !p.asks {
		return executor.Reply{}, errNobody
	}
	p.one.Lock()
	defer p.one.Unlock()
	if p.app.screen != nil {
		resume := p.app.screen.Suspend()
		defer resume()
	}
	p.begin.Do(func() { go p.read() })
	writeLine(p.app.err, p.wording(q))
	for {
		fmt.Fprint(p.app.err, choices(q))
		if !p.reads {
			p.reads = true
			p.want <- struct{}{}
		}
		select {
		case <-ctx.Done():
			writeLine(p.app.err, "")
			return executor.Reply{}, ctx.Err()
		case line, open := <-p.lines:
			if !open {
				return executor.Reply{}, errNobody
			}
			p.reads = false
			if answer, ok := meant(line, q.Choices); ok {
				return executor.Reply{Answer: answer, User: userName()}, nil
			}
			writeLine(p.app.err, fmt.Sprintf("%q is not one of these", strings.TrimSpace(line)))
		}
	}
}

// read reads a line whenever one is wanted, and no more: what is typed when a secret is asked for is
// not its business. It lives as long as the process.
func (p *atTerminal) read() {
	scanner := bufio.NewScanner(p.app.in)
	for range p.want {
		if !scanner.Scan() {
			close(p.lines)
			return
		}
		p.lines <- scanner.Text()
	}
}

func (p *atTerminal) wording(q executor.Inquiry) string {
	hosts := view.FoldHosts(q.Hosts)
	text := strings.TrimRight(q.Text, "\n")
	switch q.Kind {
	case executor.AskManual:
		return p.app.shown(fmt.Sprintf("\n%s on %s, by hand:\n%s\nIs it done?", q.Step, hosts, indent(text)))
	case executor.AskFailure:
		return p.app.shown("\n" + text + "\nWhat now?")
	}
	if text == "" {
		text = "Go on?"
	}
	return p.app.shown(fmt.Sprintf("\n%s on %s: %s", q.Step, hosts, text))
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

func choices(q executor.Inquiry) string {
	var words []string
	for _, c := range q.Choices {
		words = append(words, answerWords[c])
	}
	return "[" + strings.Join(words, "/") + "] "
}

// meant finds the choice that was typed: a whole word, or the beginning of just one.
func meant(line string, of []run.Answer) (run.Answer, bool) {
	typed := strings.ToLower(strings.TrimSpace(line))
	var found []run.Answer
	for _, c := range of {
		if word := answerWords[c]; word == typed {
			return c, true
		} else if typed != "" && strings.HasPrefix(word, typed) {
			found = append(found, c)
		}
	}
	if len(found) == 1 {
		return found[0], true
	}
	return "", false
}

// refuseUnasked refuses a run that cannot do without a person where nobody is, before it begins.
func (a *app) refuseUnasked(p *plan.Plan) error {
	if a.asks() {
		return nil
	}
	s := executor.NeedsPerson(p, a.settings.Yes)
	if s == nil {
		return nil
	}
	if s.Source.Action == "manual" {
		return &exitError{code: run.CodeRefused, message: s.ID + " is done by hand, and nobody is there to do it", hint: "run it at a terminal, or leave it out: --skip " + s.ID}
	}
	return &exitError{code: run.CodeRefused, message: s.ID + " asks for a person to agree, and nobody is there to be asked", hint: "--yes agrees"}
}
