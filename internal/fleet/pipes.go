package fleet

import (
	"io"
	"os"
	"time"
)

// pipes are the three of a command, each its reading and its writing end.
type pipes struct {
	stdin, stdout, stderr [2]*os.File
}

func newPipes() (*pipes, error) {
	p := &pipes{}
	for _, ends := range []*[2]*os.File{&p.stdin, &p.stdout, &p.stderr} {
		var err error
		if ends[0], ends[1], err = os.Pipe(); err != nil {
			p.closeTheirs()
			p.closeOurs()
			return nil, err
		}
	}
	return p, nil
}

func (p *pipes) closeTheirs() {
	closeQuietly(p.stdin[0])
	closeQuietly(p.stdout[1])
	closeQuietly(p.stderr[1])
}

func (p *pipes) closeOurs() {
	closeQuietly(p.stdin[1])
	closeQuietly(p.stdout[0])
	closeQuietly(p.stderr[0])
}

// outflow moves what a command prints on one stream to its client.
type outflow struct {
	from    *os.File
	to      io.Writer
	started bool
	drained chan struct{} // closed when drain was heard and the pipe was empty
	ended   chan struct{} // closed when the stream has ended, or its reader left
}

func newOutflow(from *os.File, to io.Writer) *outflow {
	return &outflow{from: from, to: to, drained: make(chan struct{}), ended: make(chan struct{})}
}

// run moves bytes until every writer has closed the pipe, or the client is gone.
// The noise goes first.
func (o *outflow) run(noise string) {
	defer close(o.ended)
	defer closeQuietly(o.from)
	if _, err := io.WriteString(o.to, noise); err != nil {
		return
	}
	buf := make([]byte, copySize)
	for {
		n, err := o.from.Read(buf)
		if os.IsTimeout(err) {
			err = o.empty(buf)
			close(o.drained)
		}
		if n > 0 {
			_, writeErr := o.to.Write(buf[:n])
			err = firstError(err, writeErr)
		}
		if err != nil {
			return
		}
	}
}

// drain returns when everything that was in the pipe has been moved. It is
// called once, when the command has ended; something it left behind may keep
// the pipe open, so that waiting for its end could take for ever. A read that
// waits is woken by a deadline in the past.
func (o *outflow) drain() {
	if o.from.SetReadDeadline(time.Unix(1, 0)) != nil {
		// The pipe is closed on this side: there is no reader any more.
		<-o.ended
		return
	}
	select {
	case <-o.drained:
	case <-o.ended:
	}
}

// empty moves what is in the pipe, without waiting for more.
func (o *outflow) empty(buf []byte) error {
	if err := o.from.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	for total := 0; total < drainMax; {
		n, err := readNow(o.from, buf)
		if n <= 0 || err != nil {
			return err
		}
		if _, err := o.to.Write(buf[:n]); err != nil {
			return err
		}
		total += n
	}
	return nil
}

func firstError(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
