package shell

import (
	"strings"
	"testing"
)

func plainOf(t *testing.T, use Use) *Plain {
	t.Helper()
	p, problems := ParsePlain([]Part{{Text: "show ", Value: -1}, {Text: "${{ x }}", Value: 0}, {Text: " brief\n", Value: -1}}, []Use{use})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p
}

func TestPlainTakesPlainWordsOnly(t *testing.T) {
	p := plainOf(t, Use{})
	for _, word := range []string{"", "vlan10", "Gi0/1.100", "10.0.0.1:22", "a=b,c-d_e@f+50%"} {
		if text, err := p.Render([]Value{{Words: []string{word}}}); err != nil || text != "show "+word+" brief" {
			t.Errorf("%q: got %q, %v", word, text, err)
		}
	}
	for _, word := range []string{"a b", "a;reload", "a\nreload", "a|b", `a"`, "a'", "$(x)", "`x`", "ä", "a\x00", "a?", "a#", "\x1b"} {
		if text, err := p.Render([]Value{{Words: []string{word}}}); err == nil || !strings.Contains(err.Error(), "only letters") {
			t.Errorf("%q was taken: %q, %v", word, text, err)
		}
	}
	if _, err := p.Render(nil); err == nil {
		t.Error("a missing value was taken")
	}
}

func TestPlainLists(t *testing.T) {
	p := plainOf(t, Use{})
	if text, err := p.Render([]Value{{Words: []string{"a", "b"}, List: true}}); err != nil || text != "show a b brief" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := p.Render([]Value{{Words: []string{"a", "b c"}, List: true}}); err == nil {
		t.Error("a word with a space was taken")
	}
}

func TestPlainRaw(t *testing.T) {
	p := plainOf(t, Use{Raw: true})
	if text, err := p.Render([]Value{{Words: []string{`interface "x y"`}}}); err != nil || text != `show interface "x y" brief` {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := p.Render([]Value{{Words: []string{"a\x00b"}}}); err == nil {
		t.Error("a NUL was taken")
	}
}

func TestPlainRefusesSecretsAndNothing(t *testing.T) {
	if _, problems := ParsePlain([]Part{{Text: "${{ secrets.x }}", Value: 0, Offset: 3}}, []Use{{Secret: true}}); len(problems) != 1 || problems[0].Offset != 3 {
		t.Errorf("got %v", problems)
	}
	empty, _ := ParsePlain([]Part{{Text: " \n", Value: -1}}, nil)
	if _, err := empty.Render(nil); err == nil {
		t.Error("an empty command was taken")
	}
}
