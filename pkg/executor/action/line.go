package action

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// lining keeps a line of a file. The file is read and its new content made here, so that patterns
// mean the same for every host; it is only written if it is still as it was read.
type lining struct {
	path, line string
	match      *regexp.Regexp // nil: the line itself
	absent     bool

	read          bool
	before, after string
	mode          uint32
}

func newLining(l *runbook.Line, render func(*runbook.Text) (string, error)) (*lining, error) {
	w := &lining{absent: l.Absent}
	var err error
	if w.path, err = render(l.Path); err != nil {
		return nil, err
	}
	if w.path, err = hostPath("line.path", w.path); err != nil {
		return nil, err
	}
	if w.path == "/" || w.path == "~" {
		return nil, fmt.Errorf("cannot use line.path: %s is a directory", w.path)
	}
	if w.line, err = render(l.Line); err != nil {
		return nil, err
	}
	if strings.ContainsAny(w.line, "\n\r\x00") {
		return nil, errors.New("cannot use line.line: it holds the end of a line, or a NUL byte")
	}
	if l.Match == nil {
		return w, nil
	}
	if w.match, err = l.Pattern(render); err != nil {
		return nil, fmt.Errorf("cannot use line.match: %w", err)
	}
	if w.match.String() == "" {
		return nil, errors.New("cannot use line.match: an empty pattern matches every line")
	}
	return w, nil
}

// Path is the file.
func (w *lining) Path() string { return w.path }

// Probe reads the file and makes its new content.
func (w *lining) Probe(ctx context.Context, h executor.Prober, c executor.Command) (executor.Probe, error) {
	out, err := ask(ctx, h, c, keepScript+doScript+sumScript+probeScript+"op_resolve "+word(w.path)+"\n"+
		`op_see 0 "$op_root"`+"\n"+fmt.Sprintf(`op_show "$op_root" %d`, linesMax)+"\n")
	if err != nil {
		return executor.Probe{}, err
	}
	l, err := readLook(out)
	if err != nil {
		return executor.Probe{}, fmt.Errorf("cannot read what is on the host at %s: %s", w.path, err)
	}
	now := l.at[0]
	switch {
	case now == nil && w.absent:
		return executor.Probe{Same: true}, nil
	case now == nil:
		return executor.Probe{}, fmt.Errorf("cannot change a line of %s: there is no such file (copy puts one there)", w.path)
	case now.kind() != fileKind:
		return executor.Probe{}, fmt.Errorf("cannot change a line of %s: it is not a file", w.path)
	case !l.shown && now.size > linesMax:
		return executor.Probe{}, fmt.Errorf("cannot change a line of %s: it is larger than %d bytes", w.path, linesMax)
	case !l.shown:
		return executor.Probe{}, fmt.Errorf("cannot change a line of %s: it may not be read", w.path)
	}
	w.read, w.before, w.after, w.mode = true, l.content, w.edit(l.content), octal(now.permissions)
	if w.after == w.before {
		return executor.Probe{Same: true}, nil
	}
	return executor.Probe{Diff: w.diff()}, nil
}

// edit gives the content as it should be. Every byte that is not of the line in question stays.
func (w *lining) edit(content string) string {
	lines := strings.SplitAfter(content, "\n")
	if lines[len(lines)-1] == "" { // what follows the last newline is no line
		lines = lines[:len(lines)-1]
	}
	last, there, ending := -1, false, "\n"
	kept := lines[:0:0]
	for i, full := range lines {
		text, end := cutEnding(full)
		if end != "" {
			ending = end
		}
		there = there || text == w.line
		if w.match != nil && w.match.MatchString(text) || w.match == nil && text == w.line {
			last = i
		} else {
			kept = append(kept, full)
		}
	}
	switch {
	case w.absent:
		return strings.Join(kept, "")
	case last >= 0:
		_, end := cutEnding(lines[last])
		lines[last] = w.line + end
	case there: // the line is as it should be, though the pattern fits only what it was before
	default:
		if n := len(lines); n > 0 && !strings.HasSuffix(lines[n-1], "\n") {
			lines[n-1] += ending
		}
		lines = append(lines, w.line+ending)
	}
	return strings.Join(lines, "")
}

// cutEnding takes a line apart: its text, and "\n", "\r\n" or nothing.
func cutEnding(full string) (text, ending string) {
	text, found := strings.CutSuffix(full, "\n")
	if !found {
		return full, ""
	}
	if text, found := strings.CutSuffix(text, "\r"); found {
		return text, "\r\n"
	}
	return text, "\n"
}

func (w *lining) diff() string {
	head := fmt.Sprintf("~ %s\n", visible(w.path))
	if !isText(w.before) || !isText(w.after) {
		return head
	}
	lines := strings.SplitAfter(unified(w.before, w.after), "\n")
	if more := len(lines) - changedMax; more > 0 {
		lines = append(lines[:changedMax], fmt.Sprintf("… and %d more lines\n", more))
	}
	return head + strings.Join(lines, "")
}

// Files is the whole new content.
func (w *lining) Files() ([]executor.StagedFile, error) {
	if !w.read {
		return nil, errors.New("cannot change a line of a file that was not read")
	}
	return []executor.StagedFile{{Path: stagedName(0), Mode: 0o600, Size: int64(len(w.after)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(w.after)), nil
	}}}, nil
}

// Do writes the new content, if the file is still as it was. That is looked at twice: before
// anything, and once its copy is kept, so that what an undo brings back is what was read.
func (w *lining) Do(key, staged string) executor.Command {
	r := newRecorder(key)
	sum := sha256.Sum256([]byte(w.before))
	crc := newCksum()
	_, _ = crc.Write([]byte(w.before)) // it takes everything
	same := fmt.Sprintf("%s %s", hex.EncodeToString(sum[:]), shell.Quote(crc.String()))
	r.resolve = sumScript + "op_resolve " + word(w.path) + "\n"
	r.want("op_want_file", at(""))
	file := shell.Quote(staged + "/" + stagedName(0))
	r.want("op_want_staged", file)
	r.want("op_want_sum", at("")+" "+same)
	tmp := `"${op_root%/*}"` + shell.Quote("/"+temporary(path.Base(w.path), key))
	r.direct(`"${op_root%/*}/."`)
	r.record(at(""), tmp, "")
	fmt.Fprintf(&r.records, "op_want_sum %s %s\n", at(""), same)
	r.change("op_rewrite %s %s %s %05o", file, at(""), tmp, w.mode)
	return r.command()
}

// Undo takes it back.
func (w *lining) Undo(key string) executor.Command { return undo(key) }
