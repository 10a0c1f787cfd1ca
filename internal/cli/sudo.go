package cli

import (
	"context"
	"errors"
	"os"
	"strings"

	"github.com/opsctl/opsctl/internal/secret"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/executor/supervisor"
	"github.com/opsctl/opsctl/pkg/run"
)

const sudoVariable = "OPSCTL_SUDO_PASSWORD"

// takeSudoPassword takes the password out of the environment, so that nothing opsctl starts is given it.
func (a *app) takeSudoPassword() error {
	a.sudoPassword = os.Getenv(sudoVariable)
	return os.Unsetenv(sudoVariable)
}

// sudoGiver gives the password that sudo asks for, to whichever host asks. Until one has taken it, the
// others wait: a wrong one is tried once, and not on every host, where an account might be locked.
type sudoGiver struct {
	fetch   func(context.Context) (string, error)
	turn    chan struct{} // holds one token while what is below is used, or the password tried
	text    string
	have    bool
	proved  bool
	refused string // the host that did not take it
}

// sudoGiver gives what there is to give; nil is nothing. What a person has to type is asked for now,
// before anything moves on the screen. Strongest first: flags, the environment, a file of the configuration.
func (a *app) sudoGiver(m *secret.Masker) (*sudoGiver, error) {
	g := &sudoGiver{turn: make(chan struct{}, 1)}
	file := a.settings.SudoPasswordFile
	switch {
	case a.settings.AskSudoPassword:
		text, err := a.askSudoPassword()
		if err != nil {
			return nil, err
		}
		g.text, g.have = text, true
	case a.sudoPassword != "" && (file == "" || !strings.HasPrefix(a.origins["sudo-password-file"], "--")):
		g.text, g.have = a.sudoPassword, true
	case file != "":
		fetcher := &secret.Fetcher{Masker: m}
		g.fetch = func(ctx context.Context) (string, error) {
			found, err := fetcher.Fetch(ctx, secret.Source{Kind: secret.File, Name: file})
			return found.Reveal(), err
		}
	default:
		return nil, nil
	}
	if g.have {
		m.Add(secret.New(g.text))
	}
	return g, nil
}

func (a *app) askSudoPassword() (string, error) {
	if !view.IsTerminal(a.in) || !view.IsTerminal(a.err) {
		return "", &exitError{
			code: run.CodeRefused, message: "cannot ask for the sudo password: there is no terminal",
			hint: "let it come from " + sudoVariable + " or --sudo-password-file FILE",
		}
	}
	text, err := a.askSecret("sudo password: ")
	if err == nil && text == "" {
		err = &exitError{code: run.CodeRefused, message: "no sudo password was given"}
	}
	return text, err
}

// on gives the password to one host.
func (g *sudoGiver) on(host string) supervisor.SudoPassword {
	if g == nil {
		return nil
	}
	return func(ctx context.Context, user string) (supervisor.Password, error) {
		select {
		case g.turn <- struct{}{}:
		case <-ctx.Done():
			return supervisor.Password{}, ctx.Err()
		}
		if err := g.ready(ctx, user); err != nil {
			<-g.turn
			return supervisor.Password{}, err
		}
		if g.proved {
			<-g.turn
			return supervisor.Password{Text: g.text}, nil
		}
		return supervisor.Password{Text: g.text, Done: func(f supervisor.Fate) {
			switch f {
			case supervisor.Taken:
				g.proved = true
			case supervisor.Refused:
				g.refused = host
			}
			<-g.turn
		}}, nil
	}
}

// ready sees to it that there is a password which may be tried.
func (g *sudoGiver) ready(ctx context.Context, user string) error {
	if g.refused != "" && !g.proved {
		return &executor.HostError{
			Class: "sudo", Message: "cannot become " + user + ": the sudo password was refused on " + g.refused + ", so it is not tried here",
			Hint: "`opsctl ping --sudo -K` tries another one",
		}
	}
	if g.have {
		return nil
	}
	text, err := g.fetch(ctx)
	if err != nil {
		told := &executor.HostError{Class: "sudo", Message: "cannot become " + user + ": sudo asks for a password: " + err.Error()}
		var why *secret.Error
		if errors.As(err, &why) {
			told.Hint = why.Hint
		}
		return told
	}
	g.text, g.have = text, true
	return nil
}
