package tidy

import (
	"path"
	"regexp"
	"strings"
)

// What is looked for in texts of all kinds, except in the tables of this package.
var (
	notDone = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)
	// Somebody's checkout and somebody's tools, as they stand on one machine only.
	somewhere = regexp.MustCompile(`(^|[\s"'=(:` + "`" + `])(/(home|Users)/[a-z]+/(go|git|src|projects)\b|/root/(go|git|src)\b)`)
)

var unfinished = rule{
	name: "nothing is half done",
	why:  "a note to come back is read by everybody but the one who comes back",
	way:  "do it now, or open an issue and take the note out",
	check: func(t *tree) []refusal {
		return t.lines(notDone, "holds a note to come back", ".go", ".sh", ".yaml", ".yml", "")
	},
}

var places = rule{
	name: "no path of one machine",
	why:  "it exists nowhere else, so a reader cannot follow it and a test cannot pass",
	way:  "take it from the environment, from t.TempDir, or relative to the repository",
	check: func(t *tree) []refusal {
		return t.lines(somewhere, "names a place on somebody's machine")
	},
}

// lines refuses each line that matches, in files with one of these endings, or in all.
func (t *tree) lines(wrong *regexp.Regexp, what string, endings ...string) (found []refusal) {
	for name, text := range t.texts {
		if path.Dir(name) == own || len(endings) > 0 && !oneOf(path.Ext(name), endings) || !wrong.MatchString(text) {
			continue
		}
		for i, line := range strings.Split(text, "\n") {
			if wrong.MatchString(line) {
				found = append(found, refusal{path: name, line: i + 1, what: what + ": " + strings.TrimSpace(line)})
			}
		}
	}
	return found
}

func oneOf(name string, all []string) bool {
	for _, one := range all {
		if name == one {
			return true
		}
	}
	return false
}
