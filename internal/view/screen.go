package view

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

// What a terminal is told to begin and to end the live screen. It is the alternate one, so that
// the terminal itself never rewraps it when its size changes, and what stood there before comes
// back. Lines do not wrap, so that a character wider than we thought spoils one line at most.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leaveScreen = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
	beginFrame  = "\x1b[?2026h" // terminals that know it show the frame at once, others pass over it
	endFrame    = "\x1b[1;1H\x1b[?2026l"
)

// screen shows a run live at a terminal. One goroutine paints; the others only note what is new.
type screen struct {
	options Options

	mu       sync.Mutex
	log      logbook
	kept     []string // the log that stays when the screen goes
	lost     int      // lines of it that were too many
	notes    []string
	open     map[run.Op]*splitter
	closed   bool
	finished bool
	stuck    bool // the terminal is gone; of who paints, and after that of Finish

	dirty   chan struct{}
	suspend chan chan struct{} // takes the screen away until what is sent is closed
	stop    chan struct{}
	done    chan struct{}

	watch func() (s terminalSignals, forget func())

	// Of the painting goroutine alone.
	painted       []string
	width, height int
}

func newScreen(o Options, board *Board, watch func() (s terminalSignals, forget func())) *screen {
	v := &screen{
		options: o, log: logbook{board: board, theme: o.theme, verbosity: o.Verbosity}, open: map[run.Op]*splitter{},
		dirty: make(chan struct{}, 1), suspend: make(chan chan struct{}), stop: make(chan struct{}), done: make(chan struct{}), watch: watch,
	}
	go v.paintLoop()
	return v
}

func (v *screen) Observe(events []run.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keep(v.log.take(events))
	for _, e := range events {
		if e.Kind == run.AttemptFinished {
			delete(v.open, e.Op)
		}
	}
	v.changed()
}

func (v *screen) keep(lines []string) {
	v.kept = append(v.kept, lines...)
	if n := len(v.kept) - logLinesMax; n > 0 {
		v.kept = append(v.kept[:0], v.kept[n:]...)
		v.lost += n
	}
}

func (v *screen) changed() {
	select {
	case v.dirty <- struct{}{}:
	default:
	}
}

// Output keeps the last line that is not blank; the rest is for the journal.
func (v *screen) Output(ref executor.AttemptRef, _ executor.Stream, p []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s := v.open[ref.Op]
	if s == nil {
		if len(v.open) >= openLinesMax {
			return
		}
		s = &splitter{}
		v.open[ref.Op] = s
	}
	last := ""
	if i := len(p) - 2*lineBytesMax; i > 0 { // only the end can be shown
		p, s.open = p[i:], s.open[:0]
	}
	note := func(line []byte) {
		if len(bytes.TrimSpace(line)) > 0 {
			last = string(line)
		}
	}
	s.feed(p, note)
	note(s.open)
	if last != "" {
		v.log.board.Line(ref.Op, last)
		v.changed()
	}
}

func (v *screen) Note(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.notes = append(v.notes, text)
	v.notes = v.notes[max(0, len(v.notes)-notesMax):]
	v.keep([]string{v.options.theme.paint(toneWarn, v.options.theme.oneLine(text))})
	v.changed()
}

func (v *screen) Suspend() func() {
	resume := make(chan struct{})
	select {
	case v.suspend <- resume:
	case <-v.done:
	}
	return sync.OnceFunc(func() { close(resume) })
}

func (v *screen) Finish(ledger Ledger) {
	v.end()
	<-v.done
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.finished {
		return
	}
	v.finished = true
	var text strings.Builder
	if v.lost > 0 {
		fmt.Fprintf(&text, "%s %d earlier lines: opsctl show %s\n", v.options.theme.ellipsis(), v.lost, shortID(v.log.board.Info.ID))
	}
	for _, line := range v.kept {
		text.WriteString(line + "\n")
	}
	text.WriteString("\n" + summary(v.log.board, ledger, v.options.theme, v.options.width()))
	v.kept = nil
	v.write(text.String())
}

// Close gives the terminal back. It does not wait for ever for one that takes nothing.
func (v *screen) Close() {
	v.end()
	select {
	case <-v.done:
	case <-time.After(closeWait):
	}
}

func (v *screen) end() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.closed {
		v.closed = true
		close(v.stop)
	}
}

// write goes to the terminal; after an error, when it was closed, nothing more does.
func (v *screen) write(text string) {
	if v.stuck {
		return
	}
	if _, err := v.options.Err.Write([]byte(text)); err != nil {
		v.stuck = true
	}
}
