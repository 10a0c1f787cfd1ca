package supervisor

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

var (
	attemptID = regexp.MustCompile(`^[A-Za-z0-9._-]+$`)
	envName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	shellName = regexp.MustCompile(`^[A-Za-z0-9_./+][A-Za-z0-9_./+-]*$`)
)

// validID tells whether a text can name an attempt, a run directory or a stage. The length is not
// part of the pattern: a counted repetition is compiled into as many states, at every start.
func validID(s string) bool { return len(s) <= idMax && attemptID.MatchString(s) }

// interpreter is the shell that reads the whole text of a command: that shell itself where it
// is one that can, or else sh, which then becomes the program.
func interpreter(c executor.Command) string {
	if c.Shell == "bash" && len(c.Argv) == 0 {
		return "bash"
	}
	return "sh"
}

// text is a command as one script for its interpreter: the environment, the directory, then
// what is to be done. It stands on one line until the script proper begins.
func text(c executor.Command) (string, error) {
	if err := check(c); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("unset OPSCTL_SCRIPT; ")
	for _, name := range slices.Sorted(maps.Keys(c.Env)) {
		fmt.Fprintf(&b, "export %s=%s; ", name, quote(c.Env[name]))
	}
	b.WriteString("cd 2>/dev/null || cd /; ")
	if c.Prepare != "" { // a shell of its own: set -e means nothing in a subshell whose status is looked at
		fmt.Fprintf(&b, "sh -euc %s </dev/null || exit; ", quote(c.Prepare))
	}
	if c.Dir != "" {
		dir := c.Dir
		if strings.HasPrefix(dir, "-") {
			dir = "./" + dir // `cd -` means something else
		}
		fmt.Fprintf(&b, "cd %s || exit 126; ", quote(dir))
	}
	switch {
	case len(c.Argv) > 0:
		b.WriteString("exec")
		for _, a := range c.Argv {
			b.WriteString(" " + quote(a))
		}
	case c.Shell == "" || c.Shell == "sh":
		b.WriteString("set -eu\n" + c.Script)
	case c.Shell == "bash":
		b.WriteString("set -eu -o pipefail\n" + c.Script)
	default:
		b.WriteString("exec " + quote(c.Shell) + " -c " + quote(c.Script))
	}
	return b.String(), nil
}

// check refuses what no shell could be told.
func check(c executor.Command) error {
	for name, value := range c.Env {
		if !envName.MatchString(name) {
			return fmt.Errorf("cannot set %q in the environment: it is not a name", name)
		}
		if strings.ContainsRune(value, 0) {
			return fmt.Errorf("cannot set %s in the environment: its value holds a NUL byte", name)
		}
	}
	for _, s := range append([]string{c.Script, c.Dir, c.Prepare}, c.Argv...) {
		if strings.ContainsRune(s, 0) {
			return fmt.Errorf("cannot run a command that holds a NUL byte")
		}
	}
	if c.Shell != "" && !shellName.MatchString(c.Shell) {
		return fmt.Errorf("cannot run %q as a shell: it is not the name of a program", c.Shell)
	}
	if c.Sudo != "" && !validUser(c.Sudo) {
		return fmt.Errorf("cannot use %q as a user for sudo: it is not a user name", c.Sudo)
	}
	return nil
}

// attemptRequest is the line that makes a lane run an attempt. Cut short, it does nothing.
func attemptRequest(a executor.Attempt) (string, error) {
	if !validID(a.ID) {
		return "", fmt.Errorf("cannot run attempt %q: it is not an attempt id", a.ID)
	}
	script, err := text(a.Command)
	if err != nil {
		return "", err
	}
	how := "v"
	if len(script) > environMax {
		how = "f"
	}
	return fmt.Sprintf("R %s %d %d %s %s %s %s .\n", a.ID, seconds(a.Timeout), seconds(killAfter(a.Command)),
		interpreter(a.Command), how, quote(script), quote(format(a.Stdin))), nil
}

func killAfter(c executor.Command) time.Duration {
	if c.KillAfter > 0 {
		return c.KillAfter
	}
	return killAfterUnset
}

// seconds rounds up: the clock of a host counts in seconds.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// readRequest is what makes a plain shell answer a question: the command in a subshell of its
// own, and then a frame on both streams.
func readRequest(c executor.Command, nonce string) (string, error) {
	script, err := text(c)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if c.Stdin != "" {
		b.WriteString("printf " + quote(format(c.Stdin)) + " | ")
	}
	if interpreter(c) == "sh" {
		b.WriteString("( eval " + quote(script) + " )")
	} else {
		b.WriteString("( OPSCTL_SCRIPT=" + quote(script) + " exec bash -c 'eval \"$OPSCTL_SCRIPT\"' )")
	}
	if c.Stdin == "" {
		b.WriteString(" </dev/null")
	}
	fmt.Fprintf(&b, "; printf '\\n%%s X %%s\\n' %s $?; printf '\\n%%s X\\n' %s >&2\n", nonce, nonce)
	return b.String(), nil
}
