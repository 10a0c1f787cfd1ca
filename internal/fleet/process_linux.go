package fleet

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// killAll kills the processes of the sessions, those with the marker in their
// environment wherever they went, and the children of all these. It returns how
// many there were. Zombies are not counted: they run no more, and whose turn it
// is to bury them is not known here. What was killed before is in killed, by its
// start: on its way out a process has no environment any more, and is still ours.
func killAll(marker string, sessions map[int]bool, killed map[int]string) (rest int, err error) {
	entries, err := os.ReadDir("/proc")
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return killGroups(sessions), nil
	}
	if err != nil {
		return 0, err
	}
	ours := make(map[int]bool)
	parents, starts := make(map[int]int), make(map[int]string)
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		p, alive := readStat(pid)
		if !alive {
			continue
		}
		parents[pid], starts[pid] = p.parent, p.start
		if sessions[p.session] || killed[pid] == p.start || hasMarker(pid, marker) {
			ours[pid] = true
		}
	}
	adopt(ours, parents)
	for pid := range ours {
		killed[pid] = starts[pid]
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return 0, err
		}
	}
	return len(ours), nil
}

// adopt adds the children of those that are ours, and theirs.
func adopt(ours map[int]bool, parents map[int]int) {
	for grown := true; grown; {
		grown = false
		for pid, parent := range parents {
			if ours[parent] && !ours[pid] {
				ours[pid] = true
				grown = true
			}
		}
	}
}

// stat is what tells processes apart, and whose they are.
type stat struct {
	parent, session int
	start           string // in clock ticks after the boot
}

// readStat reads /proc/pid/stat (see proc_pid_stat(5)). A process that cannot
// be read has ended.
func readStat(pid int) (p stat, alive bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, false
	}
	// The name, in parentheses, may hold anything; the rest are words:
	// state, parent, group, session, and as the 20th of them the start.
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 || bytes.ContainsAny(fields[0], "ZX") {
		return stat{}, false
	}
	parent, parentErr := strconv.Atoi(string(fields[1]))
	session, sessionErr := strconv.Atoi(string(fields[3]))
	return stat{parent, session, string(fields[19])}, parentErr == nil && sessionErr == nil
}

func hasMarker(pid int, marker string) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return false // it has ended, or belongs to somebody else
	}
	for variable := range bytes.SplitSeq(env, []byte{0}) {
		if string(variable) == marker {
			return true
		}
	}
	return false
}
