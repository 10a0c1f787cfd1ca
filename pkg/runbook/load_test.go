package runbook

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

const deploy = `
name: rolling-deploy
tags: [deploy]
params:
  version: {type: string, pattern: '^v\d+\.\d+\.\d+$', help: "release to install, e.g. v1.4.2"}
  keep: {type: int, default: 3, min: 1}
  token: {secret: true, default: abcd}
vars:
  release: /srv/app/releases/${{ version }}
hosts: web
on_failure: rollback
steps:
  - id: upload
    copy: {src: dist/, dest: "${{ release }}"}
  - id: migrate
    hosts: db[0]
    check: ./migrate status | grep -qx ${{ version }}
    run: ./migrate up ${{ version }}
    rollback: ./migrate down ${{ version }}
  - id: switch
    rollout: {waves: [1, 25%, 100%], max_failures: 1, soak: 30s}
    steps:
      - id: activate
        rollback: {run: systemctl restart app, sudo: true}
        steps:
          - id: link
            save: {previous: readlink /srv/app/current}
            run: ln -sfn ${{ release }} /srv/app/current
            rollback: ln -sfn ${{ saved.previous }} /srv/app/current
          - id: healthy
            wait: {http: 'http://localhost:8080/health', status: 200, every: 2s, timeout: 60s}
      - run: [echo, "${{ steps.activate.steps.link.stdout }}"]
        delegate: local
finally:
  - run: echo ${{ run.outcome }} ${{ token }}
`

func mustLoad(t *testing.T, text string) *Runbook {
	t.Helper()
	rb, _, err := LoadText(text, "r.yaml", ".")
	if err != nil {
		t.Fatal(err)
	}
	return rb
}

func TestLoadReadsTheWholeRunbook(t *testing.T) {
	rb := mustLoad(t, deploy)
	if len(rb.Root.Steps) != 3 || rb.Default.Do != "rollback" || len(rb.Finally) != 1 {
		t.Fatalf("%+v", rb)
	}
	link := rb.Root.Steps[2].Steps[0].Steps[0]
	if link.Path != "switch/activate/link" || !link.HasUndo() || link.Save[0].Name != "previous" {
		t.Errorf("%+v", link)
	}
	echo := rb.Root.Steps[2].Steps[1]
	if echo.ID != "run_2" || len(echo.Reads) != 1 || echo.Reads[0].Step != link {
		t.Errorf("%+v", echo)
	}
	if rb.Finally[0].Path != "finally/run_1" {
		t.Error(rb.Finally[0].Path)
	}
	if before := rb.Root.Steps[2].Before; len(before) != 1 || before[0].ID != "migrate" {
		t.Error(before)
	}
}

func TestMistakesAreShownAtTheirPlace(t *testing.T) {
	const head = "name: x\nsteps:\n"
	tests := []struct{ name, text, want string }{
		{"unknown key", head + "  - {run: a, need: [b]}\n", "r.yaml:3:14: unknown key \"need\" in a step\n    3 |   - {run: a, need: [b]}\n      |              ^^^^\n  hint: did you mean \"needs\"?"},
		{"no name", "steps: [{run: a}]", "a runbook needs a name"},
		{"no steps", "name: x", "a runbook needs steps"},
		{"two actions", head + "  - run: a\n    link: {path: /a, to: /b}\n", `a step does one thing: it says "run" already`},
		{"no action", head + "  - id: a\n", "this step does not say what it does"},
		{"unknown need", head + "  - {id: build, run: a}\n  - {id: b, run: a, needs: [biuld]}\n", `step "b" needs "biuld", and this block has no such step`},
		{"self need", head + "  - {id: b, run: a, needs: [b]}\n", "needs itself"},
		{"cycle", head + "  - {id: a, run: x, needs: [c]}\n  - {id: b, run: x, needs: [a]}\n  - {id: c, run: x, needs: [b]}\n", "these steps wait for each other: a → c → b → a"},
		{"twice", head + "  - {id: a, run: x}\n  - {id: a, run: y}\n", `two steps of this block are called "a"`},
		{"yes", head + "  - {run: x, once: yes}\n", "true or false is needed here, this is \"yes\"\n    3 |   - {run: x, once: yes}\n      |                    ^^^\n  hint: YAML 1.2 reads this as text; write true"},
		{"unit", head + "  - {run: x, timeout: 30}\n", "with a unit: 30s"},
		{"name in scope", "name: x\nparams: {version: {}}\nsteps:\n  - run: echo ${{ versoin }}\n", "r.yaml:4:19: there is no \"versoin\" here\n    4 |   - run: echo ${{ versoin }}\n      |                   ^^^^^^^\n  hint: did you mean \"version\"?"},
		{"later step", head + "  - {id: a, run: 'echo ${{ steps.b.stdout }}'}\n  - {id: b, run: x}\n", `step "b" is not certain to be before this one`},
		{"parallel step", head + "  - {id: a, run: x}\n  - {id: b, run: 'echo ${{ steps.a.stdout }}', needs: []}\n", `step "a" is not certain to be before this one`},
		{"quoted heredoc", "name: x\nparams: {v: {}}\nsteps:\n  - run: |\n      cat <<'EOF'\n      ${{ v }}\n      EOF\n", "r.yaml:6:7:"},
		{"shell syntax", head + "  - run: 'if true; then echo'\n", "r.yaml:3:"},
		{"raw of remote", head + "  - {id: a, run: x}\n  - run: echo ${{ raw(steps.a.stdout) }}\n", "raw() would let a secret"},
		{"python", "name: x\nparams: {v: {}}\nsteps:\n  - {shell: python3, run: 'print(${{ v }})'}\n", "its quoting is not known"},
		{"var cycle", "name: x\nvars: {a: '${{ b }}', b: '${{ a }}'}\nsteps: [{run: x}]\n", "these vars are made of each other"},
		{"same name", "name: x\nparams: {a: {}}\nvars: {a: 1}\nsteps: [{run: x}]\n", `the name "a" is taken by a param of the same name`},
		{"bad default", "name: x\nparams: {a: {type: int, default: x}}\nsteps: [{run: x}]\n", `the default of param "a" is wrong: "x" is not an int`},
		{"nested rollout", "name: x\nsteps:\n  - rollout: 1\n    steps:\n      - rollout: 1\n        steps: [{run: x}]\n", "a rollout inside a rollout"},
		{"rollout on step", head + "  - {run: x, rollout: 1}\n", "rollout stands on a block"},
		{"effect read with rollback", head + "  - {run: x, effect: read, rollback: y}\n", "nothing to take back"},
		{"tag", head + "  - run: x\n    if: !dry\n", "begins a YAML tag"},
		{"empty if", head + "  - run: x\n    if: # nothing\n", "an expression is needed here"},
		{"called runbook", head + "  - {id: runbook, run: x}\n", `no step can be called "runbook"`},
		{"foreach text", head + "  - {foreach: a, run: x}\n", "foreach is a list, or an expression that gives one"},
		{"gate with id", "name: x\nsteps:\n  - rollout: {waves: 1, gate: {id: g, run: x}}\n    steps: [{run: x}]\n", "a gate has no id"},
		{"with alone", head + "  - {run: x, with: {a: 1}}\n", "with belongs to a step that includes a runbook"},
		{"outside", head + "  - runbook: ../other.yaml\n", "a runbook outside of the project cannot be included"},
		{"not there", head + "  - runbook: nosuch.yaml\n", "there is no runbook nosuch.yaml"},
		{"two sources", "name: x\nsecrets: {a: {env: A, file: b}}\nsteps: [{run: x}]\n", `a secret has one source: it says "env" already`},
		{"unknown secret", "name: x\nsecrets: {token: {env: A}}\nsteps: [{run: 'x ${{ secrets.tokn }}'}]\n", `secrets has no "tokn"`},
		{"secret in hosts", "name: x\nsecrets: {token: {env: A}}\nsteps: [{run: x, hosts: '${{ secrets.token }}'}]\n", `there is no "secrets" here`},
		{"item alone", head + "  - {run: 'x ${{ item }}'}\n", `there is no "item" here`},
		{"save on a block", head + "  - {save: {a: b}, steps: [{run: x}]}\n", "save stands on a step, not on a block"},
		{"sensitive save", head + "  - {sensitive: true, save: {a: b}, run: x}\n", "would be kept in the journal"},
		{"mode", head + "  - copy: {content: x, dest: /a, mode: rw}\n", "permissions are written in octal"},
		{"later", "schedule: daily\n" + head + "  - {run: x}\n", `"schedule" of a runbook is not supported by this version of opsctl`},
		{"finally rollback", head + "  - run: x\nfinally:\n  - {run: x, rollback: y}\n", "never taken back"},
		{"started reads result", head + "  - {run: x, rollback: {run: 'echo ${{ result.stdout }}', when: started}}\n", `result has no "stdout"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := LoadText(tt.text, "r.yaml", ".")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

// files is a project in memory.
type files map[string]string

func (f files) load(t *testing.T, name string) (*Runbook, error) {
	t.Helper()
	loader := Loader{Root: "/p", Read: func(path string) (string, error) {
		text, ok := f[path]
		if !ok {
			return "", fs.ErrNotExist
		}
		return text, nil
	}}
	rb, _, err := loader.LoadText(f[name], name, filepath.Dir(name))
	return rb, err
}

func TestIncludesAreBlocksOfTheirOwn(t *testing.T) {
	f := files{
		"/p/top.yaml":       "name: top\nsudo: true\nsteps:\n  - {runbook: lib/inner.yaml, with: {version: v1}}\n  - run: echo ${{ steps.inner.outputs.said }}\n",
		"/p/lib/inner.yaml": "name: inner\nparams: {version: {}}\noutputs: {said: steps.say.stdout}\nsteps:\n  - {id: say, run: 'echo ${{ version }}', rollback: x}\nfinally:\n  - {id: bye, run: 'echo ${{ steps.say.outcome }}'}\n",
	}
	rb, err := f.load(t, "/p/top.yaml")
	if err != nil {
		t.Fatal(err)
	}
	include := rb.Root.Steps[0]
	if include.ID != "inner" || !include.IsBlock() || rb.Default.Do != "rollback" {
		t.Errorf("%s %v %s", include.ID, include.IsBlock(), rb.Default.Do)
	}
	root := include.Steps[0]
	say := root.Steps[0]
	if say.Path != "inner/say" || root.Always[0].Path != "inner/finally/bye" || say.In != include.Include.Runbook {
		t.Errorf("%s, %s", say.Path, root.Always[0].Path)
	}
	if sudo := Inherit(say, func(s *Step) *Text { return s.Sudo }); sudo == nil {
		t.Error("it does not inherit sudo")
	}
	if got := rb.Files(); len(got) != 1 || got["/p/lib/inner.yaml"] == "" {
		t.Error(got)
	}
}

func TestMistakesOfIncludes(t *testing.T) {
	const head = "name: x\nsteps:\n"
	inner := "name: inner\nparams: {version: {}, keep: {default: a}}\nsteps: [{id: say, run: x}]\n"
	tests := []struct {
		name string
		f    files
		want string
	}{
		{"unknown param", files{"/p/a": head + "  - {runbook: b, with: {version: 1, keap: 2}}\n", "/p/b": inner}, "/p/a:3:37: runbook \"inner\" has no param \"keap\""},
		{"missing param", files{"/p/a": head + "  - runbook: b\n", "/p/b": inner}, "/p/a:3:14: runbook \"inner\" needs the param \"version\""},
		{"isolated", files{"/p/a": "name: x\nparams: {mine: {}}\nsteps: [{runbook: b}]\n", "/p/b": "name: i\nsteps: [{run: 'echo ${{ mine }}'}]\n"}, "/p/b:2:25: there is no \"mine\" here"},
		{"its steps are its own", files{"/p/a": head + "  - {id: i, runbook: b, with: {version: 1}}\n  - run: echo ${{ steps.i.steps.say.stdout }}\n", "/p/b": inner}, "steps.i has no \"steps\""},
		{"loop", files{"/p/a": head + "  - runbook: b\n", "/p/b": head + "  - runbook: c\n", "/p/c": head + "  - runbook: a\n"}, "/p/c:3:14: these runbooks include each other: a → b → c → a"},
		{"mistake inside", files{"/p/a": head + "  - runbook: b\n  - {run: x, nosuch: 1}\n", "/p/b": head + "  - {run: y, nosuch: 2}\n"}, "/p/b:3:14: unknown key \"nosuch\""},
		{"nested rollout", files{"/p/a": head + "  - {rollout: 1, steps: [{runbook: b}]}\n", "/p/b": "name: i\nrollout: 1\nsteps: [{run: y}]\n"}, "a rollout inside a rollout"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.f.load(t, "/p/a")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

func TestMistakesOfAllKindsAtOnce(t *testing.T) {
	_, _, err := LoadText("name: x\nparams:\n  v: {}\nsteps:\n  - {run: a, need: [b]}\n  - {run: 'echo ${{ vv }}'}\n  - {run: 'if true'}\n  - {id: c, run: x, needs: [nope]}\n", "r.yaml", ".")
	for _, want := range []string{`unknown key "need"`, `there is no "vv" here`, "r.yaml:7:", `needs "nope"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in\n%v", want, err)
		}
	}
	_, _, err = LoadText("name: x\nparam:\n  v: {}\nsteps:\n  - {run: 'echo ${{ v }}'}\n", "r.yaml", ".")
	if err == nil || strings.Contains(err.Error(), `there is no "v"`) {
		t.Errorf("a misspelt params hides nothing else, and must not be followed by what comes of it:\n%v", err)
	}
}

func TestVarsOfListsAndMaps(t *testing.T) {
	rb := mustLoad(t, "name: x\nparams: {who: {}}\nvars:\n  l: ['${{ who }}', '${{ n }}', {k: 'a ${{ who }}'}]\n  n: 3\nsteps: [{run: 'echo ${{ l }}'}]")
	env := map[string]any{"who": "me"}
	for _, v := range rb.Vars {
		value, err := v.Compute(env)
		if err != nil {
			t.Fatal(err)
		}
		env[v.Name] = value
	}
	if got := fmt.Sprint(env["l"]); got != "[me 3 map[k:a me]]" {
		t.Errorf("got %s", got)
	}
}

func TestAllMistakesAtOnce(t *testing.T) {
	_, _, err := LoadText("name: x\nstep: 1\nsteps:\n  - {run: a, once: maybe}\n  - {run: b, timeout: x}\n", "r.yaml", ".")
	if err == nil || strings.Count(err.Error(), "r.yaml:") != 3 {
		t.Errorf("got\n%v", err)
	}
}

func TestParamsAreCheckedTogether(t *testing.T) {
	rb := mustLoad(t, deploy)
	text := func(s string) Given { return Given{Text: &s} }
	_, err := rb.Values(map[string]Given{"version": text("1.2"), "keep": text("0"), "vresion": text("x")})
	for _, want := range []string{`"1.2" does not match`, "must be at least 1", `did you mean "version"?`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q in\n%v", want, err)
		}
	}
	values, err := rb.Values(map[string]Given{"version": text("v1.2.3")})
	if err != nil || values["keep"] != 3 {
		t.Errorf("%v, %v", values, err)
	}
	if _, err = rb.Values(nil); err == nil || !strings.Contains(err.Error(), "is required: release to install") {
		t.Errorf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(deploy)
	f.Add("name: x\nsteps:\n  - {run: [a, b], retry: {attempts: 3, if: 'result.exit_code == 1'}}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if rb, _, err := LoadText(text, "f", "."); err == nil && rb == nil {
			t.Error("neither runbook nor error")
		}
	})
}

func BenchmarkLoadThousandSteps(b *testing.B) {
	var text strings.Builder
	text.WriteString("name: big\nhosts: all\nsteps:\n")
	for range 1000 {
		text.WriteString("  - run: echo step one\n    timeout: 5s\n")
	}
	for b.Loop() {
		if _, _, err := LoadText(text.String(), "b", "."); err != nil {
			b.Fatal(err)
		}
	}
}

func TestParamsFromTexts(t *testing.T) {
	list, aMap := &Param{Name: "p", Type: "list"}, &Param{Name: "p", Type: "map"}
	for _, tt := range []struct {
		param      *Param
		text, want string // as JSON, or the error
	}{
		{list, "a, b", `["a","b"]`},
		{list, "[1, b]", `[1,"b"]`},
		{list, "", `[]`},
		{list, "[1,", `"[1," is not a list; write it as YAML: [a, b], or as a,b`},
		{aMap, "{a: 1}", `{"a":1}`},
		{aMap, "{a: 1", `"{a: 1" is not a map; write it as YAML: {key: value}`},
	} {
		value, err := tt.param.Parse(tt.text)
		got, bad := expression.Format(value)
		if err = errors.Join(err, bad); value == nil && err != nil {
			got, _, _ = strings.Cut(err.Error(), "\n")
		}
		if got != tt.want {
			t.Errorf("%s %q: got %s, want %s", tt.param.Type, tt.text, got, tt.want)
		}
	}
}
