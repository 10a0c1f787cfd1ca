package executor

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// ScriptBytesMax bounds a script that is sent to hosts.
const ScriptBytesMax = 1 << 20

// LocalScript is a script that lies here, and what its first line says runs it.
type LocalScript struct {
	Text        string
	Interpreter []string // a program, and at most one word for it, as the kernel would have it
}

// ReadScript reads a script. The interpreter is run by its name, so that the script need not be
// executable, neither here nor where it is sent to.
func ReadScript(path string) (LocalScript, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return LocalScript{}, fmt.Errorf("cannot run the script %s: %w", path, os.ErrNotExist)
	} else if err != nil {
		return LocalScript{}, fmt.Errorf("cannot run a script: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, ScriptBytesMax+1))
	first, _, _ := bytes.Cut(data, []byte("\n"))
	said, found := strings.CutPrefix(string(first), "#!")
	switch {
	case err != nil:
		return LocalScript{}, fmt.Errorf("cannot run a script: %w", err)
	case len(data) > ScriptBytesMax:
		return LocalScript{}, fmt.Errorf("cannot run %s: it is larger than %d bytes; copy it to the host, and run it there", path, ScriptBytesMax)
	case bytes.IndexByte(data, 0) >= 0:
		return LocalScript{}, fmt.Errorf("cannot run %s: it is a program, not a script; copy it to the host, and run it there", path)
	case strings.HasSuffix(said, "\r"):
		return LocalScript{}, fmt.Errorf("cannot run %s: its lines end as on Windows, and no host has an interpreter of that name", path)
	}
	interpreter, word, _ := strings.Cut(strings.TrimSpace(said), " ")
	if !found || !strings.HasPrefix(interpreter, "/") {
		return LocalScript{}, fmt.Errorf("cannot run %s: its first line does not name an interpreter, such as #!/bin/sh", path)
	}
	s := LocalScript{Text: string(data), Interpreter: []string{interpreter}}
	if !strings.HasSuffix(s.Text, "\n") {
		s.Text += "\n"
	}
	if word = strings.TrimSpace(word); word != "" {
		s.Interpreter = append(s.Interpreter, word)
	}
	return s, nil
}

// program fills in what a step runs of its author's: a command of the runbook, or a script from here.
func (l *loop) program(a *attempt, saved map[string]string) (Command, error) {
	src := a.step.Source
	if src.Script == nil {
		return l.command(a, src.Run, saved)
	}
	c, err := l.command(a, src.Script.Args, saved)
	if err != nil {
		return c, err
	}
	path, err := l.scopes.renderer(a)(src.Script.File)
	if err != nil {
		return c, err
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(src.In.Dir, path)
	}
	s, err := ReadScript(path)
	if err != nil {
		return c, err
	}
	return s.command(c, a.id(), src.Read()), nil
}

// command makes the script travel inside the command. An attempt has a directory on the host, where
// the script is put for it; a question has none, and must leave nothing behind: its script is read
// from a descriptor.
func (s LocalScript) command(c Command, name string, question bool) Command {
	end := "OPSCTL_END"
	for n := 0; strings.Contains(s.Text, end); n++ {
		end = "OPSCTL_END_" + strconv.Itoa(n)
	}
	here := "<<'" + end + "'\n" + s.Text + end + "\n"
	run := func(file string) string {
		words := []string{"exec"}
		for _, w := range s.Interpreter {
			words = append(words, shell.Quote(w))
		}
		words = append(words, file)
		for _, w := range c.Argv {
			words = append(words, shell.Quote(w))
		}
		return strings.Join(words, " ")
	}
	if question {
		c.Script = run("/dev/fd/9") + " 9" + here
	} else {
		file := `"$OPSCTL_RUN_DIR"/` + shell.Quote("script."+name)
		c.Script = "cat >" + file + " " + here + run(file) + "\n"
	}
	c.Argv, c.Shell = nil, "sh"
	return c
}
