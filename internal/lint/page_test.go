package lint

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const pageHead = `# Lint

` + "`opsctl lint RUNBOOK…`" + ` finds what is allowed in a runbook and likely not meant. Warnings make it exit 1, notes do not. Each finding names
its rule, as ` + "`opsctl lint --list`" + ` lists them; ` + "`--explain RULE`" + ` tells what stands here. ` + "`--rule`" + ` asks only some, ` + "`--skip-rule`" + ` all but some.

## Exceptions

A comment makes an exception for one or more rules. It stands on the line of the step, of the key or of the finding itself, or
above it, and says why:

` + "```yaml runbook=exception.yaml" + `
name: exception
steps:
  # opsctl:ignore sudo-in-script this host knows sudo for one command only
  - run: sudo /usr/local/bin/rotate
` + "```" + `

An exception without a reason, for a rule that does not exist, or where nothing is found, is a finding itself.

## For programs

With ` + "`--output json`" + ` a line is printed for each runbook. Lines and columns count from 1, columns in characters; ` + "`end_column`" + ` is the
first one behind what was found. ` + "`problems`" + ` holds what keeps a runbook from being loaded, as ` + "`opsctl validate`" + ` tells it.

` + "```yaml runbook=loud.yaml" + `
name: loud
steps: [{id: look, run: sudo ls, effect: read}]
` + "```" + `

` + "```console" + `
$ opsctl lint loud.yaml --output json  # exit 1
{"file":"loud.yaml","ok":false,"findings":[{"rule":"sudo-in-script","severity":"warning","file":"loud.yaml","line":2,"column":25,"end_column":29,"step":"look","message":"sudo inside of a script","hint":"sudo: true on the step, or sudo: USER"}],"problems":[]}
` + "```" + `

`

// TestPage holds docs/reference/lint.md against the table of rules.
func TestPage(t *testing.T) {
	var b strings.Builder
	b.WriteString(pageHead + "## Rules\n\n| rule | severity | finds |\n|---|---|---|\n")
	for _, r := range Rules() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", r.Name, r.Name, r.Severity, r.Summary)
	}
	for _, r := range Rules() {
		fmt.Fprintf(&b, "\n### %s\n\n%s Found in:\n\n```yaml runbook=bad.yaml\n%s```\n\nInstead:\n\n```yaml runbook=good.yaml\n%s```\n", r.Name, r.Why, r.Bad, r.Good)
	}
	golden(t, "../../docs/reference/lint.md", b.String())
}

// TestShipped holds the runbooks that come with opsctl to the rules.
func TestShipped(t *testing.T) {
	for _, pattern := range []string{"../../runbooks/*.yaml", "../cli/starter/runbooks/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", pattern, err)
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if found := check(t, "runbooks/"+filepath.Base(name), string(text), Options{}); len(found) > 0 {
				t.Errorf("%s:\n%s", name, rendered(found))
			}
		}
	}
}
