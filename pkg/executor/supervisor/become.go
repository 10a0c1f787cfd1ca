package supervisor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

// manner is how sudo is called for a user on this host, as far as it was learnt: the plain way
// first, and more only where sudo asks for more.
type manner struct {
	password bool // it asks for one
	terminal bool // it insists on a terminal: requiretty
}

// shell opens a shell as that user; "" is the login user. What sudo asks for is learnt by the
// first one, and remembered. A password that was refused is never tried again.
func (h *Host) shell(ctx context.Context, user string) (Shell, error) {
	if user == "" {
		return h.link.Shell(ctx, ShellCommand)
	}
	m, barred := h.learned(user)
	if barred != nil {
		return nil, barred
	}
	for {
		s, err := h.become(ctx, user, m)
		var no *refusal
		switch {
		case err == nil:
			h.mu.Lock()
			h.identities[user].manner = m
			h.mu.Unlock()
			return s, nil
		case !errors.As(err, &no):
			return nil, err
		case no.wantsTerminal() && !m.terminal:
			m.terminal = true
		case !m.password && h.o.SudoPassword != nil && no.mayWantPassword():
			m.password = true
		default:
			e := no.hostError()
			if no.gave { // whatever it was that sudo did not like: each try counts towards a lock-out
				h.mu.Lock()
				h.identities[user].barred = e
				h.mu.Unlock()
			}
			return nil, e
		}
	}
}

// barred tells whether sudo is not called any more for that user.
func (h *Host) barred(user string) bool {
	_, err := h.learned(user)
	return err != nil
}

// learned tells how sudo is called for that user, and why it is not called any more.
func (h *Host) learned(user string) (manner, error) {
	id := h.identity(user)
	h.mu.Lock()
	defer h.mu.Unlock()
	if id.barred != nil {
		return manner{}, id.barred
	}
	return id.manner, nil
}

// become calls sudo once. A *refusal is the word of sudo, any other error is not.
func (h *Host) become(ctx context.Context, user string, m manner) (Shell, error) {
	mark := "opsctl-" + token()
	command, err := sudoCommand(user, mark, m)
	if err != nil {
		return nil, &executor.HostError{Class: "sudo", Message: err.Error()}
	}
	s, err := h.link.Shell(ctx, command)
	if err != nil {
		return nil, err
	}
	k := &knock{Shell: s, user: user, m: m, password: h.o.SudoPassword, prompt: []byte(mark + promptEnd), ready: []byte(mark + readyEnd + "\n")}
	rest, err := k.wait(ctx)
	if err != nil {
		_ = s.Close() // there is nothing more to be learnt from it
		return nil, err
	}
	return &becomeShell{Shell: s, err: io.MultiReader(bytes.NewReader(rest), s.Stderr())}, nil
}

// becomeShell is a shell behind sudo, without what was said before it began.
type becomeShell struct {
	Shell
	err io.Reader
}

func (s *becomeShell) Stderr() io.Reader { return s.err }

// knock waits at the door of sudo. Nothing is written to it but the password, once, after the prompt
// with our mark was seen, and before the shell behind it said that it is there. Where a step runs,
// nobody reads prompts any more.
type knock struct {
	Shell
	user     string
	m        manner
	password SudoPassword
	prompt   []byte
	ready    []byte

	said  []byte // on stderr
	asked int    // where in it the first prompt ends; 0: not yet
	gave  *Password
	late  atomic.Bool
	timer *time.Timer
}

// wait returns what came on stderr after the shell was there.
func (k *knock) wait(ctx context.Context) (rest []byte, err error) {
	k.timer = time.AfterFunc(sudoTime, func() {
		k.late.Store(true)
		_ = k.Close()
	})
	defer k.timer.Stop()
	stop := context.AfterFunc(ctx, func() { _ = k.Close() })
	defer stop()
	defer func() { k.settle(err) }()
	buf := make([]byte, 1<<10)
	for {
		if _, rest, found := bytes.Cut(k.said, k.ready); found {
			return rest, nil
		}
		i := bytes.Index(k.said[k.asked:], k.prompt)
		switch {
		case i >= 0 && k.asked > 0:
			return nil, k.refusal(true, string(k.said[k.asked:k.asked+i]))
		case i >= 0:
			k.asked = i + len(k.prompt)
			if err := k.give(ctx); err != nil {
				return nil, err
			}
			continue
		case len(k.said) > wordsMax*4:
			return nil, k.refusal(false, string(k.said[:stderrMax]))
		}
		n, err := k.Stderr().Read(buf)
		k.said = append(k.said, buf[:n]...)
		if err != nil && n == 0 {
			return nil, k.ended(ctx, err)
		}
	}
}

// give answers the prompt. The clock stands still while somebody types.
func (k *knock) give(ctx context.Context) error {
	k.timer.Stop()
	p, err := k.password(ctx, k.user)
	if err != nil {
		var told *executor.HostError
		if errors.As(err, &told) {
			return told
		}
		return &executor.HostError{Class: "sudo", Message: "cannot become " + k.user + ": sudo asks for a password: " + err.Error()}
	}
	k.gave = &p
	if p.Text == "" || len(p.Text) > passwordMax || strings.ContainsAny(p.Text, "\n\r\x00") {
		return &executor.HostError{Class: "sudo", Message: "cannot become " + k.user + ": the sudo password is empty, too long or has more than one line"}
	}
	k.timer.Reset(sudoTime)
	_, err = io.WriteString(k.Shell, p.Text+"\n")
	if err != nil {
		return &executor.HostError{Class: "link", Message: "cannot become " + k.user + ": " + err.Error()}
	}
	return nil
}

// settle tells whoever gave the password what became of it.
func (k *knock) settle(err error) {
	if k.gave == nil {
		return
	}
	var no *refusal
	switch {
	case err == nil:
		k.gave.done(Taken)
	case errors.As(err, &no) && no.wrong():
		k.gave.done(Refused)
	default:
		k.gave.done(Unproved)
	}
}

func (k *knock) refusal(again bool, said string) *refusal {
	said = strings.ReplaceAll(said, string(k.prompt), "")
	return &refusal{user: k.user, m: k.m, gave: k.gave != nil, again: again, said: strings.Join(strings.Fields(said), " ")}
}

// ended is why there is no shell, after the last word of sudo or in its silence.
func (k *knock) ended(ctx context.Context, err error) error {
	no := k.refusal(false, string(k.said[k.asked:]))
	e := &executor.HostError{Class: "link", Message: "cannot become " + k.user + ": the shell on the host ended without an answer: " + err.Error()}
	switch {
	case k.late.Load():
		e.Class, e.Message = "sudo", "cannot become "+k.user+": sudo did not let us in within "+sudoTime.String()
		e.Hint = "a module of PAM may wait for something that opsctl cannot give, such as a second factor: try `sudo true` by hand"
		if no.said != "" {
			e.Message += ", and said: " + no.said
		}
		return e
	case ctx.Err() != nil:
		return gaveUp(context.Cause(ctx))
	case no.said == "":
		return e
	}
	return no
}
