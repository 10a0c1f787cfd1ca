package action

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// recorder writes the script of a do: conditions first, then a record of all that will be touched,
// and then the changes. A path is a word of the script, and means the same in the undo.
type recorder struct {
	key                     string
	wants, records, changes strings.Builder
	entries                 []string
	known                   map[string]bool
	resolve                 string
}

func newRecorder(key string) *recorder { return &recorder{key: key, known: map[string]bool{}} }

func (r *recorder) want(condition, path string) {
	fmt.Fprintf(&r.wants, "%s %s\n", condition, path)
}

// record notes a path once; tmp is its temporary, or "" for a directory. next is given for a
// parent, which matters only if it, or next in it, is not there.
func (r *recorder) record(path, tmp, next string) {
	if r.known[path] {
		return
	}
	r.known[path] = true
	n := len(r.entries)
	if next == "" {
		fmt.Fprintf(&r.records, "op_record %d %s\n", n, path)
	} else {
		fmt.Fprintf(&r.records, "op_record_parent %d %s %s\n", n, path, next)
	}
	if tmp == "" {
		tmp = "''"
	}
	r.entries = append(r.entries, fmt.Sprintf("op_back %d %s %s\n", n, path, tmp))
}

// direct records a directory in which something is changed for sure, whatever was recorded before.
func (r *recorder) direct(path string) {
	delete(r.known, path)
	r.record(path, "", "")
}

func (r *recorder) change(format string, args ...any) {
	fmt.Fprintf(&r.changes, format+"\n", args...)
}

// above records and makes the directories above dest. A trailing /. makes symlinks to directories such.
func (r *recorder) above(dest string) {
	list := parents(dest)
	for i, p := range list {
		dir := word(p) + "/."
		next := word(dest)
		if i+1 < len(list) {
			next = word(list[i+1])
		}
		r.want("op_want_dir", word(p))
		r.record(dir, "", next)
		r.change("op_mkdir %s 0755 '' ''", word(p))
	}
}

func (r *recorder) command() executor.Command {
	var entries strings.Builder
	for i := len(r.entries) - 1; i >= 0; i-- { // children before parents
		entries.WriteString(r.entries[i])
	}
	script := keepScript + doScript + "op_uid=$(id -u)\n" + r.resolve + r.wants.String() + "op_begin " + shell.Quote(r.key) + "\n" +
		r.records.String() + "op_commit " + shell.Quote(entries.String()) + "\n" + r.changes.String()
	return executor.Command{Shell: "sh", Script: script}
}
