package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/opsctl/opsctl/internal/view"
)

// demoLeaveMax is how long opsctl may take to leave when the demo is interrupted.
const demoLeaveMax = 5 * time.Second

// write shows text. The demo is one stream, in order, so that its parts stay together wherever
// it is sent.
func (d *demo) write(text string) {
	_, _ = fmt.Fprint(d.app.out, text) // nobody looks any more, most likely
}

// say tells the story, as comments.
func (d *demo) say(text string) {
	d.write("\n" + d.faint("# "+strings.ReplaceAll(text, "\n", "\n# ")) + "\n")
}

func (d *demo) faint(text string) string {
	if !d.theme.Colour {
		return text
	}
	return "\x1b[2m" + strings.ReplaceAll(text, "\n", "\x1b[0m\n\x1b[2m") + "\x1b[0m"
}

func (d *demo) bold(text string) string {
	if !d.theme.Colour {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

func (d *demo) table(headers []string, rows [][]string) {
	d.write(view.Table(headers, rows, view.Width(d.app.out)))
}

// opsctl runs opsctl as a user would, and wants an exit code of it.
func (d *demo) opsctl(ctx context.Context, want int, args ...string) error {
	err := d.child(ctx, args...).Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		return err
	}
	if code != want {
		return fmt.Errorf("opsctl %s: exit code %d, not %d", strings.Join(args, " "), code, want)
	}
	return nil
}

// child is opsctl with these arguments in the project, not yet started. The command is shown.
func (d *demo) child(ctx context.Context, args ...string) *exec.Cmd {
	d.write("\n" + d.bold("$ opsctl "+strings.Join(args, " ")) + "\n")
	cmd := exec.CommandContext(ctx, d.program, args...)
	cmd.Dir, cmd.Env = d.project, d.environment()
	cmd.Stdout, cmd.Stderr = d.app.out, d.app.out
	// A live screen gives the terminal back when it is asked to go.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = demoLeaveMax
	return cmd
}

// environment is that of this process, without what would make opsctl behave in another way than
// the demo tells: settings and params by variables, the user's configuration.
func (d *demo) environment() []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "OPSCTL_") && !strings.HasPrefix(pair, "XDG_") && !strings.HasPrefix(pair, "HOME=") {
			env = append(env, pair)
		}
	}
	env = append(env, "HOME="+filepath.Join(d.dir, "home"))
	if mode := d.app.settings.Output; mode != "auto" {
		env = append(env, "OPSCTL_OUTPUT="+mode)
	}
	if colour := d.app.settings.Color; colour != "auto" {
		env = append(env, "OPSCTL_COLOR="+colour)
	}
	return env
}

// invite says what can be tried while the hosts are up.
func (d *demo) invite() {
	d.say("The hosts stay up until Ctrl-C. In another terminal, for example:")
	lines := []string{"cd " + d.project}
	if found, err := exec.LookPath("opsctl"); err != nil || found != d.program {
		lines = append(lines, "alias opsctl="+d.program)
	}
	run := demoRunbook + " -p version=" + releaseBad
	d.write("  " + strings.Join(append(lines,
		"opsctl exec -l web -- cat srv/app/deployments.log",
		"opsctl show last",
		"opsctl plan "+run+"                 # what would change",
		"opsctl exec -l web -- mkdir -p srv/app/shared/cache        # what the bad release lacks",
		"opsctl run "+run,
		"opsctl rollback last",
		"ssh -F "+d.fleet.SSHConfig+" web1 ls srv/app",
	), "\n  ") + "\n")
}
