package view

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// queue writes in a goroutine of its own, so that a slow reader never holds the run. What does
// not fit is dropped and counted; after the first error nothing more is written.
type queue struct {
	w    io.Writer
	most int
	lost func(n int) []byte // says that n lines were dropped

	mu      sync.Mutex
	wake    sync.Cond
	waiting []byte
	dropped int
	closed  bool
	err     error
	done    chan struct{}
}

func newQueue(w io.Writer, most int, lost func(int) []byte) *queue {
	q := &queue{w: w, most: most, lost: lost, done: make(chan struct{})}
	q.wake.L = &q.mu
	go q.work()
	return q
}

// add takes whole lines.
func (q *queue) add(lines []byte) {
	if len(lines) == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.err != nil || q.closed:
		return
	case len(q.waiting)+len(lines) > q.most:
		q.dropped += bytes.Count(lines, []byte("\n"))
		return
	}
	q.waiting = append(q.waiting, lines...)
	q.wake.Signal()
}

// close waits until all that was taken is written.
func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.wake.Signal()
	q.mu.Unlock()
	<-q.done
}

func (q *queue) work() {
	defer close(q.done)
	for {
		batch, more := q.take()
		if len(batch) > 0 {
			if _, err := q.w.Write(batch); err != nil {
				q.fail(err)
				return
			}
		}
		if !more {
			return
		}
	}
}

func (q *queue) take() (batch []byte, more bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 && !q.closed {
		q.wake.Wait()
	}
	batch, q.waiting = q.waiting, nil
	if q.dropped > 0 {
		batch = append(batch, q.lost(q.dropped)...)
		q.dropped = 0
	}
	return batch, !q.closed
}

func (q *queue) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err, q.waiting = err, nil
}

func lostLines(n int) []byte {
	return fmt.Appendf(nil, "opsctl: %d lines are not shown: the reader is too slow\n", n)
}

func lostEvents(n int) []byte {
	return fmt.Appendf(nil, `{"error":{"code":0,"message":"%d events are not shown: the reader is too slow"}}`+"\n", n)
}
