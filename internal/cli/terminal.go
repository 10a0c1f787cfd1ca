package cli

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// writeLine writes a line for people; a stream that is closed is not worth failing for.
func writeLine(w io.Writer, text string) {
	_, _ = fmt.Fprintln(w, text)
}

// askSecret asks at the terminal without showing what is typed.
func (a *app) askSecret(question string) (string, error) {
	file, ok := a.in.(*os.File)
	if !ok {
		return "", &exitError{code: 6, message: "nobody is there to be asked"}
	}
	if a.screen != nil {
		resume := a.screen.Suspend()
		defer resume()
	}
	_, _ = fmt.Fprint(a.err, question)
	text, err := term.ReadPassword(int(file.Fd()))
	writeLine(a.err, "")
	return string(text), err
}
