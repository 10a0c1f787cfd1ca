package process

import (
	"io"
	"os"
	"os/exec"
)

// Streams are our ends of the standard streams of a program. Closing them makes reads and writes fail at once, and does
// not end the program.
type Streams struct{ In, Out, Err *os.File }

// Start starts a command that is held by its streams. Whoever started it waits for it.
func Start(command *exec.Cmd) (*Streams, error) {
	var theirs, ours [3]*os.File
	for i := range theirs {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(theirs)
			closeAll(ours)
			return nil, err
		}
		theirs[i], ours[i] = w, r
		if i == 0 {
			theirs[i], ours[i] = r, w
		}
	}
	command.Stdin, command.Stdout, command.Stderr = theirs[0], theirs[1], theirs[2]
	err := command.Start()
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		return nil, err
	}
	return &Streams{In: ours[0], Out: ours[1], Err: ours[2]}, nil
}

func closeAll(files [3]*os.File) {
	for _, f := range files {
		_ = f.Close() // nil is refused, nothing else can go wrong
	}
}

func (s *Streams) Read(p []byte) (int, error)  { return s.Out.Read(p) }
func (s *Streams) Write(p []byte) (int, error) { return s.In.Write(p) }

// Stderr is read like the Streams themselves, which are its standard output.
func (s *Streams) Stderr() io.Reader { return s.Err }

// CloseWrite is the end of its standard input.
func (s *Streams) CloseWrite() error { return s.In.Close() }

// Close lets go of all of them, from any goroutine.
func (s *Streams) Close() error {
	_ = s.In.Close() // may be closed before, by CloseWrite
	_ = s.Err.Close()
	return s.Out.Close()
}
