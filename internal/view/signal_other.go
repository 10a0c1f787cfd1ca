//go:build !unix

package view

import "os"

// terminalSignals tells of what happens to the terminal. Here nothing does: its size is asked at
// each painting anyway.
type terminalSignals struct {
	resized, suspended chan os.Signal
}

func watchTerminal() (s terminalSignals, forget func()) { return s, func() {} }

func (terminalSignals) stopSelf() {}
