package action

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// diff shows people what a copy would change.
func (w *copying) diff(l *look) (string, error) {
	if w.tree.single {
		return w.diffFile(l)
	}
	var lines []string
	t := w.todo
	for _, i := range append(slices.Clone(t.mkdir), t.put...) {
		sign, name := "~ ", w.tree.items[i].rel
		if t.fresh[i] {
			sign = "+ "
		}
		if w.tree.items[i].kind == dirKind {
			name += "/"
		}
		lines = append(lines, sign+visible(name))
	}
	for _, i := range t.attr {
		lines = append(lines, fmt.Sprintf("~ %s (%04o → %04o%s)", visible(w.tree.items[i].rel), octal(l.at[i].permissions), w.tree.items[i].mode, w.describeOwner()))
	}
	for _, rel := range t.remove {
		lines = append(lines, "- "+visible(rel))
	}
	for _, rel := range t.rmdir {
		lines = append(lines, "- "+visible(rel)+"/")
	}
	slices.SortStableFunc(lines, func(a, b string) int { return strings.Compare(a[2:], b[2:]) })
	count := len(lines)
	if count > listedMax {
		lines = append(lines[:listedMax], fmt.Sprintf("… and %d more", count-listedMax))
	}
	fresh := len(t.fresh)
	changed := len(t.put) + len(t.mkdir) + len(t.attr) - fresh
	return fmt.Sprintf("%s: %d new, %d changed, %d deleted\n%s\n", w.dest, fresh, changed, len(t.remove)+len(t.rmdir), strings.Join(lines, "\n")), nil
}

// visible keeps a name on one line.
func visible(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == utf8.RuneError }) {
		return fmt.Sprintf("%q", name)
	}
	return name
}

func (w *copying) diffFile(l *look) (string, error) {
	it, now := &w.tree.items[0], l.at[0]
	head := fmt.Sprintf("~ %s\n", visible(w.dest))
	if now == nil {
		head = fmt.Sprintf("+ %s (%04o%s)\n", visible(w.dest), it.mode, w.describeOwner())
	} else if !w.sameAttributes(it, now) {
		head = fmt.Sprintf("~ %s (%04o %s:%s → %04o%s)\n", visible(w.dest), octal(now.permissions), now.user, now.group, it.mode, w.describeOwner())
	}
	if len(w.todo.put) == 0 || it.size > shownMax || now != nil && !l.shown {
		return head, nil
	}
	f, err := it.open()
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %s", it.path, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	after, err := io.ReadAll(io.LimitReader(f, shownMax))
	if err != nil {
		return "", fmt.Errorf("cannot read %s: %s", it.path, err)
	}
	if !isText(l.content) || !isText(string(after)) {
		return head, nil
	}
	return head + unified(l.content, string(after)), nil
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

const (
	contextLines = 3
	cellsMax     = 4 << 20 // of the table that finds what two texts have in common
)

// edit is a line that stays (' '), goes ('-') or comes ('+').
type edit struct {
	sign byte
	line string
}

// unified writes the difference of two texts as diff -u does.
func unified(before, after string) string {
	edits := compareLines(strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n"))
	edits = slices.DeleteFunc(edits, func(e edit) bool { return e.line == "" })
	near := make([]bool, len(edits))
	for i, e := range edits {
		if e.sign != ' ' {
			for k := max(0, i-contextLines); k <= min(len(edits)-1, i+contextLines); k++ {
				near[k] = true
			}
		}
	}
	var b strings.Builder
	b.WriteString("--- before\n+++ after\n")
	old, next := 0, 0
	for i := 0; i < len(edits); {
		if !near[i] {
			old, next, i = old+1, next+1, i+1
			continue
		}
		var hunk strings.Builder
		from, to := old, next
		for ; i < len(edits) && near[i]; i++ {
			if edits[i].sign != '+' {
				old++
			}
			if edits[i].sign != '-' {
				next++
			}
			hunk.WriteString(string(edits[i].sign) + strings.TrimSuffix(edits[i].line, "\n") + "\n")
			if !strings.HasSuffix(edits[i].line, "\n") {
				hunk.WriteString("\\ No newline at end of file\n")
			}
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n%s", span(from, old), span(to, next), hunk.String())
	}
	return b.String()
}

func span(from, to int) string {
	if from == to {
		return fmt.Sprintf("%d,0", from)
	}
	return fmt.Sprintf("%d,%d", from+1, to-from)
}

// compareLines finds the longest common subsequence of what is left without the common head and
// tail. Texts too different for that are replaced as a whole.
func compareLines(a, b []string) []edit {
	var head, tail []edit
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		head = append(head, edit{' ', a[0]})
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		tail = append(tail, edit{' ', a[len(a)-1]})
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	slices.Reverse(tail)
	common := make([][]int32, len(a)+1)
	if len(a)*len(b) <= cellsMax {
		for i := range common {
			common[i] = make([]int32, len(b)+1)
		}
		for i := len(a) - 1; i >= 0; i-- {
			for k := len(b) - 1; k >= 0; k-- {
				common[i][k] = max(common[i+1][k], common[i][k+1])
				if a[i] == b[k] {
					common[i][k] = common[i+1][k+1] + 1
				}
			}
		}
	}
	i, k := 0, 0
	for i < len(a) || k < len(b) {
		switch {
		case i < len(a) && k < len(b) && a[i] == b[k]:
			head = append(head, edit{' ', a[i]})
			i, k = i+1, k+1
		case i < len(a) && (k == len(b) || common[0] == nil || common[i+1][k] >= common[i][k+1]):
			head = append(head, edit{'-', a[i]})
			i++
		default:
			head = append(head, edit{'+', b[k]})
			k++
		}
	}
	return append(head, tail...)
}
