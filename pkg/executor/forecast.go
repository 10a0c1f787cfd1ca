package executor

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
)

// Class is what a run would do with an op.
type Class string

// The classes of a forecast.
const (
	WouldChange    Class = "change"
	WouldNot       Class = "no change"
	CannotKnow     Class = "unknown"
	WouldSkip      Class = "skipped"
	NotReached     Class = "unreachable"
	WasRead        Class = "read"       // it only reads, and was run
	WouldBeAskedOf Class = "not listed" // another host of a step that runs once
)

// Forecast is what would become of one op.
type Forecast struct {
	Step   *plan.Step
	Host   *inventory.Host
	Class  Class
	Reason string
	Diff   string
	Bare   bool // its place is not durable: nothing there is claimed and supervised

	path string // on the host, where a built-in action would change something
}

// pending tells what earlier steps would have done to a place.
type pending struct {
	script bool     // by a script: anything
	paths  []string // by built-in actions: what they touch is known
}

// meets tells whether a path is one that would be changed, or stands above or below one. What is no
// path, such as a service, may hang on every file.
func (p pending) meets(path string) bool {
	for _, other := range p.paths {
		if !isPath(path) && (isPath(other) || other == path) {
			return true
		}
		a, b := strings.TrimRight(path, "/")+"/", strings.TrimRight(other, "/")+"/"
		if strings.HasPrefix(a, b) || strings.HasPrefix(b, a) {
			return true
		}
	}
	return false
}

func isPath(s string) bool { return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "~") }

// certain looks at a step that is done whatever is found: only its values may not be known yet.
func (p *preview) certain(a *attempt, f *Forecast) {
	f.Class, a.pretend = WouldChange, true
	_, err := p.loop.bare(a)
	if err == nil {
		var ask Question
		_, ask, err = p.Actions(a.step.Source, a.step.Source.In.Dir, p.loop.scopes.renderer(a))
		if said, ok := ask.(fmt.Stringer); ok && err == nil {
			f.Reason = said.String()
		}
	}
	if err != nil {
		f.Class, f.Reason = CannotKnow, reasonOf(err)
	}
}

type unknownError struct{ reason string }

func (e *unknownError) Error() string { return e.reason }
