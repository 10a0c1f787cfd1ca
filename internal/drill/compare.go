package drill

import (
	"cmp"
	"slices"
)

// What differs about a place.
const (
	Appeared = "appeared"
	Vanished = "vanished"
	Kind     = "kind"
	Content  = "content"
	Mode     = "mode"
	Owner    = "owner"
	Group    = "group"
	Target   = "target"
	Check    = "check"
)

// Difference is one thing that is not as it was.
type Difference struct {
	Place
	What   string `json:"what"`
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}

// Compare gives what differs between two snapshots, in the order of hosts, paths and steps.
func Compare(before, after *Snapshot) []Difference {
	var list []Difference
	for place, old := range before.Entries {
		now, there := after.Entries[place]
		if !there {
			list = append(list, Difference{Place: place, What: Vanished, Before: old.word()})
			continue
		}
		list = append(list, changes(place, old, now)...)
	}
	for place, now := range after.Entries {
		if _, there := before.Entries[place]; !there {
			list = append(list, Difference{Place: place, What: Appeared, After: now.word()})
		}
	}
	for place, old := range before.Checks {
		if now := after.Checks[place]; now != old {
			list = append(list, Difference{Place: place, What: Check, Before: old, After: now})
		}
	}
	slices.SortFunc(list, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Step, b.Step), cmp.Compare(a.What, b.What))
	})
	return list
}

// changes gives what differs about an entry that is still there.
func changes(place Place, old, now Entry) []Difference {
	if old.Kind != now.Kind {
		return []Difference{{Place: place, What: Kind, Before: old.word(), After: now.word()}}
	}
	var list []Difference
	differ := func(what, before, after string) {
		if before != after {
			list = append(list, Difference{Place: place, What: what, Before: before, After: after})
		}
	}
	if old.Content != now.Content { // its sum is not told: what is in a file may be secret, and easy to guess
		list = append(list, Difference{Place: place, What: Content})
	}
	differ(Target, old.Target, now.Target)
	differ(Mode, old.Mode, now.Mode)
	differ(Owner, old.Owner, now.Owner)
	differ(Group, old.Group, now.Group)
	return list
}

func (e Entry) word() string {
	switch e.Kind {
	case '-':
		return "file"
	case 'd':
		return "directory"
	case 'l':
		return "symlink"
	}
	return "special file"
}
