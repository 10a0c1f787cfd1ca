package action

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// Limits, all of them.
const (
	itemsMax              = 50_000           // files and directories of one copy
	templateMax           = 1 << 20          // bytes of one file that is a template
	shownMax              = 64 << 10         // bytes of a file whose differences are shown
	listedMax             = 50               // names of a directory that are shown
	answerMax             = 64 << 20         // bytes of an answer of a host
	batchCount            = 64               // paths that are looked at by one call
	nameMax               = 40               // bytes of a file's name in that of its temporary
	bodyMax               = 1 << 20          // bytes of an HTTP body that are looked at
	tryTime               = 10 * time.Second // for one try of a wait
	complainMax           = 4 << 10          // bytes of what a host complains about
	excuseMax             = 256              // bytes of the body of an HTTP answer that was not wanted
	excuseLines           = 3                // lines of it
	redirectsMax          = 10               // that a GET follows
	responseMax           = 16 << 20         // bytes of the body of an answer
	fetchedMax            = 10_000           // files of one fetch
	fetchedBytesMax int64 = 2 << 30          // bytes of them
	chunkMax        int64 = 16 << 20         // bytes of one answer with content
	linesMax              = 8 << 20          // bytes of a file whose lines are changed
	changedMax            = 400              // lines of a difference that are shown
)

var (
	//go:embed keep.sh
	keepScript string
	//go:embed do.sh
	doScript string
	//go:embed undo.sh
	undoScript string
	//go:embed service.sh
	serviceScript string
	//go:embed sum.sh
	sumScript string
	//go:embed probe.sh
	probeScript string
)

// New makes the built-in action of a step; it is an executor.Actions. Both results are nil for a
// step that has none. The local files of a copy are not read before they are needed, but templates are.
func New(step *runbook.Step, dir string, render func(*runbook.Text) (string, error)) (executor.Work, executor.Question, error) {
	switch {
	case step.Copy != nil:
		work, err := newCopying(step.Copy, dir, render)
		if err != nil {
			return nil, nil, err
		}
		return work, nil, nil
	case step.Link != nil:
		work, err := newLinking(step.Link, render)
		if err != nil {
			return nil, nil, err
		}
		return work, nil, nil
	case step.Line != nil:
		work, err := newLining(step.Line, render)
		if err != nil {
			return nil, nil, err
		}
		return work, nil, nil
	case step.Service != nil:
		work, err := newServing(step.Service, render)
		if err != nil {
			return nil, nil, err
		}
		return work, nil, nil
	case step.HTTP != nil:
		question, err := newRequesting(step, render)
		if err != nil {
			return nil, nil, err
		}
		return nil, question, nil
	case step.Fetch != nil:
		question, err := newFetching(step.Fetch, dir, render)
		if err != nil {
			return nil, nil, err
		}
		return nil, question, nil
	case step.Wait != nil:
		question, err := newWaiting(step.Wait, render)
		if err != nil {
			return nil, nil, err
		}
		return nil, question, nil
	}
	return nil, nil, nil
}

// hostPath reads a path on a host, given by key: absolute, or below the home directory.
func hostPath(key, p string) (string, error) {
	switch {
	case strings.ContainsRune(p, 0):
		return "", fmt.Errorf("cannot use %s: it holds a NUL byte", key)
	case p == "~" || strings.HasPrefix(p, "~/"):
		return strings.TrimSuffix("~"+path.Clean("/"+p[1:]), "/"), nil
	case strings.HasPrefix(p, "/"):
		return path.Clean(p), nil
	}
	return "", fmt.Errorf("cannot use %s: %q is not an absolute path on the host (~/ is the home directory)", key, p)
}

// word writes a path that hostPath gave as a word of a script.
func word(p string) string {
	if p == "~" {
		return `"$HOME"`
	}
	if strings.HasPrefix(p, "~/") {
		return `"$HOME"` + shell.Quote(p[1:])
	}
	return shell.Quote(p)
}

// parents gives the directories above a path, outermost first, without / and the home directory.
func parents(p string) []string {
	var list []string
	for p = path.Dir(p); p != "/" && p != "~" && p != "."; p = path.Dir(p) {
		list = append([]string{p}, list...)
	}
	return list
}

// temporary is the name under which a file is written before it is renamed.
func temporary(name, key string) string {
	return "." + strings.ToValidUTF8(name[:min(len(name), nameMax)], "") + ".opsctl-" + key
}

// undo is the same for all: what was kept says what is to be done.
func undo(key string) executor.Command {
	return executor.Command{Shell: "sh", Script: "op_key=" + shell.Quote(key) + "\n" + keepScript + undoScript}
}

// ask runs a read, with the identity and limits of c, and gives what it printed.
func ask(ctx context.Context, h executor.Prober, c executor.Command, script string) (string, error) {
	var out, complaint strings.Builder
	flood := false
	ending := h.Ask(ctx, executor.Command{Script: script, Shell: "sh", Sudo: c.Sudo, Timeout: c.Timeout, KillAfter: c.KillAfter},
		func(stream executor.Stream, p []byte) {
			switch {
			case stream == executor.Stderr:
				complaint.Write(p[:min(len(p), complainMax-min(complainMax, complaint.Len()))])
			case out.Len()+len(p) > answerMax:
				flood = true
			default:
				out.Write(p)
			}
		})
	switch {
	case ending.Verdict != executor.Ended:
		message := ending.Message
		if message == "" {
			message = "the host did not answer"
		}
		return "", &executor.HostError{Class: ending.Class, Message: message}
	case ending.Cancelled:
		return "", context.Canceled
	case ending.TimedOut:
		return "", errors.New("cannot read what is on the host: it took too long")
	case flood:
		return "", errors.New("cannot read what is on the host: the answer is too long")
	case ending.Exit != 0:
		if said := strings.TrimSpace(complaint.String()); said != "" {
			return "", errors.New(said)
		}
		return "", fmt.Errorf("cannot read what is on the host: exit status %d", ending.Exit)
	}
	return out.String(), nil
}
