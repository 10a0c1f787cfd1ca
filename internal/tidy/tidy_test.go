package tidy

import (
	"fmt"
	"os"
	"sort"
	"strings"
	"testing"
)

// refusal is one thing that is not as it should be. Why and way stand in the rule.
type refusal struct {
	path string
	line int // 0 is the file as a whole
	what string
}

// rule refuses what it finds, and tells why, and the way out.
type rule struct {
	name  string
	why   string
	way   string
	check func(*tree) []refusal
}

// rules are told in the order in which one would put things right.
func rules() []rule {
	return []rule{
		parsed, layers, libraries, pure, terminal,
		packageNames, packageDocs, fileSizes, functionSizes,
		inits, variables, words, dryRuns, unfinished, places,
		skips, sleeps, tables,
	}
}

func TestTree(t *testing.T) {
	loaded, err := load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			if found := r.check(loaded); len(found) > 0 {
				t.Error(r.tell(found))
			}
		})
	}
}

func (r rule) tell(found []refusal) string {
	sort.SliceStable(found, func(i, j int) bool {
		a, b := found[i], found[j]
		if a.path != b.path {
			return a.path < b.path
		}
		return a.line < b.line
	})
	var text strings.Builder
	for _, f := range found {
		place := f.path
		if f.line > 0 {
			place = fmt.Sprintf("%s:%d", f.path, f.line)
		}
		fmt.Fprintf(&text, "\n%s: %s", place, f.what)
	}
	fmt.Fprintf(&text, "\nwhy:  %s\nhint: %s", r.why, r.way)
	return text.String()
}

var parsed = rule{
	name: "files can be read",
	why:  "what cannot be read cannot be judged",
	way:  "mend the syntax",
	check: func(t *tree) []refusal {
		return t.broken
	},
}

// tables must not outlive what they speak of: an exception for a file that is gone would excuse the next one of its name.
var tables = rule{
	name: "exceptions speak of files that exist",
	why:  "an exception that outlives its file excuses the next file of that name",
	way:  "take the line out of the table of internal/tidy",
	check: func(t *tree) (found []refusal) {
		for path := range exceptions() {
			if !t.holds(path) {
				found = append(found, refusal{path: path, what: "an exception is made for it, and it does not exist"})
			}
		}
		return found
	},
}
