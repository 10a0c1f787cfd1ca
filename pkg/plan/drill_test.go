package plan

import (
	"strings"
	"testing"
)

const drillable = `
name: x
hosts: web
on_failure: stop
steps:
- {id: a, confirm: sure, run: 'true', rollback: 'true', on_failure: ask}
- id: roll
  rollout: {waves: [2, 100%], max_failures: 2, max_unreachable: 1, soak: 1m}
  steps:
  - {id: b, run: 'true', rollback: 'true', on_failure: ignore}
  - {id: c, run: 'true', on_failure: ignore}
finally:
- {id: f, run: 'true'}
`

func TestADrillLeadsEveryFailureBack(t *testing.T) {
	p, err := build(t, drillable, Options{Drill: &Drill{Step: "roll/b", Host: "web4", After: true}})
	if err != nil {
		t.Fatal(err)
	}
	if s := p.StepOf(p.Drill.Op); s.ID != "roll/b" || s.Wave != 2 || p.Hosts[p.HostOf(p.Drill.Op)].Name != "web4" {
		t.Errorf("it fails at %s in wave %d, op %d", s.ID, s.Wave, p.Drill.Op)
	}
	for _, s := range p.Steps {
		want := Rollback
		if s.ID == "roll/c" || s.ID == "roll/b" && s.Wave == 1 { // a failure that is ignored stays so, but for that of the drill
			want = Ignore
		}
		if s.Finally {
			want = s.OnFailure
		}
		if s.OnFailure != want || s.Ask || s.Confirm {
			t.Errorf("%s in wave %d: %v, ask %v, confirm %v", s.ID, s.Wave, s.OnFailure, s.Ask, s.Confirm)
		}
		if !s.Finally && (s.Back != ScopeRun || s.Block != "") {
			t.Errorf("%s: a rollback of the %s %q", s.ID, s.Back, s.Block)
		}
	}
	if r := p.Rollouts[0]; r.MaxFailures != 0 || r.MaxUnreachable != -1 || r.Soak != 0 {
		t.Errorf("the rollout bears %d failures and %d unreachable, and soaks %s", r.MaxFailures, r.MaxUnreachable, r.Soak)
	}
	whole, err := build(t, drillable, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if whole.Digest == p.Digest {
		t.Error("a drill is told from a run by its digest")
	}
}

func TestADrillIsForTheFirstHost(t *testing.T) {
	for _, c := range []struct {
		drill Drill
		want  string
	}{
		{Drill{Step: "roll/b", After: true}, "the run goes back after roll/b on web1"},
		{Drill{Step: "a", Host: "web3"}, "a on web3 is judged as failed"},
	} {
		p, err := build(t, drillable, Options{Drill: &c.drill})
		if err != nil {
			t.Fatal(err)
		}
		if p.Drill.String() != c.want || c.drill.Op != 0 {
			t.Errorf("%s, not %s; what was asked for has op %d", p.Drill, c.want, c.drill.Op)
		}
	}
}

func TestADrillOfNothing(t *testing.T) {
	for _, c := range []struct {
		drill Drill
		want  string
	}{
		{Drill{Step: "roll/bb"}, `there is no step "roll/bb" to drill`},
		{Drill{Step: "roll"}, `there is no step "roll" to drill`},
		{Drill{Step: "finally/f"}, `there is no step "finally/f" to drill`},
		{Drill{Step: "a", Host: "db1"}, `a is not for the host "db1"`},
	} {
		if _, err := build(t, drillable, Options{Drill: &c.drill}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.drill, err)
		}
	}
}
