package cli

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/drill"
	"github.com/opsctl/opsctl/internal/fleet"
)

// drillRange is a directory on this machine in which runbooks are drilled.
type drillRange struct {
	*testing.T
	dir, at string
}

func newDrillRange(t *testing.T, steps string) *drillRange {
	t.Helper()
	r := &drillRange{T: t, dir: t.TempDir()}
	r.at = filepath.Join(r.dir, "host")
	if err := os.Mkdir(r.at, 0o755); err != nil {
		t.Fatal(err)
	}
	r.write("r.yaml", "name: r\nenv: {D: "+r.at+"}\n"+steps)
	return r
}

func (r *drillRange) write(name, text string) {
	r.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
		r.Fatal(err)
	}
}

// drill runs opsctl drill on this machine, with JSON, and gives its exit code and what it said.
func (r *drillRange) drill(args ...string) (int, drillDocument) {
	r.Helper()
	code, out, errs := r.opsctl(append([]string{"drill", "r.yaml", "-l", "local", "--yes", "--output", "json"}, args...)...)
	var doc drillDocument
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		r.Fatalf("exit %d: %v\n%s%s", code, err, out, errs)
	}
	return code, doc
}

func (r *drillRange) opsctl(args ...string) (code int, out, errs string) {
	r.Helper()
	r.Chdir(r.dir)
	var o, e strings.Builder
	code = Main(append([]string{"-C", r.dir, "--state-dir", "state", "--color", "never"}, args...), strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

// verdicts gives the verdicts, "step verdict", and checks one of them for a part of its reason.
func (doc drillDocument) verdicts() string {
	var list []string
	for _, s := range doc.Steps {
		list = append(list, s.Step+" "+string(s.Verdict))
	}
	return strings.Join(list, ", ")
}

func (doc drillDocument) step(t *testing.T, id string) drillRow {
	t.Helper()
	i := slices.IndexFunc(doc.Steps, func(s drillRow) bool { return s.Step == id })
	if i < 0 {
		t.Fatalf("%s is not in the table", id)
	}
	return doc.Steps[i]
}

func (r *drillRange) differs(row drillRow) string {
	var list []string
	for _, d := range row.Differ {
		list = append(list, strings.TrimPrefix(d.Path+d.Step, r.at+"/")+" "+d.What)
	}
	return strings.Join(list, ", ")
}

const rightSteps = `
steps:
- {id: dir, run: mkdir "$D/app", rollback: rmdir "$D/app"}
- {id: conf, copy: {content: hello, dest: "${{ env.DRILL_AT }}/app/conf", mode: 0600}}
- id: half
  check: test -e "$D/flag"
  run: touch "$D/flag"; echo x >>"$D/done"
  rollback: {run: 'rm "$D/flag"; echo x >>"$D/undone"', when: started}
- {id: look, effect: read, run: test -e "$D/app/conf"}
- {id: known, check: 'true', run: 'false', rollback: 'false'}
- {id: never, if: 'false', run: 'false', rollback: 'false'}
- {id: clean, run: echo x >>"$D/done", rollback: none}
finally:
- {id: bye, run: echo x >>"$D/done"}
`

func TestDrillProvesWhatIsRight(t *testing.T) {
	r := newDrillRange(t, rightSteps)
	t.Setenv("DRILL_AT", r.at)
	code, doc := r.drill("--watch", r.at, "--ignore", "*done")
	want := "dir proved, conf proved, half proved, look not_drilled, known not_drilled, never not_drilled, clean none, finally/bye not_drilled"
	if got := doc.verdicts(); code != 0 || got != want || doc.Proved != 3 {
		t.Errorf("exit %d, %d proved:\n%s\nwant\n%s", code, doc.Proved, got, want)
	}
	for step, why := range map[string]string{
		"look": "it only reads", "known": "its check holds already", "never": "it was skipped: if: false", "finally/bye": "it runs at the end, whatever happened",
	} {
		if got := doc.step(t, step).Why; got != why {
			t.Errorf("%s: %q", step, got)
		}
	}
	if !doc.step(t, "dir").After || doc.step(t, "half").After {
		t.Error("a step whose undo is for started ones fails itself, another completes")
	}
	code, out, errs := r.opsctl("show", doc.step(t, "half").Run, "--output", "json")
	if code != 0 || !strings.Contains(out, `"reason":"drill: half on local is judged as failed"`) || !strings.Contains(out, `"class":"drill"`) {
		t.Errorf("the journal does not tell that it was a drill:\n%s%s", out, errs)
	}
}

const wrongSteps = `
steps:
- {id: forgets, run: touch "$D/one" "$D/two", rollback: rm "$D/one"}
- {id: opens, run: chmod 600 "$D/kept", rollback: chmod 644 "$D/kept"}
- {id: turns, check: test -e "$D/on", run: touch "$D/on", rollback: ':'}
- {id: logs, run: date >>"$D/log"}
- {id: fine, run: touch "$D/three", rollback: rm "$D/three"}
- {id: cannot, run: touch "$D/four", rollback: 'echo no way >&2; exit 7'}
`

func TestDrillFindsWhatIsWrong(t *testing.T) {
	r := newDrillRange(t, wrongSteps)
	r.write("host/kept", "x")
	if err := os.Chmod(filepath.Join(r.at, "kept"), 0o640); err != nil {
		t.Fatal(err)
	}
	code, doc := r.drill("--watch", r.at, "--force")
	if got, want := doc.verdicts(), "forgets wrong, opens wrong, turns wrong, logs missing, fine proved, cannot wrong"; code != 1 || got != want {
		t.Errorf("exit %d:\n%s\nwant\n%s", code, got, want)
	}
	for step, want := range map[string]string{
		"forgets": "two appeared", "opens": "kept mode", "turns": "turns check, on appeared", "logs": "log appeared", "fine": "", "cannot": "four appeared, one appeared, three appeared",
	} {
		if got := r.differs(doc.step(t, step)); got != want {
			t.Errorf("%s: %q, not %q", step, got, want)
		}
	}
	if fine := doc.step(t, "fine"); !slices.Contains(fine.Besides, "logs") {
		t.Errorf("what logs leaves is not told apart: %+v", fine)
	}
	if why := doc.step(t, "cannot").Why; why != "the undo of cannot on local failed: exit status 7 (no way)" {
		t.Error(why)
	}
}

func TestDrillStopsOnADirtyHost(t *testing.T) {
	r := newDrillRange(t, wrongSteps)
	r.write("host/kept", "x")
	code, out, errs := r.opsctl("drill", "r.yaml", "-l", "local", "--yes", "--watch", r.at)
	words := strings.Join(strings.Fields(out), " ") // lines are broken where the path is long
	for _, want := range []string{"two appeared", "opens", "the drill stopped at forgets", "--force goes on", "1 wrong, 5 not reached"} {
		if !strings.Contains(words, want) {
			t.Errorf("%q is not said", want)
		}
	}
	if _, err := os.Stat(filepath.Join(r.at, "log")); code != 1 || err == nil || t.Failed() {
		t.Errorf("exit %d, and it went on: %v\n%s%s", code, err, out, errs)
	}
}

// TestDrillWatchesWhatStepsName holds what is watched where nothing else is asked for.
func TestDrillWatchesWhatStepsName(t *testing.T) {
	r := newDrillRange(t, `
steps:
- id: edits
  save_files: ["${{ env.DRILL_AT }}/etc/conf"]
  run: echo new >"$D/etc/conf"; chmod 700 "$D/etc"; touch "$D/unseen"
- {id: current, link: {path: "${{ env.DRILL_AT }}/current", to: v1}}
`)
	t.Setenv("DRILL_AT", r.at)
	if err := os.Mkdir(filepath.Join(r.at, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	code, doc := r.drill("--force")
	if got := doc.verdicts(); code != 1 || got != "edits wrong, current proved" || r.differs(doc.step(t, "edits")) != "etc mode" {
		t.Errorf("exit %d: %s\n%+v", code, got, doc.Steps)
	}
}

// TestDrillWatchesWhatARunNames holds that paths which are made of the run's id are those of each run.
func TestDrillWatchesWhatARunNames(t *testing.T) {
	r := newDrillRange(t, `
vars: {release: "${{ env.DRILL_AT }}/${{ run.id }}"}
steps:
- {id: put, copy: {content: x, dest: "${{ release }}"}}
- id: spoil
  check: test -x ${{ release }}
  run: chmod 777 ${{ release }} "$D"
  rollback: chmod 755 "$D"
- {id: keep, copy: {content: x, dest: "${{ release }}.kept"}, rollback: 'true'}
`)
	t.Setenv("DRILL_AT", r.at)
	code, doc := r.drill()
	if got := doc.verdicts(); code != 1 || got != "put proved, spoil proved, keep wrong" {
		t.Errorf("exit %d: %s\n%+v", code, got, doc.Steps)
	}
	if got := r.differs(doc.step(t, "keep")); got != "keep check, "+doc.step(t, "keep").Run+".kept appeared" {
		t.Error(got)
	}
}

func TestDrillOfARunbookThatFailsByItself(t *testing.T) {
	r := newDrillRange(t, `
on_failure: continue
steps:
- {id: a, run: touch "$D/a", rollback: rm "$D/a"}
- {id: b, run: 'echo broken >&2; exit 3', rollback: ':'}
- {id: c, run: touch "$D/c", rollback: rm "$D/c"}
`)
	code, doc := r.drill("--watch", r.at)
	if got := doc.verdicts(); code != 1 || got != "a proved, b wrong, c not_reached" {
		t.Errorf("exit %d: %s", code, got)
	}
	if b, c := doc.step(t, "b").Why, doc.step(t, "c").Why; b != "it failed by itself: exit status 3 (broken)" || c != "b on local failed: exit status 3 (broken)" {
		t.Errorf("b: %q, c: %q", b, c)
	}
}

func TestDrillNoFurtherThanAPointOfNoReturn(t *testing.T) {
	r := newDrillRange(t, `
steps:
- {id: a, run: touch "$D/a", rollback: rm "$D/a"}
- {id: b, run: touch "$D/b", point_of_no_return: true}
- {id: c, run: touch "$D/c", rollback: rm "$D/c"}
- {id: d, run: touch "$D/d", rollback: rm "$D/d"}
- {id: e, needs: [a], run: touch "$D/e", rollback: rm "$D/e"}
`)
	code, doc := r.drill("--watch", r.at, "--step", "a,b,c,d")
	if got := doc.verdicts(); code != 0 || got != "a proved, b not_drilled, c not_drilled, d not_drilled" {
		t.Errorf("exit %d: %s", code, got)
	}
	if why := doc.step(t, "d").Why; why != "it comes after the point of no return b" {
		t.Error(why)
	}
	if files, err := os.ReadDir(r.at); err != nil || len(files) > 0 {
		t.Errorf("%v, %v", files, err)
	}
}

func TestDrillRefuses(t *testing.T) {
	r := newDrillRange(t, "steps:\n- {id: a, run: touch \"$D/a\", rollback: rm \"$D/a\"}\n")
	r.write("destroy.yaml", "name: d\nsteps:\n- {id: a, run: touch "+r.at+"/a, rollback: none}\n- {id: b, effect: destroy, run: touch "+r.at+"/b, rollback: none}\n")
	r.write("manual.yaml", "name: m\nsteps:\n- {id: a, manual: do it}\n")
	r.write("opsctl.yaml", "limit: local\n")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"r.yaml --yes", codeUsage, "named on the command line: -i or -l"},
		{"r.yaml -l local", 6, "drill r: one run that really change this machine, and are taken back. Go on? (nobody is there to be asked)"},
		{"r.yaml -l local --yes --step b", codeUsage, `r has no step "b"`},
		{"r.yaml -l local --yes --host web9", codeUsage, `is for the host "web9"`},
		{"r.yaml -l local --yes --watch /proc", codeUsage, "cannot watch /proc on local: there are more than 5000 files"},
		{"destroy.yaml -l local --yes", 6, "b destroys something, and a drill would really do it"},
		{"manual.yaml -l local --yes", 6, "nobody is there to do it"},
		{"no.yaml -l local --yes", codeInvalid, "there is no runbook no.yaml"},
	} {
		code, out, errs := r.opsctl(append([]string{"drill"}, strings.Fields(c.args)...)...)
		if code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d\n%s%s", c.args, code, out, errs)
		}
	}
	if files, err := os.ReadDir(r.at); err != nil || len(files) > 0 {
		t.Errorf("something was done: %v, %v", files, err)
	}
	if code, out, errs := r.opsctl("drill", "destroy.yaml", "-l", "local", "--yes", "--yes-destroy"); code != 0 {
		t.Errorf("--yes-destroy: exit %d\n%s%s", code, out, errs)
	}
}

func TestDrillOverSSH(t *testing.T) {
	b := newBench(t, 3)
	b.write("r.yaml", `
name: r
hosts: web
steps:
- {id: a, run: touch a, rollback: rm a}
- id: roll
  rollout: {waves: [1, 100%], max_failures: 2, soak: 1h}
  steps:
  - {id: b, run: echo x >>b, rollback: rm b}
  - {id: c, hosts: web3, run: touch c c2, rollback: rm c}
- {id: d, hosts: db1, run: touch d, rollback: rm d}
`)
	code, out, errs := b.opsctl("drill", "r.yaml", "-i", "inventory.yaml", "--yes", "--output", "json", "--watch", "a", "--watch", "b", "--watch", "c", "--watch", "c2", "--watch", "d", "--force")
	var doc drillDocument
	if err := json.Unmarshal([]byte(out), &doc); err != nil {
		t.Fatalf("exit %d: %v\n%s%s", code, err, out, errs)
	}
	if got := doc.verdicts(); code != 1 || got != "a proved, roll/b proved, roll/c wrong, d proved" {
		t.Errorf("exit %d: %s", code, got)
	}
	c, d := doc.step(t, "roll/c"), doc.step(t, "d")
	if c.Host != "web3" || len(c.Differ) != 1 || c.Differ[0].Host != "web3" || c.Differ[0].Path != "c2" || c.Differ[0].What != drill.Appeared {
		t.Errorf("%+v", c)
	}
	if d.Host != "db1" || len(d.Differ) != 0 {
		t.Errorf("%+v", d)
	}
	code, out, errs = b.opsctl("drill", "r.yaml", "-i", "inventory.yaml", "--yes", "--host", "web2", "--step", "b", "--watch", "b")
	if code != 0 || !strings.Contains(out, "web2  proved") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	b.fleet.Host("db1").Misbehave(fleet.Misbehaviour{RejectAuth: true})
	if code, out, errs = b.opsctl("drill", "r.yaml", "-i", "inventory.yaml", "--yes", "--watch", "a"); code != 4 || !strings.Contains(errs, "cannot look at db1") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
}

// TestDrillCrash kills opsctl at each step. What is done is counted in lines that are never taken back.
func TestDrillCrash(t *testing.T) {
	opsctl := binary(t)
	r := newDrillRange(t, `
params: {word: {secret: true}}
steps:
- {id: a, run: 'mkdir "$D/a"; echo a >>"$D/count"', rollback: 'rmdir "$D/a"; echo undo-a >>"$D/count"'}
- id: b
  env: {WORD: "${{ word }}"}
  run: 'echo "$WORD" >"$D/a/b"; echo b >>"$D/count"'
  rollback: {run: 'rm -f "$D/a/b"; echo undo-b >>"$D/count"', when: started}
- {id: c, run: 'touch "$D/a/c"; echo c >>"$D/count"', rollback: 'rm "$D/a/c"; echo undo-c >>"$D/count"'}
`)
	command := exec.Command(opsctl, "-C", r.dir, "--state-dir", "state", "drill", "r.yaml", "-l", "local", "--yes", "--crash", "--watch", r.at, "--ignore", "count", "--output", "json", "-p", "word=sesame-open")
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var doc drillDocument
	if err := json.Unmarshal(out, &doc); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := doc.verdicts(); got != "a proved, b proved, c proved" || !doc.Crash {
		t.Errorf("%s\n%s", got, out)
	}
	for _, s := range doc.Steps {
		if len(s.Crashes) != 2 || !s.Crashes[0].Same || !s.Crashes[1].Same {
			t.Errorf("%s: %+v", s.Step, s.Crashes)
		}
		for _, c := range s.Crashes {
			code, events, errs := r.opsctl("show", c.Run, "--output", "json")
			if code != 0 || !strings.Contains(events, `"event":"run_resumed"`) {
				t.Errorf("run %s was not killed and resumed:\n%s%s", c.Run, events, errs)
			}
		}
	}
	counted := map[string]int{}
	text, err := os.ReadFile(filepath.Join(r.at, "count"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Fields(string(text)) {
		counted[line]++
	}
	// Three runs fail at each of three steps: a runs in all nine, b in six, c in three.
	if want := "map[a:9 b:6 c:3 undo-a:9 undo-b:6 undo-c:3]"; fmt.Sprint(counted) != want {
		t.Errorf("%v, not %s", counted, want)
	}
}

// TestDrillInterrupted interrupts a drill while a step runs: what was done is in place, and a resume of the
// drilled run lets it fail and takes it back.
func TestDrillInterrupted(t *testing.T) {
	opsctl := binary(t)
	r := newDrillRange(t, `
steps:
- {id: a, run: 'touch "$D/a"; while [ ! -e "$D/go" ]; do sleep 0.02; done', rollback: rm "$D/a"}
- {id: b, run: touch "$D/b", rollback: rm "$D/b"}
`)
	d := &shownDemo{temp: r.dir, ended: make(chan error, 1)}
	d.command = exec.Command(opsctl, "-C", r.dir, "--state-dir", "state", "drill", "r.yaml", "-l", "local", "--yes", "--watch", r.at)
	d.command.Stdout, d.command.Stderr = d, d
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { d.ended <- d.command.Wait() }()
	for deadline := time.Now().Add(demoPatience); !isFile(filepath.Join(r.at, "a")); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not begin:\n%s", d.text())
		}
	}
	d.signal(t, os.Interrupt)
	d.until(t, "interrupted: what runs may end")
	r.write("host/go", "")
	if code := d.end(t); code != 130 || !strings.Contains(d.text(), "takes it back") {
		t.Errorf("exit %d\n%s", code, d.text())
	}
	if code, out, errs := r.opsctl("resume"); code != 3 || !strings.Contains(errs, "drill: the run goes back after a on local") {
		t.Errorf("exit %d\n%s%s", code, out, errs)
	}
	if isFile(filepath.Join(r.at, "a")) || isFile(filepath.Join(r.at, "b")) {
		t.Error("it was not taken back")
	}
}

// TestDrillOfTheShippedRunbook is what the guide promises of rolling-deploy.
func TestDrillOfTheShippedRunbook(t *testing.T) {
	if testing.Short() {
		t.Skip("runs whole deployments")
	}
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	t.Chdir(dir)
	var out, errs strings.Builder
	code := Main([]string{"drill", "rolling-deploy", "--demo", "-p", "version=v1.0.0", "--output", "json", "--watch", "srv/app", "--ignore", "*.log"}, strings.NewReader(""), &out, &errs)
	var doc drillDocument
	if err := json.Unmarshal([]byte(out.String()), &doc); err != nil {
		t.Fatalf("exit %d: %v\n%s%s", code, err, out.String(), errs.String())
	}
	want := "sane not_drilled, upload proved, migrate proved, switch/activate/link proved, switch/activate/restart proved, " +
		"switch/activate/listening not_drilled, switch/activate/healthy not_drilled, prune not_drilled, finally/record not_drilled"
	if got := doc.verdicts(); code != 0 || got != want {
		t.Errorf("exit %d:\n%s\nwant\n%s\n%s", code, got, want, out.String())
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
