package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/opsctl/opsctl/internal/drill"
	"github.com/opsctl/opsctl/pkg/run"
	"github.com/opsctl/opsctl/pkg/runbook/expression"
)

// drillKills are the events of a step after which opsctl is killed, each in a run of its own.
var drillKills = []run.Kind{run.AttemptStarted, run.AttemptFinished}

// killed drills a step in a process that is killed on the way, and another that goes on with the run.
// It must end as the run that nobody killed.
func (d *drilling) killed(ctx context.Context, t drillTarget, kill run.Kind, whole told, row *drillRow) error {
	j, err := d.request(t)
	if err != nil {
		return err
	}
	if err := d.aim(ctx, j); err != nil {
		return err
	}
	if err := (&running{app: d.app, request: j}).laidDown(d); err != nil {
		return err
	}
	at := run.Event{Kind: kill, Op: whole.state.Name(whole.request.plan.Drill.Op), Act: run.Do}
	died, err := d.child(ctx, j, &at)
	if err == nil && died {
		_, err = d.child(ctx, j, nil)
	}
	if err != nil {
		return err
	}
	seen, err := d.read(j)
	if err != nil {
		return err
	}
	crashed := drillRow{Run: j.id}
	trial := seen.trial(t.step)
	if err := d.compare(ctx, t, seen, &trial, &crashed); err != nil {
		return err
	}
	crash := drillCrash{After: kill, Run: j.id, Same: true}
	if why := whole.otherwise(seen); why != "" || crashed.Verdict != row.Verdict {
		crash.Same = false
		row.Verdict, row.Why = drill.Wrong, fmt.Sprintf("killed after %s and resumed, run %s ended otherwise: %s", kill, shortID(j.id), otherwiseWords(why, crashed))
		row.Differ = crashed.Differ
	}
	row.Crashes = append(row.Crashes, crash)
	return nil
}

func otherwiseWords(why string, crashed drillRow) string {
	if why != "" {
		return why
	}
	return strings.TrimSuffix(fmt.Sprintf("%s, %s", crashed.Verdict, crashed.Why), ", ")
}

// laidDown makes the journal of a run that another process is to begin.
func (x *running) laidDown(d *drilling) error {
	if err := x.start(d.store); err != nil {
		return err
	}
	return x.journal.Close()
}

// otherwise tells how the run of a killed opsctl differs from one that was not: in its result, in what
// became of the step, or in how often something was done.
func (s told) otherwise(crashed told) string {
	mine, other := s.state.Finished(), crashed.state.Finished()
	if mine.Result != other.Result {
		return fmt.Sprintf("%s, not %s", other.Result, mine.Result)
	}
	i := s.request.plan.Drill.Op
	a, b := s.state.See(i), crashed.state.See(i)
	if a.Status != b.Status || a.Back != b.Back {
		return fmt.Sprintf("the step is %s and %s, not %s and %s", b.Status, b.Back, a.Status, a.Back)
	}
	for _, act := range []run.Act{run.Do, run.Undo} {
		if n, want := crashed.times(act), s.times(act); n != want {
			return fmt.Sprintf("its %s ran %d times, not %d", act, n, want)
		}
	}
	return ""
}

// times counts how often an act of the drilled op ran on its host. What never ran does not count.
func (s told) times(act run.Act) int {
	op, n := s.state.Name(s.request.plan.Drill.Op), 0
	for _, e := range s.events {
		if e.Kind == run.AttemptFinished && e.Op == op && e.Act == act && e.Outcome != run.Unreachable {
			n++
		}
	}
	return n
}

// child goes on with a run in a process of its own, and kills that once an event is durable. It tells
// whether it did.
func (d *drilling) child(ctx context.Context, j *request, kill *run.Event) (bool, error) {
	program, err := os.Executable()
	if err != nil {
		return false, err
	}
	var said strings.Builder
	cmd := exec.CommandContext(ctx, program, d.arguments(j)...)
	cmd.Env = append(os.Environ(), d.secrets(j)...)
	cmd.Stderr = &said
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = demoLeaveMax
	events, err := cmd.StdoutPipe()
	if err != nil {
		return false, err
	}
	if err := cmd.Start(); err != nil {
		return false, err
	}
	died := untilEvent(events, kill)
	if died {
		err = cmd.Process.Kill()
	}
	if waitErr := cmd.Wait(); !died && err == nil && said.Len() > 0 && waitErr != nil {
		return false, fmt.Errorf("opsctl resume %s: %s", shortID(j.id), strings.TrimSpace(said.String()))
	}
	return died, err
}

// untilEvent reads events until the one that is looked for; nil is none, and all are read.
func untilEvent(r io.Reader, look *run.Event) bool {
	in := bufio.NewReader(r)
	for {
		line, err := in.ReadBytes('\n')
		var e run.Event
		if look != nil && json.Unmarshal(line, &e) == nil && e.Kind == look.Kind && e.Op == look.Op && e.Act == look.Act {
			return true
		}
		if err != nil {
			return false
		}
	}
}

// arguments let another opsctl go on with a run as this one would.
func (d *drilling) arguments(j *request) []string {
	s := d.app.settings
	args := []string{"resume", j.id, "--output", "json", "--state-dir", d.dir, "--host-key", s.HostKey, "--yes"}
	if s.SSHConfig != "" {
		args = append(args, "--ssh-config", s.SSHConfig)
	}
	if s.SudoPasswordFile != "" {
		args = append(args, "--sudo-password-file", s.SudoPasswordFile)
	}
	if s.Config != "" {
		args = append(args, "--config", s.Config)
	}
	return args
}

// secrets gives secret params, and the sudo password, to another opsctl: they are in no journal.
func (d *drilling) secrets(j *request) []string {
	var env []string
	if d.app.sudoPassword != "" {
		env = append(env, sudoVariable+"="+d.app.sudoPassword)
	}
	for _, p := range j.runbook.Params {
		if text, err := expression.Format(j.values[p.Name]); err == nil && p.Secret {
			env = append(env, "OPSCTL_PARAM_"+strings.ToUpper(p.Name)+"="+text)
		}
	}
	return env
}
