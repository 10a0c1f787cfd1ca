package remote

import (
	"sync"
	"time"
)

// clock ends a handshake that takes too long, and stands still while a person is waited for.
type clock struct {
	limit time.Duration
	mu    sync.Mutex
	timer *time.Timer
	done  bool
	held  int
}

func startClock(limit time.Duration, late func()) *clock {
	return &clock{limit: limit, timer: time.AfterFunc(limit, late)}
}

func (c *clock) pause() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.held++
	c.timer.Stop()
}

// resume gives the whole time again: the server's answer is still to come.
func (c *clock) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held--; c.held == 0 && !c.done {
		c.timer.Reset(c.limit)
	}
}

func (c *clock) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	c.timer.Stop()
}
