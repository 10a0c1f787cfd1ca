package executor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/opsctl/opsctl/internal/source"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// stars hides known secrets, a write at a time: enough where secrets are not cut in pieces.
type stars struct{ known *[]string }

func newStars() stars { return stars{known: &[]string{}} }

func (s stars) Add(secret string) { *s.known = append(*s.known, secret) }

func (s stars) String(text string) string {
	for _, k := range *s.known {
		text = strings.ReplaceAll(text, k, "***")
	}
	return text
}
func (s stars) Found(text string) bool { return s.String(text) != text }
func (s stars) Stream() MaskStream     { return &starStream{stars: s} }

type starStream struct {
	stars
	hid bool
}

func (s *starStream) Write(p []byte) []byte {
	s.hid = s.hid || s.Found(string(p))
	return []byte(s.String(string(p)))
}
func (s *starStream) Flush() []byte { return nil }
func (s *starStream) Masked() bool  { return s.hid }

// teller is a person who gives answers in order, and then none until nothing new starts any more.
type teller struct {
	answers []run.Answer
	asked   []Inquiry
}

func (t *teller) Ask(ctx context.Context, q Inquiry) (Reply, error) {
	t.asked = append(t.asked, q)
	if len(t.answers) == 0 {
		<-ctx.Done()
		return Reply{}, ctx.Err()
	}
	answer := t.answers[0]
	t.answers = t.answers[1:]
	return Reply{Answer: answer, User: "bea"}, nil
}

// runWith runs a runbook whose options a test may change.
func (w *world) runWith(text string, change func(*Options)) *run.Event {
	w.Helper()
	o := w.options(w.plan(text, nil))
	change(&o)
	finished, _, err := Run(context.Background(), o)
	if err != nil {
		w.Fatal(err)
	}
	return finished
}

func (w *world) finding(kind run.Kind) run.Event {
	w.Helper()
	for _, e := range w.events {
		if e.Kind == kind {
			return e
		}
	}
	w.Fatalf("no %s in %v", kind, w.events)
	return run.Event{}
}

func TestAPersonAgreesToAStepWithItsHosts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, bea := newWorld(t), &teller{answers: []run.Answer{run.Yes}}
		finished := w.runWith("name: x\nhosts: web\nsteps:\n- {id: a, if: host.name != \"web2\", confirm: sure, run: go}\n", func(o *Options) { o.Person = bea })
		if finished.Code != 0 || len(w.ran) != 2 || len(bea.asked) != 1 {
			t.Fatalf("code %d, ran\n%s", finished.Code, w.did())
		}
		if got := bea.asked[0]; got.Text != "sure" || strings.Join(got.Hosts, " ") != "web1 web3" {
			t.Errorf("asked %+v", got)
		}
		if e := w.finding(run.PersonAnswered); e.User != "bea" || e.Answer != run.Yes {
			t.Errorf("%+v", e)
		}
	})
}

func TestARefusalAndNobodyStopTheRun(t *testing.T) {
	const text = "name: x\nsteps: [{run: a}, {id: b, confirm: sure, run: b}]\n"
	for name, person := range map[string]Person{"refused": &teller{answers: []run.Answer{run.No}}, "nobody": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				finished := w.runWith(text, func(o *Options) { o.Person = person })
				if finished.Code != run.CodeRefused || finished.Result != run.Stopped || w.did() != "run local a" {
					t.Errorf("code %d, result %s, ran\n%s", finished.Code, finished.Result, w.did())
				}
			})
		})
	}
}

func TestAnInterruptEndsAQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		go func() {
			time.Sleep(time.Minute)
			w.interrupts <- run.StopInterrupt
		}()
		finished := w.runWith("name: x\nsteps: [{id: b, manual: plug it in}]\n", func(o *Options) { o.Person = &teller{} })
		if finished.Code != run.CodeInterrupt {
			t.Errorf("code %d", finished.Code)
		}
	})
}

func TestByHand(t *testing.T) {
	tests := []struct {
		answer run.Answer
		code   int
	}{{run.Yes, 0}, {run.No, 1}}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			w, bea := newWorld(t), &teller{answers: []run.Answer{tt.answer}}
			finished := w.runWith("name: x\nhosts: web1\nsteps: [{id: b, manual: 'plug ${{ host.name }} in'}]\n", func(o *Options) { o.Person = bea })
			if finished.Code != tt.code || bea.asked[0].Kind != AskManual || bea.asked[0].Text != "plug web1 in" || len(w.ran) > 0 {
				t.Errorf("code %d, asked %+v, ran %s", finished.Code, bea.asked, w.did())
			}
		})
	}
}

func TestAFailureIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, bea := newWorld(t), &teller{answers: []run.Answer{run.Retry, run.AnsIgnore}}
		w.answers["local a"] = []Ending{exit(3)}
		finished := w.runWith("name: x\non_failure: ask\nsteps: [{run: a}, {run: b}]\n", func(o *Options) { o.Person = bea })
		if finished.Code != 0 || w.did() != "run local a\nrun local a\nrun local b" || !strings.Contains(bea.asked[1].Text, "(try 2): exit status 3") {
			t.Errorf("code %d, asked %+v, ran\n%s", finished.Code, bea.asked, w.did())
		}
	})
}

func TestSecretsAreFetchedOnceAndHidden(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, fetched := newWorld(t), []SecretSource{}
		w.prints["web1 say \"$OPSCTL_VALUE_1\""] = "it is hunter2!"
		text := "name: x\nhosts: web\nparams: {f: {default: key}}\nsecrets: {pw: {file: '${{ f }}.txt'}, own: {env: 'X'}}\nsteps:\n" +
			"- {id: a, run: 'say ${{ secrets.pw }}'}\n- {id: b, if: 'false', run: 'say ${{ secrets.own }}'}\n- {id: c, on_failure: ignore, run: 'say ${{ steps.a.stdout }}'}\n"
		p := w.plan(text, map[string]any{"f": "key"})
		o := w.options(p)
		o.Masker = newStars()
		o.Secrets = func(_ context.Context, s SecretSource) (string, error) {
			fetched = append(fetched, s)
			return "hunter2", nil
		}
		if _, _, err := Run(context.Background(), o); err != nil {
			t.Fatal(err)
		}
		if len(fetched) != 1 || fetched[0].Name != "key.txt" || fetched[0].Kind != "file" {
			t.Errorf("fetched %+v", fetched)
		}
		if all := fmt.Sprint(w.events, w.outputs); strings.Contains(all, "hunter2") {
			t.Errorf("the secret is in the journal: %s", all)
		}
		for _, e := range w.events { // 10.19: what a secret was masked in is not what was printed
			if e.Kind == run.AttemptFinished && e.Step == "c" && e.Host == "web1" && !strings.Contains(e.Message, "a secret was masked in it") {
				t.Errorf("%+v", e)
			}
		}
	})
}

func TestAnUndoWhoseSecretChangedIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, secret := newWorld(t), "first"
		w.answers["local b"] = []Ending{exit(1)}
		finished := w.runWith("name: x\nsecrets: {pw: {env: PW}}\nsteps: [{id: a, run: a, rollback: 'z ${{ secrets.pw }}'}, {run: b}]\n", func(o *Options) {
			o.Secrets = func(context.Context, SecretSource) (string, error) { return secret, nil }
			o.Masker = newStars()
		})
		if finished.Code != run.CodeRolledBack {
			t.Fatalf("code %d", finished.Code)
		}
		events := w.events
		secret = "second"
		w2 := newWorld(t)
		o := w2.options(w2.plan("name: x\nsecrets: {pw: {env: PW}}\nsteps: [{id: a, run: a, rollback: 'z ${{ secrets.pw }}'}, {run: b}]\n", nil))
		for i, e := range events {
			if e.Kind == run.RollbackStarted {
				o.Events = events[:i]
				break
			}
		}
		o.Resume = run.Event{Kind: run.RunResumed}
		o.Secrets = func(context.Context, SecretSource) (string, error) { return secret, nil }
		finished, _, err := Run(context.Background(), o)
		if err != nil || finished.Code != run.CodePerson || strings.Contains(w2.did(), "z ") {
			t.Errorf("code %d, %v, ran\n%s", finished.Code, err, w2.did())
		}
	})
}

func TestSensitiveOutputIsOnlyInMemory(t *testing.T) {
	const text = "name: x\nsteps:\n- {id: a, sensitive: true, run: a, outputs: {v: result.stdout}}\n- {id: b, run: 'b ${{ steps.a.outputs.v }}'}\n- {id: c, run: 'c ${{ steps.a.stdout }}'}\n"
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.prints["local a"] = "private"
		if finished := w.run(text); finished.Code != 0 || w.did() != "run local a\nrun local b 'private'\nrun local c 'private'" {
			t.Errorf("code %d, ran\n%s", finished.Code, w.did())
		}
		if all := fmt.Sprint(w.outputs); strings.Contains(all, "private") {
			t.Errorf("kept: %s", all)
		}
		for _, e := range w.events {
			if strings.Contains(fmt.Sprint(e.Outputs, e.Message, e.Output), "private") {
				t.Errorf("journaled: %+v", e)
			}
		}
		again := newWorld(t)
		o := again.options(again.plan(text, nil))
		for i, e := range w.events {
			if e.Kind == run.AttemptStarted && e.Step == "b" {
				o.Events = w.events[:i]
			}
		}
		o.Resume = run.Event{Kind: run.RunResumed}
		finished, _, err := Run(context.Background(), o)
		if err != nil || finished.Code != 1 || len(again.ran) > 0 {
			t.Fatalf("code %d, %v, ran %s", finished.Code, err, again.did())
		}
		if e := again.events[len(again.events)-2]; !strings.Contains(e.Message, "kept in memory only") {
			t.Errorf("%+v", e)
		}
	})
}

// project gives a plan of a runbook that includes others.
func (w *world) project(files map[string]string) *plan.Plan {
	w.Helper()
	loader := runbook.Loader{Root: "/p", Read: func(path string) (string, error) {
		if text, ok := files[path]; ok {
			return text, nil
		}
		return "", fs.ErrNotExist
	}}
	rb, _, err := loader.LoadText(files["/p/top.yaml"], "/p/top.yaml", "/p")
	if err != nil {
		w.Fatal(err)
	}
	return w.built(rb, "hosts: {web1: {}, web2: {}}\n", plan.Options{})
}

func TestExpressionsMeanWhatTheyMeanWhereTheyAreWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.prints["web1 hello 'v1'"], w.prints["web2 hello 'v1'"] = "said on web1", "said on web2"
		p := w.project(map[string]string{
			"/p/top.yaml": "name: top\nvars: {v: outer}\nhosts: all\ndir: /${{ v }}\nsteps:\n- {id: first, run: one}\n" +
				"- {id: i, foreach: [v1], env: {E: '${{ v }}-${{ item }}'}, runbook: inner.yaml, with: {v: '${{ item }}'}}\n- {run: 'got ${{ steps.i[\"v1\"].outputs.said }}'}\n",
			"/p/inner.yaml": "name: inner\nparams: {v: {}}\noutputs: {said: steps.first.stdout}\nsteps: [{id: first, run: 'hello ${{ v }}'}]\n",
		})
		finished, _, err := Run(context.Background(), w.options(p))
		if err != nil || finished.Code != 0 {
			t.Fatalf("%v %v", finished, err)
		}
		did := w.did()
		for _, line := range []string{"run web1 one", "run web1 hello 'v1'", "run web1 got 'said on web1'", "run web2 got 'said on web2'"} {
			if !strings.Contains(did, line) {
				t.Errorf("no %q in\n%s", line, did)
			}
		}
		if c := w.commands["web1 hello 'v1'"]; c.Env["E"] != "outer-v1" || c.Dir != "/outer" {
			t.Errorf("env %v, dir %s", c.Env, c.Dir)
		}
	})
}

func TestResultsOfAForEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.prints["local make 'a'"], w.prints["local make 'b'"], w.prints["local go '1'"] = "A", "B", "one"
		finished := w.run("name: x\nsteps:\n- {id: m, foreach: [a, b], run: 'make ${{ item }}'}\n- {id: n, foreach: [b], run: 'use ${{ steps.m[item].stdout }} ${{ steps.m[\"a\"].stdout }}'}\n" +
			"- {id: blk, foreach: [1, 2], steps: [{id: i, run: 'go ${{ item }}'}, {id: j, run: 'so ${{ steps.i.stdout ?? \"\" }}'}]}\n- {run: 'last ${{ steps.blk[\"1\"].steps.i.stdout }}'}\n")
		want := "run local make 'a'\nrun local make 'b'\nrun local use 'B' 'A'\nrun local go '1'\nrun local so 'one'\nrun local go '2'\nrun local so ''\nrun local last 'one'"
		if finished.Code != 0 || w.did() != want {
			t.Errorf("code %d, ran\n%s", finished.Code, w.did())
		}
	})
}

func TestHostsOfAPattern(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		node, err := source.Parse(&source.File{Name: "i", Text: "hosts: {web1: {}, web2: {addr: 10.0.0.2}}\n"})
		if err != nil {
			t.Fatal(err)
		}
		inv, err := inventory.Decode(node)
		if err != nil {
			t.Fatal(err)
		}
		finished := w.runWith("name: x\nsteps: [{run: 'pool ${{ map(hosts(\"web*\"), .addr) }}'}]\n", func(o *Options) { o.Inventory = inv })
		if finished.Code != 0 || w.did() != "run local pool 'web1' '10.0.0.2'" {
			t.Errorf("code %d, ran\n%s", finished.Code, w.did())
		}
	})
}

func TestStdinOfAFileAndKeptFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "in.txt"), []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.answers["local bad"] = []Ending{exit(1)}
		finished := w.runWith("name: x\non_failure: rollback\nsteps:\n- {id: a, run: a, stdin: {file: '"+filepath.Join(dir, "in.txt")+"'}, save_files: [/etc/a]}\n- {run: bad}\n", func(o *Options) {
			o.Keeper = func(key string, paths []string) (string, string, error) {
				return "keep " + key + strings.Join(paths, ","), "restore " + key, nil
			}
		})
		if finished.Code != run.CodeRolledBack || w.did() != "run local a\nrun local bad\nrun local :" {
			t.Fatalf("code %d, ran\n%s", finished.Code, w.did())
		}
		if c := w.commands["local a"]; c.Stdin != "from a file" || c.Prepare != "keep a/etc/a" {
			t.Errorf("%+v", c)
		}
		if c := w.commands["local :"]; c.Prepare != "restore a" {
			t.Errorf("%+v", c)
		}
	})
	_, err := (&loop{}).stdin(&runbook.Stdin{File: &runbook.Text{}}, dir, func(*runbook.Text) (string, error) { return "nosuch", nil })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestWhatIsLeftOutIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		p := w.plan("name: x\nsteps: [{id: a, run: a}, {id: b, run: b}]\n", nil)
		p.Steps[0].Skip = "--from"
		finished, state, err := Run(context.Background(), w.options(p))
		if err != nil || finished.Code != 0 || w.did() != "run local b" || state.See(0).Status != run.StatusSkipped {
			t.Errorf("%v %v, ran\n%s", finished, err, w.did())
		}
	})
}
