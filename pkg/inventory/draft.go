package inventory

import (
	"fmt"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/source"
)

// draft is what one source says, before drafts are merged and names resolved. Every reader makes one.
type draft struct {
	hosts  []hostDraft  // names are unique within a draft
	groups []groupDraft // "all" may be among them, with variables only

	// ansible tells that the source is one of Ansible's: its variables may be settings, and hosts
	// that are in no group are in "ungrouped".
	ansible bool
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
	transport                  string
	vars                       []variable
}

type groupDraft struct {
	name      string
	node      *source.Node
	words     []*source.Node // its hosts: ranges, names and patterns over host names
	children  []*source.Node
	vars      []variable
	transport string
	priority  *int         // among groups of one depth; nil was not given
	onlyVars  *source.Node // the section of an INI that gives variables to a group it does not have, else nil
}

type variable struct {
	name   string
	value  any
	origin string

	// Of Ansible's sources only.
	node    *source.Node // where it is written
	sealed  bool         // only ansible-vault knows the value: the variable is not set
	onlyNew bool         // taken only by the first mention of a host
}

// varsTree is what group_vars and host_vars of one directory say.
type varsTree struct {
	groups, hosts map[string][]variable
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
		{&merged.transport, &later.transport},
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
	lookups int

	expanded int // names that ranges stood for

	templates map[*source.File]*templated
}

// templated counts the variables of a file that hold templates: they are told of in one warning.
type templated struct {
	first *source.Problem
	name  string
	count int
}

// template notes a variable that Ansible would evaluate.
func (t *troubles) template(node *source.Node, name string) {
	if t.templates == nil {
		t.templates = map[*source.File]*templated{}
	}
	seen := t.templates[node.File]
	if seen == nil {
		seen = &templated{first: problemAt(node, "", "opsctl does not evaluate Jinja: such a variable is the text as it is written"), name: name}
		t.templates[node.File] = seen
	}
	seen.count++
}

// problemAt makes a problem at a node, its text underlined also where the node is not of the YAML parser.
func problemAt(n *source.Node, message, hint string) *source.Problem {
	p := n.Problem(message, hint)
	if p.Width == 0 && n.Kind == source.Scalar {
		p.Width = utf8.RuneCountInString(n.Text)
		if n.Style == source.Quoted {
			p.Width += 2
		}
	}
	return p
}

func (t *troubles) warn(node *source.Node, message, hint string) {
	p := problemAt(node, message, hint)
	p.Warning = true
	t.add(p)
}

// addAll notes what a parser found.
func (t *troubles) addAll(file *source.File, err error) {
	problems, ok := source.AsProblems(err)
	if !ok {
		problems = source.Problems{{File: file, Message: err.Error()}}
	}
	for _, p := range problems {
		t.add(p)
	}
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
	for _, seen := range t.templates {
		seen.first.Warning, seen.first.Message = true, fmt.Sprintf("%s holds a template", quote(seen.name))
		if seen.count > 1 {
			seen.first.Message += fmt.Sprintf(", and so do %d variables more of this file", seen.count-1)
		}
		t.add(seen.first)
	}
	t.list.Sort()
	if err := t.list.Err(); err == nil {
		return t.list, nil
	}
	return nil, t.list.Err()
}
