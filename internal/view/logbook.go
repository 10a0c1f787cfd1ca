package view

import (
	"fmt"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/opsctl/opsctl/pkg/run"
)

// logbook turns events into lines for a log that is never repainted. It folds them into its
// board as it goes.
type logbook struct {
	board     *Board
	theme     Theme
	verbosity int
}

// entry is a line about one host, before those that say the same of others are folded into it.
type entry struct {
	at      time.Time
	hosts   []string
	step    string
	said    string
	tone    tone
	took    time.Duration // the shortest; negative where the start is not known
	tookMax time.Duration
	more    []string // lines below
}

// take applies a batch of events and gives the lines that tell of them.
func (l *logbook) take(events []run.Event) []string {
	var entries []*entry
	same := map[string]*entry{}
	for _, e := range events {
		entry := l.entry(e)
		if entry == nil {
			continue
		}
		key := entry.step + "\x00" + entry.said + "\x00" + strings.Join(entry.more, "\n")
		first := same[key]
		if first == nil || len(entry.hosts) == 0 {
			same[key] = entry
			entries = append(entries, entry)
			continue
		}
		first.hosts = append(first.hosts, entry.hosts...)
		if first.took < 0 || entry.took >= 0 && entry.took < first.took {
			first.took = entry.took
		}
		first.tookMax = max(first.tookMax, entry.tookMax)
	}
	var lines []string
	for _, e := range entries {
		lines = append(lines, l.line(e))
		lines = append(lines, e.more...)
	}
	return lines
}

// entry applies one event and says what happened; nil where there is nothing to say.
func (l *logbook) entry(e run.Event) *entry {
	b := l.board
	var since time.Time
	if _, index, ok := b.find(e.Op); ok {
		if a := b.active[index]; a != nil {
			since = a.Since
		}
	}
	b.Apply(e)
	line := &entry{at: e.Time, step: e.Step, took: -1, tookMax: -1}
	if e.Host != "" {
		line.hosts = []string{e.Host}
	}
	switch e.Kind {
	case run.AttemptStarted:
		if l.verbosity < 1 {
			return nil
		}
		line.said, line.tone = startWord(e), toneFaint
	case run.AttemptFinished:
		if !since.IsZero() {
			line.took = max(0, e.Time.Sub(since))
			line.tookMax = line.took
		}
		return l.finished(e, line)
	case run.OpDecided:
		if e.NotBefore.IsZero() {
			return nil
		}
		line.said = "tried again at " + e.NotBefore.Format(time.TimeOnly)
	case run.OpSkipped:
		line.said, line.tone = withReason("skipped", l.theme.oneLine(e.Reason)), toneFaint
	case run.PersonAsked:
		line.said, line.tone = withReason("a person is asked", l.theme.oneLine(e.Message)), toneWarn
	case run.PersonAnswered:
		line.said = fmt.Sprintf("%s, says %s", e.Answer, l.theme.oneLine(e.User))
	case run.OpResolved:
		line.said = fmt.Sprintf("resolved as %s by %s", e.Outcome, l.theme.oneLine(e.User))
	default:
		return l.ofRun(e, line)
	}
	return line
}

func startWord(e run.Event) string {
	said := "started"
	if word := actWord(e.Act); word != "" {
		said = strings.TrimSuffix(word, " of") + " started"
	}
	if e.Number > 1 {
		said += fmt.Sprintf(" (try %d)", e.Number)
	}
	return said
}

// finished says how an attempt ended. That a save or a check that said no went well is no news.
func (l *logbook) finished(e run.Event, line *entry) *entry {
	_, index, ok := l.board.find(e.Op)
	if !ok {
		return nil
	}
	status := l.board.cells[index].Status
	line.tone = statusFaces[status].tone
	line.said = status.String()
	switch {
	case status.Bad():
		f := l.board.Failures[len(l.board.Failures)-1]
		line.said = f.reason(l.theme)
		if word := actWord(e.Act); word != "" {
			line.said = strings.TrimSuffix(word, " of") + " " + line.said
		}
		if f.Tolerated {
			line.said += " (tolerated)"
		}
		for _, text := range l.theme.lastLines(f.Tail, tailLinesMax) {
			line.more = append(line.more, "    "+l.theme.pick("│", "|")+" "+text)
		}
	case status == Pending || status == Running || status == Waiting:
		return nil
	case e.Act == run.Check && status == OK:
		line.said = "ok, already so"
	case l.board.cells[index].Flags&Recovered != 0 && e.Act != run.Undo:
		line.said += fmt.Sprintf(", recovered at try %d", e.Number)
	}
	return line
}

// ofRun says what happened to the run as a whole.
func (l *logbook) ofRun(e run.Event, line *entry) *entry {
	b, t := l.board, l.theme
	line.step, line.tone = "", toneBold
	switch e.Kind {
	case run.RunStarted:
		line.said = fmt.Sprintf("run %s of %s on %s", shortID(b.Info.ID), t.oneLine(b.Info.Runbook), foldWithin(b.Hosts, foldedHostsMax))
		if b.Info.Params != "" {
			line.said += ", " + t.oneLine(b.Info.Params)
		}
	case run.RunResumed:
		line.said = withReason("resumed", t.oneLine(e.Reason))
	case run.RunStopping:
		line.said, line.tone = "stopping: "+t.oneLine(b.Reason)+"; nothing new starts", toneWarn
	case run.RunFinished:
		line.said, line.tone = resultWord(e.Result), resultTone(e.Result)
	case run.HostReached:
		if l.verbosity < 1 {
			return nil
		}
		line.said, line.tone = "reached", toneFaint
	case run.HostUnreachable:
		line.said, line.tone = "unreachable: "+t.oneLine(strings.TrimPrefix(e.Class+": "+e.Message, ": ")), toneBad
	case run.HostLeft:
		line.said, line.tone = withReason("left out of later steps", t.oneLine(e.Reason)), toneWarn
	case run.WaveStarted:
		line.hosts = nil
		line.said = fmt.Sprintf("wave %d of %s: %s", e.Wave, blockName(e.Step), foldWithin(e.Hosts, foldedHostsMax))
	case run.WaveFinished:
		line.said, line.tone = fmt.Sprintf("wave %d of %s has ended", e.Wave, blockName(e.Step)), toneFaint
		if e.NotBefore.After(e.Time) {
			line.said += ", the next starts at " + e.NotBefore.Format(time.TimeOnly)
		}
	case run.RollbackStarted:
		line.said, line.tone = withReason("rolling back "+scopeWord(e), t.oneLine(e.Reason)), toneWarn
		if e.Host != "" {
			line.said = withReason("taken back alone", t.oneLine(e.Reason))
		}
	default:
		return nil
	}
	return line
}

func blockName(step string) string {
	if step == "" {
		return "the rollout"
	}
	return step
}

func scopeWord(e run.Event) string {
	switch e.Scope {
	case "block":
		return "block " + e.Step
	case "wave":
		return fmt.Sprintf("wave %d", e.Wave)
	case "hosts":
		return foldWithin(e.Hosts, foldedHostsMax)
	}
	return "the run"
}

func withReason(said, reason string) string {
	if reason == "" {
		return said
	}
	return said + ": " + reason
}

func (l *logbook) line(e *entry) string {
	parts := []string{}
	if len(e.hosts) > 0 {
		parts = append(parts, FoldHosts(e.hosts))
	}
	if e.step != "" {
		parts = append(parts, e.step)
	}
	parts = append(parts, l.theme.paint(e.tone, e.said))
	if e.tookMax >= 0 {
		took := elapsed(e.tookMax)
		if low := elapsed(e.took); low != took {
			took = low + l.theme.pick("–", "-") + took
		}
		parts = append(parts, took)
	}
	return e.at.Format(time.TimeOnly) + " " + strings.Join(parts, "  ")
}

// stillRunning is the line that breaks a long silence; "" where nothing is to be waited for.
func (l *logbook) stillRunning(now time.Time) string {
	var parts []string
	active := l.board.Active()
	for i, a := range active {
		if i == activeListed {
			parts = append(parts, fmt.Sprintf("and %d more", len(active)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %s %s", a.Op.Host, a.what(l.theme), elapsed(now.Sub(a.Since))))
	}
	if len(parts) > 0 {
		return now.Format(time.TimeOnly) + " still running: " + strings.Join(parts, ", ")
	}
	if parts = l.board.waits(now); len(parts) > 0 {
		return now.Format(time.TimeOnly) + " waiting: " + strings.Join(parts, ", ")
	}
	return ""
}

// waits says what holds a run in which nothing runs.
func (b *Board) waits(now time.Time) []string {
	var parts []string
	if b.Phase == Preflight && b.reached < len(b.Hosts) {
		parts = append(parts, fmt.Sprintf("%d of %d hosts reached", b.reached, len(b.Hosts)))
	}
	if n := b.Count(Waiting); n > 0 {
		parts = append(parts, fmt.Sprintf("%d to be tried again", n))
	}
	for _, w := range b.Waves {
		if rest := w.Until.Sub(now); rest > 0 {
			parts = append(parts, fmt.Sprintf("wave %d of %s starts in %s", w.Wave+1, blockName(w.Block), elapsed(rest)))
		}
	}
	return parts
}

// prefixed is a line of output for a log: whose it is stands before it, so that it can be no
// command to the build service that reads the log.
func (l *logbook) prefixed(op run.Op, title string, line []byte) []byte {
	safe := Sanitiser{Colour: l.theme.Colour, Unicode: l.theme.Unicode}
	text := safe.Flush(safe.Append(nil, line))
	out := fmt.Appendf(nil, "%s %s %s ", op.Host, l.theme.oneLine(title), l.theme.pick("│", "|"))
	if !l.theme.Colour {
		return append(append(out, ansi.Strip(string(text))...), '\n')
	}
	return append(resetAfter(append(out, text...)), '\n')
}
