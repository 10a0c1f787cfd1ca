package supervisor

import (
	"context"
	"errors"

	"github.com/opsctl/opsctl/pkg/executor"
)

// control is the one shell that asks about attempts while their lanes are busy. It belongs to
// one identity at a time.
type control struct {
	turn chan struct{} // holds one token while somebody uses ch
	ch   *channel
}

func (k *control) close() {
	k.turn <- struct{}{}
	defer func() { <-k.turn }()
	if k.ch != nil {
		k.ch.shut()
		k.ch = nil
	}
}

// asked is an answer of the control channel, with what its hello said of the host.
type asked struct {
	answer
	boot string
	late bool // the run directory was made by a resumed run: it proves nothing of what came before
}

// inquire asks one thing, opening the control channel where there is none for that identity.
// Whatever it asks may be asked again. The run directory is never made here.
func (h *Host) inquire(ctx context.Context, sudo, request string, limit int) (asked, error) {
	select {
	case h.control.turn <- struct{}{}:
	case <-ctx.Done():
		return asked{}, gaveUp(ctx.Err())
	}
	defer func() { <-h.control.turn }()
	c := h.control.ch
	if c != nil && c.sudo != sudo {
		c.shut()
		h.control.ch, c = nil, nil
	}
	fresh := c == nil
	if fresh {
		var err error
		if c, err = h.open(ctx, controlKind, sudo, "old", request); err != nil {
			return asked{}, err
		}
		h.control.ch = c
	}
	release := c.within(ctx, requestTime)
	got, err := c.exchange(fresh, request, limit)
	if !release() && err == nil {
		err = gaveUp(context.DeadlineExceeded)
	}
	if err != nil {
		c.shut()
		h.control.ch = nil
		return asked{}, hostError(err)
	}
	return asked{answer: got, boot: c.boot, late: c.how == "late"}, nil
}

func (c *channel) exchange(fresh bool, request string, limit int) (answer, error) {
	if fresh {
		if err := c.hello(); err != nil {
			return answer{}, err
		}
	} else if err := c.send(request); err != nil {
		return answer{}, err
	}
	return c.answer(limit)
}

// final tells whether an error of inquire will not go away by connecting again.
func final(err error) bool {
	var e *executor.HostError
	return errors.As(err, &e) && e.Class == "no-run-directory"
}
