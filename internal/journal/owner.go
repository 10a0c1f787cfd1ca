package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Owner names a process so that it cannot be taken for a later one of the same number.
type Owner struct {
	PID   int
	Start string // its start time, as the system counts it; "" where that is not known
	Boot  string // boot id of the machine; "" where that is not known
	Host  string // name of the machine
}

// Self is the Owner that this process is.
func Self() Owner {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine" // it is only shown
	}
	return Owner{PID: os.Getpid(), Start: processStart(os.Getpid()), Boot: bootID(), Host: host}
}

// gone tells whether the process has certainly ended. It is asked only to choose how long to
// wait: the lock file of the run decides.
func (o Owner) gone() bool {
	if o.Boot != "" && o.Boot != bootID() {
		return true
	}
	if syscall.Kill(o.PID, 0) == syscall.ESRCH {
		return true
	}
	return o.Start != "" && o.Start != processStart(o.PID)
}

// bootID and processStart are empty where there is no Linux /proc.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func processStart(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The second field is the name in parentheses and may hold anything; field 22 is the start.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}

// own takes the lock of a run. It returns nil and no error while another process holds it.
func own(dir, id string, wait bool) (*flock.Flock, error) {
	lock := flock.New(lockPath(dir, id), flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(fileMode))
	for deadline := time.Now().Add(takeoverMax); ; time.Sleep(10 * time.Millisecond) {
		held, err := lock.TryLock()
		if err != nil {
			return nil, problem(dir, "take the lock of run "+id, err)
		}
		if held {
			return lock, nil
		}
		if !wait || time.Now().After(deadline) {
			return nil, problem(dir, "close the lock of run "+id, lock.Close())
		}
	}
}

// owned tells whether some process holds the lock of a run. It asks with a shared lock, which
// it gives back at once; own waits for that moment.
func owned(dir, id string) (bool, error) {
	if _, err := os.Stat(lockPath(dir, id)); os.IsNotExist(err) {
		return false, nil
	}
	lock := flock.New(lockPath(dir, id), flock.SetFlag(os.O_RDONLY))
	free, err := lock.TryRLock()
	if err != nil {
		return false, problem(dir, "look at the lock of run "+id, err)
	}
	return !free, problem(dir, "close the lock of run "+id, lock.Close())
}

func lockPath(dir, id string) string { return filepath.Join(dir, "runs", id+".lock") }
