package notice

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/opsctl/opsctl/internal/process"
	"github.com/opsctl/opsctl/pkg/executor"
)

// runCommand gives the message to a program, on standard input, and the facts in its environment.
func runCommand(ctx context.Context, t Target, n executor.Notice) executor.Ending {
	if len(t.Argv) == 0 {
		return refused("cannot notify " + n.To + ": its command is empty")
	}
	complaint := &head{}
	command := exec.CommandContext(ctx, t.Argv[0], t.Argv[1:]...)
	command.Dir, command.WaitDelay = t.Dir, leftOpenTime
	command.Stdin, command.Stderr = strings.NewReader(n.Message+"\n"), complaint
	command.Env = append(os.Environ(), facts(n)...)
	process.Apart(command)
	if err := command.Start(); err != nil {
		var failed *exec.Error
		var path *os.PathError
		switch {
		case errors.As(err, &failed):
			err = failed.Err
		case errors.As(err, &path):
			err = path.Err
		}
		return refused(fmt.Sprintf("cannot notify %s: cannot start %s: %s", n.To, t.Argv[0], err))
	}
	err := command.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay): // it ended well; what it left running is its own affair
		return executor.Ending{}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return executor.Ending{TimedOut: true, Message: fmt.Sprintf("cannot notify %s: %s did not end in time%s", n.To, t.Argv[0], firstLine(complaint.String()))}
	case ctx.Err() != nil:
		return executor.Ending{Cancelled: true}
	case errors.As(err, &exit):
		return executor.Ending{Exit: 1, Class: "notify", Message: fmt.Sprintf("cannot notify %s: %s ended with %s%s", n.To, t.Argv[0], exit.Error(), firstLine(complaint.String()))}
	}
	// It took no more of the message, and yet ended well: programs such as true read nothing.
	if command.ProcessState != nil && command.ProcessState.Success() {
		return executor.Ending{}
	}
	return executor.Ending{Exit: 1, Class: "notify", Message: fmt.Sprintf("cannot notify %s: %s: %s", n.To, t.Argv[0], err)}
}

// facts are those of the document of a webhook, as variables.
func facts(n executor.Notice) []string {
	d := documentOf(n)
	var list []string
	for _, fact := range [][2]string{
		{"KIND", d.Kind},
		{"TO", d.To},
		{"MESSAGE", d.Message},
		{"RUNBOOK", d.Runbook},
		{"RUN", d.Run},
		{"OUTCOME", d.Outcome},
		{"FAILED", strings.Join(d.Failed, " ")},
		{"STARTED_BY", d.User},
		{"STARTED", d.Started},
		{"TIME", d.Time},
		{"STEP", d.Step},
		{"HOST", d.Host},
	} {
		list = append(list, "OPSCTL_NOTICE_"+fact[0]+"="+fact[1])
	}
	return list
}

// head keeps the beginning of what is written.
type head struct{ bytes.Buffer }

func (h *head) Write(p []byte) (int, error) {
	h.Buffer.Write(p[:min(len(p), excuseMax-min(excuseMax, h.Len()))])
	return len(p), nil
}
