package inventory

import (
	"errors"
	"fmt"
	"slices"

	"github.com/opsctl/opsctl/internal/source"
)

// memberWord gives the hosts that one entry of a group's hosts stands for. It is a pattern over
// the names of hosts, in which brackets are ranges and not positions.
func (b *builder) memberWord(g *groupNode, word *source.Node) []int {
	if h := b.inv.hosts[word.Text]; h != nil { // by far the most frequent
		return []int{h.index}
	}
	words, err := splitPattern(word.Text)
	if err != nil {
		b.patternProblem(word, 0, err)
		return nil
	}
	var in []int
	var narrowing []func(index int) bool
	widened := false
	for _, w := range words {
		found := b.memberTerm(g, word, w)
		if w.joint == or {
			in, widened = append(in, found...), true
			continue
		}
		set := make(map[int]bool, len(found))
		for _, index := range found {
			set[index] = true
		}
		wanted := w.joint == and
		narrowing = append(narrowing, func(index int) bool { return set[index] == wanted })
	}
	if !widened { // only "and" or "not": of all hosts
		for index := range b.inv.Hosts {
			in = append(in, index)
		}
	}
	return slices.DeleteFunc(in, func(index int) bool {
		return slices.ContainsFunc(narrowing, func(keeps func(int) bool) bool { return !keeps(index) })
	})
}

func (b *builder) memberTerm(g *groupNode, node *source.Node, w word) []int {
	var found []int
	texts := []string{w.text}
	if w.text[0] != '~' {
		names, bad := b.expand(w.text)
		if bad != nil {
			b.add(node.ProblemAt(w.offset+bad.offset, bad.width, bad.message, bad.hint))
			return found
		}
		texts = names
	}
	for _, text := range texts {
		if h := b.inv.hosts[text]; h != nil {
			found = append(found, h.index)
			continue
		}
		t, err := parseTerm(text, word{text: text})
		if err != nil {
			b.patternProblem(node, w.offset, err)
			return found
		}
		if t.name != "" {
			b.unknownMember(g, node, w, t.name)
			continue
		}
		for i, h := range b.inv.Hosts {
			if t.matches(h.Name) {
				found = append(found, i)
			}
		}
	}
	return found
}

func (b *builder) patternProblem(node *source.Node, offset int, err error) {
	var bad *PatternError
	if errors.As(err, &bad) {
		b.add(node.ProblemAt(offset+bad.Offset, 1, bad.Message, bad.Hint))
		return
	}
	b.add(node.Problem(err.Error(), ""))
}

func (b *builder) unknownMember(g *groupNode, node *source.Node, w word, name string) {
	var hint string
	switch {
	case name == All || name == Local:
		hint = fmt.Sprintf("%q cannot be in a group", name)
	case b.groups[name] != nil:
		hint = fmt.Sprintf("it is a group; write groups: [%s]", name)
	default:
		hint = b.nearest(name, b.hostNames)
		if hint == "" && b.lookups <= nearestMax {
			hint = "hosts are given under the hosts of the inventory; a group only names them"
		}
	}
	b.add(node.ProblemAt(w.offset, len(w.text), fmt.Sprintf("cannot find the host %s of group %s", quote(name), quote(g.name)), hint))
}

func (b *builder) hostNames() []string {
	if b.words == nil {
		for _, h := range b.inv.Hosts {
			b.words = append(b.words, h.Name)
		}
	}
	return b.words
}
