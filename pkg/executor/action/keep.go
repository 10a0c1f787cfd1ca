package action

import (
	"fmt"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// keptMax bounds the files that one step keeps copies of.
const keptMax = 1000

// Keep gives the commands that keep copies of files on a host before a step runs, or note that they
// are not there, and that put them back exactly; it is an executor.Keeper.
func Keep(key string, paths []string) (keep, restore string, err error) {
	if len(paths) > keptMax {
		return "", "", fmt.Errorf("cannot keep %d files: a step keeps at most %d", len(paths), keptMax)
	}
	key += ".files"
	var wants, records, entries strings.Builder
	for i, p := range paths {
		if p, err = hostPath("save_files", p); err != nil {
			return "", "", err
		}
		if p == "/" || p == "~" {
			return "", "", fmt.Errorf("cannot use save_files: %s is a directory", p)
		}
		fmt.Fprintf(&wants, "! op_isdir %s || op_fail %s\n", word(p), shell.Quote("keep "+p+": it is a directory, and save_files keeps files"))
		fmt.Fprintf(&records, "op_record %d %s\n", i, word(p))
		fmt.Fprintf(&entries, "op_back %d %s %s\n", i, word(p), word(parentOf(p)+temporary(baseOf(p), key)))
	}
	keep = keepScript + doScript + "op_root=\n" + wants.String() + "op_begin " + shell.Quote(key) + "\n" + records.String() +
		"op_commit " + shell.Quote(entries.String()) + "\n"
	return keep, undo(key).Script, nil
}

func parentOf(p string) string { return p[:strings.LastIndexByte(p, '/')+1] }

func baseOf(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

var _ executor.Keeper = Keep
