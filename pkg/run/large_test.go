package run

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/plan"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// largePlan is made of steps in a row on all hosts, with checks of nothing: a million ops cost
// what their order costs. Every hundredth step is a barrier.
func largePlan(steps, hosts int) *plan.Plan {
	p := &plan.Plan{Runbook: &runbook.Runbook{Name: "large"}, OpCount: steps * hosts}
	all := &plan.Targets{}
	for h := range hosts {
		p.Hosts = append(p.Hosts, &inventory.Host{Name: fmt.Sprintf("h%d", h)})
		all.Hosts, all.At = append(all.Hosts, int32(h)), append(all.At, int32(h))
	}
	for i := range steps {
		s := &plan.Step{
			Index: i, ID: fmt.Sprintf("s%d", i), Source: &runbook.Step{}, Targets: all, First: i * hosts, Rollout: -1,
			Tries: 1, Undo: plan.UndoCompleted, OnFailure: plan.Rollback, Back: plan.ScopeRun,
		}
		if i > 0 {
			s.Before = []plan.Edge{{Step: i - 1, Barrier: i%100 == 0}}
			p.Steps[i-1].After = []plan.Edge{{Step: i, Barrier: i%100 == 0}}
		}
		p.Steps = append(p.Steps, s)
	}
	return p
}

// playLarge lets attempts end one by one, Next being asked after each, in the order of their
// start; it gives the number of events. The op with the index fails ends badly; -1 is none, and -2
// the last op of nearly every host.
func playLarge(tb testing.TB, p *plan.Plan, limits Limits, fails int) int {
	s := New(p, limits)
	now := time.Unix(0, 0)
	events := 0
	apply := func(e Event) {
		e.Seq = s.Seq() + 1
		events++
		if err := s.Apply(e); err != nil {
			tb.Fatal(err)
		}
	}
	apply(Event{Kind: RunStarted})
	var open []Proposal
	for s.Finished() == nil {
		list := s.Next(now)
		for _, n := range list {
			if n.Kind == Fact {
				apply(n.Event)
				continue
			}
			apply(Event{Kind: AttemptStarted, Op: n.Op, Act: n.Act, Number: n.Number})
			open = append(open, n)
		}
		if len(list) > 0 && list[0].Kind == Fact {
			continue
		}
		if len(open) == 0 {
			tb.Fatal("nothing runs, and the run is not over")
		}
		n := open[0]
		open = open[1:]
		e := Event{Kind: AttemptFinished, Op: n.Op, Act: n.Act, Number: n.Number, Outcome: Changed}
		if n.Act == Do && (n.Index == fails || fails == -2 && n.Index >= p.OpCount-len(p.Hosts)+2) {
			e.Outcome = Failed
		}
		apply(e)
	}
	return events
}

// TestMillionOps runs a thousand steps on a thousand hosts; it costs seconds where something is
// quadratic, and minutes where it is worse.
func TestMillionOps(t *testing.T) {
	steps, hosts := 1000, 1000
	if testing.Short() {
		steps, hosts = 100, 200
	}
	p := largePlan(steps, hosts)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := New(p, Limits{})
	runtime.ReadMemStats(&after)
	if perOp := float64(after.HeapAlloc-before.HeapAlloc) / float64(p.OpCount); perOp > 72 {
		t.Errorf("%.0f bytes of State an op; 72 are enough", perOp)
	} else {
		t.Logf("%.0f bytes of State an op", perOp)
	}
	runtime.KeepAlive(s)
	began := time.Now()
	events := playLarge(t, p, Limits{}, -1)
	t.Logf("%d events, %s an event", events, time.Since(began)/time.Duration(events))
	if events < 2*p.OpCount {
		t.Errorf("%d events for %d ops", events, p.OpCount)
	}
}

func BenchmarkForward(b *testing.B) {
	p := largePlan(100, 1000)
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		events += playLarge(b, p, Limits{}, -1)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

func BenchmarkForwardAndBack(b *testing.B) {
	p := largePlan(100, 1000)
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		events += playLarge(b, p, Limits{}, 99_999)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

// BenchmarkManyWaves lets a thousand hosts through a hundred steps one by one.
func BenchmarkManyWaves(b *testing.B) {
	p := buildPlan(b, "name: x\nhosts: web\nrollout: 1\nsteps:\n"+strings.Repeat("- {run: x, rollback: y}\n", 100), 1000)
	events := 0
	for b.Loop() {
		events += playLarge(b, p, Limits{}, 99_999)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}

// BenchmarkOneFailureEach lets every host fail once, tolerated, be left out, and taken back alone.
func BenchmarkOneFailureEach(b *testing.B) {
	p := buildPlan(b, "name: x\nhosts: web\nrollout: {waves: 100%, max_failures: 100%}\nsteps:\n"+strings.Repeat("- {run: x, rollback: y}\n", 100), 1000)
	events := 0
	for b.Loop() {
		events += playLarge(b, p, Limits{}, -2)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(events), "ns/event")
}
