package language

import "github.com/opsctl/opsctl/internal/source"

// Use is a key that stands somewhere in a document.
type Use struct {
	Object string
	Key    Key
	Value  *source.Node
}

// Uses lists the keys of a runbook that the language knows, with the objects they stand in, from the top down.
func Uses(root *source.Node) []Use {
	all := map[string]Object{}
	for _, o := range Objects() {
		all[o.Name] = o
	}
	var list []Use
	var object func(*source.Node, string)
	var value func(*source.Node, Type)
	object = func(n *source.Node, name string) {
		for _, p := range n.Pairs {
			if k, ok := all[name].Key(p.Key.Text); ok {
				list = append(list, Use{Object: name, Key: k, Value: p.Value})
				value(p.Value, k.Type)
			}
		}
	}
	value = func(n *source.Node, t Type) {
		switch t.Kind {
		case Inner:
			object(n, t.Object)
		case Either:
			for _, of := range t.Of {
				value(n, of)
			}
		case List, Many:
			for _, item := range n.Items {
				value(item, t.Of[0])
			}
			if t.Kind == Many && n.Kind != source.List { // one by itself
				value(n, t.Of[0])
			}
		case Map:
			for _, p := range n.Pairs {
				value(p.Value, t.Of[0])
			}
		}
	}
	object(root, "runbook")
	return list
}
