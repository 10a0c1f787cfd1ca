//go:build !unix

package process

import "os/exec"

// Apart leaves the command as it is: without sessions it is ended alone.
func Apart(*exec.Cmd) {}
