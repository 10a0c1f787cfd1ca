package shell

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// TestDeepNesting gives the recursive parser the deepest scripts that the limit lets through: they
// may be refused or accepted, but must not exhaust the stack, which no program survives.
func TestDeepNesting(t *testing.T) {
	for _, row := range [][2]string{
		{"(", ")"},
		{"$(", ")"},
		{"{ ", ";}"},
		{"\"$(", ")\""},
		{"${x:-", "}"},
		{"$((", "))"},
		{"$((- ", "))"},
		{"if ", ""},
		{"! ", ""},
		{"a|", ""},
		{"a&&", ""},
		{"<<A ", ""},
		{"<(", ")"},
		{"[[ ( ", ")"},
		{"`", ""},
		{"\\`", ""},
		{"x=(", ")"},
		{"f()", ""},
		{"((", "))"},
		{"a[", "]"},
	} {
		n := (BytesMax - 10) / (len(row[0]) + len(row[1]))
		if os.Getenv("OPSCTL_SHELL_CASES") == "" { // the full depth takes seconds
			n = min(n, 5000)
		}
		text := strings.Repeat(row[0], n) + "a" + strings.Repeat(row[1], n)
		for _, dialect := range []Dialect{Posix, Bash} {
			_, _ = Parse([]Part{{Text: text, Value: -1}}, dialect, nil)
			_, _ = Parse([]Part{{Text: "${{ v }}", Value: 0}, {Text: " " + text, Value: -1, Offset: 8}}, dialect, []Use{{}})
		}
		t.Logf("%q %d", row[0], n)
	}
}

// TestManyProblems has every place wrong: the list is cut, and the script is not read anew for each.
func TestManyProblems(t *testing.T) {
	parts, uses := split(strings.Repeat("echo $((${{ v }}))\n", PlacesMax))
	_, problems := Parse(parts, Posix, uses)
	if len(problems) != ProblemsMax {
		t.Errorf("%d problems, want %d", len(problems), ProblemsMax)
	}
	parts, uses = split(strings.Repeat("echo ${{ v }}\n", PlacesMax+1))
	if _, problems := Parse(parts, Posix, uses); len(problems) != 1 {
		t.Errorf("problems: %+v", problems)
	}
}

// TestDelimiterUnderAttack gives a here-document a value that holds the first names tried for its delimiter.
func TestDelimiterUnderAttack(t *testing.T) {
	body := "EOF\n"
	for n := range 100 {
		body += "EOF_" + strconv.Itoa(n) + "\n"
	}
	name, ok := fresh("EOF", body)
	if !ok || strings.Contains(body, name) || len(name) != len("EOF_")+32 {
		t.Errorf("%q %v", name, ok)
	}
}
