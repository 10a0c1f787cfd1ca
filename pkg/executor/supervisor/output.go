package supervisor

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// leftOut stands in the output of a command for what was not kept of it.
func leftOut(n int64) string { return fmt.Sprintf("\n[opsctl: %d bytes left out here]\n", n) }

// clip gives on the head of a stream at once, and of what is longer only the tail, at its end.
type clip struct {
	sink  func([]byte)
	given int64
	tail  []byte
	lost  int64
}

func (c *clip) take(p []byte) {
	if n := min(int64(len(p)), streamMax/2-c.given); n > 0 {
		c.sink(p[:n])
		c.given += n
		p = p[n:]
	}
	c.tail = append(c.tail, p...)
	if over := len(c.tail) - streamMax/2; over > 0 && len(c.tail) > streamMax {
		c.lost += int64(over)
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
}

func (c *clip) end() {
	if over := len(c.tail) - streamMax/2; over > 0 {
		c.lost += int64(over)
		c.tail = c.tail[over:]
	}
	if c.lost > 0 {
		c.sink([]byte(leftOut(c.lost)))
	}
	if len(c.tail) > 0 {
		c.sink(c.tail)
	}
}

// heard is how far the output of an attempt was given to its sink: each byte once, in order.
type heard struct {
	sink executor.Sink
	at   [3]int64 // by stream: the offset of the next byte
}

// give takes bytes of a stream that begin at offset from, and gives on those not yet given, up
// to where only the tail is kept.
func (o *heard) give(s executor.Stream, from int64, p []byte) {
	skip := o.at[s] - from
	if skip < 0 || skip >= int64(len(p)) {
		return
	}
	p = p[skip:]
	p = p[:max(0, min(int64(len(p)), streamMax/2-o.at[s]))]
	if len(p) == 0 {
		return
	}
	o.at[s] += int64(len(p))
	if o.sink != nil {
		o.sink(s, p)
	}
}

// jump leaves out what is between the head and the tail of a stream of that size.
func (o *heard) jump(s executor.Stream, size int64) {
	if lost := size - streamMax/2 - o.at[s]; lost > 0 {
		if o.sink != nil {
			o.sink(s, []byte(leftOut(lost)))
		}
		o.at[s] += lost
	}
}

// rest gives on bytes of the tail.
func (o *heard) rest(s executor.Stream, p []byte) {
	if len(p) > 0 {
		o.at[s] += int64(len(p))
		if o.sink != nil {
			o.sink(s, p)
		}
	}
}

// backoff is the delay before a try to reconnect: none, then 1, 2, 4, 8, 15 s, each ± 50 %.
func backoff(try int) time.Duration {
	if try == 0 {
		return 0
	}
	d := min(time.Second<<min(try-1, 4), 15*time.Second)
	return d/2 + rand.N(d)
}
