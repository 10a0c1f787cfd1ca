//go:build !unix

package fleet

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// Start refuses to start a fleet where there is no /bin/sh, so that none of the
// following is reached on systems that are no Unix.

func lead(*exec.Cmd) {}

func signalGroup(int, syscall.Signal) error { return errors.ErrUnsupported }

func groupExists(int) bool { return false }

func ending(state *os.ProcessState) (signal string, exit int) { return "", state.ExitCode() }

func readNow(*os.File, []byte) (int, error) { return 0, errors.ErrUnsupported }

func killAll(string, map[int]bool, map[int]string) (rest int, err error) { return 0, nil }
