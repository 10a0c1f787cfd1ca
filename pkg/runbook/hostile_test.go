package runbook

import (
	"strings"
	"testing"
)

// What nobody in good faith writes is refused with a word about it. How long that takes, and how much
// memory, stands in docs/benchmarks.md.
func TestHostileDocumentsAreRefused(t *testing.T) {
	bomb := "name: x\nvars:\n  a0: &a0 [" + strings.Repeat("x,", 9) + "x]\n"
	for i := range 9 {
		this, last := string(rune('1'+i)), string(rune('0'+i))
		bomb += "  a" + this + ": &a" + this + " [" + strings.Repeat("*a"+last+",", 9) + "*a" + last + "]\n"
	}
	step := func(run string) string { return "name: x\nsteps:\n  - run: " + run + "\n" }
	tests := []struct{ name, text, want string }{
		{"aliases of aliases", bomb + "steps: [{run: 'true'}]\n", "more than 100000 values"},
		{"an alias within itself", "name: x\nvars: &v {a: *v}\nsteps: [{run: 'true'}]\n", "nested deeper than 64"},
		{"brackets", strings.Repeat("[", 100_000), "exceeded max depth"},
		{"braces in an expression", step("'echo ${{ " + strings.Repeat("{", 50_000) + " }}'"), ""},
		{"parentheses in an expression", step("'echo ${{ " + strings.Repeat("(", 50_000) + "1" + strings.Repeat(")", 50_000) + " }}'"), ""},
		{"groups in a script", step("'echo ${{ run.id }}; " + strings.Repeat("{ ", 50_000) + "'"), "nested"},
		{"substitutions in a script", step("'echo ${{ run.id }} " + strings.Repeat("$(", 50_000) + "'"), "nested"},
		{"a large file", step("'" + strings.Repeat("x", 2<<20) + "'"), "the limit is 1048576"},
		{"many mistakes", "name: x\nsteps:\n" + strings.Repeat("  - {rum: x}\n", 9_000), "did you mean"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := LoadText(tt.text, "x.yaml", ".")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %.300v, want %q", err, tt.want)
			}
		})
	}
}
