package lint

import "slices"

// Rules are all rules, in the order in which they are told.
func Rules() []Rule {
	return slices.Concat(undoRules(), readingRules(), shapeRules(), bashRules(), orderRules(), secretRules(), unusedRules(), documentRules(), exceptionRules())
}
