package lint

import (
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// identifier finds names in an expression, also those that only look like one: inside of a text, say.
// What is looked for by it is rather found once too often than not at all.
var identifier = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)

// use is a place where a value takes something from a name.
type use struct {
	node          *source.Node
	offset, width int
}

// usesIn gives the values in a text, or in the words of a list, whose expressions hold a name.
func usesIn(n *source.Node, wanted func(string) bool) []use {
	var list []use
	for _, item := range n.Items {
		list = append(list, usesIn(item, wanted)...)
	}
	pieces, err := expression.Split(n.Text)
	if n.Kind != source.Scalar || err != nil {
		return list
	}
	for _, p := range pieces {
		if p.Expr == nil {
			continue
		}
		for _, name := range identifier.FindAllString(p.Literal, -1) {
			if wanted(name) {
				list = append(list, use{n, p.Offset, p.Width})
				break
			}
		}
	}
	return list
}

// bareKeys hold expressions without ${{ and }}.
var bareKeys = map[string]bool{"if": true, "changed_if": true, "failed_if": true, "that": true, "outputs": true, "by": true}

// names gathers every name that the expressions of a document use, how often.
func names(n *source.Node) map[string]int {
	found := map[string]int{}
	gather(n, false, found)
	return found
}

func gather(n *source.Node, bare bool, found map[string]int) {
	if n == nil {
		return
	}
	for _, item := range n.Items {
		gather(item, bare, found)
	}
	for _, p := range n.Pairs {
		gather(p.Value, bare || bareKeys[p.Key.Text], found)
	}
	if n.Kind != source.Scalar {
		return
	}
	text := n.Text
	if !bare {
		text = strings.Join(expressions(n.Text), " ")
	}
	for _, name := range identifier.FindAllString(text, -1) {
		found[name]++
	}
}

// expressions gives what stands between ${{ and }} in a text.
func expressions(text string) []string {
	if !strings.Contains(text, "${{") {
		return nil
	}
	pieces, err := expression.Split(text)
	if err != nil {
		return nil
	}
	var list []string
	for _, p := range pieces {
		if p.Expr != nil {
			list = append(list, p.Literal)
		}
	}
	return list
}
