package view

import (
	"sync"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

// quiet says nothing but, at the end, what went wrong: cron sends a mail for every word.
type quiet struct {
	options Options

	mu    sync.Mutex
	board *Board
}

func (v *quiet) Observe(events []run.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, e := range events {
		v.board.Apply(e)
	}
}

func (v *quiet) Output(executor.AttemptRef, executor.Stream, []byte) {}
func (v *quiet) Note(string)                                         {}
func (v *quiet) Suspend() func()                                     { return func() {} }
func (v *quiet) Close()                                              {}

func (v *quiet) Finish(ledger Ledger) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.board.Result == run.Succeeded || v.board.Result == run.RolledBack && v.board.Code == run.CodeOK { // the latter as asked
		return
	}
	out := newQueue(v.options.Err, queueBytesMax, lostLines)
	out.add([]byte(summary(v.board, ledger, v.options.theme, v.options.width())))
	out.close()
}
