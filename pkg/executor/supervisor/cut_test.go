package supervisor

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/opsctl/opsctl/pkg/executor"
)

var (
	cutCount  = flag.Int("cuts", 200, "attempts whose links are cut")
	raceCount = flag.Int("races", 300, "races of a request against the question what became of it")
	seed      = flag.Uint64("seed", 1, "of the moments of the cuts")
)

func TestFault_33_CutsAtRandomMoments(t *testing.T) {
	kinds := shells(t)
	for name, argv := range kinds {
		t.Run(name, func(t *testing.T) { cuts(t, newBed(t, argv...), *cutCount/len(kinds)) })
	}
}

// cuts runs n attempts, each of which appends its id to a file, and cuts the links meanwhile.
// What the Ending says must be what the file says.
func cuts(t *testing.T, b *bed, n int) {
	r := rand.New(rand.NewPCG(*seed, 33))
	effects := filepath.Join(t.TempDir(), "effects")
	b.ready()
	said := map[string]executor.Ending{}
	for k := range n {
		id := fmt.Sprintf("a.%d", k)
		code := k * 7 % 126
		c := executor.Command{
			Script: fmt.Sprintf("echo %[1]s >>%[2]s; echo out %[1]s; sleep 0.0%[3]d; echo err %[1]s >&2; exit %[4]d", id, effects, r.IntN(6), code),
			Env:    map[string]string{"A": strings.Repeat("x", 200)},
		}
		stop := cutSometime(b, r)
		e, out, err := b.run(id, c)
		stop()
		said[id] = e
		switch {
		case e.Verdict == executor.NeverRan && out+err == "":
		case e == executor.Ending{Exit: code} && out == "out "+id+"\n" && err == "err "+id+"\n":
		default:
			t.Errorf("seed %d, %s: %+v %q %q, want exit %d", *seed, id, e, out, err, code)
		}
	}
	ran := map[string]int{}
	text, err := os.ReadFile(effects)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range strings.Fields(string(text)) {
		ran[id]++
	}
	for id, e := range said {
		if want := 1 - int(e.Verdict); ran[id] != want {
			t.Errorf("seed %d, %s ran %d times, and its ending says %+v", *seed, id, ran[id], e)
		}
	}
}

// cutSometime cuts the links before, in, or after the request that follows. The moment is only
// where the attack falls: no result depends on it.
func cutSometime(b *bed, r *rand.Rand) (stop func()) {
	var after time.Duration
	switch r.IntN(5) {
	case 0:
		b.link.cutWithin(r.IntN(800))
		return func() {}
	case 1:
		after = time.Duration(r.IntN(3000)) * time.Microsecond
	case 2, 3:
		after = time.Duration(r.IntN(70)) * time.Millisecond
	case 4:
		return func() {}
	}
	timer := time.AfterFunc(after, b.link.cut)
	return func() { timer.Stop() }
}

func TestFault_34_RaceOfStartAgainstSettle(t *testing.T) {
	b := newBed(t)
	effects := filepath.Join(t.TempDir(), "effects")
	facts := b.ready()
	other := b.again()
	other.ready()
	r := rand.New(rand.NewPCG(*seed, 34))
	said := map[string][2]executor.Ending{}
	for k := range *raceCount {
		id := fmt.Sprint("r", k)
		a := executor.Attempt{ID: id, Command: executor.Command{Script: "echo " + id + " >>" + effects}}
		ran := make(chan executor.Ending, 1)
		go func() { ran <- b.Run(context.Background(), a, nil) }()
		for end := time.Now().Add(time.Duration(r.IntN(1500)) * time.Microsecond); time.Now().Before(end); {
		}
		settled := other.Settle(context.Background(), a, facts.Boot, nil)
		said[id] = [2]executor.Ending{<-ran, settled}
	}
	text, err := os.ReadFile(effects)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	never := 0
	for id, s := range said {
		n := strings.Count("\n"+string(text), "\n"+id+"\n")
		if s[0].Verdict != s[1].Verdict || s[0].Verdict == executor.NotLearned || n != 1-int(s[0].Verdict) {
			t.Errorf("%s ran %d times; Run says %+v, Settle %+v", id, n, s[0], s[1])
		}
		never += 1 - n
	}
	t.Logf("%d of %d never ran", never, len(said))
}

func TestReadsAreRepeatedWhenTheLinkBreaks(t *testing.T) {
	b := newBed(t)
	for k := range 3 {
		b.Ask(context.Background(), executor.Command{Script: "true"}, nil)
		b.link.cut()
		var h heardOf
		if e := b.Ask(context.Background(), executor.Command{Script: "echo x"}, h.sink); e != (executor.Ending{}) || h.out.String() != "x\n" {
			t.Fatalf("%d: %+v %q", k, e, h.out.String())
		}
	}
}

func TestAReadThatTakesTooLongIsEnded(t *testing.T) {
	b := newBed(t)
	e := b.Ask(context.Background(), executor.Command{Script: "sleep 60", Timeout: 300 * time.Millisecond}, nil)
	if e.Verdict != executor.Ended || !e.TimedOut {
		t.Fatalf("%+v", e)
	}
	ctx, cancel := context.WithCancel(context.Background())
	e = b.Ask(ctx, executor.Command{Script: "echo go; sleep 60"}, func(executor.Stream, []byte) { cancel() })
	if e.Verdict != executor.Ended || !e.Cancelled {
		t.Fatalf("%+v", e)
	}
}
