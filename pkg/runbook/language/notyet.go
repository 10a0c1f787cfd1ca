package language

import (
	"slices"
	"strings"
)

// notYet is what stands in the tables and is refused by the decoder so far: a key as "object.key" (those of steps and of the
// runbook apart), one of its words as "object.key=word", one of its alternatives as "object.key{object}". A test holds the
// list against the decoder: what the decoder takes is taken out of it.
var notYet = []string{
	"lock.scope=hosts",
}

// Planned names keys of a later version, of which the tables say nothing yet. The decoder knows that they are no mistakes.
func Planned() []string { return []string{"schedule"} }

// NotYet lists what the tables tell of and the decoder refuses.
func NotYet() []string { return slices.Clone(notYet) }

// asOfNow gives a key as this version takes it, of a step or the runbook, or inside an object.
func asOfNow(of string, k Key) Key {
	if k.On != 0 {
		now := k.On
		if slices.Contains(notYet, "step."+k.Name) {
			now &^= entry
		}
		if slices.Contains(notYet, "runbook."+k.Name) {
			now &^= Top
		}
		if k.Later = now == 0; !k.Later {
			k.On = now
		}
	} else {
		k.Later = slices.Contains(notYet, of+"."+k.Name)
	}
	k.Type = typeAsOfNow(of+"."+k.Name, k.Type)
	return k
}

func typeAsOfNow(path string, t Type) Type {
	t.Words = slices.DeleteFunc(slices.Clone(t.Words), func(w string) bool { return slices.Contains(notYet, path+"="+w) })
	var kept []Type
	for _, of := range t.Of {
		if !slices.Contains(notYet, path+"{"+of.Object+"}") {
			kept = append(kept, typeAsOfNow(path, of))
		}
	}
	if t.Of = kept; t.Kind == Either && len(kept) == 1 {
		return kept[0]
	}
	return t
}

// Later names the keys that this version does not take, "schedule" among them, each once.
func Later() []string {
	names := Planned()
	for _, path := range notYet {
		name := path[strings.Index(path, ".")+1:]
		whole := !strings.ContainsAny(name, "={")
		if whole && !slices.Contains(names, name) && laterEverywhere(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func laterEverywhere(name string) bool {
	for _, o := range Objects() {
		if k, ok := o.Key(name); ok && !k.Later && !o.Later {
			return false
		}
	}
	return true
}
