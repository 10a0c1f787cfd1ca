package action

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/runbook"
	"github.com/opsctl/opsctl/pkg/runbook/shell"
)

// serving brings a service into a state, by systemd or by its init script.
type serving struct {
	name, state string
	boot        string // on, off, or "" where it is not said
}

// serviceName is the name of a unit or of an init script.
var serviceName = regexp.MustCompile(`^[A-Za-z0-9_@][A-Za-z0-9:_.@\\-]*$`)

func newServing(s *runbook.Service, render func(*runbook.Text) (string, error)) (*serving, error) {
	name, err := render(s.Name)
	if err != nil {
		return nil, err
	}
	if !serviceName.MatchString(name) {
		return nil, fmt.Errorf("cannot use service.name: %q is not the name of a service", name)
	}
	w := &serving{name: name, state: s.State}
	if s.Enabled != nil {
		w.boot = map[bool]string{true: "on", false: "off"}[*s.Enabled]
	}
	return w, nil
}

// Path is no path: what other actions write does not meet it, and it hangs on all that they write.
func (w *serving) Path() string { return "service " + w.name }

func (w *serving) script() string {
	return keepScript + serviceScript + "op_name=" + shell.Quote(w.name) + "\n"
}

// Probe asks how the service is. A restart is always to be done.
func (w *serving) Probe(ctx context.Context, h executor.Prober, c executor.Command) (executor.Probe, error) {
	out, err := ask(ctx, h, c, w.script()+"op_find\nop_state\nop_at_boot\necho \"$op_active $op_boot\"\n")
	if err != nil {
		return executor.Probe{}, err
	}
	f := strings.Fields(out)
	if len(f) != 2 {
		return executor.Probe{}, fmt.Errorf("cannot tell how the service %s is: the answer makes no sense", w.name)
	}
	active, boot := f[0], f[1]
	var lines []string
	switch {
	case w.state == "started" && active != "active", w.state == "stopped" && active != "inactive":
		lines = append(lines, fmt.Sprintf("~ %s: %s → %s", w.name, active, w.state))
	case w.state == "restarted" || w.state == "reloaded":
		lines = append(lines, fmt.Sprintf("~ %s: %s", w.name, w.state))
	}
	words := map[string]string{"on": "enabled", "off": "disabled", "none": "disabled"}
	if w.boot != "" && boot != "fixed" && words[boot] != words[w.boot] {
		lines = append(lines, fmt.Sprintf("~ %s: %s → %s at boot", w.name, words[boot], words[w.boot]))
	}
	if len(lines) == 0 {
		return executor.Probe{Same: true}, nil
	}
	return executor.Probe{Diff: strings.Join(lines, "\n") + "\n"}, nil
}

// Files are none.
func (w *serving) Files() ([]executor.StagedFile, error) { return nil, nil }

// Do keeps how the service is, and then changes it.
func (w *serving) Do(key, _ string) executor.Command { return w.command("op_serve", key) }

// Undo brings back the state and what happens at boot, each if the step says a word about it. What
// a restart did cannot be taken back.
func (w *serving) Undo(key string) executor.Command { return w.command("op_unserve", key) }

func (w *serving) command(verb, key string) executor.Command {
	words := make([]string, 0, 3)
	for _, s := range []string{key, w.state, w.boot} {
		words = append(words, shell.Quote(s))
	}
	return executor.Command{Shell: "sh", Script: w.script() + verb + " " + strings.Join(words, " ") + "\n"}
}
