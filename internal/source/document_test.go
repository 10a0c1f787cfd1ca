package source

import (
	"strings"
	"testing"
)

func TestParseFindsAllProblems(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", " \n", "f.yaml: is empty"},
		{"binary", "a\x00b", "f.yaml: is not text"},
		{"tab", "a:\n\tb: 1\n", "f.yaml:2:1: a tab in the indentation"},
		{"duplicate", "a: 1\nb: 2\na: 3\n", `f.yaml:3:1: "a" is given twice`},
		{"two documents", "a: 1\n---\nb: 2\n", "f.yaml:3:1: a second document"},
		{"tab further down", "a:\n  b:\n  - c: 1\n\t- d: 1\n", "f.yaml:4:1: a tab in the indentation"},
		{"unclosed", "a: [1\n", "f.yaml:1:5: cannot read this as YAML: did not find"},
		{"unclosed further up", "a: 1\nb: [1\nc: 2\n", "f.yaml:3:2: cannot read this as YAML: did not find"},
		{"two colons", "a: 1\nb: c: d\n", "f.yaml:2:5: cannot read this as YAML: mapping values are not allowed"},
		{"reserved", "a: 1\nb: @c\n", "f.yaml:2:4: cannot read this as YAML: found character"},
		{"deep", strings.Repeat("[", 100) + strings.Repeat("]", 100), "nested deeper than 64"},
		{"alias bomb", "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n", "more than 100000 values"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse(&File{Name: "f.yaml", Text: tt.text})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestProblemShowsTheWord(t *testing.T) {
	n, err := Parse(&File{Name: "f.yaml", Text: "steps:\n  - need: [x]\n"})
	if err != nil {
		t.Fatal(err)
	}
	p := n.Get("steps").Items[0].Pairs[0].Key.Problem(`unknown key "need"`, DidYouMean("need", []string{"needs", "name"}))
	want := "f.yaml:2:5: unknown key \"need\"\n    2 |   - need: [x]\n      |     ^^^^\n  hint: did you mean \"needs\"?\n"
	if got := p.Render(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestProblemSaysHowMuchItWeighs(t *testing.T) {
	file := &File{Name: "f.yaml", Text: "a: 1\n"}
	for want, p := range map[string]*Problem{
		"f.yaml:1:1: x\n":          {},
		"f.yaml:1:1: warning: x\n": {Warning: true},
		"f.yaml:1:1: note: x\n":    {Warning: true, Note: true},
	} {
		p.File, p.Pos, p.Message = file, Pos{1, 1}, "x"
		if got := p.Render(); !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestValueKeepsYAML12(t *testing.T) {
	n, err := Parse(&File{Name: "f.yaml", Text: "{a: yes, b: 010, c: 1.10, d: true, e: ~, f: '1', g: 1e3}"})
	if err != nil {
		t.Fatal(err)
	}
	m := n.Value().(map[string]any)
	want := map[string]any{"a": "yes", "b": 10, "c": 1.10, "d": true, "e": nil, "f": "1", "g": 1000.0}
	for k, v := range want {
		if m[k] != v {
			t.Errorf("%s: got %#v, want %#v", k, m[k], v)
		}
	}
}

func TestAtFindsPlaceInBlock(t *testing.T) {
	n, err := Parse(&File{Name: "f.yaml", Text: "run: |\n  one\n  two three\n"})
	if err != nil {
		t.Fatal(err)
	}
	run := n.Get("run")
	if got := run.At(strings.Index(run.Text, "three")); got != (Pos{3, 7}) {
		t.Errorf("got %v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("a: [1, 2]\nb: &x {c: d}\ne: *x\n<<: *x\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Parse(&File{Name: "f", Text: text})
		if err != nil {
			_ = err.Error()
			return
		}
		_ = n.Value()
	})
}
