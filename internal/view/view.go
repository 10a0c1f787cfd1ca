package view

import (
	"io"
	"os"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/plan"
)

// Mode tells how a run is shown.
type Mode string

// The modes.
const (
	ModeAuto  Mode = "auto"  // tui at a terminal, else plain; plain where the output of steps is asked for
	ModeTUI   Mode = "tui"   // a live screen
	ModePlain Mode = "plain" // a line an event
	ModeJSON  Mode = "json"  // each event as JSON, on standard output
	ModeQuiet Mode = "quiet" // only what went wrong, at the end

	ModeGitHub Mode = "github" // a run as plain; what is wrong with files as annotations
	ModeSARIF  Mode = "sarif"  // what is wrong with files as one SARIF document
)

// Options are where and how to show.
type Options struct {
	Out, Err  io.Writer           // standard output carries data, standard error what is for people
	Mode      Mode                // "" is auto
	Color     string              // auto always never; "" is auto
	Verbosity int                 // from 1 on with the output of steps
	Clock     func() time.Time    // nil: time.Now
	Env       func(string) string // nil: os.Getenv

	theme Theme
}

// View shows a run. All its methods may be called at any time, from any goroutine; only
// Suspend, Finish and Close wait for the terminal.
type View interface {
	executor.Observer
	// Note shows a word of the program itself: a warning, what a second Ctrl-C would do.
	Note(text string)
	// Suspend gives the terminal to the caller, for a question, until the function it returns
	// is called.
	Suspend() (resume func())
	// Finish says the last words, and closes. A zero Ledger is read off the board.
	Finish(ledger Ledger)
	// Close gives the terminal back as it was. It may be called again, and is to be deferred.
	Close()
}

// New makes the view that the options ask for. The caller defers its Close.
func New(o Options, p *plan.Plan, info RunInfo) View {
	o = o.complete()
	board := NewBoard(p, info)
	switch o.mode() {
	case ModeJSON:
		return newJSON(o)
	case ModeQuiet:
		return &quiet{options: o, board: board}
	case ModeTUI:
		return newScreen(o, board, watchTerminal)
	}
	return newPlain(o, board)
}

func (o Options) complete() Options {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Env == nil {
		o.Env = os.Getenv
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
	if o.Err == nil {
		o.Err = io.Discard
	}
	o.theme = o.Theme(o.Err)
	return o
}

// Theme gives the theme for text written to w, which is Out or Err.
func (o Options) Theme(w io.Writer) Theme {
	env := o.Env
	if env == nil {
		env = os.Getenv
	}
	return NewTheme(w, ColorMode(o.Color, env, IsTerminal(w)), UnicodeMode(env))
}

// mode decides what auto means, and that a live screen needs a terminal.
func (o Options) mode() Mode {
	able := IsTerminal(o.Err) && !isDumb(o.Env)
	switch o.Mode {
	case ModeJSON, ModeQuiet, ModePlain:
		return o.Mode
	case ModeGitHub, ModeSARIF:
		return ModePlain
	case ModeTUI:
		if able {
			return ModeTUI
		}
	default:
		if able && !isCI(o.Env) && o.Verbosity < 1 {
			return ModeTUI
		}
	}
	return ModePlain
}

func (o Options) width() int { return Width(o.Err) }
