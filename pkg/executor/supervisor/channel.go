package supervisor

import (
	"context"
	"io"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/opsctl/opsctl/pkg/executor"
)

// kind is what a channel is for.
type kind string

const (
	laneKind    kind = "lane"
	controlKind kind = "control"
	readKind    kind = "read"
)

// channel is one shell on the host, with its answers in frames.
type channel struct {
	Shell
	kind  kind
	sudo  string
	nonce string
	out   *frames
	err   *frames    // of a read channel
	said  *complaint // of the others
	done  chan struct{}
	boot  string // from its hello
	dir   string
	how   string
	pid   string // of a read channel, once it has answered

	refused bool // the supervisor said that it cannot be; it read nothing that came after it
}

// complaint keeps the end of what a shell writes to its stderr: why it is none, above all.
type complaint struct {
	mu   sync.Mutex
	text []byte
}

func (c *complaint) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.text = append(c.text, p...)
	c.text = c.text[max(0, len(c.text)-stderrMax):]
	return len(p), nil
}

func (c *complaint) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(strings.Fields(strings.Map(plain, string(c.text))), " ")
}

// plain keeps what a shell says from speaking to a terminal.
func plain(r rune) rune {
	if r == '\n' || r == '\t' || r >= ' ' && r < 0x7f || r > 0xa0 && unicode.IsPrint(r) {
		return r
	}
	return ' '
}

func newChannel(s Shell, k kind, sudo string) *channel {
	c := &channel{Shell: s, kind: k, sudo: sudo, nonce: token(), done: make(chan struct{})}
	c.out = newFrames(s, c.nonce)
	if k == readKind {
		c.err = newFrames(s.Stderr(), c.nonce)
		close(c.done)
		return c
	}
	c.said = &complaint{}
	go func() {
		defer close(c.done)
		_, _ = io.Copy(c.said, s.Stderr()) // ends with the shell
	}()
	return c
}

// shut closes the shell. What reads its stderr ends soon, or with the link.
func (c *channel) shut() {
	_ = c.Close() // nothing is to be learnt from it
}

func (c *channel) send(s string) error {
	_, err := io.WriteString(c, s)
	return err
}

// within makes reads and writes of the channel fail when ctx ends or d has passed. The function
// it returns lifts that, and tells whether the channel is still whole.
func (c *channel) within(ctx context.Context, d time.Duration) func() bool {
	timer := time.AfterFunc(d, func() { _ = c.Close() })
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	return func() bool { return timer.Stop() && stop() }
}

// hello reads the first answer of the supervisor.
func (c *channel) hello() error {
	noise, printed := 0, &complaint{}
	words, err := c.out.next(func(p []byte) error {
		_, _ = printed.Write(p) // it never fails
		if noise += len(p); noise > noiseMax {
			return errFlood
		}
		return nil
	})
	if err != nil {
		return c.silent(err, printed.String())
	}
	if len(words) >= 5 && words[0] == "H" && words[1] == "ok" {
		c.boot, c.how, c.dir = words[2], words[3], strings.Join(words[4:], " ")
		return nil
	}
	if len(words) >= 4 && words[1] == "no" {
		c.refused = true
		return refused(words[2], strings.Join(words[3:], " "))
	}
	return &executor.HostError{Class: "supervisor", Message: "cannot understand the first answer of the supervisor on the host"}
}

// silent is the error of a shell that ended before it said what it should; printed is what it said in its place.
func (c *channel) silent(err error, printed string) error {
	select {
	case <-c.done: // it has said all
	case <-time.After(stderrTime):
	}
	c.shut()
	said := c.said.String()
	e := &executor.HostError{Class: "link", Message: "cannot start the supervisor: the shell on the host ended without an answer: " + err.Error()}
	if said == "" {
		said = printed[max(0, len(printed)-saidMax):] // nologin(8) says why on its stdout
	}
	if said != "" {
		e.Message = "cannot start the supervisor: the shell on the host said: " + said
	}
	if strings.Contains(said, "fork") {
		e.Class, e.Hint = "no-process", refused("no-process", "").Hint
	}
	return e
}

func refused(class, why string) *executor.HostError {
	e := &executor.HostError{Class: class, Message: "cannot use the run directory: " + why}
	switch class {
	case "disk-full":
		e.Hint = "make room in the home directory of that user on the host"
	case "no-run-directory":
		e.Hint = "the home directory of that user must be writable, and what is at that path must be a directory of its own"
	case "no-process":
		e.Message, e.Hint = "cannot start the step: the host has no further process for that user", "see the limit of processes (ulimit -u, TasksMax), and what uses them up"
	case "no-setsid":
		e.Message, e.Hint = "cannot supervise attempts: "+why, "install util-linux, perl or python3 on the host"
	}
	return e
}

// answer is what a lane or a control channel says of one attempt.
type answer struct {
	words    []string
	out, err []byte
}

// answer reads up to the frame that ends an answer; limit is for each stream.
func (c *channel) answer(limit int) (answer, error) {
	var a answer
	for {
		raw := bounded{max: limit}
		words, err := c.out.next(raw.take)
		if err != nil {
			return a, err
		}
		switch words[0] {
		case "E", "O":
			if a.words != nil {
				return a, errFlood
			}
			a.out = raw.Bytes()
			a.words = words
			continue
		}
		if a.words == nil {
			a.out = raw.Bytes()
		} else {
			a.err = raw.Bytes()
		}
		a.words = words
		return a, nil
	}
}
