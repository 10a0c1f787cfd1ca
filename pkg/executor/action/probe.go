package action

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// seen is what stands at a path of the host.
type seen struct {
	permissions           string // as ls writes them; "" for a symlink, whose target is known
	size                  int64
	uid, gid, user, group string
	sum, target           string
}

func (s *seen) kind() itemKind {
	switch {
	case s.permissions == "":
		return linkKind
	case s.permissions[0] == '-':
		return fileKind
	}
	return itemKind(s.permissions[0])
}

// look is the whole answer of a host.
type look struct {
	sumName string
	at      map[int]*seen // by item
	found   []string      // below dest: a letter, a space and the path
	shown   bool
	content string // of a single file
}

// todo is what differs.
type todo struct {
	mkdir, put, attr []int // items
	fresh            map[int]bool
	remove, rmdir    []string
}

// work is what differs, or everything where the host was not asked.
func (w *copying) work() *todo {
	if w.todo != nil {
		return w.todo
	}
	all := &todo{}
	for i := range w.tree.items {
		if w.tree.items[i].kind == dirKind {
			all.mkdir = append(all.mkdir, i)
		} else {
			all.put = append(all.put, i)
		}
	}
	return all
}

// Probe compares what is there with what should be.
func (w *copying) Probe(ctx context.Context, h executor.Prober, c executor.Command) (executor.Probe, error) {
	if err := w.load(); err != nil {
		return executor.Probe{}, err
	}
	out, err := ask(ctx, h, c, w.question())
	if err != nil {
		return executor.Probe{}, err
	}
	l, err := readLook(out)
	if err != nil {
		return executor.Probe{}, fmt.Errorf("cannot read what is on the host at %s: %s", w.dest, err)
	}
	todo, err := w.compare(l)
	if err != nil {
		return executor.Probe{}, err
	}
	w.todo = todo
	if len(todo.mkdir)+len(todo.put)+len(todo.attr)+len(todo.remove)+len(todo.rmdir) == 0 {
		return executor.Probe{Same: true}, nil
	}
	diff, err := w.diff(l)
	return executor.Probe{Diff: diff}, err
}

// question is the script of the probe.
func (w *copying) question() string {
	var b strings.Builder
	b.WriteString(keepScript + doScript + sumScript + probeScript + "op_resolve " + word(w.dest) + "\n")
	for first := 0; first < len(w.tree.items); first += batchCount {
		fmt.Fprintf(&b, "op_see %d", first)
		for _, it := range w.tree.items[first:min(first+batchCount, len(w.tree.items))] {
			b.WriteString(" " + at(it.rel))
		}
		b.WriteString("\n")
	}
	if w.remove {
		b.WriteString("op_list\n")
	}
	if w.tree.single {
		fmt.Fprintf(&b, "op_show %s %d\n", at(""), shownMax)
	}
	return b.String()
}

// readLook reads the answer; its form stands in probe.sh.
func readLook(out string) (*look, error) {
	l := &look{at: map[int]*seen{}}
	for out != "" {
		part, rest, ok := strings.Cut(out, "\x00")
		if !ok || part == "" {
			return nil, errors.New("the answer is cut short")
		}
		out = rest
		var err error
		switch part[0] {
		case 'k':
			l.sumName = strings.TrimPrefix(part, "k ")
		case 'l':
			number, target, _ := strings.Cut(strings.TrimPrefix(part, "l "), " ")
			var i int
			i, err = strconv.Atoi(number)
			l.at[i] = &seen{target: target}
		case 's':
			err = l.lines(part[1:], l.stat)
		case 'h':
			err = l.lines(part[1:], l.hash)
		case 'd', 'f':
			l.found = append(l.found, part)
		case 'c':
			l.shown, l.content, out = true, out, ""
		default:
			err = errors.New("the answer makes no sense")
		}
		if err != nil {
			return nil, err
		}
	}
	if l.sumName == "" {
		return nil, errors.New("the answer is empty")
	}
	return l, nil
}

// lines reads a line of numbers, and then a line for each of them.
func (l *look) lines(part string, read func(i int, line string) error) error {
	numbers, rest, _ := strings.Cut(part, "\n")
	lines := strings.Split(strings.TrimSuffix(rest, "\n"), "\n")
	fields := strings.Fields(numbers)
	if len(fields) != len(lines) {
		return errors.New("it changed while it was looked at")
	}
	for k, f := range fields {
		i, err := strconv.Atoi(f)
		if err != nil {
			return err
		}
		if err := read(i, lines[k]); err != nil {
			return err
		}
	}
	return nil
}

func (l *look) stat(i int, line string) error {
	f := strings.SplitN(line, "/", 6)
	if len(f) != 6 || len(f[0]) < 10 {
		return fmt.Errorf("%q is not what was asked for", line)
	}
	size, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil && f[0][0] == '-' { // devices have no size
		return err
	}
	l.at[i] = &seen{permissions: f[0][:10], size: size, uid: f[2], gid: f[3], user: f[4], group: f[5]}
	return nil
}

func (l *look) hash(i int, line string) error {
	if l.at[i] == nil {
		return errors.New("there is a sum of nothing")
	}
	f := strings.Fields(line)
	switch {
	case l.sumName == "cksum" && len(f) >= 2:
		l.at[i].sum = f[0] + " " + f[1]
	case len(f) >= 1:
		l.at[i].sum = strings.TrimPrefix(f[0], `\`) // GNU marks names that it had to escape
	}
	return nil
}

// compare finds what differs. Directories that exist stay as they are.
func (w *copying) compare(l *look) (*todo, error) {
	t := &todo{fresh: map[int]bool{}}
	for i := range w.tree.items {
		it, now := &w.tree.items[i], l.at[i]
		if now == nil {
			t.fresh[i] = true
			if it.kind == dirKind {
				t.mkdir = append(t.mkdir, i)
			} else {
				t.put = append(t.put, i)
			}
			continue
		}
		if (it.kind == dirKind) != (now.kind() == dirKind) {
			return nil, w.conflict(it)
		}
		same, err := w.sameContent(it, now, l.sumName)
		switch {
		case err != nil:
			return nil, err
		case it.kind == dirKind:
		case !same:
			t.put = append(t.put, i)
		case it.kind == fileKind && !w.sameAttributes(it, now):
			t.attr = append(t.attr, i)
		}
	}
	w.extras(t, l)
	return t, nil
}

func (w *copying) conflict(it *item) error {
	where := strings.TrimSuffix(w.dest+"/"+it.rel, "/")
	if it.kind == dirKind {
		return fmt.Errorf("cannot make the directory %s: something else is there", where)
	}
	hint := ""
	if w.tree.single {
		hint = "; end dest with / to put the file into it"
	}
	return fmt.Errorf("cannot put a file at %s: a directory is there%s", where, hint)
}

func (w *copying) sameContent(it *item, now *seen, sumName string) (bool, error) {
	switch {
	case it.kind != now.kind():
		return false, nil
	case it.kind == linkKind:
		return it.target == now.target, nil
	case it.kind == dirKind:
		return true, nil
	case it.size != now.size:
		return false, nil
	}
	sum, err := it.sum(sumName)
	return sum == now.sum, err
}

func (w *copying) sameAttributes(it *item, now *seen) bool {
	return octal(now.permissions) == it.mode && (w.owner == "" || w.owner == now.user || w.owner == now.uid) &&
		(w.group == "" || w.group == now.group || w.group == now.gid)
}

// octal reads permissions as ls writes them, such as -rwsr-x--t.
func octal(s string) uint32 {
	var mode uint32
	for i, c := range s[1:10] {
		if c != '-' && c != 'S' && c != 'T' {
			mode |= 1 << (8 - i)
		}
		if i%3 == 2 && strings.ContainsRune("sStT", c) {
			mode |= 1 << (11 - i/3)
		}
	}
	return mode
}

// extras finds what is on the host only. What is excluded stays, and so do the directories it is in.
func (w *copying) extras(t *todo, l *look) {
	wanted, kept := map[string]bool{}, map[string]bool{}
	for _, it := range w.tree.items {
		wanted[it.rel] = true
	}
	keep := func(rel string) {
		for i := range rel {
			if rel[i] == '/' {
				kept[rel[:i]] = true
			}
		}
	}
	var dirs []string
	for _, f := range l.found {
		rel := f[2:]
		switch {
		case wanted[rel]:
		case excluded(w.exclude, rel):
			kept[rel] = true
			keep(rel)
		case f[0] == 'd':
			dirs = append(dirs, rel)
		default:
			t.remove = append(t.remove, rel)
		}
	}
	for _, rel := range dirs {
		if !kept[rel] {
			t.rmdir = append(t.rmdir, rel)
		}
	}
	slices.Sort(t.remove)
	slices.Sort(t.rmdir)
}

// describeOwner is part of a diff.
func (w *copying) describeOwner() string {
	if w.owner == "" && w.group == "" {
		return ""
	}
	return " " + shell.Quote(w.owner+":"+w.group)
}
