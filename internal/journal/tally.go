package journal

import "github.com/opsctl/opsctl/pkg/run"

// tally keeps the few numbers that the list of runs shows, so that listing reads no events.
type tally struct {
	ended   int64 // nanoseconds since 1970; 0 while the run goes on
	result  run.Result
	code    int
	hosts   int
	changed map[run.Op]bool
	failed  map[run.Op]bool
}

func newTally() *tally {
	return &tally{changed: map[run.Op]bool{}, failed: map[run.Op]bool{}}
}

func (t *tally) add(events []run.Event) {
	for _, e := range events {
		switch e.Kind {
		case run.RunStarted:
			t.hosts = len(e.Hosts)
		case run.RunFinished:
			t.ended, t.result, t.code = max(e.Time.UnixNano(), 1), e.Result, e.Code
		case run.RunResumed, run.RollbackStarted, run.AttemptStarted:
			t.ended, t.result, t.code = 0, "", 0 // a finished run goes on
		case run.AttemptFinished:
			t.finish(e)
		case run.OpResolved:
			if e.Outcome.Good() {
				delete(t.failed, e.Op)
			}
		}
	}
}

// finish counts ops, not attempts: one that failed, was tried again and went well did not fail.
func (t *tally) finish(e run.Event) {
	if e.Act == run.Undo {
		return
	}
	if e.Outcome.Good() {
		delete(t.failed, e.Op)
	} else {
		t.failed[e.Op] = true
	}
	if e.Outcome == run.Changed {
		t.changed[e.Op] = true
	}
}
