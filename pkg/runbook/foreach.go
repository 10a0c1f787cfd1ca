package runbook

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// ItemsMax bounds the items of one foreach.
const ItemsMax = 10_000

// ForEach makes a step of every item of a list, which is known before the run.
type ForEach struct {
	Node *source.Node
	List *Var // as written: a list, or an expression that gives one
}

// Item is one item of a foreach.
type Item struct {
	Key   string // in the step's id: step[key]
	Value any
}

func (d *decoder) forEach(n *source.Node) *ForEach {
	if n.Kind != source.List && (n.Kind != source.Scalar || !strings.Contains(n.Text, "${{")) {
		p := d.problem(n, "foreach is a list, or an expression that gives one; this is %s", n.Describe())
		p.Hint = `foreach: [a, b], or foreach: ${{ list }}`
		return nil
	}
	return &ForEach{Node: n, List: &Var{Name: "foreach", Node: n}}
}

// Items evaluates the list; env holds the params and vars. A text is named by itself, a list or a
// map by its place, counted from 1.
func (f *ForEach) Items(env map[string]any) ([]Item, error) {
	value, err := f.List.Compute(env)
	if err != nil {
		return nil, err
	}
	list, ok := value.([]any)
	if texts, is := value.([]string); is { // of split, and the like
		ok = true
		for _, t := range texts {
			list = append(list, t)
		}
	}
	if !ok {
		return nil, fmt.Errorf("foreach needs a list, and %s gives %s", strconv.Quote(f.Node.Text), describeValue(value))
	}
	if len(list) > ItemsMax {
		return nil, fmt.Errorf("foreach has %d items; at most %d are taken", len(list), ItemsMax)
	}
	seen := map[string]bool{}
	items := make([]Item, len(list))
	for i, v := range list {
		items[i] = Item{Key: itemKey(i, v), Value: v}
		if seen[items[i].Key] {
			return nil, fmt.Errorf("foreach has the item %q twice", items[i].Key)
		}
		seen[items[i].Key] = true
	}
	return items, nil
}

func itemKey(i int, value any) string {
	switch value.(type) {
	case nil, []any, map[string]any:
		return strconv.Itoa(i + 1)
	}
	text, err := expression.Format(value)
	if err != nil || text == "" {
		return strconv.Itoa(i + 1)
	}
	return text
}

func describeValue(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case map[string]any:
		return "a map"
	case string:
		return "a text"
	}
	return fmt.Sprintf("%v", v)
}

// loops tells whether item is known at the step: one of the blocks around it in its document, or
// the step itself, is there for each item of a list.
func (s *Step) loops() bool {
	for at := s; at != nil && !at.IsRoot(); at = at.Parent {
		if at.ForEach != nil {
			return true
		}
	}
	return false
}
