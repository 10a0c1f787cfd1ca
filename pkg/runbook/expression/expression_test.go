package expression

import (
	"errors"
	"strings"
	"testing"
)

func testScope() Map {
	result := Map{"stdout": String, "exit_code": Int, "outputs": Map{"size": Any}}
	return Map{
		"version": String, "keep": Int,
		"host":  Map{"name": String, "vars": Map{Extra: Any}},
		"steps": Map{"build": result, "switch": Map{"steps": Map{"link": result}}},
	}
}

func TestCompileNamesWhatIsWrong(t *testing.T) {
	tests := []struct{ text, message, hint string }{
		{"versoin == 'x'", `there is no "versoin" here`, `did you mean "version"?`},
		{"steps.biuld.stdout", `steps has no "biuld"`, `did you mean "build"?`},
		{"steps.build.stdot", `steps.build has no "stdot"`, `did you mean "stdout"?`},
		{"host.nam", `host has no "nam"`, `did you mean "name"?`},
		{"now()", `now`, ""},
		{"", "the expression is empty", "quote"},
		{"a +", "cannot read the expression", ""},
	}
	for _, tt := range tests {
		_, err := Compile(tt.text, testScope(), WantAny)
		if err == nil || !strings.Contains(err.Message, tt.message) || !strings.Contains(err.Hint, tt.hint) {
			t.Errorf("%q: got %+v, want %q, %q", tt.text, err, tt.message, tt.hint)
		}
	}
	if _, err := Compile("version", testScope(), WantBool); err == nil || !strings.Contains(err.Message, "a yes or no is needed here") {
		t.Errorf("bool: got %+v", err)
	}
}

func TestStepsAreAskedLate(t *testing.T) {
	e, err := Compile("keep > 3 && steps.switch.steps.link.stdout == 'x' || steps.build.exit_code == 0", testScope(), WantBool)
	if err != nil {
		t.Fatal(err.Message)
	}
	errUnknown := errors.New("unknown")
	env := map[string]any{"keep": 1, StepFunction: func(path string) (any, error) {
		if path == "build" {
			return map[string]any{"exit_code": 0}, nil
		}
		return nil, errUnknown
	}, TextFunction: func(path, field string) (any, error) {
		if path != "switch/link" || field != "stdout" {
			t.Errorf("asked for %s of %s", field, path)
		}
		return nil, errUnknown
	}}
	if v, err := e.Eval(env); err != nil || v != true {
		t.Errorf("got %v, %v", v, err)
	}
	env["keep"] = 5
	if _, err := e.Eval(env); !errors.Is(err, errUnknown) {
		t.Errorf("got %v, want the error of the function", err)
	}
	if len(e.Refs) != 3 || e.Refs[1].String() != "steps.switch.steps.link.stdout" {
		t.Errorf("refs %v", e.Refs)
	}
}

func TestTextKeepsTypeOfOneExpression(t *testing.T) {
	env := map[string]any{"version": "v1", "keep": 3}
	tests := []struct {
		text string
		want any
	}{
		{"${{ keep }}", 3},
		{"n${{ keep }}", "n3"},
		{`${{ {"a": "}}"}.a }}!`, "}}!"},
		{"docker --format '{{.Names}}' ${{version}}", "docker --format '{{.Names}}' v1"},
	}
	for _, tt := range tests {
		text, errs := CompileText(tt.text, testScope())
		if len(errs) > 0 {
			t.Errorf("%s: %v", tt.text, errs[0])
			continue
		}
		if got, err := text.Value(env); err != nil || got != tt.want {
			t.Errorf("%s: got %#v, %v", tt.text, got, err)
		}
	}
	if _, errs := CompileText("a ${{ version", testScope()); len(errs) != 1 || errs[0].Offset != 2 {
		t.Errorf("unclosed: %v", errs)
	}
}

func TestNilSaysWhy(t *testing.T) {
	text, errs := CompileText("x${{ steps.build.stdout }}", testScope())
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	env := map[string]any{TextFunction: func(string, string) (any, error) { return nil, nil }}
	if _, err := text.Render(env); err == nil || !strings.Contains(err.Error(), "it is nothing") {
		t.Errorf("got %v", err)
	}
}

func TestWhatIsAskedLate(t *testing.T) {
	scope := testScope()
	scope["secrets"], scope["result"] = Map{"token": String}, Map{"stdout": String, "exit_code": Int}
	scope["steps"] = Map{"each": Map{Extra: Map{"stdout": String}}}
	scope["item"] = Any
	env := map[string]any{
		"item":         "b",
		"result":       map[string]any{"exit_code": 3},
		SecretFunction: func(name string) (any, error) { return "secret " + name, nil },
		ResultFunction: func(field string) (any, error) { return "own " + field, nil },
		StepFunction:   func(path string) (any, error) { return map[string]any{"b": map[string]any{"stdout": path}}, nil },
		HostsFunction:  func(pattern string) (any, error) { return []any{map[string]any{"name": pattern}}, nil },
	}
	for text, want := range map[string]any{
		"secrets.token":            "secret token",
		"result.stdout":            "own stdout",
		"result.exit_code + 1":     4,
		"steps.each[item].stdout":  "each",
		"steps.each[\"b\"].stdout": "each",
		"hosts(\"web*\")[0].name":  "web*",
	} {
		e, err := Compile(text, scope, WantAny)
		if err != nil {
			t.Errorf("%s: %s", text, err.Message)
			continue
		}
		if got, err := e.Eval(env); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{"secrets.tokn": `secrets has no "tokn"`, "secrets[item]": "a secret is named here, not computed"} {
		if _, err := Compile(text, scope, WantAny); err == nil || err.Message != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	e, err := Compile("steps.each[item].stdout", scope, WantAny)
	if err != nil || e.Refs[0].String() != "steps.each.*.stdout" {
		t.Errorf("%+v, %v", e.Refs, err)
	}
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"steps.build.stdout ?? 'x'", "host.vars.a?.b[0]", "map([1,2], # + keep)", "let a = 1; a + keep", "raw(version)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := Compile(text, testScope(), WantAny); err == nil && e == nil {
			t.Error("neither expression nor error")
		}
	})
}
