package inventory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/source"
)

// isProgram tells a program from a text: it begins with "#!", or it is binary, and may be executed. A
// text that happens to be executable is a text. why says what a program lacks to be run.
func isProgram(path, text string) (runs bool, why string) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return false, ""
	}
	executable := info.Mode().Perm()&0o111 != 0
	if strings.HasPrefix(text, "#!") {
		if !executable {
			return false, "is a program that may not be executed"
		}
		return true, ""
	}
	return executable && (strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text)), ""
}

// program runs a program that prints an inventory, and reads what it prints.
func (l *loader) program(path string) *draft {
	ctx, cancel := context.WithTimeout(context.Background(), programTimeMax)
	defer cancel()
	node := l.answer(ctx, path, programTimeMax, "--list")
	if node == nil {
		return nil
	}
	ctx, cancel = context.WithTimeout(context.Background(), hostTimeMax)
	defer cancel()
	failed := false
	d := decodeDynamic(node, &l.troubles, func(host string) *source.Node {
		if failed { // the next ones would fail alike
			return nil
		}
		n := l.answer(ctx, path, hostTimeMax, "--host", host)
		failed = failed || n == nil && l.list.Err() != nil
		return n
	})
	if failed {
		return nil
	}
	return d
}

// answer runs the program with arguments and parses what it prints; nil when there is nothing, or
// only problems, which are noted.
func (l *loader) answer(ctx context.Context, path string, limit time.Duration, args ...string) *source.Node {
	file := &source.File{Name: path + " " + strings.Join(args, " ")}
	stdout, stderr := &bounded{max: outputBytesMax}, &bounded{max: complaintMax, drops: true}
	absolute, err := filepath.Abs(path) // a bare name would be looked for in PATH
	if err == nil {
		c := exec.CommandContext(ctx, absolute, args...)
		c.Stdout, c.Stderr = stdout, stderr
		c.WaitDelay = time.Second // what it left running may hold its output open
		err = c.Run()
	}
	if message, hint := failure(ctx, err, stdout, limit); message != "" {
		if said := stderr.lines(); said != "" {
			hint = said
		}
		l.add(&source.Problem{File: file, Message: message, Hint: hint})
		return nil
	}
	file.Text = stdout.kept.String()
	switch {
	case strings.TrimSpace(file.Text) == "" && args[0] == "--host":
		return nil
	case !utf8.ValidString(file.Text):
		l.add(&source.Problem{File: file, Message: "what it prints is not UTF-8"})
		return nil
	}
	node, bad := parseJSON(file)
	if bad != nil {
		if strings.TrimSpace(file.Text) == "" {
			bad = &source.Problem{File: file, Message: "it prints nothing", Hint: stderr.lines()}
		}
		l.add(bad)
		return nil
	}
	return node
}

// failure says for the operator how a program ended, "" when it ended well.
func failure(ctx context.Context, err error, stdout *bounded, limit time.Duration) (message, hint string) {
	var exit *exec.ExitError
	switch {
	case stdout.full:
		return fmt.Sprintf("it prints more than %d bytes", stdout.max), ""
	case err == nil:
		return "", ""
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Sprintf("it did not end within %s, and was killed", limit), ""
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return fmt.Sprintf("it ended with exit code %d", exit.ExitCode()), ""
	case errors.As(err, &exit):
		return "it was ended: " + exit.String(), ""
	}
	return "cannot run it: " + cause(err), "it is asked for an inventory in JSON with --list"
}

// bounded keeps so much of an output. Beyond that it fails, or drops what came first. It is no
// bytes.Buffer itself, whose ReadFrom would let everything through.
type bounded struct {
	kept  bytes.Buffer
	max   int
	drops bool
	full  bool
}

var errFull = errors.New("too much output")

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.max-b.kept.Len() && !b.drops {
		b.full = true
		return 0, errFull
	}
	n, err := b.kept.Write(p)
	b.kept.Next(max(0, b.kept.Len()-b.max))
	return n, err
}

// lines gives the last lines, as hints.
func (b *bounded) lines() string {
	var kept []string
	for _, line := range strings.Split(strings.ToValidUTF8(b.kept.String(), "\ufffd"), "\n") {
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if r != '\t' && !unicode.IsPrint(r) {
				return '·'
			}
			return r
		}, line))
		if line != "" {
			kept = append(kept, "it says: "+line)
		}
	}
	if len(kept) > complaintLineMax {
		kept = kept[len(kept)-complaintLineMax:]
	}
	return strings.Join(kept, "\n")
}
