package cli

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestExplainedFitsTheTerminal tells every key on a narrow terminal. Examples are code, and are not broken.
func TestExplainedFitsTheTerminal(t *testing.T) {
	keys := everyKey()
	if len(keys) < 100 {
		t.Fatalf("there are only %d keys", len(keys))
	}
	for _, m := range keys {
		text, example, _ := strings.Cut(explained(m, 40), "\n  example:\n")
		if !strings.Contains(example, strings.Trim(m.Key.Example.Text, "\n")[:10]) {
			t.Errorf("%s: its example is not shown", m.Path())
		}
		for _, line := range strings.Split(text, "\n") {
			if utf8.RuneCountInString(line) > 40 && len(strings.Fields(line)) > 2 {
				t.Errorf("%s: a line is too wide: %s", m.Path(), line)
			}
		}
	}
}
