package tidy

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The tree of ARCHITECTURE, from left to right: a package imports what stands above it here, and the hands, the memory and
// the eyes (all that comes after the executor) never import each other.
var (
	base     = []string{"internal/source"}
	written  = []string{"pkg/runbook", "pkg/runbook/language", "pkg/runbook/expression", "pkg/runbook/shell", "pkg/inventory", "pkg/inventory/sshconfig"}
	decided  = []string{"pkg/plan"}
	known    = []string{"pkg/run"}
	happened = []string{"pkg/executor"}
)

// mayImport names every package of ours, and what of ours it may import.
var mayImport = map[string][]string{
	"internal/source": nil,
	// Programs that are started on this machine.
	"internal/process": nil,

	"pkg/runbook/language":    base,
	"pkg/runbook/expression":  base,
	"pkg/runbook/shell":       base,
	"pkg/runbook":             join(base, []string{"pkg/runbook/expression", "pkg/runbook/shell"}),
	"pkg/inventory/sshconfig": base,
	"pkg/inventory":           join(base, []string{"pkg/inventory/sshconfig"}),

	// What looks at texts that people write, and says what it thinks of them.
	"internal/lint":   join(base, []string{"pkg/runbook", "pkg/runbook/expression", "pkg/runbook/shell"}),
	"internal/format": base,

	// What hosts say of their files, compared. It knows neither hosts nor runs.
	"internal/drill": nil,

	"pkg/plan":     join(base, written),
	"pkg/run":      join(base, written, decided),
	"pkg/executor": join(base, written, decided, known),

	// Local and remote hosts are asked by the same script, so they share the package that holds it.
	"pkg/executor/supervisor": join(base, written, decided, known, happened),
	"pkg/executor/local":      join(base, written, decided, known, happened, []string{"pkg/executor/supervisor", "internal/process"}),
	"pkg/executor/remote":     join(base, written, decided, known, happened, []string{"pkg/executor/supervisor"}),
	"pkg/executor/openssh":    join(base, written, decided, known, happened, []string{"pkg/executor/supervisor", "internal/process"}),
	"pkg/executor/action":     join(base, written, decided, known, happened),
	"internal/journal":        join(base, written, decided, known, happened, []string{"internal/journal/lock"}),
	"internal/journal/lock":   base,
	"internal/secret":         join(base, []string{"internal/process"}),
	"internal/notice":         join(base, written, decided, known, happened, []string{"internal/process"}),
	"internal/view":           join(base, written, decided, known, happened),
	"internal/report":         join(base, written, decided, known, happened),
	// A drawing shows what the view shows: it borrows the facts of a run, its signs, and the widths of texts.
	"internal/graph": join(base, written, decided, known, []string{"internal/view"}),

	// What others wrote becomes runbooks and inventories; whether they load, their packages are asked.
	"internal/importer": join(base, []string{"pkg/runbook", "pkg/inventory"}),

	// A fleet of pretend hosts, for the demo and for tests. It knows SSH and processes, and nothing of us.
	"internal/fleet":          nil,
	"internal/fleet/realsshd": nil,
	"internal/fleet/device":   nil,
	"internal/fleet/realsudo": nil,
	"internal/fleet/relay":    nil,

	"internal/cli": join(base, written, decided, known, happened, []string{
		"pkg/executor/supervisor", "pkg/executor/local", "pkg/executor/remote", "pkg/executor/openssh", "pkg/executor/action",
		"internal/journal", "internal/journal/lock", "internal/secret", "internal/view", "internal/report", "internal/graph", "internal/fleet",
		"internal/lint", "internal/format", "internal/drill", "internal/importer", "internal/notice", "runbooks",
	}),
	"cmd/opsctl": {"internal/cli"},

	"internal/tidy": nil,
	"runbooks":      join(base, written, decided), // embeds the library; its test plans every runbook
	"docs":          join(base, written, decided), // its tests read and try the pages
}

// testsMayImport is what a test may import besides.
var testsMayImport = []string{"internal/fleet", "internal/fleet/realsshd", "internal/fleet/realsudo", "internal/fleet/relay", "internal/fleet/device", "pkg/executor/local", "pkg/runbook", "pkg/runbook/language"}

var layers = rule{
	name: "packages import only what stands to their left",
	why:  "runbook, inventory → plan → run → executor → hands, memory, eyes → cli: what decides must not know who does it",
	way: "declare the interface in the package that calls it and let internal/cli put the two together; a new package gets " +
		"its line in mayImport of internal/tidy/imports_test.go",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			allowed, known := mayImport[s.dir]
			if !known {
				if s.file.Name.Name != "main" || s.dir == "cmd/opsctl" {
					found = append(found, refusal{path: s.path, what: fmt.Sprintf("package %s has no place in the tree yet", s.dir)})
				}
				continue
			}
			for _, i := range s.imports() {
				fine := slices.Contains(allowed, i.path) || i.path == s.dir || s.test && slices.Contains(testsMayImport, i.path)
				if i.ours && !fine {
					found = append(found, t.refuse(s, i.at, fmt.Sprintf("%s imports %s", s.dir, i.path)))
				}
			}
		}
		return found
	},
}

// homes gives each library the packages that know it. What lies below such a package belongs to it.
var homes = map[string][]string{
	"go.yaml.in/yaml/v4":          {"internal/source"},
	"github.com/expr-lang/expr":   {"pkg/runbook/expression"},
	"mvdan.cc/sh/v3":              {"pkg/runbook/shell", "internal/lint"},
	"modernc.org/sqlite":          {"internal/journal"},
	"database/sql":                {"internal/journal"},
	"github.com/gofrs/flock":      {"internal/journal"},
	"github.com/spf13":            {"internal/cli"}, // cobra, pflag, viper
	"github.com/charmbracelet":    {"internal/view"},
	"github.com/muesli/termenv":   {"internal/view"},
	"github.com/mattn":            {"internal/view"},
	"github.com/oklog/ulid/v2":    {"internal/cli"},
	"github.com/google/renameio":  {"internal/cli", "internal/report"},
	"golang.org/x/term":           {"internal/cli", "internal/view"},
	"golang.org/x/sync":           {"internal/cli", "pkg/executor"},
	"filippo.io/age":              {"internal/secret"},
	"golang.org/x/crypto/ssh":     {"pkg/executor/remote", "internal/fleet", "internal/secret"}, // SSH keys decrypt age files too
	"github.com/skeema":           {"pkg/executor/remote"},                                      // knownhosts
	"github.com/pkg/sftp":         {"pkg/executor/remote", "internal/fleet"},
	"github.com/cenkalti/backoff": {"pkg/executor/remote"},
	// The operating system by another name: for those who touch one.
	"golang.org/x/sys": {"internal/journal", "internal/view", "internal/fleet", "internal/cli", "pkg/executor"},
}

// testsOnly are libraries that never get into the program.
var testsOnly = []string{
	"pgregory.net/rapid", "github.com/rogpeppe/go-internal", "go.uber.org/goleak", "github.com/google/go-cmp",
	"github.com/santhosh-tekuri/jsonschema/v6",
}

var libraries = rule{
	name: "a library is at home in one package",
	why:  "a library known to one package can be replaced in one package, and its habits stay there",
	way: "ask the package that has it (internal/source for YAML, internal/view for the terminal, ...); a new library is " +
		"weighed in docs/decisions and gets its line in homes of internal/tidy/imports_test.go",
	check: func(t *tree) (found []refusal) {
		for _, s := range t.files {
			for _, i := range s.imports() {
				if i.ours {
					continue
				}
				if what := stranger(s, i.path); what != "" {
					found = append(found, t.refuse(s, i.at, what))
				}
			}
		}
		return found
	},
}

func stranger(s *source, name string) string {
	for _, library := range slices.Sorted(maps.Keys(homes)) {
		if below(name, []string{library}) {
			if below(s.dir, homes[library]) {
				return ""
			}
			return fmt.Sprintf("%s is known to %s only", name, strings.Join(homes[library], " and "))
		}
	}
	first, _, _ := strings.Cut(name, "/")
	switch {
	case !strings.Contains(first, "."): // the standard library
		return ""
	case !below(name, testsOnly):
		return name + " has no home yet"
	case !s.test:
		return name + " is for tests only"
	}
	return ""
}

func join(lists ...[]string) []string { return slices.Concat(lists...) }
