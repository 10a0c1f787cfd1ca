package inventory

import (
	"fmt"

	"github.com/opsctl/opsctl/internal/source"
)

// decodeVars is the reader of a file in group_vars or host_vars.
func decodeVars(file *source.File, owner string, t *troubles) []variable {
	node, scalar := parseAnsible(file, t)
	if node == nil || node.Kind == source.Null {
		return nil
	}
	if node.Kind != source.Map {
		t.add(problemAt(node, fmt.Sprintf("a file of vars is a map of names and values, not %s", node.Describe()), ""))
		return nil
	}
	values := newValueReader(t, file, scalar)
	return values.variables(node, owner, newAnsibleDraft(t))
}
