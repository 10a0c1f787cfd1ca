package runbook

import (
	"regexp"
	"time"

	"github.com/opsctl/opsctl/internal/source"
)

// RebootTimeout is how long a host may take to come up again where a reboot does not say.
const RebootTimeout = 10 * time.Minute

// Line keeps one line of a file as it should be, or takes lines out of it.
type Line struct {
	Path, Line *Text
	Match      *Text // an RE2 pattern in which values stand for themselves; nil: the line itself
	Absent     bool
}

// Service starts, stops or restarts a service of the host's service manager, now and at boot.
type Service struct {
	Name    *Text
	State   string // started stopped restarted reloaded; "" is not said
	Enabled *bool  // at boot; nil is not said
}

// Lasting tells whether the service is brought into a state that can be asked for and taken back.
func (s *Service) Lasting() bool {
	return s.State == "started" || s.State == "stopped" || s.State == "" || s.Enabled != nil
}

// LocalScript is a file from here that is run on the host.
type LocalScript struct {
	File *Text
	Args *Script // its Argv are the words behind the file's name; never nil
}

// HTTP is one request.
type HTTP struct {
	URL     *Text
	Method  string
	Headers []Header
	Body    *Text
	JSON    *JSON
	Status  []int // nil: any 2xx
}

// Header is a header of a request.
type Header struct {
	Name string
	Text *Text
}

// Reads tells whether the request changes nothing by its method.
func (h *HTTP) Reads() bool { return h.Method == "GET" || h.Method == "HEAD" }

// JSON is a value with expressions in it. A text that is exactly one expression keeps its type.
type JSON struct {
	Node   *source.Node
	Scalar map[*source.Node]*Text // those that hold expressions; the text of a whole one gives JSON
}

// Fetch brings files from the host to this machine.
type Fetch struct{ Src, Dest *Text }

// Reboot takes the host down and waits until it is up again.
type Reboot struct {
	Timeout     time.Duration
	TimeoutText *Text // instead, where it is an expression
}

// Pattern gives the pattern of match. Its values stand for themselves, as anywhere: only raw(x) may
// bring in a pattern.
func (l *Line) Pattern(render func(*Text) (string, error)) (*regexp.Regexp, error) {
	pattern := ""
	for _, piece := range l.Match.Pieces {
		if piece.Expr == nil {
			pattern += piece.Literal
			continue
		}
		value, err := render(l.Match.only(piece))
		if err != nil {
			return nil, err
		}
		if !piece.Expr.Raw {
			value = regexp.QuoteMeta(value)
		}
		pattern += value
	}
	return regexp.Compile(pattern)
}
