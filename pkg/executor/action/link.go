package action

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// linking switches a symlink.
type linking struct{ path, to string }

// Path is the link itself.
func (l *linking) Path() string { return l.path }

func newLinking(l *runbook.Link, render func(*runbook.Text) (string, error)) (*linking, error) {
	p, err := render(l.Path)
	if err != nil {
		return nil, err
	}
	to, err := render(l.To)
	if err != nil {
		return nil, err
	}
	if to == "" || strings.ContainsRune(to, 0) {
		return nil, fmt.Errorf("cannot use link.to: %q is not a path", to)
	}
	if p, err = hostPath("link.path", p); err != nil {
		return nil, err
	}
	if p == "/" || p == "~" {
		return nil, fmt.Errorf("cannot use link.path: %s is a directory", p)
	}
	return &linking{path: p, to: to}, nil
}

// target is what the link holds. A symlink knows no ~.
func (l *linking) target() string {
	if strings.HasPrefix(l.to, "~/") {
		return word(l.to)
	}
	return shell.Quote(l.to)
}

func (l *linking) Probe(ctx context.Context, h executor.Prober, c executor.Command) (executor.Probe, error) {
	p := word(l.path)
	out, err := ask(ctx, h, c, keepScript+`printf '%s\0' `+l.target()+`
if [ -L `+p+` ]; then op_t=$(readlink `+p+` && echo .); printf 'l%s\0' "${op_t%??}"
elif op_there `+p+`; then op_fail `+shell.Quote("switch the symlink "+l.path+": something else is there")+`
else printf 'n\0'; fi
`)
	if err != nil {
		return executor.Probe{}, err
	}
	parts := strings.Split(out, "\x00")
	if len(parts) != 3 || parts[1] == "" {
		return executor.Probe{}, fmt.Errorf("cannot read the symlink %s: the answer makes no sense", l.path)
	}
	to, kind, now := parts[0], parts[1][0], parts[1][1:]
	switch {
	case kind == 'n':
		return executor.Probe{Diff: fmt.Sprintf("+ %s → %s\n", l.path, to)}, nil
	case now == to:
		return executor.Probe{Same: true}, nil
	}
	return executor.Probe{Diff: fmt.Sprintf("~ %s: %s → %s\n", l.path, now, to)}, nil
}

func (l *linking) Files() ([]executor.StagedFile, error) { return nil, nil }

func (l *linking) Do(key, _ string) executor.Command {
	r := newRecorder(key)
	r.resolve = "op_root=\n"
	p := word(l.path)
	tmp := word(path.Join(path.Dir(l.path), temporary(path.Base(l.path), key)))
	r.want("op_want_link", p)
	r.above(l.path)
	r.record(word(path.Dir(l.path))+"/.", "", "")
	r.direct(word(path.Dir(l.path)) + "/.")
	r.record(p, tmp, "")
	r.change("op_link %s %s %s", l.target(), p, tmp)
	return r.command()
}

func (l *linking) Undo(key string) executor.Command { return undo(key) }
