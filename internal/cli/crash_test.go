package cli

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/internal/fleet/realsshd"
)

// binary builds opsctl once, for tests that must be able to kill it.
func binary(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "opsctl")
	out, err := exec.Command("go", "build", "-o", path, "github.com/opsctl/opsctl/cmd/opsctl").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

const sixSteps = `
name: six
hosts: all
on_failure: stop
steps:
  - {id: s1, run: 'echo ${{ host.name }} s1 >> %[1]s; sleep 0.05'}
  - {id: s2, run: 'echo ${{ host.name }} s2 >> %[1]s; sleep 0.05'}
  - {id: s3, run: 'echo ${{ host.name }} s3 >> %[1]s; sleep 0.05', hosts: '~(host|web)1'}
  - {id: s4, run: 'echo ${{ host.name }} s4 >> %[1]s; sleep 0.05'}
  - {id: s5, run: 'echo ${{ host.name }} s5 >> %[1]s; sleep 0.05'}
  - {id: s6, run: 'echo ${{ host.name }} s6 >> %[1]s; sleep 0.05'}
`

// killedAndResumed runs a runbook whose steps append lines to a file, kills opsctl again and again
// at random moments, resumes, and checks that every line is there exactly once.
func killedAndResumed(t *testing.T, opsctl, dir, log string, args []string, hosts, kills int, seed uint64) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	first := append([]string{"-C", dir, "run", "six.yaml", "--output", "json"}, args...)
	resume := append([]string{"-C", dir, "resume", "--output", "json"}, args...)
	next, began := first, false
	for k := 0; ; k++ {
		if k > kills+50 {
			t.Fatalf("seed %d: the run does not end", seed)
		}
		cmd := exec.Command(opsctl, next...)
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if k < kills {
			time.AfterFunc(time.Duration(r.IntN(500))*time.Millisecond, func() { _ = cmd.Process.Kill() })
		}
		err := cmd.Wait()
		if err == nil {
			break
		}
		if strings.Contains(out.String(), "is over: succeeded") { // the kill came after its last event
			break
		}
		if cmd.ProcessState.Exited() && began {
			t.Fatalf("seed %d: exit %d\n%s", seed, cmd.ProcessState.ExitCode(), out.String())
		}
		if _, err := os.Stat(filepath.Join(dir, "state", "store.db")); err == nil {
			began = strings.Contains(out.String(), "run_started") || began
		}
		if began {
			next = resume
		}
	}
	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	seen := map[string]int{}
	for _, line := range lines {
		seen[line]++
	}
	for line, n := range seen {
		if n != 1 {
			t.Errorf("seed %d: %q ran %d times", seed, line, n)
		}
	}
	if want := hosts*5 + 1; len(seen) != want {
		t.Errorf("seed %d: %d different steps ran, want %d", seed, len(seen), want)
	}
}

func TestKilledAndResumedOverRealSSH(t *testing.T) {
	opsctl := binary(t)
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	f := realsshd.Start(t, realsshd.Options{Hosts: 3, Config: []string{"SetEnv HOME=" + t.TempDir()}})
	for seed := range rounds {
		dir := t.TempDir()
		log := filepath.Join(dir, "log")
		write := func(name, text string) {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("six.yaml", fmt.Sprintf(sixSteps, log))
		write("opsctl.yaml", "state-dir: state\ninventory: inventory.yaml\nssh-config: "+f.SSHConfig+"\n")
		write("inventory.yaml", "hosts: {host1: {}, host2: {}, host3: {}}\n")
		killedAndResumed(t, opsctl, dir, log, nil, 3, 6, uint64(seed))
	}
}

func TestInterruptedAtAnyMoment(t *testing.T) {
	opsctl := binary(t)
	b := newBench(t, 3)
	log := filepath.Join(b.dir, "log")
	b.write("six.yaml", fmt.Sprintf(sixSteps, log))
	b.write("inventory.yaml", "hosts: {web1: {}, web2: {}, web3: {}}\n")
	for seed := range 8 {
		r := rand.New(rand.NewPCG(uint64(seed), 2))
		if err := os.RemoveAll(log); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(opsctl, "-C", b.dir, "run", "six.yaml", "--output", "plain")
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		wait := time.Duration(10+r.IntN(400)) * time.Millisecond
		time.AfterFunc(wait, func() { _ = cmd.Process.Signal(os.Interrupt) })
		err := cmd.Wait()
		code := cmd.ProcessState.ExitCode()
		if strings.Contains(out.String(), "goroutine ") {
			t.Fatalf("seed %d: a stack trace:\n%s", seed, out.String())
		}
		if code == -1 { // before opsctl listens, a signal ends it as any program; nothing was started
			continue
		}
		if code != 0 && code != 130 {
			t.Fatalf("seed %d: exit %d (%v)\n%s", seed, code, err, out.String())
		}
		if code == 130 {
			if !strings.Contains(out.String(), "opsctl resume") {
				t.Errorf("seed %d: the last words do not say how to go on:\n%s", seed, out.String())
			}
			b.want(0, "resume")
		}
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Fields(strings.ReplaceAll(strings.TrimSpace(string(text)), " ", "-")); len(lines) != 16 || duplicates(lines) {
			t.Errorf("seed %d: %v", seed, lines)
		}
	}
}

func duplicates(lines []string) bool {
	seen := map[string]bool{}
	for _, l := range lines {
		if seen[l] {
			return true
		}
		seen[l] = true
	}
	return false
}
