package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"unicode/utf8"

	"github.com/opsctl/opsctl/internal/process"
)

// output runs a program without a shell, with nothing to read, and gives what it printed.
func (f *Fetcher) output(ctx context.Context, argv []string, limit int) (string, error) {
	if len(argv) == 0 || argv[0] == "" {
		return "", refuse("command: [program, argument, …]", "no program is named")
	}
	allowed := f.CommandTime
	if allowed == 0 {
		allowed = commandTime
	}
	within, stop := context.WithTimeout(ctx, allowed)
	defer stop()
	printed := &head{limit: limit, full: stop}
	complaint := &head{limit: complaintRead, full: func() {}}
	command := exec.CommandContext(within, argv[0], argv[1:]...)
	command.Dir, command.WaitDelay = f.Dir, outputTime
	command.Stdout, command.Stderr = printed, complaint
	process.Apart(command)
	err := command.Run()
	switch {
	case ctx.Err() != nil:
		return "", &refusal{reason: "the run was told to stop while the command ran", cause: ctx.Err()}
	case printed.over:
		return "", refuse("", "it printed more than %d KiB", limit>>10)
	case within.Err() != nil:
		return "", refuse("it has nobody to ask and nothing to read; try it with </dev/null", "it did not end within %s%s", allowed, f.said(printed, complaint))
	case err != nil:
		return "", f.ended(err, argv[0], printed, complaint)
	}
	return printed.text.String(), nil
}

func (f *Fetcher) ended(err error, program string, printed *head, complaint *head) error {
	var exit *exec.ExitError
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return refuse("install it, or write its full path", "%s is not a program in PATH", program)
	case errors.Is(err, exec.ErrWaitDelay):
		return refuse("let it close the standard output of what it leaves running", "it ended, but something it started still holds its output")
	case errors.As(err, &exit):
		// ExitError is "exit status 1" or "signal: killed"; it holds no output unless asked to.
		return refuse("", "it failed with %s%s", exit.Error(), f.said(printed, complaint))
	}
	return refuse("", "it cannot be started: %s", reason(err))
}

// said is what the command complained of, fit to be shown: no secret that is known, nothing that
// it also printed as its result, and no characters that steer a terminal. It is masked as a whole
// before its end is taken: half a secret would not be found. What is too long for that stays unseen.
func (f *Fetcher) said(printed, complaint *head) string {
	if complaint.over {
		return fmt.Sprintf(", and printed more than %d KiB about why", complaint.limit>>10)
	}
	text := complaint.text.String()
	if f.Masker != nil {
		text = f.Masker.String(text)
	}
	if result := strings.TrimSpace(printed.text.String()); result != "" {
		text = NewMasker(New(result)).String(text)
		if utf8.RuneCountInString(result) < charsMin { // the masker does not look for so little
			text = strings.ReplaceAll(text, result, Mask)
		}
	}
	text = strings.TrimSpace(strings.Map(plain, strings.ToValidUTF8(text, "?")))
	if over := len(text) - complaintMax; over > 0 {
		text = "…" + strings.ToValidUTF8(text[over:], "")
	}
	if text == "" {
		return ", and printed nothing about why"
	}
	return ": " + text
}

// plain lets lines be lines, and makes blanks of all else that steers a terminal.
func plain(r rune) rune {
	switch {
	case r == '\n':
		return r
	case r < 0x20, r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f:
		return ' '
	}
	return r
}

// head keeps the beginning of what is written, and calls full when there is more.
type head struct {
	text  bytes.Buffer
	limit int
	full  func()
	over  bool
}

func (h *head) Write(p []byte) (int, error) {
	kept := min(len(p), h.limit-h.text.Len())
	h.text.Write(p[:kept])
	if kept < len(p) && !h.over {
		h.over = true
		h.full()
	}
	return len(p), nil
}
