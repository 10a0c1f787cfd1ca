package view

import (
	"strings"
	"sync"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

// plain shows a run as a log: a line an event, and a word now and then in a long silence.
type plain struct {
	options Options
	out     *queue

	mu     sync.Mutex
	log    logbook
	open   map[streamOf]*splitter
	last   time.Time // when something was last said
	closed bool
	ci     bool
	stop   chan struct{}
	done   chan struct{}
}

type streamOf struct {
	ref    executor.AttemptRef
	stream executor.Stream
}

func newPlain(o Options, board *Board) *plain {
	v := &plain{
		options: o, ci: isCI(o.Env), out: newQueue(o.Err, queueBytesMax, lostLines), open: map[streamOf]*splitter{}, last: o.Clock(),
		log: logbook{board: board, theme: o.theme, verbosity: o.Verbosity}, stop: make(chan struct{}), done: make(chan struct{}),
	}
	go v.beat()
	return v
}

func (v *plain) Observe(events []run.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range events {
		if e.Kind == run.AttemptFinished {
			v.endOutput(executor.AttemptRef{Op: e.Op, Act: e.Act, Number: e.Number})
		}
	}
	for _, line := range v.log.take(events) {
		v.say(line)
	}
}

func (v *plain) Output(ref executor.AttemptRef, stream executor.Stream, p []byte) {
	if v.options.Verbosity < 1 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	key := streamOf{ref, stream}
	s := v.open[key]
	if s == nil {
		if len(v.open) >= openLinesMax {
			return
		}
		s = &splitter{}
		v.open[key] = s
	}
	s.feed(p, func(line []byte) { v.sayOutput(ref.Op, line) })
}

// endOutput shows the last line of an attempt, where it has no end.
func (v *plain) endOutput(ref executor.AttemptRef) {
	for _, stream := range []executor.Stream{executor.Stdout, executor.Stderr} {
		key := streamOf{ref, stream}
		if s := v.open[key]; s != nil {
			s.rest(func(line []byte) { v.sayOutput(ref.Op, line) })
			delete(v.open, key)
		}
	}
}

func (v *plain) sayOutput(op run.Op, line []byte) {
	title := op.Step
	if s, _, ok := v.log.board.find(op); ok {
		title = titleOf(s)
	}
	v.last = v.options.Clock()
	v.add(string(v.log.prefixed(op, title, line)))
}

func (v *plain) say(line string) {
	v.last = v.options.Clock()
	v.add(line + "\n")
}

// add writes text that can be no command to a build service: some look for these marks anywhere
// in a line.
func (v *plain) add(text string) {
	if v.ci {
		text = strings.NewReplacer("##[", "## [", "##vso[", "## vso[").Replace(text)
	}
	v.out.add([]byte(text))
}

func (v *plain) Note(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.say(v.options.theme.paint(toneWarn, v.options.theme.oneLine(text)))
}

// beat breaks long silences.
func (v *plain) beat() {
	defer close(v.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-v.stop:
			return
		case <-tick.C:
			v.breakSilence(v.options.Clock())
		}
	}
}

func (v *plain) breakSilence(now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.last) < heartbeatEvery {
		return
	}
	if line := v.log.stillRunning(now); line != "" {
		v.say(line)
	}
}

func (v *plain) Suspend() func() { return func() {} }

func (v *plain) Finish(ledger Ledger) {
	v.mu.Lock()
	v.add("\n" + summary(v.log.board, ledger, v.options.theme, v.options.width()))
	v.mu.Unlock()
	v.Close()
}

func (v *plain) Close() {
	v.mu.Lock()
	if v.closed {
		v.mu.Unlock()
		return
	}
	v.closed = true
	close(v.stop)
	v.mu.Unlock()
	<-v.done
	v.out.close()
}
