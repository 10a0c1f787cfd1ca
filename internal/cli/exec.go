package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/opsctl/opsctl/internal/journal"
	"github.com/opsctl/opsctl/internal/view"
	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/inventory"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook"
)

// execRunbook is the runbook of an ad hoc command: an ordinary run, in the history like any other.
// JSON is YAML, and host names are plain words.
func execRunbook(hosts []*inventory.Host) (string, error) {
	names := make([]string, len(hosts))
	for i, h := range hosts {
		names[i] = h.Name
	}
	text, err := json.Marshal(map[string]any{
		"name": "exec", "hosts": names, "on_failure": "continue",
		"params": map[string]any{"command": map[string]any{"help": "what to run"}},
		"steps":  []any{map[string]any{"id": "command", "run": []string{"sh", "-c", "${{ command }}"}}},
	})
	return string(text), err
}

func newExec(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use: "exec [-l PATTERN] -- COMMAND…", GroupID: "fleet",
		Short: "Run a command on hosts; equal output is shown once",
		Long: `Run one command on all hosts, or those of --limit. Several words are joined by spaces and read by sh there,
as ssh does. Hosts whose output and exit status are equal are shown together. The run is in the history.`,
		Example: "  opsctl exec -- uptime\n  opsctl exec -l 'web*' -- 'df -h / | tail -1'\n  opsctl exec -i web1,web2, -- uname -r\n  opsctl exec --sudo -K -l web -- 'journalctl -n 20'",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("exec takes a command", "opsctl exec -l web -- uptime")
			}
			if len(args) > 2 && args[1] == "--" { // no shell has such a command: hosts were meant
				return usage("exec takes its hosts by -l", fmt.Sprintf("opsctl exec -l %s -- %s", args[0], strings.Join(args[2:], " ")))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.exec(cmd.Context(), strings.Join(args, " "))
		},
	}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func (a *app) exec(ctx context.Context, command string) error {
	hosts, err := a.selectHosts("")
	if err != nil {
		return err
	}
	inv, err := a.loadInventory("")
	if err != nil {
		return err
	}
	text, err := execRunbook(hosts)
	if err != nil {
		return err
	}
	rb, _, err := runbook.LoadText(text, "exec", ".")
	if err != nil {
		return err
	}
	if a.settings.Sudo {
		rb.SudoByDefault()
	}
	j := &request{
		id: newRunID(), path: "exec", runbook: rb, inv: inv, started: time.Now(), user: userName(),
		values: map[string]any{"command": command},
	}
	if err := j.build(); err != nil {
		return err
	}
	store, dir, err := a.openStore()
	if err != nil {
		return err
	}
	defer store.Close()
	x := &running{app: a, request: j, brief: true}
	release, err := x.hold(ctx, dir, 0)
	if err != nil {
		return err
	}
	defer release()
	runErr := x.begin(ctx, store)
	if err := a.showOutputs(store, j.id); err != nil {
		return err
	}
	return runErr
}

// answer is what one host gave: output and how it ended.
type answer struct {
	out, err string
	ending   string
}

// showOutputs prints what the hosts said, equal answers once.
func (a *app) showOutputs(store *journal.Store, id string) error {
	if a.settings.Output == "json" {
		return nil
	}
	events, err := store.Read(id)
	if err != nil {
		return err
	}
	hosts := map[answer][]string{}
	var order []answer
	for _, e := range events {
		if e.Kind == run.HostUnreachable {
			a.showUnreached(e)
		}
		if e.Kind != run.AttemptFinished || e.Act != run.Do {
			continue
		}
		got := answer{}
		ref := executor.AttemptRef{Op: e.Op, Act: e.Act, Number: e.Number}
		for stream, target := range map[executor.Stream]*string{executor.Stdout: &got.out, executor.Stderr: &got.err} {
			text, err := store.Output(id, ref, stream)
			if err != nil {
				return err
			}
			*target = string(text)
		}
		if !e.Outcome.Good() {
			got.ending = fmt.Sprintf("%s: %s", e.Outcome, e.Message)
		}
		if hosts[got] == nil {
			order = append(order, got)
		}
		hosts[got] = append(hosts[got], e.Host)
	}
	for _, got := range order {
		head := view.FoldHosts(hosts[got])
		if got.ending != "" {
			head += "  " + got.ending
		}
		writeLine(a.out, head)
		for _, line := range strings.SplitAfter(a.shown(got.out+got.err), "\n") {
			if line != "" {
				_, _ = fmt.Fprint(a.out, "  "+line)
			}
		}
		if text := got.out + got.err; text != "" && !strings.HasSuffix(text, "\n") {
			writeLine(a.out, "")
		}
	}
	return nil
}

// showUnreached tells why a host could not be asked; that is no answer, so it goes to where errors go.
func (a *app) showUnreached(e run.Event) {
	text := e.Host + "  unreachable: " + e.Class + ": " + e.Message
	if e.Reason != "" {
		text += "\n  hint: " + e.Reason
	}
	writeLine(a.err, view.Sanitise(text))
}

// shown makes a host's output safe for a terminal; into a pipe it goes as it is.
func (a *app) shown(text string) string {
	if view.IsTerminal(a.out) {
		return view.Sanitise(text)
	}
	return text
}
