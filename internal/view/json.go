package view

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

// lines shows a run to a program: each event as one line of JSON, as the journal has it.
type lines struct {
	options Options
	out     *queue
	notes   *queue
	once    sync.Once
}

func newJSON(o Options) *lines {
	return &lines{options: o, out: newQueue(o.Out, queueJSONMax, lostEvents), notes: newQueue(o.Err, queueBytesMax, lostLines)}
}

func (v *lines) Observe(events []run.Event) {
	var batch []byte
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil { // an output value that JSON cannot say: the fact stands without it
			e.Outputs, e.Params = nil, nil
			if line, err = json.Marshal(e); err != nil {
				line = fmt.Appendf(nil, `{"seq":%d,"event":%q}`, e.Seq, e.Kind)
			}
		}
		batch = append(append(batch, line...), '\n')
	}
	v.out.add(batch)
}

func (v *lines) Output(executor.AttemptRef, executor.Stream, []byte) {}

// Note is for the person who waits: it stands on standard error, beside the events.
func (v *lines) Note(text string) { v.notes.add([]byte(v.options.theme.oneLine(text) + "\n")) }

func (v *lines) Suspend() func() { return func() {} }
func (v *lines) Finish(Ledger)   { v.Close() }

func (v *lines) Close() {
	v.once.Do(func() {
		v.out.close()
		v.notes.close()
	})
}

// Trouble is why opsctl itself could not go on: not a failure on a host.
type Trouble struct {
	Code    int      `json:"code"` // exit code
	Message string   `json:"message"`
	Hint    string   `json:"hint,omitempty"`
	Details []string `json:"details,omitempty"` // all problems, where there are several
}

// detailsMax is how many details anybody wants to read at once.
const detailsMax = 100

// Show writes the trouble where the person or the program will find it: as JSON on standard
// output, else as text on standard error.
func (tr Trouble) Show(o Options) error {
	o = o.complete()
	if o.mode() == ModeJSON {
		line, err := json.Marshal(map[string]Trouble{"error": tr})
		if err != nil {
			return err
		}
		_, err = o.Out.Write(append(line, '\n'))
		return err
	}
	safe := Sanitiser{Colour: o.theme.Colour, Unicode: o.theme.Unicode}
	text := o.theme.paint(toneBad, "opsctl:") + " " + safe.Whole(tr.Message) + "\n"
	for _, d := range tr.Details[:min(len(tr.Details), detailsMax)] {
		text += safe.Whole(d) + "\n"
	}
	if more := len(tr.Details) - detailsMax; more > 0 {
		text += fmt.Sprintf("and %d more; --output json lists all\n", more)
	}
	if tr.Hint != "" {
		text += "hint: " + safe.Whole(tr.Hint) + "\n"
	}
	_, err := fmt.Fprint(o.Err, text)
	return err
}
