//go:build unix

package view

import (
	"os"
	"os/signal"
	"syscall"
)

// terminalSignals tells of what happens to the terminal.
type terminalSignals struct {
	resized   chan os.Signal
	suspended chan os.Signal // Ctrl-Z
	continued chan os.Signal
}

func watchTerminal() (s terminalSignals, forget func()) {
	s = terminalSignals{make(chan os.Signal, 1), make(chan os.Signal, 1), make(chan os.Signal, 1)}
	signal.Notify(s.resized, syscall.SIGWINCH)
	signal.Notify(s.suspended, syscall.SIGTSTP)
	signal.Notify(s.continued, syscall.SIGCONT)
	return s, func() {
		signal.Stop(s.resized)
		signal.Stop(s.suspended)
		signal.Stop(s.continued)
	}
}

// stopSelf stops the process, as Ctrl-Z would have, and returns when it goes on.
func (s terminalSignals) stopSelf() {
	select { // one of an earlier stop
	case <-s.continued:
	default:
	}
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGSTOP); err == nil {
		<-s.continued
	}
}
