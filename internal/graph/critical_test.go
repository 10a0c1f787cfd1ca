package graph

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/run"
)

func event(t testing.TB, line string) run.Event {
	t.Helper()
	words := strings.Fields(line)
	seconds, err := time.ParseDuration(words[0] + "s")
	if err != nil {
		t.Fatal(err)
	}
	e := run.Event{Time: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).Add(seconds), Kind: run.Kind(words[1])}
	for i, w := range words[2:] {
		switch key, value, _ := strings.Cut(w, "="); {
		case key == "result":
			e.Result = run.Result(value)
		case key == "wave":
			if _, err := fmt.Sscan(value, &e.Wave); err != nil {
				t.Fatal(err)
			}
		case i == 0:
			e.Host = w
		case i == 1:
			e.Step = w
		case i == 2:
			e.Act, e.Number = run.Act(w), 1
		default:
			e.Outcome = run.Outcome(w)
		}
	}
	return e
}

func TestCriticalPath(t *testing.T) {
	for _, c := range []struct{ name, steps, trace, want string }{
		{
			"the slow branch decides", "{id: a, run: x}, {id: b, needs: [a], run: x}, {id: c, needs: [a], run: x}, {id: d, run: x}", `
0 run_started
0 attempt_started web1 a do
1 attempt_finished web1 a do ok
1 attempt_started web1 b do
1 attempt_started web1 c do
2 attempt_finished web1 c do ok
5 attempt_finished web1 b do ok
5 attempt_started web1 d do
6 attempt_finished web1 d do ok
6 run_finished result=succeeded`,
			"a web1 1s, b web1 4s, d web1 1s of 6s",
		},
		{
			"the slow host decides behind a barrier", "{id: a, run: x}, {id: b, hosts: db1, run: x}", `
0 run_started
0 attempt_started web1 a do
0 attempt_started web2 a do
1 attempt_finished web1 a do ok
4 attempt_finished web2 a do ok
4.5 attempt_started db1 b do
5 attempt_finished db1 b do ok
5 run_finished result=succeeded`,
			"a web2 4s, b db1 0.5s of 5s",
		},
		{
			"host by host, another host does not matter", "{id: a, run: x}, {id: b, run: x}", `
0 run_started
0 attempt_started web1 a do
0 attempt_started web2 a do
1 attempt_finished web1 a do ok
1 attempt_started web1 b do
3 attempt_finished web2 a do ok
3 attempt_started web2 b do
4 attempt_finished web2 b do ok
9 attempt_finished web1 b do ok
9 run_finished result=succeeded`,
			"a web1 1s, b web1 8s of 9s",
		},
		{
			"a place to run is waited for", "{id: a, run: x}", `
0 run_started
0 attempt_started web1 a do
3 attempt_finished web1 a do ok
3 attempt_started web2 a do
4 attempt_finished web2 a do ok
4 run_finished result=succeeded`,
			"a web1 3s, a web2 1s of 4s",
		},
		{
			"what was skipped passes the word on", "{id: a, run: x}, {id: b, if: 'true', run: x}, {id: c, run: x}", `
0 run_started
0 attempt_started web1 a do
2 attempt_finished web1 a do ok
2 op_skipped web1 b
2 attempt_started web1 c do
3 attempt_finished web1 c do ok
3 run_finished result=succeeded`,
			"a web1 2s, c web1 1s of 3s",
		},
		{
			"retries and checks are part of it; then the way back", "{id: a, run: x, rollback: y}, {id: b, run: x, rollback: y}, {id: c, run: x}", `
0 run_started
0 attempt_started web1 a check
1 attempt_finished web1 a check ok
2 attempt_started web1 a do
3 attempt_finished web1 a do changed
3 attempt_started web1 b do
4 attempt_finished web1 b do changed
4 attempt_started web1 c do
5 attempt_finished web1 c do failed
5 rollback_started
5 attempt_started web1 b undo
7 attempt_finished web1 b undo ok
7 attempt_started web1 a undo
10 attempt_finished web1 a undo ok
10 run_finished result=rolled_back`,
			"a web1 3s, b web1 1s, c web1 1s, undo b web1 2s, undo a web1 3s of 10s",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := known(t, "name: x\nhosts: web\nsteps: ["+c.steps+"]\n", true)
			o.Events = events(t, c.trace)
			s := New(o).Story
			var got []string
			for _, leg := range s.Legs {
				undo := ""
				if leg.Undo {
					undo = "undo "
				}
				got = append(got, fmt.Sprintf("%s%s %s %gs", undo, leg.Step, leg.Host, leg.Took.Seconds()))
			}
			if said := fmt.Sprintf("%s of %gs", strings.Join(got, ", "), s.Took.Seconds()); said != c.want {
				t.Errorf("got  %s\nwant %s", said, c.want)
			}
		})
	}
}

func TestManyLegsAreToldShortly(t *testing.T) {
	s := &Story{Took: time.Hour}
	for i := range 40 {
		s.Legs = append(s.Legs, Leg{Step: fmt.Sprint("s", i), Host: "h", Took: time.Duration(i) * time.Second})
		s.Busy += time.Duration(i) * time.Second
	}
	told := s.path("→")
	if len(told) != legsMax || !strings.Contains(told[legsMax-1], "and 28 shorter, 6m18s") {
		t.Errorf("%d: %q", len(told), told)
	}
}
