package executor

import (
	"strings"
	"sync"

	"github.com/opsctl/opsctl/pkg/run"
)

// capture takes what an attempt prints: masks it, stores it, shows it, and keeps what expressions
// and messages need. Only the attempt's own goroutine writes to it.
type capture struct {
	loop   *loop
	ref    AttemptRef
	wanted bool // its text is used by an expression
	hidden bool // of a sensitive step: neither stored nor shown
	saved  map[string]string

	mu      sync.Mutex
	streams [2]captured
	order   []byte // the last bytes of both streams as they came
	err     error
}

type captured struct {
	mask  MaskStream
	total int64
	text  []byte
}

func newCapture(l *loop, ref AttemptRef, wanted bool) *capture {
	c := &capture{loop: l, ref: ref, wanted: wanted}
	for i := range c.streams {
		c.streams[i].mask = l.Masker.Stream()
	}
	return c
}

func (c *capture) sink(stream Stream, p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.streams[stream-1]
	s.total += int64(len(p))
	c.pass(stream, s.mask.Write(p))
}

// hear keeps what is printed for expressions, and neither stores nor shows it.
func (c *capture) hear(stream Stream, p []byte) {
	s := &c.streams[stream-1]
	s.total += int64(len(p))
	if room := ResultBytesMax - len(s.text); room > 0 {
		s.text = append(s.text, p[:min(room, len(p))]...)
	}
}

// pass hands on what is masked.
func (c *capture) pass(stream Stream, p []byte) {
	if len(p) == 0 {
		return
	}
	s := &c.streams[stream-1]
	if room := ResultBytesMax - len(s.text); c.wanted && room > 0 {
		s.text = append(s.text, p[:min(room, len(p))]...)
	}
	if c.hidden {
		return
	}
	if c.order = append(c.order, p[max(0, len(p)-TailBytesMax):]...); len(c.order) > 2*TailBytesMax {
		c.order = append(c.order[:0], c.order[len(c.order)-TailBytesMax:]...)
	}
	if err := c.loop.Journal.Keep(c.ref, stream, p); err != nil && c.err == nil {
		c.err = err // the loop stops the run for it, when the attempt has ended
	}
	c.loop.Observer.Output(c.ref, stream, p)
}

func (c *capture) close() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.streams {
		c.pass(Stream(i+1), c.streams[i].mask.Flush())
	}
}

func (c *capture) output() *run.Output {
	if c.streams[0].total == 0 && c.streams[1].total == 0 {
		return nil
	}
	return &run.Output{Stdout: c.streams[0].total, Stderr: c.streams[1].total, Masked: c.masked()}
}

// masked tells whether a secret was hidden in what was printed.
func (c *capture) masked() bool { return c.streams[0].mask.Masked() || c.streams[1].mask.Masked() }

// text gives a stream as expressions see it: without trailing newlines.
func (c *capture) text(stream Stream) string {
	return strings.TrimRight(string(c.streams[stream-1].text), "\n")
}

// tail gives the last lines printed, of both streams.
func (c *capture) tail() string {
	if c == nil {
		return ""
	}
	tail := c.order
	if len(tail) > TailBytesMax {
		tail = tail[len(tail)-TailBytesMax:]
	}
	return strings.ToValidUTF8(strings.TrimRight(string(tail), "\n"), "\ufffd")
}
