package action

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// fetching brings a file, or the regular files of a directory, from a host to a directory of that
// host here. What a host says of names and sizes is not trusted: nothing is written outside.
type fetching struct {
	src       string
	dir, dest string // where the runbook is; below it, and ending with the host's name
}

// found is a file on the host.
type found struct {
	rel    string // below dest
	remote string // as a word of a script
	size   int64
	sum    string
}

// finds is all that there is to be fetched.
type finds struct {
	files   []found
	total   int64 // of their sizes
	leftOut []string
	sumName string
}

func newFetching(f *runbook.Fetch, dir string, render func(*runbook.Text) (string, error)) (*fetching, error) {
	w := &fetching{dir: dir}
	var err error
	if w.src, err = render(f.Src); err != nil {
		return nil, err
	}
	if w.src, err = hostPath("fetch.src", w.src); err != nil {
		return nil, err
	}
	dest, err := render(f.Dest)
	if err != nil {
		return nil, err
	}
	if dest == "" || !filepath.IsLocal(dest) {
		return nil, fmt.Errorf("cannot use fetch.dest: %q does not lead to a place below the runbook's directory", dest)
	}
	name, err := hostName(render)
	if err != nil {
		return nil, err
	}
	if name == "." || !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
		return nil, fmt.Errorf("cannot fetch from %q: the name of the host cannot be that of a directory", name)
	}
	w.dest = filepath.Join(dest, name)
	return w, nil
}

// hostName is the name of the host that the step is for, wherever it takes place.
func hostName(render func(*runbook.Text) (string, error)) (string, error) {
	t, errs := expression.CompileText("${{ host.name }}", expression.Map{expression.Extra: expression.Any})
	if len(errs) > 0 {
		return "", errs[0]
	}
	return render(&runbook.Text{Text: t})
}

// Ask fetches what differs. What it prints are the names of the files, here.
func (w *fetching) Ask(ctx context.Context, h executor.Prober, c executor.Command, sink executor.Sink) executor.Ending {
	limited, cancel := limit(ctx, c)
	defer cancel()
	err := w.fetch(limited, h, c, sink)
	return endingOf(ctx, limited, err)
}

// List tells what Ask would print and, on stderr, what it would write.
func (w *fetching) List(ctx context.Context, h executor.Prober, c executor.Command, sink executor.Sink) executor.Ending {
	limited, cancel := limit(ctx, c)
	defer cancel()
	all, err := w.find(limited, h, c)
	if err != nil {
		return endingOf(ctx, limited, err)
	}
	place, err := w.open(false)
	if err == nil {
		defer func() { _ = place.Close() }() // it was only read
	} else if place = nil; !errors.Is(err, os.ErrNotExist) {
		return endingOf(ctx, limited, fmt.Errorf("cannot fetch to %s: %w", w.dest, err))
	}
	for _, f := range all.files {
		sign := "+"
		if place != nil {
			if _, err := place.Lstat(f.rel); err == nil {
				sign = "~"
			}
		}
		if place == nil || !f.isHere(place, all.sumName) {
			sink(executor.Stderr, fmt.Appendf(nil, "%s %s (%d bytes)\n", sign, visible(filepath.Join(w.dest, f.rel)), f.size))
		}
		w.name(f, sink)
	}
	all.mention(sink)
	return executor.Ending{}
}

func limit(ctx context.Context, c executor.Command) (context.Context, context.CancelFunc) {
	if c.Timeout > 0 {
		return context.WithTimeout(ctx, c.Timeout)
	}
	return context.WithCancel(ctx)
}

func endingOf(ctx, limited context.Context, err error) executor.Ending {
	var he *executor.HostError
	switch {
	case err == nil:
		return executor.Ending{}
	case ctx.Err() != nil:
		return executor.Ending{Cancelled: true}
	case limited.Err() != nil:
		return executor.Ending{TimedOut: true, Message: "it took too long to fetch"}
	case errors.As(err, &he):
		return executor.Ending{Verdict: executor.NotLearned, Class: he.Class, Message: he.Message, Hint: he.Hint}
	}
	return executor.Ending{Exit: 1, Class: "action", Message: err.Error()}
}

func (w *fetching) name(f found, sink executor.Sink) {
	sink(executor.Stdout, []byte(filepath.Join(w.dest, f.rel)+"\n"))
}

func (l *finds) mention(sink executor.Sink) {
	for _, name := range l.leftOut {
		sink(executor.Stderr, []byte("left out: "+name+"\n"))
	}
}

// find asks the host what there is.
func (w *fetching) find(ctx context.Context, h executor.Prober, c executor.Command) (*finds, error) {
	src := word(w.src)
	out, err := ask(ctx, h, c, keepScript+sumScript+probeScript+"op_root="+src+`
if [ -L "$op_root" ]; then op_fail `+shell.Quote("fetch "+w.src+": it is a symlink")+`" to $(readlink "$op_root"); name that"; fi
op_there "$op_root" || op_fail `+shell.Quote("fetch "+w.src+": there is no such file or directory")+`
op_see 0 "$op_root"
op_list
`)
	if err != nil {
		return nil, err
	}
	l, err := readLook(out)
	if err == nil && l.at[0] == nil {
		err = errors.New("the answer makes no sense")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what is on the host at %s: %w", w.src, err)
	}
	all := &finds{sumName: l.sumName}
	switch l.at[0].kind() {
	case fileKind:
		return all, all.add(path.Base(w.src), src, l.at[0])
	case dirKind:
		return all, w.inside(ctx, h, c, all, l.found)
	}
	return nil, fmt.Errorf("cannot fetch %s: it is neither a file nor a directory", w.src)
}

// inside looks at what is in a directory.
func (w *fetching) inside(ctx context.Context, h executor.Prober, c executor.Command, all *finds, listed []string) error {
	names := slices.DeleteFunc(listed, func(s string) bool { return s[0] == 'd' })
	if len(names) > fetchedMax {
		return fmt.Errorf("cannot fetch %s: it holds more than %d files", w.src, fetchedMax)
	}
	slices.Sort(names)
	at := func(i int) string { return word(w.src) + shell.Quote("/"+names[i][2:]) }
	var b strings.Builder
	b.WriteString(keepScript + sumScript + probeScript)
	for first := 0; first < len(names); first += batchCount {
		fmt.Fprintf(&b, "op_see %d", first)
		for i := first; i < min(first+batchCount, len(names)); i++ {
			b.WriteString(" " + at(i))
		}
		b.WriteString("\n")
	}
	out, err := ask(ctx, h, c, b.String())
	if err != nil {
		return err
	}
	l, err := readLook(out)
	if err != nil {
		return fmt.Errorf("cannot read what is on the host at %s: %w", w.src, err)
	}
	for i, name := range names {
		if now := l.at[i]; now != nil { // or it is gone by now
			if err := all.add(name[2:], at(i), now); err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes a file, or leaves out what is none.
func (l *finds) add(rel, remote string, now *seen) error {
	switch {
	case !filepath.IsLocal(rel) || path.Clean(rel) != rel:
		return fmt.Errorf("cannot fetch %s: the host gives a name that leads out of the directory", visible(rel))
	case now.kind() == linkKind:
		l.leftOut = append(l.leftOut, visible(rel)+" (a symlink)")
		return nil
	case now.kind() != fileKind:
		l.leftOut = append(l.leftOut, visible(rel)+" (neither a file nor a directory)")
		return nil
	case now.size < 0 || l.total+now.size > fetchedBytesMax:
		return fmt.Errorf("cannot fetch more than %d bytes at once; %s is too much", fetchedBytesMax, visible(rel))
	}
	l.total += now.size
	l.files = append(l.files, found{rel: rel, remote: remote, size: now.size, sum: now.sum})
	return nil
}
