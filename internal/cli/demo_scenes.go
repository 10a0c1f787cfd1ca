package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/opsctl/opsctl/internal/fleet"
)

// crashWarmup is how many seconds the hosts of the second wave take to restart: time enough to
// kill opsctl meanwhile.
const crashWarmup = "2"

const crashLook = 10 * time.Millisecond // how often is looked for the moment to kill

func (d *demo) good(ctx context.Context) error {
	d.say("A release goes through: one host, then half of them, then all, each asked over HTTP whether it is well.")
	return d.opsctl(ctx, 0, "run", demoRunbook, "-p", "version="+releaseGood, "-p", "soak=1s", "-p", "patience=3s")
}

// before brings the hosts to where the bad release finds them.
func (d *demo) before(ctx context.Context) error {
	d.say("So that there is something to go back to, a good release is put on the hosts first.")
	return d.opsctl(ctx, 0, "run", demoRunbook, "-p", "version="+releaseGood, "-p", "soak=1s", "-p", "patience=3s", "--quiet")
}

func (d *demo) bad(ctx context.Context) error {
	d.say("The next release is bad, in a way that does not show on web1, which is the first wave.\nIt is taken back everywhere, the database too: exit code 3 says so.")
	return d.opsctl(ctx, 3, "run", demoRunbook, "-p", "version="+releaseBad, "-p", "soak=1s", "-p", "patience=3s")
}

func (d *demo) history(ctx context.Context) error {
	return d.opsctl(ctx, 0, "history")
}

// listing shows where each host stands, looked up in its directory and asked over HTTP, and not
// through opsctl. All must serve the good release, and hold no trace of another.
func (d *demo) listing(ctx context.Context) error {
	d.say("What is on the hosts now, seen from beside opsctl:")
	var rows [][]string
	var wrong []string
	for i, h := range d.webs() {
		row, err := d.seeWeb(ctx, h, d.sites[i])
		if err != nil {
			return err
		}
		rows = append(rows, row)
		if want := []string{h.Name, "releases/" + releaseGood, releaseGood, "200 " + releaseGood + " is well"}; fmt.Sprint(row) != fmt.Sprint(want) {
			wrong = append(wrong, h.Name)
		}
	}
	d.table([]string{"HOST", "CURRENT", "RELEASES", "ANSWERS"}, rows)
	schema, err := os.ReadFile(filepath.Join(appOf(d.db()), "shared", "schema"))
	if err != nil {
		return err
	}
	number := strings.TrimSpace(string(schema))
	d.write("db1 has schema " + number + "; " + releaseGood + " needs " + demoSchemas[releaseGood] + ".\n")
	if number != demoSchemas[releaseGood] {
		wrong = append(wrong, "db1")
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%s: not what %s left there", strings.Join(wrong, ", "), releaseGood)
	}
	return nil
}

func (d *demo) seeWeb(ctx context.Context, h *fleet.Host, s *site) (row []string, err error) {
	current, err := os.Readlink(filepath.Join(appOf(h), "current"))
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Join(appOf(h), "releases"))
	if err != nil {
		return nil, err
	}
	var releases []string
	for _, e := range entries {
		releases = append(releases, e.Name())
	}
	answer, err := s.ask(ctx)
	if err != nil {
		return nil, err
	}
	return []string{h.Name, current, strings.Join(releases, " "), answer}, nil
}

// crash kills opsctl while hosts of the second wave restart.
func (d *demo) crash(ctx context.Context) error {
	slow := d.webs()[1:3]
	for _, h := range slow {
		if err := os.WriteFile(filepath.Join(appOf(h), "shared", "warmup"), []byte(crashWarmup+"\n"), 0o644); err != nil {
			return err
		}
	}
	d.say("web2 and web3, the second wave, take " + crashWarmup + " seconds to restart. While they do, opsctl is killed (SIGKILL).")
	child := d.child(ctx, "run", demoRunbook, "-p", "version="+releaseGood, "-p", "soak=1s", "-p", "patience=3s")
	// A live screen that is killed cannot give the terminal back.
	child.Env = append(child.Env, "OPSCTL_OUTPUT=plain")
	if err := child.Start(); err != nil {
		return err
	}
	var end error // known when ended is closed
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		end = child.Wait()
	}()
	for !restarting(slow) {
		select {
		case <-ended:
			return fmt.Errorf("opsctl ended before it could be killed: %v", end)
		case <-time.After(crashLook):
		}
	}
	if err := child.Process.Kill(); err != nil {
		return err
	}
	<-ended
	if err := ctx.Err(); err != nil {
		return err
	}
	d.say("opsctl is dead. The restarts go on: they belong to the hosts. The journal knows how far the run was.")
	return d.history(ctx)
}

func restarting(hosts []*fleet.Host) bool {
	for _, h := range hosts {
		if lines(filepath.Join(appOf(h), "shared", "restarts.log")) == 0 {
			return false
		}
	}
	return true
}

func (d *demo) resume(ctx context.Context) error {
	d.say("Going on, opsctl asks the hosts what became of what it had begun.")
	if err := d.opsctl(ctx, 0, "resume"); err != nil {
		return err
	}
	return d.history(ctx)
}

// counts proves that nothing ran twice: the programs of the release write a line each time.
func (d *demo) counts(context.Context) error {
	d.say("How often each host did what must be done once, counted in the lines that the programs themselves wrote:")
	var rows [][]string
	var wrong []string
	count := func(h *fleet.Host, what, file string) {
		n := lines(filepath.Join(appOf(h), "shared", file))
		rows = append(rows, []string{h.Name, what, fmt.Sprint(n)})
		if n != 1 {
			wrong = append(wrong, h.Name)
		}
	}
	for _, h := range d.webs() {
		count(h, "restarts", "restarts.log")
	}
	count(d.db(), "migrations", "migrations.log")
	d.table([]string{"HOST", "WHAT", "TIMES"}, rows)
	if len(wrong) > 0 {
		return fmt.Errorf("%s: not exactly once", strings.Join(wrong, ", "))
	}
	return nil
}

// lines counts the lines of a file; one that is not there has none.
func lines(path string) int {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	return strings.Count(string(text), "\n")
}
