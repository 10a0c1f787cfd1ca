package runbook

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestMistakesInActions(t *testing.T) {
	for _, tt := range []struct{ step, want string }{
		{`line: {path: /f}`, "r.yaml:5:11: line does not say what the line should be"},
		{`line: {line: x}`, "line needs a path"},
		{`line: {path: f, line: x}`, `"f" is not an absolute path on the host`},
		{`line: {path: /f, absent: true}`, "line does not say which lines are to be absent"},
		{`line: {path: /f, match: x, line: y, absent: true}`, "with absent: true, line takes one of match and line"},
		{`line: {path: /f, line: "a\nb"}`, "line holds the end of a line"},
		{`line: {path: /f, match: 'a(b', line: y}`, "r.yaml:5:29: match is not a pattern: missing closing ): a(b"},
		{`line: {path: /f, match: '${{ version }}*+', line: y}`, "match is not a pattern: invalid nested repetition operator"},
		{`line: {path: /f, match: '', line: y}`, "an empty pattern matches every line"},
		{`line: {path: /f, line: y, create: true}`, `unknown key "create" in line`},
		{`line: {path: /f, line: "${{ verison }}"}`, `there is no "verison" here`},
		{`service: {state: started}`, "service needs a name"},
		{`service: {name: app}`, "service does not say how the service should be"},
		{`service: {name: app, state: running}`, `"running" is not one of started, stopped, restarted, reloaded`},
		{`service: {name: app, enabled: yes}`, "YAML 1.2 reads this as text; write true"},
		{`script: fix.sh`, "hint: script: {file: fix.sh}"},
		{`script: {args: [a]}`, "script needs a file"},
		{`script: {file: a, args: {b: c}}`, "a text is needed here, this is a map"},
		{`script: {file: a, args: ["${{ verison }}"]}`, `there is no "verison" here`},
		{`http: http://x`, "hint: http: {url: 'http://x'}"},
		{`http: {method: GET}`, "http needs a url"},
		{`http: {url: 'x:80'}`, `"x:80" is not a URL that starts with http:// or https://`},
		{`http: {url: 'http://x', method: post}`, `"post" is not a method`},
		{`http: {url: 'http://x', body: a}`, "a request with a body says its method\n"},
		{`http: {url: 'http://x', method: PUT, body: a, json: 1}`, "http takes one of body and json"},
		{`http: {url: 'http://x', status: ok}`, "a whole number is needed here"},
		{`http: {url: 'http://x', status: [200, 700]}`, "a status is at most 599"},
		{`http: {url: 'http://x', headers: {'a b': c}}`, `"a b" cannot be the name of a header`},
		{`http: {url: 'http://x', headers: a}`, "headers is a map of names and texts"},
		{`http: {url: 'http://x', method: PUT, json: {a: ["${{ verison }}"]}}`, `r.yaml:5:58: there is no "verison" here`},
		{`http: {url: 'http://x', insecure: true}`, `unknown key "insecure" in http`},
		{`fetch: {src: /f}`, "fetch needs src and dest"},
		{`fetch: {src: f, dest: d}`, `"f" is not an absolute path on the host`},
		{"fetch: {src: /f, dest: d}\n    effect: change", "fetch only reads"},
		{"fetch: {src: /f, dest: d}\n    rollback: rm d", "there is nothing to take back"},
		{"http: {url: 'http://x'}\n    rollback: undo", "there is nothing to take back"},
		{`reboot: true`, "hint: reboot: {}, or reboot: {timeout: 10m}"},
		{`reboot: {timeout: 10}`, "with a unit: 10s"},
		{`reboot: {timeout: 0s}`, "no host reboots in no time"},
		{"reboot: {}\n    save_files: [/f]", "reboot changes no files that could be put back"},
		{"http: {url: 'http://x', method: POST}\n    save_files: [/f]", "http changes no files that could be put back"},
		{"http: {url: 'http://x'}\n    save_files: [/f]", "there is no file to put back"},
		{"reboot: {}\n    effect: read", "reboot changes its hosts"},
		{"line: {path: /f, line: x}\n    effect: read", "line changes its hosts"},
		{"service: {name: a, state: started}\n    line: {path: /f, line: x}", `a step does one thing: it says "service" already`},
	} {
		t.Run(tt.step, func(t *testing.T) {
			_, _, err := LoadText("name: x\nparams: {version: {}}\nsteps:\n  - id: a\n    "+tt.step+"\n", "r.yaml", ".")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

// TestWhatActionsAre holds what an action does against what may be done with it.
func TestWhatActionsAre(t *testing.T) {
	for _, tt := range []struct {
		step   string
		effect Effect
		undo   bool
		always bool
	}{
		{`line: {path: /f, line: x}`, Change, true, false},
		{`service: {name: a, state: started}`, Change, true, false},
		{`service: {name: a, enabled: false}`, Change, true, false},
		{`service: {name: a, state: restarted}`, Change, false, true},
		{`service: {name: a, state: reloaded, enabled: true}`, Change, true, true},
		{`script: {file: a}`, Change, false, true},
		{"script: {file: a}\n    effect: read", Read, false, true},
		{"script: {file: a}\n    rollback: undo", Change, true, true},
		{`http: {url: 'http://x'}`, Read, false, true},
		{`http: {url: 'http://x', method: HEAD}`, Read, false, true},
		{`http: {url: 'http://x', method: DELETE}`, Change, false, true},
		{"http: {url: 'http://x', method: POST, json: {q: 1}}\n    effect: read", Read, false, true},
		{"http: {url: 'http://x'}\n    effect: destroy", Destroy, false, true},
		{`fetch: {src: /f, dest: d}`, Read, false, false},
		{`reboot: {}`, Change, false, true},
	} {
		s := mustLoad(t, "name: x\nsteps:\n  - id: a\n    "+tt.step+"\n").Root.Steps[0]
		if s.Effect != tt.effect || s.HasUndo() != tt.undo || s.Certain() != tt.always {
			t.Errorf("%s: effect %s, undo %v, always %v", tt.step, s.Effect, s.HasUndo(), s.Certain())
		}
	}
	s := mustLoad(t, "name: x\nparams: {p: {type: duration, default: 1m}}\nsteps: [{reboot: {}}, {reboot: {timeout: '${{ p }}'}}]\n").Root.Steps
	if got := fmt.Sprint(s[0].Reboot.Timeout, s[1].Reboot.TimeoutText.Whole()); got != "10m0s true" || s[0].Reboot.Timeout != 10*time.Minute {
		t.Error(got)
	}
}
