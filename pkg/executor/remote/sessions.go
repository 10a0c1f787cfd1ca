package remote

import "sync"

// sessions counts the shells open on one connection, and learns how many the server allows.
type sessions struct {
	mu    sync.Mutex
	open  int
	limit int
	freed *signal
}

// enter takes a place where there is one.
func (s *sessions) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open >= s.limit {
		return false
	}
	s.open++
	return true
}

func (s *sessions) leave() {
	s.mu.Lock()
	s.open--
	s.mu.Unlock()
	s.freed.send()
}

// refused learns, after the place was left, that no more than the others are allowed; it tells how
// many they are. One is always tried again: what was closed here may still be open over there.
func (s *sessions) refused() (others int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limit = max(1, min(s.limit, s.open))
	return s.open
}

// signal wakes all who wait for a change.
type signal struct {
	mu      sync.Mutex
	changed chan struct{}
}

func newSignal() *signal { return &signal{changed: make(chan struct{})} }

// next is closed by the next send.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

func (s *signal) send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.changed)
	s.changed = make(chan struct{})
}
