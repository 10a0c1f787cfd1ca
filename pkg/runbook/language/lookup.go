package language

import (
	"slices"
	"strings"
)

// Match is a key that somebody asked about, with the object it is a key of.
type Match struct {
	Object Object
	Key    Key
}

// Path names the match for people.
func (m Match) Path() string { return Path(m.Object.Name, m.Key.Name) }

// Later tells whether this version refuses the key.
func (m Match) Later() bool { return m.Key.Later || m.Object.Later }

// Lookup finds the keys that a person means by "retry", "copy.dest", "step.if", "rollout.spread.by": a name, with what it stands
// in before it. Where there is none it gives the words that could have been meant.
func Lookup(word string) (found []Match, candidates []string) {
	parts := strings.Split(strings.ToLower(strings.Trim(word, ".")), ".")
	name := parts[len(parts)-1]
	var places []string
	if len(parts) > 1 {
		places = named(parts[len(parts)-2])
	}
	told := map[string]bool{} // what stands on steps and on the runbook is told once
	for _, o := range Objects() {
		k, ok := o.Key(name)
		if !ok || places != nil && !slices.Contains(places, o.Name) {
			continue
		}
		m := Match{Object: o, Key: k}
		if o.Name == "runbook" && !isTop(k.Name) {
			m.Object, _ = Find("step")
		}
		if !told[m.Path()] {
			found = append(found, m)
		}
		told[m.Path()] = true
	}
	if len(found) > 0 {
		return found, nil
	}
	for _, o := range Objects() {
		for _, k := range o.Keys {
			candidates = append(candidates, k.Name, o.Name+"."+k.Name)
		}
	}
	slices.Sort(candidates)
	return nil, slices.Compact(candidates)
}

// named gives the objects that a word before the dot means.
func named(word string) []string {
	switch word {
	case "params":
		return []string{"param"}
	case "secrets":
		return []string{"secret"}
	case "steps", "block", "finally", "gate":
		return []string{"step"}
	}
	return []string{word}
}

// isTop tells whether the key is told of at the top level, and not with those of blocks.
func isTop(name string) bool {
	return slices.ContainsFunc(topKeys, func(k Key) bool { return k.Name == name })
}
