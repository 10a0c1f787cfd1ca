package secret

import (
	"context"
	"sync"
)

// held keeps what was got once, by a key. Those who ask for the same at the same time wait for the
// first one, and share its answer. A failure is shared by those who waited, and not kept.
// The zero value holds nothing.
type held[T any] struct {
	mu      sync.Mutex
	flights map[string]*flight[T]
}

type flight[T any] struct {
	landed    chan struct{}
	value     T
	err       error
	abandoned bool // it failed because the one who flew was told to stop
}

func (h *held[T]) get(ctx context.Context, key string, fly func() (T, error)) (T, error) {
	for {
		f, mine := h.join(key)
		if mine {
			f.value, f.err = fly()
			f.abandoned = f.err != nil && ctx.Err() != nil
			h.land(key, f)
			return f.value, f.err
		}
		select {
		case <-f.landed:
		case <-ctx.Done():
			var none T
			return none, &refusal{reason: "nobody waits for it any more", cause: ctx.Err()}
		}
		if !f.abandoned {
			return f.value, f.err
		}
	}
}

func (h *held[T]) join(key string) (f *flight[T], mine bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.flights[key]; f != nil {
		return f, false
	}
	if h.flights == nil {
		h.flights = map[string]*flight[T]{}
	}
	f = &flight[T]{landed: make(chan struct{})}
	h.flights[key] = f
	return f, true
}

func (h *held[T]) land(key string, f *flight[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.err != nil {
		delete(h.flights, key)
	}
	close(f.landed)
}

// turn lets one in at a time. The zero value is free.
type turn struct {
	once sync.Once
	free chan struct{}
}

// take waits for the turn; what it gives ends it.
func (t *turn) take(ctx context.Context) (end func(), err error) {
	t.once.Do(func() { t.free = make(chan struct{}, 1) })
	select {
	case t.free <- struct{}{}:
		return func() { <-t.free }, nil
	case <-ctx.Done():
		return nil, &refusal{reason: "nobody waits for it any more", cause: ctx.Err()}
	}
}
