package supervisor

import "context"

// SudoPassword gives the password that sudo asks for on this host before a command runs as user.
// It is called when sudo has asked, once for each shell. An error that is a *executor.HostError is
// shown as it stands.
type SudoPassword func(ctx context.Context, user string) (Password, error)

// Password is what sudo is told when it asks.
type Password struct {
	Text string
	Done func(Fate) // called once, when it is known what sudo made of it; may be nil
}

// Fate is what became of a password.
type Fate string

const (
	Unproved Fate = "unproved" // sudo ended, or the link broke, before it said anything of it
	Taken    Fate = "taken"
	Refused  Fate = "refused"
)

func (p Password) done(f Fate) {
	if p.Done != nil {
		p.Done(f)
	}
}
