//go:build linux

package cli

import (
	"os"
	"syscall"
)

// maxRSS gives the peak memory of an ended process, in KiB.
func maxRSS(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return usage.Maxrss
}
