package inventory

import (
	"fmt"

	"github.com/opsctl/opsctl/internal/source"
)

// draft is what one source says, before drafts are merged and names resolved. Every reader makes one.
type draft struct {
	hosts  []hostDraft  // names are unique within a draft
	groups []groupDraft // "all" may be among them, with variables only
}

type hostDraft struct {
	name string
	node *source.Node // where it is written
	keys *hostKeys    // may be shared by the hosts of a range
}

// hostKeys are the settings of a host; zero values were not given.
type hostKeys struct {
	addr, user, jump, identity string
	port                       int
	sshConfig                  string
	vars                       []variable
}

type groupDraft struct {
	name     string
	node     *source.Node
	words    []*source.Node // its hosts: ranges, names and patterns over host names
	children []*source.Node
	vars     []variable
}

type variable struct {
	name   string
	value  any
	origin string
}

// place is "inventory.yaml:12:5".
func place(n *source.Node) string {
	return fmt.Sprintf("%s:%d:%d", n.File.Name, n.Pos.Line, n.Pos.Column)
}

// overlay lets what a later source says about a host win, key by key.
func (k *hostKeys) overlay(later *hostKeys) *hostKeys {
	merged := *k
	for _, text := range []struct{ to, from *string }{
		{&merged.addr, &later.addr},
		{&merged.user, &later.user},
		{&merged.jump, &later.jump},
		{&merged.identity, &later.identity},
		{&merged.sshConfig, &later.sshConfig},
	} {
		if *text.from != "" {
			*text.to = *text.from
		}
	}
	if later.port != 0 {
		merged.port = later.port
	}
	merged.vars = append(append([]variable(nil), k.vars...), later.vars...)
	return &merged
}

// troubles collects problems up to a bound, and does not look for near names without end.
type troubles struct {
	list    source.Problems
	left    int // not kept, beyond the bound
	lookups int

	expanded int // names that ranges stood for
}

// expand is expandRange, for all ranges of one load together bounded.
func (t *troubles) expand(text string) ([]string, *rangeError) {
	if t.expanded > expandedMax {
		return nil, &rangeError{width: len(text), message: fmt.Sprintf("the ranges of the inventory stand for more than %d names", expandedMax)}
	}
	names, bad := expandRange(text)
	t.expanded += len(names)
	return names, bad
}

func (t *troubles) add(p *source.Problem) {
	if len(t.list) >= problemsMax && !p.Warning {
		t.left++
		return
	}
	t.list = append(t.list, p)
}

// nearest is source.DidYouMean, for the first few problems.
func (t *troubles) nearest(word string, candidates func() []string) string {
	if t.lookups++; t.lookups > nearestMax {
		return ""
	}
	return source.DidYouMean(word, candidates())
}

// end gives what was found: warnings apart, and an error when there is more than warnings.
func (t *troubles) end() (warnings source.Problems, err error) {
	t.list.Sort()
	if err := t.list.Err(); err == nil {
		return t.list, nil
	}
	if t.left > 0 {
		t.list = append(t.list, &source.Problem{File: t.list[0].File, Message: fmt.Sprintf("and %d problems more", t.left)})
	}
	return nil, t.list.Err()
}
