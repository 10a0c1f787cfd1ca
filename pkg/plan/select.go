package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
)

// Select picks steps of a runbook. What is left out counts as skipped: what follows it goes on.
type Select struct {
	Tags     []string `json:"tags,omitempty"`      // only steps that have one of them, or stand in a block that has
	SkipTags []string `json:"skip_tags,omitempty"` // not those that have one of them
	Only     []string `json:"only,omitempty"`      // ids of steps and blocks: only these
	Skip     []string `json:"skip,omitempty"`      // not these
	From     string   `json:"from,omitempty"`      // this one and what is written after it
	Step     bool     `json:"step,omitempty"`      // a person is asked before every step
}

// selects notes on every step why it is left out.
func (b *builder) selects() {
	o := b.options.Select
	known := b.names()
	for _, list := range [][]string{o.Only, o.Skip, {o.From}} {
		for _, name := range list {
			if name != "" && len(known[name]) == 0 {
				b.unknownStep(name, known)
			}
		}
	}
	b.unknownTags(append(slices.Clone(o.Tags), o.SkipTags...))
	first := b.firstOf(o.From)
	for _, s := range b.plan.Steps {
		s.Skip = o.reason(s, first)
		s.Confirm = s.Confirm || o.Step && !s.Entry && s.Skip == ""
	}
	b.skipEmptyEntries()
}

func (o Select) reason(s *Step, first int) string {
	tagged := func(tags []string) bool {
		for at := s.Source; at != nil; at = at.Parent {
			list := at.Tags
			if slices.ContainsFunc(list, func(t string) bool { return slices.Contains(tags, t) }) {
				return true
			}
		}
		return false
	}
	switch {
	case s.Named(o.Skip...):
		return "--skip"
	case len(o.SkipTags) > 0 && tagged(o.SkipTags):
		return "--skip-tags"
	case s.Finally || s.Entry || s.Gate: // they belong to what is picked
		return ""
	case len(o.Tags) > 0 && !tagged(o.Tags):
		return "--tags"
	case len(o.Only) > 0 && !s.Named(o.Only...):
		return "--only"
	case o.From != "" && s.Index < first:
		return "--from"
	}
	return ""
}

// Named tells whether one of some names means the step or a block around it. The items of a foreach may
// be left out: copy means copy[a] and copy[b].
func (s *Step) Named(names ...string) bool {
	return slices.ContainsFunc(append([]string{s.ID}, s.Blocks...), func(id string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return id == name || plain(id) == name || strings.HasSuffix(plain(id), "/"+name)
		})
	})
}

// plain is an id without the items of foreach and the waves of gates.
func plain(id string) string {
	for {
		from := strings.IndexByte(id, '[')
		if from < 0 {
			return id
		}
		to := strings.Index(id[from:], "]/")
		if to < 0 {
			return id[:from]
		}
		id = id[:from] + id[from+to+1:]
	}
}

// names gives the names by which steps and blocks can be picked, with the steps that they mean.
func (b *builder) names() map[string][]int {
	known := map[string][]int{}
	for _, s := range b.plan.Steps {
		for _, id := range append([]string{s.ID}, s.Blocks...) {
			for _, name := range []string{id, plain(id), plain(id)[strings.LastIndexByte(plain(id), '/')+1:]} {
				known[name] = append(known[name], s.Index)
			}
		}
	}
	return known
}

func (b *builder) firstOf(name string) int {
	for _, s := range b.plan.Steps {
		if s.Named(name) {
			return s.Index
		}
	}
	return 0
}

func (b *builder) unknownStep(name string, known map[string][]int) {
	var ids []string
	for id := range known {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	hint := source.DidYouMean(name, ids)
	if hint == "" {
		hint = "opsctl graph shows the ids of the steps"
	}
	b.problems.Add(&source.Problem{File: b.rb.File, Message: fmt.Sprintf("there is no step %q to pick", name), Hint: hint})
}

func (b *builder) unknownTags(tags []string) {
	known := map[string]bool{}
	for _, t := range b.rb.Tags {
		known[t] = true
	}
	b.visit(func(n *node) {
		for _, t := range n.src.Tags {
			known[t] = true
		}
	})
	var names []string
	for t := range known {
		names = append(names, t)
	}
	slices.Sort(names)
	for _, tag := range tags {
		if !known[tag] {
			hint := source.DidYouMean(tag, names)
			if hint == "" && len(names) > 0 {
				hint = "there are " + strings.Join(names, ", ")
			}
			b.problems.Add(&source.Problem{File: b.rb.File, Message: fmt.Sprintf("no step has the tag %q", tag), Hint: hint})
		}
	}
}

// skipEmptyEntries leaves out the entry of a block, and its gate, where all steps in it are left out:
// nobody is asked, and nothing is checked, for nothing.
func (b *builder) skipEmptyEntries() {
	for _, s := range b.plan.Steps {
		if s.Skip != "" || !s.Entry && !s.Gate {
			continue
		}
		block, reason := s.ID, ""
		if s.Gate {
			block = b.plan.Rollouts[s.Rollout].Block
		}
		for _, inner := range b.plan.Steps {
			if inner.Entry || inner.Gate || inner.Finally || inner.Wave != s.Wave || !(slices.Contains(inner.Blocks, block) || block == rootID) {
				continue
			}
			if reason = inner.Skip; reason == "" {
				break
			}
		}
		s.Skip = reason
	}
}
