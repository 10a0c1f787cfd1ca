package journal

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/opsctl/opsctl/pkg/executor"
	"github.com/opsctl/opsctl/pkg/run"
)

// TestFault_05_KillAnywhere kills a writing process at many moments. What it said is durable must
// be there, whole, and what it had not said may only be whole batches.
func TestFault_05_KillAnywhere(t *testing.T) {
	dir := stateDir(t)
	random := rand.New(rand.NewPCG(1, 2))
	rounds := 25
	if testing.Short() {
		rounds = 4
	}
	for round := range rounds {
		id := fmt.Sprintf("01KILL%02d", round)
		cmd := process("write", dir, id)
		out := must(cmd.StdoutPipe())(t)
		check(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for range random.IntN(30) + 1 {
			if !lines.Scan() {
				t.Fatal("the process ended by itself")
			}
		}
		// It goes on meanwhile: the signal meets it anywhere in its next commits.
		check(t, cmd.Process.Kill())
		said := int64(0)
		for ok := true; ok; ok = lines.Scan() {
			said = must(strconv.ParseInt(lines.Text(), 10, 64))(t)
		}
		_ = cmd.Wait()
		checkSurvivor(t, dir, id, said)
	}
}

func checkSurvivor(t *testing.T, dir, id string, said int64) {
	t.Helper()
	s := must(Open(dir))(t)
	defer func() { check(t, s.Close()) }()
	if info := must(s.Find(id))(t); info.State != Interrupted {
		t.Fatalf("%s: a dead run is shown as %s", id, info.State)
	}
	r, got, err := s.Reopen(id, Self())
	check(t, err)
	n := int64(len(got))
	if n < said || n%3 != 0 {
		t.Fatalf("%s: %d events are left of %d that were durable, in batches of 3", id, n, said)
	}
	same(t, id, events(1, n), got)
	for _, e := range got {
		if out := string(must(s.Output(id, refOf(e), executor.Stdout))(t)); !strings.Contains(out, fmt.Sprintf("output %d\n", e.Seq)) {
			t.Fatalf("%s: the output of event %d is %q", id, e.Seq, out)
		}
	}
	check(t, r.Append(events(n+1, n+2)))
	check(t, r.Close())
}

// TestFault_08_PowerLoss cuts the write-ahead log where the power may have gone, also with noise
// in what the disk was writing just then. What is left is the events of whole commits.
func TestFault_08_PowerLoss(t *testing.T) {
	dir := stateDir(t)
	s := must(Open(dir))(t)
	check(t, must(s.Create(header("01RUN1")))(t).Close())
	check(t, s.Close()) // the tables are in the database now, and the log is empty
	s = open(t, dir)
	r, _, err := s.Reopen("01RUN1", Self())
	check(t, err)
	for seq := int64(1); seq <= 90; seq += 3 {
		check(t, r.Append(events(seq, seq+2)))
	}
	base := must(os.ReadFile(filepath.Join(dir, "store.db")))(t)
	log := must(os.ReadFile(filepath.Join(dir, "store.db-wal")))(t)
	check(t, r.Close())
	after := stateDir(t)
	random := rand.New(rand.NewPCG(5, 6))
	lengths := map[int]bool{}
	for i := range 300 {
		cut := random.IntN(len(log) + 1)
		left := append([]byte(nil), log[:cut]...)
		for at := max(0, cut-random.IntN(5000)*(i%2)); at < cut; at++ {
			left[at] = byte(random.Uint32())
		}
		check(t, os.WriteFile(filepath.Join(after, "store.db"), base, 0o600))
		check(t, os.WriteFile(filepath.Join(after, "store.db-wal"), left, 0o600))
		got, err := readAll(after)
		if err != nil || len(got)%3 != 0 {
			t.Fatalf("cut at %d of %d: %d events, %v", cut, len(log), len(got), err)
		}
		same(t, fmt.Sprintf("cut at %d", cut), events(1, int64(len(got))), got)
		lengths[len(got)] = true
	}
	if len(lengths) < 25 {
		t.Errorf("only %d different prefixes were seen", len(lengths))
	}
}

// TestFault_20_BitFlips damages the database in many places. Whatever is read then is a prefix
// of what was written, or an error.
func TestFault_20_BitFlips(t *testing.T) {
	dir := stateDir(t)
	s := must(Open(dir))(t)
	r := must(s.Create(header("01RUN1")))(t)
	check(t, r.Append(events(1, 200)))
	check(t, r.Close())
	check(t, s.Close())
	path := filepath.Join(dir, "store.db")
	whole := must(os.ReadFile(path))(t)
	random := rand.New(rand.NewPCG(3, 4))
	var refused, corrupt, untouched int
	for i := range 400 {
		damaged := append([]byte(nil), whole...)
		at := random.IntN(len(damaged))
		damaged[at] ^= 1 << random.IntN(8)
		if i%10 == 0 {
			damaged = damaged[:at]
		}
		check(t, os.WriteFile(path, damaged, 0o600))
		got, err := readAll(dir)
		var c *CorruptError
		switch {
		case errors.As(err, &c):
			corrupt++
			if c.AfterSeq != int64(len(got)) {
				t.Errorf("flip at %d: %v with %d events", at, err, len(got))
			}
		case err != nil:
			refused++
			if len(got) != 0 {
				t.Errorf("flip at %d: events beside %v", at, err)
			}
		default:
			untouched++
			if len(got) != 200 {
				t.Errorf("flip at %d: %d events and no error", at, len(got))
			}
		}
		same(t, fmt.Sprintf("flip at %d", at), events(1, int64(len(got))), got)
	}
	t.Logf("refused %d, corrupt %d, not noticed for being elsewhere %d", refused, corrupt, untouched)
	if corrupt < 100 {
		t.Errorf("only %d flips were found in events", corrupt)
	}
}

func readAll(dir string) ([]run.Event, error) {
	s, err := Open(dir)
	if err != nil {
		return nil, err
	}
	got, err := s.Read("01RUN1")
	return got, errors.Join(err, s.Close())
}

func TestFault_20_LostEvents(t *testing.T) {
	for name, c := range map[string]struct {
		damage string
		left   int64
		reason string
	}{
		"middle":  {"DELETE FROM events WHERE seq = 5", 4, "event 5 is missing"},
		"end":     {"DELETE FROM events WHERE seq > 8", 8, "there should be 10 events, and there are 8"},
		"swapped": {"UPDATE events SET body = (SELECT body FROM events WHERE seq = 7) WHERE seq = 3", 2, "checksum of event 3"},
		"forged":  {"UPDATE events SET body = CAST(replace(CAST(body AS TEXT), 'web1', 'web9') AS BLOB) WHERE seq = 1", 0, "checksum of event 1"},
		"all":     {"DELETE FROM events", 0, "there should be 10"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, stateDir(t))
			r := must(s.Create(header("01RUN1")))(t)
			check(t, r.Append(events(1, 10)))
			check(t, s.exec(c.damage))
			check(t, r.Close())
			got, err := s.Read("01RUN1")
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) || corrupt.AfterSeq != c.left || !strings.Contains(corrupt.Reason, c.reason) {
				t.Fatalf("got %v", err)
			}
			same(t, name, events(1, c.left), got)
			if _, _, err := s.Reopen("01RUN1", Self()); !errors.As(err, &corrupt) {
				t.Errorf("it is reopened: %v", err)
			}
			if _, err := s.Attempts("01RUN1"); !errors.As(err, &corrupt) && c.left > 0 {
				t.Errorf("attempts: %v", err)
			}
		})
	}
}

func TestDamagedOutputAndInputs(t *testing.T) {
	s := open(t, stateDir(t))
	r := must(s.Create(header("01RUN1")))(t)
	check(t, r.Keep(refOf(event(1)), executor.Stdout, []byte("text")))
	check(t, r.Append(events(1, 1)))
	check(t, s.exec("UPDATE chunks SET data = x'00'"))
	check(t, s.exec("UPDATE texts SET inputs = x'00'"))
	var e *Error
	if _, err := s.Output("01RUN1", refOf(event(1)), executor.Stdout); !errors.As(err, &e) || e.Kind != Damaged {
		t.Errorf("output: %v", err)
	}
	if _, err := s.Inputs("01RUN1"); !errors.As(err, &e) || e.Kind != Damaged {
		t.Errorf("inputs: %v", err)
	}
	check(t, r.Close())
}

// TestSeveralProcesses has four processes create one store and write to it at once.
func TestSeveralProcesses(t *testing.T) {
	dir := filepath.Join(stateDir(t), "new")
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			if out, err := process("some", dir, fmt.Sprintf("01MANY%d", i)).CombinedOutput(); err != nil {
				t.Errorf("process %d: %v: %s", i, err, out)
			}
		})
	}
	all.Wait()
	s := open(t, dir)
	for i := range 4 {
		same(t, "events", events(1, 120), must(s.Read(fmt.Sprintf("01MANY%d", i)))(t))
	}
}

func TestTwoOwners(t *testing.T) {
	dir := stateDir(t)
	cmd := process("write", dir, "01OWNED")
	out := must(cmd.StdoutPipe())(t)
	check(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill() }()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("the process ended by itself")
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() { // so that it is never held up
			continue
		}
	}()
	s := open(t, dir)
	if info := must(s.Find("01OWNED"))(t); info.State != Running || info.Owner.PID != cmd.Process.Pid {
		t.Errorf("got %+v", info)
	}
	_, _, err := s.Reopen("01OWNED", Self())
	var owned *OwnedError
	if !errors.As(err, &owned) || owned.Owner.PID != cmd.Process.Pid {
		t.Errorf("got %v", err)
	}
	if _, err := s.Create(header("01OWNED")); !errors.As(err, &owned) {
		t.Errorf("got %v", err)
	}
	check(t, cmd.Process.Kill())
	<-drained
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Errorf("got %v", err)
	}
	r, _, err := s.Reopen("01OWNED", Self())
	check(t, err)
	if _, _, err := s.Reopen("01OWNED", Self()); !errors.As(err, &owned) || owned.Owner.PID != os.Getpid() {
		t.Errorf("got %v", err)
	}
	check(t, r.Close())
}

func TestFault_15_OwnerIsNotItsPID(t *testing.T) {
	me := Self()
	if me.gone() {
		t.Error("this process is gone")
	}
	if me.Start == "" {
		t.Skip("start times of processes are not known here")
	}
	other := me
	other.Start = "1"
	if !other.gone() {
		t.Error("a later process of the same number is taken for it")
	}
	other = me
	other.Boot = "another"
	if !other.gone() {
		t.Error("a process of before the boot is taken for it")
	}
}
